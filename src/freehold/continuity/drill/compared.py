# SPDX-License-Identifier: Apache-2.0
"""Two scorecards beside one another, measure by measure, and which of them is the better one there. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from freehold.continuity.drill.scorecard import Scorecard

Value = float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure. ``better`` is None where they are equal, where one is not known, or where neither is better."""

    measure: str
    a: Value
    b: Value
    better: Literal["a", "b"] | None


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    of: Callable[[Scorecard], Value]
    best: Literal["least", "most"] | None


_MEASURES = (
    _Measure("calls made", lambda card: card.calls.made, None),
    _Measure("answered", lambda card: _share(card.calls.answered, card), "most"),
    _Measure("broken", lambda card: _share(card.calls.broken, card), "least"),
    _Measure("lost", lambda card: _share(card.calls.lost, card), "least"),
    _Measure("shed", lambda card: _share(card.calls.shed, card), "least"),
    _Measure("refused", lambda card: _share(card.calls.refused, card), "least"),
    _Measure("recovery_p50_s", lambda card: card.recovery_p50_s, "least"),
    _Measure("recovery_p99_s", lambda card: card.recovery_p99_s, "least"),
    _Measure("recovery_longest_s", lambda card: card.recovery_longest_s, "least"),
    _Measure("never_recovered", lambda card: card.never_recovered, "least"),
    _Measure("added_first_s", lambda card: card.added_first_s, "least"),
    _Measure("longest_gap_s", lambda card: card.longest_gap_s, "least"),
    _Measure("waiting_peak", lambda card: card.waiting_peak, "least"),
    _Measure("seams", lambda card: card.seams, None),
    _Measure("characters_missing", lambda card: card.characters_missing, "least"),
    _Measure("characters_repeated", lambda card: card.characters_repeated, "least"),
    _Measure("tool_calls_doubled", lambda card: card.tool_calls_doubled, "least"),
    _Measure("policy_violations", lambda card: card.policy_violations, "least"),
    _Measure("acceptance_after", lambda card: card.acceptance_after, "most"),
)


def compared(a: Scorecard, b: Scorecard) -> tuple[Row, ...]:
    """Calls are compared as shares of those that were made: drills differ in how many they make."""
    return tuple(_row(measure, a, b) for measure in _MEASURES)


def _row(measure: _Measure, a: Scorecard, b: Scorecard) -> Row:
    of_a, of_b = measure.of(a), measure.of(b)
    better: Literal["a", "b"] | None = None
    if of_a is not None and of_b is not None and of_a != of_b and measure.best is not None:
        better = "a" if (of_a < of_b) == (measure.best == "least") else "b"
    return Row(measure=measure.name, a=of_a, b=of_b, better=better)


def _share(calls: int, card: Scorecard) -> float:
    return round(calls / card.calls.made, 4) if card.calls.made else 0.0
