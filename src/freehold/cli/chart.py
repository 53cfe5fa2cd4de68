# SPDX-License-Identifier: Apache-2.0
"""A small chart for a terminal: points with a letter each, in plain characters. Knows nothing of what they mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LEAST_SPAN = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One mark. Points in the same place share it: the first is drawn, unless a later one is ``louder``."""

    mark: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What one direction shows, and how its ends are written."""

    name: str
    write: Callable[[float], str]
    from_zero: bool = False


def chart(points: Sequence[Point], x: Axis, y: Axis, *, width: int = 30, height: int = 8) -> list[str]:
    """The lines of the chart, all of one length: the y axis to the left, its name above, the x axis below."""
    columns, rows = _scale([point.x for point in points], x, width), _scale([point.y for point in points], y, height)
    cells = [[" "] * width for _ in range(height)]
    for point, column, row in reversed(list(zip(points, columns.places, rows.places, strict=True))):
        cells[height - 1 - row][column] = point.mark
    low, high = y.write(rows.low), y.write(rows.high)
    margin = max(len(low), len(high))
    labels = [high, *[""] * (height - 2), low]
    ends = f"{x.write(columns.low)}{x.write(columns.high).rjust(width - len(x.write(columns.low)))}"
    lines = [
        f"{' ' * margin} {y.name}",
        *(f"{label.rjust(margin)} |{''.join(line)}" for label, line in zip(labels, cells, strict=True)),
        f"{' ' * margin} +{'-' * width}",
        f"{' ' * margin}  {ends}",
        f"{' ' * margin}  {x.name.center(width)}",
    ]
    longest = max(map(len, lines))
    return [line.ljust(longest) for line in lines]


def beside(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """Two charts of the same height in one."""
    return [f"{ours}    {theirs}".rstrip() for ours, theirs in zip(left, right, strict=True)]


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    places: tuple[int, ...]


def _scale(values: Sequence[float], axis: Axis, cells: int) -> _Scale:
    low = min((0.0, *values)) if axis.from_zero else min(values)
    high = max(values)
    span = max(high - low, _LEAST_SPAN)
    return _Scale(low, high, tuple(round((value - low) / span * (cells - 1)) for value in values))
