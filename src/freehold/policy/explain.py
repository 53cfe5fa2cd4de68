# SPDX-License-Identifier: Apache-2.0
"""Why a ruling fell as it did, in plain words: which rule, and which fact met it. Pure; adds nothing of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cedarpy import pst

from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN, BackendFacts, Reason
from freehold.policy.cedar import DEFAULT_DENY, POLICY_ERROR, Rule
from freehold.policy.facts import EXPOSURE
from freehold.policy.judge import Application, Backend, Circumstances, Judge, Ruling
from freehold.policy.trees import attributes, nodes

_TIES = {  # of a state to a backend, by the attribute: what it is called, and how a state comes to be in it
    "authorities": ("authorities", "can compel its operator"),
    "exposure": ("exposure", "has a weaker tie to its operator"),
    "locations": ("locations", "is where it may compute"),
}
_MOST_OPEN = 2  # of the questions that nobody answered
_MOST_STATES = 8  # a longer list is cut for reading; the law itself is printed by 'freehold policy check --print'


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One rule, and what it met. ``facts`` are sentences about the call and the backend."""

    rule: str
    effect: str
    says: str
    file: str
    line: int
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One backend: the answer, the rules that gave it, and, where none permitted, the permits that did not hold."""

    backend: str
    operator: str
    allowed: bool
    rules: tuple[str, ...]
    in_short: str
    because: tuple[Because, ...]
    not_met: tuple[Because, ...] = ()


def explain(judge: Judge, application: Application, backend: str, circumstances: Circumstances) -> Explanation:
    """Judge one backend, and say why."""
    ruling = judge.judge(application, backend, circumstances)
    case = _Case(application, judge.backends[backend], circumstances)
    determining = {*ruling.rules, *ruling.failed}
    permits = (rule for rule in judge.rules if rule.effect == "permit")
    return Explanation(
        backend=backend,
        operator=case.backend.facts.operator,
        allowed=ruling.allowed,
        rules=ruling.rules,
        in_short=_in_short(ruling),
        because=tuple(case.because(rule) for rule in judge.rules if rule.id in determining),
        not_met=tuple(map(case.because, permits)) if ruling.rules == (DEFAULT_DENY,) else (),
    )


def _in_short(ruling: Ruling) -> str:
    if ruling.allowed:
        return "It may see the call."
    if POLICY_ERROR in ruling.rules:
        return f"It may not see the call: {', '.join(ruling.failed)} cannot be evaluated, and what fails denies."
    if ruling.rules == (DEFAULT_DENY,):
        return "It may not see the call: no rule permits it."
    return "It may not see the call."


@dataclass(frozen=True, slots=True)
class _Case:
    """What a rule looked at."""

    application: Application
    backend: Backend
    circumstances: Circumstances

    def because(self, rule: Rule) -> Because:
        return Because(
            rule=rule.id,
            effect=rule.effect,
            says=rule.says or " ".join(rule.text.split()),
            file=rule.file,
            line=rule.line,
            facts=tuple(dict.fromkeys(self._facts(rule.tree))),
        )

    def _facts(self, tree: pst.Template) -> Iterator[str]:
        if attributes(tree, "principal"):
            services = self.application.services
            yield "The key is good for every service." if "*" in services else f"The key lists {_listed(services)}."
        for name in attributes(tree, "context"):
            yield self._of_the_call(name)
        for name in attributes(tree, "resource"):
            yield from self._of_the_backend(name, tree)

    def _of_the_call(self, name: str) -> str:
        call = self.circumstances
        match name:
            case "data_class":
                return f"The call's data is {DataClass(call.data_class).name.lower()} (class {int(call.data_class)})."
            case "service":
                return f"The service is {call.service}."
            case "purpose":
                return f"The service's purpose is {call.purpose}." if call.purpose else "The service states no purpose."
            case _:
                return f"The time is {call.at_unix} (Unix)."

    def _of_the_backend(self, name: str, tree: pst.Template) -> Iterator[str]:
        facts = self.backend.facts
        if name in _TIES:
            yield from _states(name, self.backend, tree)
        elif name == "owned":
            yield "It is an engine of this estate." if facts.owned else "It is not an engine of this estate."
        elif name == "operator":
            yield f"Its operator is {facts.operator}."
        elif name == "licence":
            known = "licence" not in self.backend.unknown
            yield f"Its model's licence is {self.backend.licence}." if known else _not_known("Its model's licence")
        elif name == "retention_days":
            known = facts.retention_days is not None
            yield f"It keeps what it is sent for {facts.retention_days} days." if known else _not_known("Its retention")
        elif name == "trains":
            does = {True: "trains", False: "does not train", None: ""}[facts.trains]
            yield f"It {does} on what it is sent." if does else _not_known("Whether it trains on what it is sent")


def _states(name: str, backend: Backend, tree: pst.Template) -> Iterator[str]:
    noun, is_one = _TIES[name]
    facts = backend.facts
    states = [state for state in getattr(facts, name) if state != UNKNOWN]
    if name in backend.unknown:
        known = f" Known so far: {_listed(states)}." if states else ""
        yield f"Not all of its {noun} are known, and what is unknown matches every forbid and no permit.{known}"
        yield from (f"Not known: {_cited(reason)}." for reason in _reasons(UNKNOWN, name, facts)[:_MOST_OPEN])
    elif facts.owned and not states:
        yield f"It has no {noun} but the estate's own." if name == "locations" else f"It has no {noun}."
    else:
        yield f"Its {noun}: {_listed(states) or 'none'}."
    for state in _that_count(name, set(states), tree):
        yield f"{state} {is_one}{_why(state, name, facts)}."


def _that_count(name: str, states: set[str], tree: pst.Template) -> list[str]:
    """The states that lie outside of a list that must hold all of them, or inside of one that must hold none."""
    asked = pst.GetAttr(base=pst.Var("resource"), attr=name)
    found: set[str] = set()
    for operation in nodes(tree, pst.BinaryOp):
        if operation.op == "contains_all" and operation.right == asked:
            found |= states - _literals(operation.left)
        elif operation.op in ("contains_any", "contains", "contains_all") and asked in (
            operation.left,
            operation.right,
        ):
            other = operation.right if operation.left == asked else operation.left
            found |= states & _literals(other)
    return sorted(found)


def _literals(expr: pst.Expr) -> set[str]:
    return {literal.value for literal in nodes(expr, pst.StringLit)}


def _why(state: str, name: str, facts: BackendFacts) -> str:
    """The first reason for a state, and how many more there are."""
    reasons = _reasons(state, name, facts)
    if not reasons:
        return ""
    more = f"; {len(reasons) - 1} more by 'freehold provider show {facts.operator}'" if len(reasons) > 1 else ""
    return f": {_cited(reasons[0])}{more}"


def _reasons(state: str, name: str, facts: BackendFacts) -> list[Reason]:
    """Where a call may be computed has no reasons of its own."""
    if name == "locations":
        return []
    is_exposure = name == "exposure"
    return [reason for reason in facts.reasons if reason.state == state and (reason.rule in EXPOSURE) == is_exposure]


def _cited(reason: Reason) -> str:
    return f"{reason.because.rstrip('.')} ({reason.confidence}, {reason.source}, {reason.as_of})"


def _not_known(what: str) -> str:
    return f"{what} is not known, and what is unknown matches every forbid and no permit."


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    more = len(words) - _MOST_STATES
    return ", ".join(words[:_MOST_STATES]) + (f" and {more} more" if more > 0 else "")
