# SPDX-License-Identifier: Apache-2.0
"""When refusals look like a withdrawal. Folds what gateways report; decides nothing about what is suspected. Pure.

A provider that withdraws a model refuses it to everybody, while its other models go on answering. So a target is
suspect when a sibling answers, or the provider says that law is the reason, and at least two keys were refused, or one
and a canary. However often one key calls, it counts once: no caller can take a target away from the others. Whatever a
target answers voids all that was held against it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from freehold.contract.backend import BackendKind, Target
from freehold.contract.canary import CANARY_KEY
from freehold.contract.report import Evidence, GatewayReport

TELLING_STATUSES: Final = frozenset({403, 404, 410, 451})
WINDOW_S: Final = 600.0
_CANARY_PAUSE_S: Final = 60.0  # one for each target: nobody can have the estate call a provider without end
_MOST_KEYS: Final = 32  # that are remembered of one target


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one key's calls got from a target."""

    key_id: str
    count: int
    statuses: tuple[int, ...]  # sorted
    legal: bool  # whether the provider gave a legal or regional reason
    first_unix: float
    last_unix: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that is held against one target within the window."""

    target: str
    sightings: tuple[Sighting, ...]
    answering: tuple[str, ...]  # siblings that have answered since, within the window

    @property
    def telling(self) -> bool:
        """Whether it looks like a withdrawal, whoever saw it."""
        return bool(self.sightings) and (bool(self.answering) or any(seen.legal for seen in self.sightings))

    @property
    def enough(self) -> bool:
        """Whether it counts: two keys, or a key and the canary."""
        return self.telling and bool(self._keys) and len(self.sightings) >= 2

    @property
    def wants_canary(self) -> bool:
        """Whether a call of the estate's own would settle it."""
        return self.telling and len(self._keys) == 1 and not self.enough

    @property
    def _keys(self) -> set[str]:
        return {seen.key_id for seen in self.sightings} - {CANARY_KEY}


class Watch:
    """What gateways have reported of late. Time comes in with each report."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Sighting]] = {}  # by target and key
        self._answered: dict[str, float] = {}  # when each target last answered
        self._canaries: dict[str, float] = {}  # when each target was last tried

    def hear(self, report: GatewayReport, known: Collection[str], now_unix: float) -> None:
        """Take in a report. ``known`` are the targets that there are."""
        for evidence in report.evidence:
            if evidence.target in known and (evidence.legal or evidence.status in TELLING_STATUSES):
                self._note(evidence, now_unix)
        for target in report.answered:
            if target in known:
                self._answered[target] = now_unix
                self._seen.pop(target, None)

    def cases(self, targets: Iterable[Target], now_unix: float) -> tuple[Case, ...]:
        """What is held against each target of a provider."""
        self._forget_before(now_unix - WINDOW_S)
        listed = tuple(targets)
        return tuple(
            Case(
                target=target.name,
                sightings=tuple(sorted(self._seen[target.name].values(), key=lambda seen: seen.first_unix)),
                answering=tuple(other.name for other in listed if self._vouches(other, target)),
            )
            for target in listed
            if target.kind is BackendKind.PROVIDER and target.name in self._seen
        )

    def may_try(self, target: str, now_unix: float) -> bool:
        """Whether a canary may be sent now. True is given once in a while, and counts as sent."""
        if 0 <= now_unix - self._canaries.get(target, float("-inf")) < _CANARY_PAUSE_S:
            return False
        self._canaries[target] = now_unix
        return True

    def clear(self, target: str) -> None:
        """A person has decided: what was seen before then counts no more."""
        self._seen.pop(target, None)

    def _note(self, evidence: Evidence, now_unix: float) -> None:
        at_unix = min(evidence.at_unix, now_unix)
        of_target = self._seen.setdefault(evidence.target, {})
        seen = of_target.get(evidence.key_id)
        if seen is None:
            if len(of_target) >= _MOST_KEYS:
                del of_target[min(of_target.values(), key=lambda old: old.last_unix).key_id]
            seen = Sighting(
                key_id=evidence.key_id, count=0, statuses=(), legal=False, first_unix=at_unix, last_unix=at_unix
            )
        of_target[evidence.key_id] = replace(
            seen,
            count=seen.count + 1,
            statuses=tuple(sorted({*seen.statuses, evidence.status})),
            legal=seen.legal or evidence.legal,
            last_unix=max(seen.last_unix, at_unix),
        )

    def _vouches(self, other: Target, target: Target) -> bool:
        """Whether another model of the same provider has answered since this one was first refused: the key is good."""
        refused_unix = min(seen.first_unix for seen in self._seen[target.name].values())
        return (
            other.kind is BackendKind.PROVIDER
            and other.operator == target.operator
            and other.model.name != target.model.name
            and self._answered.get(other.name, 0.0) >= refused_unix
        )

    def _forget_before(self, before_unix: float) -> None:
        self._answered = _since(self._answered, before_unix)
        for target, of_target in tuple(self._seen.items()):
            kept = {key: seen for key, seen in of_target.items() if seen.last_unix >= before_unix}
            if kept:
                self._seen[target] = kept
            else:
                del self._seen[target]


def _since(times: Mapping[str, float], before_unix: float) -> dict[str, float]:
    return {target: at_unix for target, at_unix in times.items() if at_unix >= before_unix}
