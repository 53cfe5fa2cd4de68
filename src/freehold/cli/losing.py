# SPDX-License-Identifier: Apache-2.0
"""What would stop without somebody: of an assessed code base, or of an estate."""

from collections.abc import Mapping
from typing import Any

import click
import msgspec

from freehold.admin.readable import require_estate
from freehold.assess.exposure.assessment import Assessment
from freehold.assess.exposure.losing import Carries, Fate, Outcome, Scope, Without, outcomes, read_without
from freehold.bootstrap.consult import consult
from freehold.bootstrap.foresight import Foreseen, foreseen_by
from freehold.cli import output
from freehold.continuity.readiness import Fate as ServiceFate
from freehold.contract.estate import Estate
from freehold.policy.facts import Register, load_register
from freehold.route.names import Names

_COLOURS = {Fate.STOPS: "red", Fate.MAY_STOP: "yellow", Fate.DEGRADED: "yellow", Fate.GOES_ON: "green"}
_ESTATE_COLOURS = {ServiceFate.STOPS: "red", ServiceFate.QUEUES: "yellow", ServiceFate.SURVIVES: "green"}


def show_outcomes(assessment: Assessment, written: str, register: Register, estate: Estate, *, as_json: bool) -> None:
    """Application by application. An estate, where there is one, says what it could carry."""
    without = read_without(written, register, (one.provider for one in assessment.dependencies))
    found = outcomes(assessment, without, _carries(estate) if estate.settings.is_file() else None)
    if as_json:
        output.emit("without", {**_view(without), "applications": msgspec.to_builtins(found)})
        return
    output.say(click.style(_heading(without), bold=True))
    if not found:
        output.say("No application of what was read depends on anybody, or is known to ask its own.")
    for outcome in found:
        fate = click.style(outcome.fate.ljust(18), fg=_COLOURS[outcome.fate])
        output.say(f"  {fate} {outcome.application}: {_said(outcome)}")


def show_loss(estate: Estate, written: str, *, as_json: bool) -> None:
    """Service by service, from facts, routes, acceptance and capacity as they are."""
    require_estate(estate)
    register, foreseen = load_register(estate.facts), foreseen_by(estate)
    without = read_without(written, register, (loss["name"] for loss in foreseen.losses if loss["kind"] == "provider"))
    services = _services(foreseen, without)
    if as_json:
        output.emit("without", {**_view(without), "up": foreseen.up, "services": services})
        return
    output.say(click.style(_heading(without), bold=True))
    if not services:
        output.say("Nothing changes: no service of this estate uses a provider that would be lost.")
    for service in services:
        fate = click.style(service["fate"].ljust(24), fg=_ESTATE_COLOURS[ServiceFate(service["fate"])])
        aliases = f" ({', '.join(service['aliases'])})" if service["aliases"] else ""
        output.say(f"  {fate} {service['service']}{aliases}: {service['reason']}")
    if services and not foreseen.up:
        output.note("The estate is down: this is by its files, and calls and free slots are not known.")


def _carries(estate: Estate) -> Carries:
    """By the names that the services of the estate answer to."""
    names = Names(consult(estate).services)

    def service_of(model: str) -> str:
        found = names.service(model)
        return found.name if found is not None else ""

    return service_of


def _services(foreseen: Foreseen, without: Without) -> list[Mapping[str, Any]]:
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


def _said(outcome: Outcome) -> str:
    parts = [outcome.reason]
    if outcome.remaining and outcome.lost:
        parts.append(f"goes on to ask {', '.join(outcome.remaining)}")
    if outcome.carried:
        parts.append(f"this estate answers to its models as {', '.join(outcome.carried)}, once it has its base URL")
    return "; ".join(parts)
