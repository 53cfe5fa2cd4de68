# SPDX-License-Identifier: Apache-2.0
"""The last quarter of an hour, in steps: how much each service answered, how fast, and what failed. In memory alone.

Whoever opens the console at night has to see what came before. Monitoring that keeps more reads /metrics.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Final

from freehold.admin.doctor import RELEASED_UNIX
from freehold.admin.views import View, instant
from freehold.signals import catalogue
from freehold.signals.totals import Totals

STEP_S: Final = 5.0
KEPT: Final = 180  # steps

_REFUSED, _FAILED = "refused", frozenset({"failed", "lost"})
_MOST_SERVICES: Final = 200
_Counts = tuple[float, ...]


@dataclass(slots=True)
class _Sum:
    """Of one service: since the totals began, or within one step."""

    calls: float = 0
    refused: float = 0
    failed: float = 0
    input_tokens: float = 0
    output_tokens: float = 0
    first: _Counts = (0.0,) * (len(catalogue.FIRST_S) + 2)  # a histogram, its sum at the end


@dataclass(frozen=True, slots=True)
class _Step:
    at_unix: float
    services: Mapping[str, _Sum]


@dataclass(slots=True)
class Activity:
    """``totals`` is what gateways count. ``take`` is to be called once in STEP_S."""

    totals: Totals
    _steps: deque[_Step] = field(default_factory=lambda: deque(maxlen=KEPT))
    _before: Mapping[str, _Sum] | None = None

    def take(self, now_unix: float) -> None:
        """End a step. A clock that was set back begins anew: there is no time before now."""
        sums = _sums(self.totals)
        if self._steps and now_unix <= self._steps[-1].at_unix:
            self._steps.clear()
        if self._before is not None:
            empty = _Sum()
            grown = {name: _less(sums[name], self._before.get(name, empty)) for name in sums}
            self._steps.append(_Step(now_unix, grown))
        self._before = sums

    def view(self, services: Iterable[str], since_unix: float, now_unix: float) -> View:
        """The steps after ``since_unix``, in columns. ``services``: those that there are, even if at rest."""
        steps = [step for step in self._steps if step.at_unix > since_unix]
        names = dict.fromkeys([*services, *(name for step in steps for name in step.services)])
        return {
            "now": instant(now_unix),
            "now_unix": now_unix,
            "clock": "" if now_unix >= RELEASED_UNIX else "the clock is before this release was made",
            "step_s": STEP_S,
            "kept_s": STEP_S * KEPT,
            "at_unix": [step.at_unix for step in steps],
            "services": [_columns(name, steps) for name in list(names)[:_MOST_SERVICES]],
            "targets": self._targets(),
        }

    def _targets(self) -> list[View]:
        found: dict[str, dict[str, int]] = {}
        for metric, series in self.totals.now():
            if metric in (catalogue.AT_WORK, catalogue.QUEUED):
                for (target,), (count,) in series:
                    found.setdefault(target, {})[metric.name] = int(count)
        return [
            {
                "target": target,
                "calls": counts.get(catalogue.AT_WORK.name, 0),
                "queue": counts.get(catalogue.QUEUED.name, 0),
            }
            for target, counts in sorted(found.items())
        ]


def quantile_s(share: float, first: _Counts) -> float | None:
    """About how long ``share`` of the answers took at most to begin; None where none began. Even within a bucket."""
    counts, bounds_s = first[:-1], (0.0, *catalogue.FIRST_S)
    wanted = share * sum(counts)
    if not wanted:
        return None
    reached = list(accumulate(counts, initial=0.0))
    for place, (below, upto) in enumerate(pairwise(reached)):
        if upto >= wanted and upto > below:
            lower = bounds_s[place]
            upper = bounds_s[place + 1] if place + 1 < len(bounds_s) else lower
            return lower + (upper - lower) * (wanted - below) / (upto - below)
    return bounds_s[-1]


def _sums(totals: Totals) -> Mapping[str, _Sum]:
    sums: dict[str, _Sum] = {}
    for metric, series in totals.counted():
        if metric not in (catalogue.CALLS, catalogue.TOKENS, catalogue.FIRST):
            continue
        for labels, values in series:
            _count(sums.setdefault(labels[0], _Sum()), metric, labels[-1], values)
    return sums


def _count(of: _Sum, metric: catalogue.Metric, label: str, values: _Counts) -> None:
    if metric is catalogue.FIRST:
        of.first = tuple(one + other for one, other in zip(of.first, values, strict=True))
    elif metric is catalogue.TOKENS and label == "input":
        of.input_tokens += values[0]
    elif metric is catalogue.TOKENS:
        of.output_tokens += values[0]
    else:
        of.calls += values[0]
        of.refused += values[0] if label == _REFUSED else 0
        of.failed += values[0] if label in _FAILED else 0


def _less(now: _Sum, before: _Sum) -> _Sum:
    return _Sum(
        calls=now.calls - before.calls,
        refused=now.refused - before.refused,
        failed=now.failed - before.failed,
        input_tokens=now.input_tokens - before.input_tokens,
        output_tokens=now.output_tokens - before.output_tokens,
        first=tuple(one - other for one, other in zip(now.first, before.first, strict=True)),
    )


def _columns(name: str, steps: list[_Step]) -> View:
    empty = _Sum()
    sums = [step.services.get(name, empty) for step in steps]
    return {
        "service": name,
        "calls": [int(one.calls) for one in sums],
        "refused": [int(one.refused) for one in sums],
        "failed": [int(one.failed) for one in sums],
        "input_tokens": [int(one.input_tokens) for one in sums],
        "output_tokens": [int(one.output_tokens) for one in sums],
        "first_median_s": [_rounded(quantile_s(0.5, one.first)) for one in sums],
        "first_95_s": [_rounded(quantile_s(0.95, one.first)) for one in sums],
    }


def _rounded(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s, 4)
