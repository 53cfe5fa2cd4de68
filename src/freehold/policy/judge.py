# SPDX-License-Identifier: Apache-2.0
"""One question put to Cedar: may this application show a call of this class to this backend?

Cedar skips a forbid that it cannot evaluate, and would allow; here any error denies. Entities are made of typed values
only. What is not known of a backend is everything at once (see ``unknown.py`` for the rules that this does not suit).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import cedarpy
from cedarpy import pst

from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN, BackendFacts
from freehold.policy.cedar import DEFAULT_DENY, POLICY_ERROR, Rule
from freehold.policy.unknown import UNKNOWN_LICENCE, at_worst, unknown_of

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
        self._slices = Slices(self.rules)
        self._states = states
        self._entities: dict[tuple[Application, str], cedarpy.Entities] = {}

    def judge(self, application: Application, backend: str, circumstances: Circumstances) -> Ruling:
        """The ruling over one of the backends that it was made with."""
        slice_ = self._slices.relevant(circumstances.service, self.backends[backend].unknown)
        request = {
            "principal": {"type": _APPLICATION, "id": application.key},
            "action": _ACTION,
            "resource": {"type": _BACKEND, "id": backend},
            "context": context_of(circumstances),
        }
        return slice_.ruling(cedarpy.is_authorized(request, slice_.policies, self._handle(application, backend)))

    def _handle(self, application: Application, backend: str) -> cedarpy.Entities:
        handle = self._entities.get((application, backend))
        if handle is None:
            if len(self._entities) >= _KEPT:
                self._entities.clear()
            pair = [application_entity(application), backend_entity(self.backends[backend], self._states)]
            handle = self._entities[application, backend] = cedarpy.Entities.from_json_str(json.dumps(pair))
        return handle


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


class Slice:
    """The rules that could bear on some questions, as Cedar has them."""

    def __init__(self, rules: Sequence[Rule], unknown: frozenset[str]) -> None:
        self._ids = {f"policy{number}": rule.id for number, rule in enumerate(rules)}
        self.policies = _policies(rules, unknown)

    def ruling(self, answer: cedarpy.AuthzResult) -> Ruling:
        """What Cedar's answer comes to."""
        determining = {self._ids[name] for name in answer.diagnostics.reasons}
        errors = answer.diagnostics.errors
        if not errors:
            return Ruling(allowed=answer.allowed, rules=tuple(sorted(determining)) or (DEFAULT_DENY,))
        failed = sorted(rule for name, rule in self._ids.items() if any(f"`{name}`" in error for error in errors))
        forbidding = set() if answer.allowed else determining
        return Ruling(allowed=False, rules=tuple(sorted(forbidding | {POLICY_ERROR})), failed=tuple(failed))


def _policies(rules: Sequence[Rule], unknown: frozenset[str]) -> cedarpy.PolicySet:
    """Cedar's own form. It numbers the rules of a text: policy0, policy1, ..."""
    if not unknown:  # several times quicker than from trees
        return cedarpy.PolicySet.from_str("\n".join(rule.text for rule in rules))
    names = [f"policy{number}" for number in range(len(rules))]
    trees = {name: replace(at_worst(rule.tree, unknown), id=name) for name, rule in zip(names, rules, strict=True)}
    return cedarpy.PolicySet.from_pst(pst.PolicySet(templates={}, static_policies=trees, template_links=()))


class Slices:
    """Leaves out the rules that are about another service, which is most of many."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._about = [(rule, _service(rule.tree)) for rule in rules]
        self._services = {service for _, service in self._about}
        self._kept: dict[tuple[str | None, frozenset[str]], Slice] = {}

    def relevant(self, service: str, unknown: frozenset[str]) -> Slice:
        """Every rule that could hold, or fail to be evaluated, for a call of the service."""
        named = service if service in self._services else None
        slice_ = self._kept.get((named, unknown))
        if slice_ is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            rules = [rule for rule, about in self._about if about in (None, named)]
            slice_ = self._kept[named, unknown] = Slice(rules, unknown)
        return slice_


def _service(tree: pst.Template) -> str | None:
    """``desk`` of a rule that begins with ``when { context.service == "desk"``: it cannot hold for another."""
    if not tree.clauses or not isinstance(tree.clauses[0], pst.When):
        return None
    first = tree.clauses[0].expr
    while isinstance(first, pst.BinaryOp) and first.op == "and":
        first = first.left
    match first:
        case pst.BinaryOp(
            op="eq", left=pst.GetAttr(base=pst.Var("context"), attr="service"), right=pst.StringLit(value)
        ):
            return value
        case _:
            return None
