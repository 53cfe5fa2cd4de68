# SPDX-License-Identifier: Apache-2.0
"""The chart: three panels as one SVG, drawn for a light page and for a dark one. No script, no font from elsewhere."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from xml.sax.saxutils import escape

from bench.load.requests import SMALL
from bench.peers.freehold import NAME
from bench.peers.upstream import DIRECT
from bench.report import Row
from bench.sections import calls, footprint, streaming
from bench.showing.results import Results
from bench.showing.table import shown

_WIDTH, _HEIGHT = 960, 430
_MARGIN, _GAP, _TOP, _BOTTOM = 24, 40, 84, 62
_ROOM = 34  # for one name of the scale
_LEFT = 48  # of a panel: the room for the names of its scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours of one kind of page. Sides differ in lightness too, so that nobody needs to tell hues apart."""

    page: str
    ink: str
    faint: str
    sides: Mapping[str, str]


LIGHT = Theme(
    page="#ffffff",
    ink="#1f2328",
    faint="#d8dee4",
    sides=MappingProxyType(
        {
            NAME: "#0969da",
            f"{NAME}{streaming.TRANSLATED}": "#54aeff",
            "nginx": "#6e7781",
            "portkey": "#bf8700",
            "litellm": "#a40e26",
            DIRECT: "#afb8c1",
        }
    ),
)
DARK = Theme(
    page="#0d1117",
    ink="#e6edf3",
    faint="#30363d",
    sides=MappingProxyType(
        {
            NAME: "#58a6ff",
            f"{NAME}{streaming.TRANSLATED}": "#a5d6ff",
            "nginx": "#8b949e",
            "portkey": "#d29922",
            "litellm": "#ff7b72",
            DIRECT: "#484f58",
        }
    ),
)
_LEGEND = ("nginx", NAME, f"{NAME}{streaming.TRANSLATED}", "portkey", "litellm", DIRECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One side's points: load and value."""

    side: str
    points: Sequence[tuple[float, float]]


def draw(results: Results, theme: Theme) -> str:
    """The whole picture."""
    rows = [row for of_section in results.rows.values() for row in of_section]
    width = (_WIDTH - 2 * _MARGIN - 2 * _GAP) / 3
    panels = (
        ("requests/s, by connections", _series(rows, calls.RATE, SMALL), None),
        ("gap p99, ms, by paced streams", _series(rows, streaming.GAP), streaming.STEADY_MS),
        ("added to the first event, ms, by streams", _series(rows, streaming.ADDED_FIRST), None),
    )
    parts = [_head(results, theme), *_legend(theme, {series.side for _, every, _ in panels for series in every})]
    for at, (title, every, line) in enumerate(panels):
        box = _Box(left=_MARGIN + at * (width + _GAP) + _LEFT, width=width - _LEFT)
        parts += _panel(title, every, box, theme, line)
    parts.append(_foot(rows, theme))
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """Where a panel's points lie."""

    left: float
    width: float
    top: float = _TOP + 24
    bottom: float = _HEIGHT - _BOTTOM


def _series(rows: Sequence[Row], name: str, prompt: str = "") -> list[Series]:
    """In the order of the legend. Logarithmic scales have no place for what is not above zero."""
    found = [row for row in rows if row.name == name and row.prompt == prompt and row.value > 0 and row.load]
    every = []
    for side in _LEGEND:
        points = [(float(row.load), row.value) for row in found if row.side == side]
        if points:
            every.append(Series(side=side, points=points))
    return every


def _head(results: Results, theme: Theme) -> str:
    facts = results.facts
    told = f"{facts.get('processor', '')}, {facts.get('cores', '')} cores, {results.at:%Y-%m-%d}"
    said = f"{NAME}: {facts.get('conditions', '')}"
    name_space = 'xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif"'
    return "\n".join(
        [
            f'<svg {name_space} viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
            f"<title>Freehold and its peers before the same upstream, {results.at:%Y-%m-%d}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="{theme.page}"/>',
            _text(_MARGIN, 24, f"Before the same upstream, in one run: {told}", theme.ink, size=15, weight=600),
            _text(_MARGIN, 44, said, theme.ink, size=12),
        ]
    )


def _legend(theme: Theme, sides: set[str]) -> Iterator[str]:
    left = float(_MARGIN)
    for side in _LEGEND:
        if side in sides:
            yield f'<rect x="{left:.0f}" y="58" width="14" height="4" rx="2" fill="{theme.sides[side]}"/>'
            name = "the upstream itself" if side == DIRECT else side
            yield _text(left + 20, 64, name, theme.ink)
            left += 40 + 6.6 * len(name)


def _panel(title: str, every: Sequence[Series], box: _Box, theme: Theme, line: float | None) -> Iterator[str]:
    yield _text(box.left - _LEFT, _TOP + 8, title, theme.ink, weight=600)
    if not every:
        yield _text(box.left, (box.top + box.bottom) / 2, "not measured in this run", theme.ink)
        return
    xs = [x for series in every for x, _ in series.points]
    ys = [y for series in every for _, y in series.points] + ([line] if line else [])
    across, up = _Scale(min(xs), max(xs), box.left, box.left + box.width), _Scale(min(ys), max(ys), box.bottom, box.top)
    for value in up.decades():
        y = up.at(value)
        yield _line(box, y, theme.faint)
        yield _text(box.left - 8, y + 4, f"{value:,.10g}", theme.ink, anchor="end", size=11)
    for value in _legible(sorted(set(xs)), across):
        yield _text(across.at(value), box.bottom + 18, f"{value:,.0f}", theme.ink, anchor="middle", size=11)
    if line:
        y = up.at(line)
        yield _line(box, y, theme.ink, dashes="4 4")
        yield _text(box.left + 4, y - 5, f"steady: {line:g} ms", theme.ink, size=11)
    for series in every:
        yield from _drawn(series, across, up, theme)


def _line(box: _Box, y: float, colour: str, *, dashes: str = "none") -> str:
    ends = f'x1="{box.left:.1f}" x2="{box.left + box.width:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-dasharray="{dashes}"/>'


def _legible(values: Sequence[float], across: "_Scale") -> list[float]:
    """As many of them, from the greatest down, as have room for their names."""
    kept: list[float] = []
    for value in reversed(values):
        if not kept or across.at(kept[-1]) - across.at(value) >= _ROOM:
            kept.append(value)
    return kept


def _drawn(series: Series, across: "_Scale", up: "_Scale", theme: Theme) -> Iterator[str]:
    colour, width = theme.sides[series.side], 3 if series.side == NAME else 1.8
    places = [(across.at(x), up.at(y), y) for x, y in series.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'
    for x, y, value in places:
        told = f"<title>{escape(series.side)}: {shown(value)}</title>"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width + 0.6:.1f}" fill="{colour}">{told}</circle>'


@dataclass(frozen=True, slots=True)
class _Scale:
    """Logarithmic: what is measured spans three orders of magnitude."""

    least: float
    most: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        low, high = math.log10(self.least), math.log10(self.most)
        return self.begin + (self.end - self.begin) * ((math.log10(value) - low) / (high - low) if high > low else 0.5)

    def decades(self) -> list[float]:
        """Powers of ten within; where there are fewer than two, both ends."""
        powers = range(math.ceil(math.log10(self.least)), math.floor(math.log10(self.most)) + 1)
        marks = [10.0**power for power in powers]
        return marks if len(marks) > 1 else [float(f"{end:.1g}") for end in (self.least, self.most)]


def _foot(rows: Sequence[Row], theme: Theme) -> str:
    at_rest = [
        f"{row.side} {shown(row.value)} MB" for row in rows if row.name == footprint.AT_REST and row.side != DIRECT
    ]
    told = f"memory (PSS) at rest: {', '.join(at_rest)}" if at_rest else "run it again: make bench"
    return _text(_MARGIN, _HEIGHT - 18, told, theme.ink)


def _text(  # noqa: PLR0913 - what a line of text is made of
    x: float, y: float, said: str, colour: str, *, anchor: str = "start", size: int = 12, weight: int = 400
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
    return f'<text {place} fill="{colour}">{escape(said)}</text>'
