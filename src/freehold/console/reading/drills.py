# SPDX-License-Identifier: Apache-2.0
"""Drills as their pages read them: scenarios, summaries, a scorecard, and two beside each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from freehold.console.drawing.timeline import NOT_ANSWERED, Frame, Timeline, timeline
from freehold.continuity.drill.report import figures
from freehold.continuity.drill.scorecard import Counts, Held, Scorecard

_WIDE: Final = Frame(width=1040, height=190, most_bars=120)
_NARROW: Final = Frame(width=330, height=150, most_bars=60)
_COLOURS: Final = 6  # that series have before they begin anew


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a scenario."""

    at_s: float
    what: str


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What can be rehearsed."""

    name: str
    about: str
    duration_s: float
    needs_provider: bool
    steps: tuple[Step, ...]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A drill that was run, in a line."""

    id: str
    scenario: str
    service: str
    traffic: str
    began: str
    calls: Counts
    recovery_longest_s: float | None
    never_recovered: int
    verdict: tuple[Held, ...]
    passed: bool
    simulated: tuple[str, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of two drills. ``better`` is a, b, or None where neither is."""

    measure: str
    a: bool | int | float | str | None
    b: bool | int | float | str | None
    better: str | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two drills, measure by measure."""

    rows: tuple[Row, ...]


class Drill(Scorecard, frozen=True, kw_only=True):
    """A scorecard, and its digest as in the ledger."""

    digest: str


class Scenarios(msgspec.Struct, frozen=True, kw_only=True):
    """``GET scenarios``."""

    scenarios: tuple[Scenario, ...]


class Drills(msgspec.Struct, frozen=True, kw_only=True):
    """``GET drills``, the newest first."""

    drills: tuple[Summary, ...]
    next: str | None = None


class DrillAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``GET drills/{id}``."""

    drill: Drill


class ComparisonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``GET drills/compare``."""

    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One colour of the picture. ``number`` stands for it; 0 for what was not answered."""

    name: str
    number: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A scorecard with its pictures."""

    scorecard: Drill
    figures: tuple[tuple[str, str], ...]
    series: tuple[Series, ...]
    wide: Timeline
    narrow: Timeline

    def number_of(self, series: str) -> int:
        """The colour of a series."""
        return next(one.number for one in self.series if one.name == series)


def card_of(drill: Drill) -> Card:
    """The scorecard as it is shown."""
    wide = timeline(drill.seconds, drill.happened, _WIDE)
    return Card(
        scorecard=drill,
        figures=tuple(figures(drill)),
        series=tuple(_series(wide.series, drill)),
        wide=wide,
        narrow=timeline(drill.seconds, drill.happened, _NARROW),
    )


def _series(names: Sequence[str], card: Scorecard) -> list[Series]:
    found = []
    for place, name in enumerate(names):
        if name == NOT_ANSWERED:
            found.append(Series(name=name, number=0, calls=card.calls.not_answered))
        else:
            calls = sum(second.answered.get(name, 0) for second in card.seconds)
            found.append(Series(name=name, number=place % _COLOURS + 1, calls=calls))
    return found
