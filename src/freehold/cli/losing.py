# SPDX-License-Identifier: Apache-2.0
"""What would stop without somebody: of an assessed code base, or of an estate."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import click
import msgspec

from freehold.admin.keys import EVERY_SERVICE, KeyRecord, Standing
from freehold.admin.readable import require_estate
from freehold.admin.state import read_api_keys
from freehold.assess.exposure.assessment import Assessment
from freehold.assess.exposure.losing import Carries, Fate, Outcome, Scope, Without, outcomes, read_without
from freehold.bootstrap.consult import consult
from freehold.bootstrap.foresight import Foreseen, foreseen_by
from freehold.cli import output
from freehold.continuity.readiness import Fate as ServiceFate
from freehold.contract.estate import Estate
from freehold.policy.facts import Register, load_register
from freehold.policy.facts.states import STATES
from freehold.route.names import Names

_COLOURS = {Fate.STOPS: "red", Fate.MAY_STOP: "yellow", Fate.DEGRADED: "yellow", Fate.GOES_ON: "green"}
_ESTATE_COLOURS = {ServiceFate.STOPS: "red", ServiceFate.QUEUES: "yellow", ServiceFate.SURVIVES: "green"}
_BY_FILES = "This is by the estate's files: calls and free slots are not known."
Verdict = Mapping[str, Any]  # of a service, in the shape that status has


def show_outcomes(assessment: Assessment, written: str, register: Register, estate: Estate, *, as_json: bool) -> None:
    """Application by application. An estate, where there is one, says what it could carry, and on what."""
    without = read_without(written, register, (one.provider for one in assessment.dependencies))
    is_there = estate.settings.is_file()
    found = outcomes(assessment, without, _carries(estate) if is_there else None)
    verdicts = _services(foreseen_by(estate, without.states), without) if is_there else []
    becomes = {one["service"]: one for one in verdicts}
    if as_json:
        applications = [
            {**msgspec.to_builtins(one), "services": [becomes[name] for name in one.carried if name in becomes]}
            for one in found
        ]
        output.emit("without", {**_view(without), "applications": applications})
        return
    output.say(click.style(_heading(without), bold=True))
    if not found:
        output.say("No application of what was read depends on anybody, or is known to ask its own.")
    for outcome in found:
        fate = click.style(outcome.fate.ljust(18), fg=_COLOURS[outcome.fate])
        output.say(f"  {fate} {outcome.application}: {_said(outcome, becomes)}")


def show_loss(estate: Estate, written: str, *, as_json: bool) -> None:
    """Service by service, and application by application, from facts, routes, acceptance and capacity as they are."""
    require_estate(estate)
    register = load_register(estate.facts)
    asked = {register.statutes[written].state} if written in register.statutes else {written} & set(STATES)
    foreseen = foreseen_by(estate, asked)
    without = read_without(written, register, (loss["name"] for loss in foreseen.losses if loss["kind"] == "provider"))
    services = _services(foreseen, without)
    applications = list(_applications(estate, services))
    if as_json:
        shown = {"up": foreseen.up, "services": services, "applications": applications}
        output.emit("without", {**_view(without), **shown})
        return
    output.say(click.style(_heading(without), bold=True))
    if not services:
        output.say("Nothing changes: no service of this estate uses a provider that would be lost.")
    for service in services:
        fate = click.style(service["fate"].ljust(24), fg=_ESTATE_COLOURS[ServiceFate(service["fate"])])
        aliases = f" ({', '.join(service['aliases'])})" if service["aliases"] else ""
        output.say(f"  {fate} {service['service']}{aliases}: {service['reason']}")
    _show_applications(applications)
    if services and foreseen.by_files:
        output.note(_BY_FILES)


def _applications(estate: Estate, services: list[Verdict]) -> Iterator[dict[str, Any]]:
    """Each API key that works is an application: what becomes of it, by the services that it may ask."""
    for key in read_api_keys(estate.state) if services else ():
        if key.standing(time.time()) is Standing.ACTIVE:
            asked = [one for one in services if _may_ask(key, one)]
            yield {
                "key": key.id,
                "label": key.label,
                "fate": _fate_of(asked),
                "services": [{name: one[name] for name in ("service", "fate", "target")} for one in asked],
            }


def _may_ask(key: KeyRecord, service: Verdict) -> bool:
    return key.services == EVERY_SERVICE or service["service"] in key.services


def _fate_of(asked: list[Verdict]) -> Fate:
    stopping = sum(one["fate"] == ServiceFate.STOPS for one in asked)
    if asked and stopping == len(asked):
        return Fate.STOPS
    return Fate.DEGRADED if stopping else Fate.GOES_ON


def _show_applications(applications: list[dict[str, Any]]) -> None:
    if applications:
        output.say("Applications, by their keys:")
    for one in applications:
        fate = click.style(one["fate"].ljust(24), fg=_COLOURS[one["fate"]])
        becomes = "; ".join(f"{service['service']} {_on(service)}" for service in one["services"])
        output.say(f"  {fate} {one['label'] or one['key']}: {becomes or 'no service that it may ask'}")


def _on(service: Verdict) -> str:
    if service["fate"] == ServiceFate.STOPS:
        return "stops"
    queues = ", with queueing" if service["fate"] == ServiceFate.QUEUES else ""
    return f"goes on with {service['target']}{queues}"


def _carries(estate: Estate) -> Carries:
    """By the names that the services of the estate answer to."""
    names = Names(consult(estate).services)

    def service_of(model: str) -> str:
        found = names.service(model)
        return found.name if found is not None else ""

    return service_of


def _services(foreseen: Foreseen, without: Without) -> list[Verdict]:
    wanted = ("provider", without.name) if without.scope is Scope.PROVIDER else ("authority", *without.states)
    loss = next((one for one in foreseen.losses if (one["kind"], one["name"]) == wanted), None)
    return (
        [{**one, "aliases": list(foreseen.aliases.get(one["service"], ()))} for one in loss["services"]] if loss else []
    )


def _view(without: Without) -> dict[str, Any]:
    return {"kind": without.scope, "name": without.name, "states": sorted(without.states)}


def _heading(without: Without) -> str:
    if without.scope is Scope.PROVIDER:
        return f"Without {without.name}"
    state = ", ".join(sorted(without.states))
    return f"Without all that {state} can compel" + (f" ({without.name})" if without.scope is Scope.STATUTE else "")


def _said(outcome: Outcome, becomes: Mapping[str, Verdict]) -> str:
    parts = [outcome.reason]
    if outcome.remaining and outcome.lost:
        parts.append(f"goes on to ask {', '.join(outcome.remaining)}")
    if outcome.carried:
        parts.append(f"this estate answers to its models as {', '.join(outcome.carried)}, once it has its base URL")
    parts += [f"{name} {_on(becomes[name])}" for name in outcome.carried if name in becomes]
    return "; ".join(parts)
