# SPDX-License-Identifier: Apache-2.0
"""One question put to Cedar: may this application show a call of this class to this backend?

Cedar skips a forbid that it cannot evaluate, and would allow; here any error denies. Entities are made of typed values
only. What is not known of a backend is everything at once (see ``unknown.py`` for the rules that this does not suit).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cedarpy

from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN, BackendFacts
from freehold.policy.cedar import DEFAULT_DENY, POLICY_ERROR, Rule
from freehold.policy.slices import Findings, Slices
from freehold.policy.unknown import UNKNOWN_LICENCE, unknown_of

LONGEST_DAYS = 2**31 - 1  # the retention of whoever does not say

_ACTION = {"type": "Freehold::Action", "id": "infer"}
_APPLICATION, _BACKEND = "Freehold::Application", "Freehold::Backend"
_KEPT = 1024  # handles of a kind that are kept; they are made again at need


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The principal: whoever holds an API key."""

    key: str
    services: tuple[str, ...]  # that the key lists; "*" for all


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The resource: whoever will see the content of a call. Named for its target, or ``provider:NAME``."""

    name: str
    facts: BackendFacts
    licence: str = ""

    @property
    def unknown(self) -> frozenset[str]:
        return unknown_of(self.facts, self.licence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The context of a call."""

    service: str
    purpose: str
    data_class: DataClass
    at_unix: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The answer, and the ids of the rules that determined it, sorted."""

    allowed: bool
    rules: tuple[str, ...]
    failed: tuple[str, ...] = ()  # ids of the rules that could not be evaluated


class Judge:
    """Rules over backends. What Cedar needs in a form of its own is made once and kept."""

    def __init__(self, rules: Sequence[Rule], backends: Iterable[Backend], states: Sequence[str]) -> None:
        self.rules = tuple(rules)
        self.backends: Mapping[str, Backend] = {backend.name: backend for backend in backends}
        self._unknown = {backend.name: backend.unknown for backend in self.backends.values()}
        self._slices = Slices(self.rules)
        self._states = states
        self._entities: dict[tuple[Application, str], cedarpy.Entities] = {}

    def judge(self, application: Application, backend: str, circumstances: Circumstances) -> Ruling:
        """The ruling over one of the backends that it was made with."""
        request = {
            "principal": {"type": _APPLICATION, "id": application.key},
            "action": _ACTION,
            "resource": {"type": _BACKEND, "id": backend},
            "context": context_of(circumstances),
        }
        return _ruling(
            self._slices.ask(
                lambda policies: cedarpy.is_authorized(request, policies, self._handle(application, backend)),
                service=circumstances.service,
                backend=backend,
                data_class=circumstances.data_class,
                unknown=self._unknown[backend],
            )
        )

    def _handle(self, application: Application, backend: str) -> cedarpy.Entities:
        handle = self._entities.get((application, backend))
        if handle is None:
            if len(self._entities) >= _KEPT:
                self._entities.clear()
            pair = [application_entity(application), backend_entity(self.backends[backend], self._states)]
            handle = self._entities[application, backend] = cedarpy.Entities.from_json_str(json.dumps(pair))
        return handle


def _ruling(findings: Iterable[Findings]) -> Ruling:
    """A forbid beats every permit, and a rule that could not be evaluated beats both."""
    permits, forbids, failed = set[str](), set[str](), set[str]()
    for found in findings:
        permits |= found.permits
        forbids |= found.forbids
        failed |= found.failed
    if failed:
        return Ruling(allowed=False, rules=tuple(sorted(forbids | {POLICY_ERROR})), failed=tuple(sorted(failed)))
    determining = forbids or permits
    return Ruling(allowed=not forbids and bool(permits), rules=tuple(sorted(determining)) or (DEFAULT_DENY,))


def application_entity(application: Application) -> dict[str, object]:
    """The principal in Cedar's JSON."""
    return {
        "uid": {"type": _APPLICATION, "id": application.key},
        "attrs": {"key": application.key, "services": list(application.services)},
        "parents": [],
    }


def backend_entity(backend: Backend, states: Sequence[str]) -> dict[str, object]:
    """The resource in Cedar's JSON. ``states`` are all that there are: what is unknown is every one of them."""
    facts, unknown, everywhere = backend.facts, backend.unknown, [*states, UNKNOWN]
    return {
        "uid": {"type": _BACKEND, "id": backend.name},
        "attrs": {
            "owned": facts.owned,
            "operator": facts.operator,
            "authorities": everywhere if "authorities" in unknown else list(facts.authorities),
            "exposure": everywhere if "exposure" in unknown else list(facts.exposure),
            "locations": everywhere if "locations" in unknown else list(facts.locations),
            "retention_days": LONGEST_DAYS if facts.retention_days is None else facts.retention_days,
            "trains": facts.trains is not False,
            "licence": backend.licence or UNKNOWN_LICENCE,
        },
        "parents": [],
    }


def context_of(circumstances: Circumstances) -> dict[str, object]:
    """The context in Cedar's JSON."""
    return {
        "data_class": int(circumstances.data_class),
        "purpose": circumstances.purpose,
        "service": circumstances.service,
        "unix_time": circumstances.at_unix,
    }
