# SPDX-License-Identifier: Apache-2.0
"""Which services would survive the loss of each provider, and of each state that can compel one, on today's machines.

Pure: from what is configured, allowed, accepted and measured now to a verdict in plain words. It foresees what is in
force; it does not ask whether a provider would be missed by tomorrow's load.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from freehold.contract.backend import BackendKind, EngineState, EngineStatus, Service, Target
from freehold.contract.facts import UNKNOWN
from freehold.contract.standing import Standing


class Fate(StrEnum):
    """What becomes of a service."""

    SURVIVES = "survives"
    QUEUES = "survives with queueing"  # more calls than the remaining engine has slots
    STOPS = "stops"


class LossKind(StrEnum):
    """What may be lost."""

    PROVIDER = "provider"
    AUTHORITY = "authority"  # every provider that this state can compel


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a loss means for one service."""

    service: str
    fate: Fate
    touched: bool  # whether it loses the target that answers for it now, or its calls would wait behind others
    target: str  # who would answer; empty: nobody
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What may be lost, and what that means for every service."""

    kind: LossKind
    name: str
    services: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The estate as it is. ``allowed`` and ``accepted`` are asked with a service and the name of one of its targets."""

    services: tuple[Service, ...]
    targets: Mapping[str, Target]
    standings: Mapping[str, Standing] = field(default_factory=dict)  # of those that are not active
    engines: Mapping[str, EngineStatus] = field(default_factory=dict)
    degraded: frozenset[str] = frozenset()  # targets that some gateway tries only after all others
    load: Mapping[str, int] = field(default_factory=dict)  # calls of each target, those that wait for it too
    allowed: Callable[[Service, str], bool]  # whether the rules let it see a call of the service's class
    accepted: Callable[[Service, str], bool] = lambda _service, _target: True  # whether it may stand in for another


def foresee(now: Now, states: Iterable[str] = ()) -> tuple[Loss, ...]:
    """Every loss that there could be of what a service uses: providers by name, then states.

    ``states`` are judged besides those that are known to compel somebody, if they could: of a provider of whom that is
    not known, each may.
    """
    used = [now.targets[name] for service in now.services for name in service.targets]
    foreign = [target for target in used if target.kind is BackendKind.PROVIDER]
    providers = sorted({target.operator for target in foreign})
    known = {state for target in foreign for state in target.authorities}
    authorities = sorted((known | (set(states) if UNKNOWN in known else set())) - {UNKNOWN})
    possible = [
        *((LossKind.PROVIDER, name) for name in providers),
        *((LossKind.AUTHORITY, name) for name in authorities),
    ]
    return tuple(_loss(now, kind, name, foreign) for kind, name in possible)


def _loss(now: Now, kind: LossKind, name: str, foreign: list[Target]) -> Loss:
    lost = {target.name for target in foreign if _hits(kind, name, target)}
    return Loss(kind=kind, name=name, services=tuple(_After(now, lost).verdicts()))


def _hits(kind: LossKind, name: str, target: Target) -> bool:
    """Where it is not known which states can compel a provider, each of them can."""
    if kind is LossKind.PROVIDER:
        return target.operator == name
    return name in target.authorities or UNKNOWN in target.authorities


class _After:
    """The estate after a loss."""

    def __init__(self, now: Now, lost: set[str]) -> None:
        self._now = now
        self._lost = lost
        self._answers = {service.name: next(_fit(now, service), "") for service in now.services}
        self._heirs = {service.name: self._heir(service) for service in now.services}

    def verdicts(self) -> Iterator[Verdict]:
        return map(self._verdict, self._now.services)

    def _heir(self, service: Service) -> str:
        """Who would answer. Whoever answers now needs no leave to go on."""
        answers = self._answers[service.name]
        if answers not in self._lost:
            return answers
        remaining = (name for name in _fit(self._now, service) if name not in self._lost)
        return next((name for name in remaining if self._now.accepted(service, name)), "")

    def _verdict(self, service: Service) -> Verdict:
        heir, loses = self._heirs[service.name], self._answers[service.name] in self._lost
        does = f"{heir} {'takes over' if loses else 'answers for it, and stays'}"
        fate, reason = Fate.SURVIVES, does
        if not heir:
            fate, reason = Fate.STOPS, self._why_nobody(service)
        elif loses and self._now.targets[heir].kind is BackendKind.PROVIDER:
            reason = f"{heir} of {self._now.targets[heir].operator} takes over"
        elif loses or self._inherited(heir):
            fate, reason = self._on_engine(heir, does)
        touched = loses or fate is Fate.QUEUES
        return Verdict(service=service.name, fate=fate, touched=touched, target=heir, reason=reason)

    def _on_engine(self, heir: str, does: str) -> tuple[Fate, str]:
        engine = self._now.engines.get(heir)
        if engine is None or not engine.slots:
            return Fate.SURVIVES, f"{does}; its slots are not known before it has been ready once"
        calls = self._now.load.get(heir, 0) + self._inherited(heir)
        slots = _counted(engine.slots, "slot")
        if calls <= engine.slots:
            return Fate.SURVIVES, f"{does}: {slots}, and {_counted(calls, 'call')} as of now"
        waiting = calls - engine.slots
        reason = f"{does}: {slots} for {_counted(calls, 'call')} as of now, so {waiting} would wait"
        if waiting > engine.queue:
            reason += f", and {waiting - engine.queue} of them be refused, as its queue holds {engine.queue}"
        return Fate.QUEUES, reason

    def _inherited(self, heir: str) -> int:
        """Calls of every lost target that it takes over from: at most that many."""
        left = {self._answers[service] for service, takes_over in self._heirs.items() if takes_over == heir}
        return sum(self._now.load.get(name, 0) for name in left & self._lost)

    def _why_nobody(self, service: Service) -> str:
        if not self._answers[service.name]:
            unfit = "; ".join(f"{name}: {_unfit(self._now, service, name)}" for name in service.targets)
            return f"nobody answers it as it is: {unfit}"
        others = [name for name in service.targets if name not in self._lost]
        if not others:
            return "it has no other target"
        return "; ".join(f"{name}: {_why_not(self._now, service, name)}" for name in others)


def _fit(now: Now, service: Service) -> Iterator[str]:
    """The targets that could answer now, in the order in which they are tried."""
    fit = [name for name in service.targets if not _unfit(now, service, name)]
    return iter(sorted(fit, key=lambda name: name in now.degraded))


def _unfit(now: Now, service: Service, name: str) -> str:
    """Why the target could not answer; empty if it could."""
    if not now.allowed(service, name):
        return "the rules do not let it see these calls"
    if name in now.standings:
        return f"it is {now.standings[name].state}"
    engine = now.engines.get(name)
    return "its engine has failed" if engine is not None and engine.state is EngineState.FAILED else ""


def _why_not(now: Now, service: Service, name: str) -> str:
    return _unfit(now, service, name) or "it has no current pass of the service's acceptance cases"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
