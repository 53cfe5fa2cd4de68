# SPDX-License-Identifier: Apache-2.0
"""The calls of a drill over time: a stack of bars for each span of seconds, and a line for each thing that happened."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from freehold.continuity.drill.scorecard import Happened, Slice

NOT_ANSWERED: Final = ""  # the series that is no target

_SPANS_S: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600)
_MOST_TICKS: Final = 6
_APART: Final = 20.0  # of two numbers above the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How large the plot is, and how many bars may stand side by side."""

    width: float
    height: float
    most_bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Calls of one series that began within a span."""

    x: float
    y: float
    width: float
    height: float
    series: str
    at_s: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What happened there. ``label`` has the places in the list beside the picture: ``4``, or ``4, 5``."""

    x: float
    label: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A time on the axis."""

    x: float
    at_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The picture. ``peak`` is the number of calls at its upper edge, ``span_s`` what one bar stands for."""

    width: float
    height: float
    peak: int
    span_s: int
    series: tuple[str, ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]


def timeline(seconds: Sequence[Slice], happened: Sequence[Happened], frame: Frame) -> Timeline:
    """The picture of a drill. Who did not answer lies on top of who did."""
    length_s = max(len(seconds), 1)
    span_s = next((span for span in _SPANS_S if length_s <= span * frame.most_bars), _SPANS_S[-1])
    groups = [seconds[at : at + span_s] for at in range(0, len(seconds), span_s)]
    columns = max(1, len(groups))
    peak = max((sum(second.began for second in group) for group in groups), default=0)
    per_second = frame.width / (columns * span_s)
    return Timeline(
        width=frame.width,
        height=frame.height,
        peak=peak,
        span_s=span_s,
        series=(*targets_of(seconds), NOT_ANSWERED),
        bars=tuple(_bars(groups, targets_of(seconds), frame, span_s, max(1, peak))),
        marks=tuple(_marks(happened, per_second, frame)),
        ticks=tuple(
            Tick(x=round(at_s * per_second, 1), at_s=at_s) for at_s in range(0, length_s + 1, _tick_s(length_s))
        ),
    )


def targets_of(seconds: Sequence[Slice]) -> tuple[str, ...]:
    """Who answered, in the order in which they came to."""
    return tuple(dict.fromkeys(name for second in seconds for name in second.answered))


def _marks(happened: Sequence[Happened], per_second: float, frame: Frame) -> Iterator[Mark]:
    """One line for what would lie too close together to be told apart."""
    groups: list[list[tuple[float, int, Happened]]] = []
    for number, step in enumerate(happened, start=1):
        x = min(step.at_s * per_second, frame.width)
        if groups and x - groups[-1][0][0] < _APART * (len(groups[-1]) + 1) / 2:
            groups[-1].append((x, number, step))
        else:
            groups.append([(x, number, step)])
    for group in groups:
        yield Mark(
            x=round(group[0][0], 1),
            label=", ".join(str(number) for _, number, _ in group),
            said="; ".join(f"{step.at_s:g} s: {step.what}" for _, _, step in group),
        )


def _bars(
    groups: Sequence[Sequence[Slice]], targets: Sequence[str], frame: Frame, span_s: int, peak: int
) -> Iterator[Bar]:
    width = frame.width / max(1, len(groups))
    for column, group in enumerate(groups):
        counts: Counter[str] = Counter()
        for second in group:
            counts.update(second.answered)
            counts[NOT_ANSWERED] += second.not_answered
        y = frame.height
        for series in (*targets, NOT_ANSWERED):
            height = counts[series] * frame.height / peak
            y -= height
            if counts[series]:
                yield Bar(
                    x=round(column * width, 1),
                    y=round(y, 1),
                    width=round(max(1.0, width - min(2.0, width / 5)), 1),
                    height=round(height, 1),
                    series=series,
                    at_s=column * span_s,
                    count=counts[series],
                )


def _tick_s(length_s: int) -> int:
    return next((step for step in _SPANS_S if length_s <= step * _MOST_TICKS), ceil(length_s / _MOST_TICKS))
