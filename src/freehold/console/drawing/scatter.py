# SPDX-License-Identifier: Apache-2.0
"""Points by two numbers, with lines to read them by. Pure; knows nothing of what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isclose, log10
from typing import Final

WIDTH: Final = 356
HEIGHT: Final = 250
_LEFT, _RIGHT, _TOP, _FOOT = 46, 14, 12, 38
_LINES: Final = 4
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One point: ``mark`` is its letter in the table beside."""

    mark: str
    x: float
    y: float
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to read by: ``at`` is where it stands, ``value`` what it stands for."""

    at: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """The picture. ``limit_y`` is where a bound on the second number stands; None where it is out of the picture."""

    left: float
    right: float
    top: float
    foot: float
    places: tuple[Place, ...]
    columns: tuple[Line, ...]
    rows: tuple[Line, ...]
    limit_y: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What is drawn."""

    mark: str
    x: float
    y: float
    chosen: bool = False


def scatter(points: Sequence[Point], *, limit: float | None = None) -> Scatter:
    """The points; zero is always in the picture. At least one point."""
    bounds = [limit] if limit is not None and limit <= 2 * max(point.y for point in points) else []
    across = _Scale.over([0.0, *(point.x for point in points)], _LEFT, WIDTH - _RIGHT)
    upward = _Scale.over([0.0, *(point.y for point in points), *bounds], HEIGHT - _FOOT, _TOP)
    return Scatter(
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        foot=HEIGHT - _FOOT,
        places=tuple(
            Place(mark=point.mark, x=across.at(point.x), y=upward.at(point.y), chosen=point.chosen) for point in points
        ),
        columns=across.lines,
        rows=upward.lines,
        limit_y=upward.at(bounds[0]) if bounds else None,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """One direction: values from ``low`` to ``high`` stand between ``start`` and ``end``."""

    low: float
    high: float
    step: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> "_Scale":
        low, high = min(values), max(values)
        step = _nice((high - low) / _LINES if not isclose(high, low, abs_tol=1e-9) else 1.0)
        return cls(floor(round(low / step, 9)) * step, ceil(round(high / step, 9)) * step or step, step, start, end)

    def at(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 2)

    @property
    def lines(self) -> tuple[Line, ...]:
        count = round((self.high - self.low) / self.step)
        values = (round(self.low + number * self.step, 9) for number in range(count + 1))
        return tuple(Line(at=self.at(value), value=value) for value in values)


def _nice(step: float) -> float:
    """The least round number that is no smaller."""
    power = 10.0 ** floor(log10(step))
    return next(nice * power for nice in _NICE if nice * power >= step * (1 - 1e-9))
