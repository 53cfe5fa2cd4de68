# SPDX-License-Identifier: Apache-2.0
"""A Sankey diagram of streams that pass one stop in each of several columns, from left to right.

Layered as in Sugiyama: stops are ordered by the barycentre of their neighbours, and every height is true to the number
that it stands for, but for a least one that can still be seen. The same streams give the same picture.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

OTHERS: Final = ""  # the stop that stands for all that would not fit

_SWEEPS: Final = 4
_LEAST: Final = 1.0  # of a height, so that a stream of one call among millions is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Calls that went the same way. ``tone`` is what the picture tells streams apart by."""

    stops: tuple[str, ...]  # one a column
    tone: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large it is to be. ``room`` is what is left behind the last column for its names."""

    width: float
    height: float
    room: float
    bar: float = 12.0
    gap: float = 14.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One bar. ``middle`` is where its name stands; ``weights`` has a number for each tone."""

    column: int
    name: str
    x: float
    y: float
    width: float
    height: float
    weights: Mapping[str, int]

    @property
    def middle(self) -> float:
        return round(self.y + self.height / 2, 1)

    @property
    def weight(self) -> int:
        return sum(self.weights.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """What flows from one stop to another, in one tone. ``path`` is the ``d`` of an SVG path, to be filled."""

    left: str
    right: str
    column: int  # of the left stop
    tone: str
    weight: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sankey:
    """The picture."""

    width: float
    height: float
    stops: tuple[Stop, ...]
    ribbons: tuple[Ribbon, ...]


def folded(streams: Iterable[Stream], most: int) -> tuple[Stream, ...]:
    """The same streams with at most ``most`` stops in each column: the lightest become OTHERS."""
    whole = list(streams)
    columns = len(whole[0].stops) if whole else 0
    kept = [_heaviest(whole, column, most) for column in range(columns)]
    merged: Counter[tuple[tuple[str, ...], str]] = Counter()
    for stream in whole:
        stops = tuple(name if name in kept[column] else OTHERS for column, name in enumerate(stream.stops))
        merged[stops, stream.tone] += stream.weight
    return tuple(Stream(stops=stops, tone=tone, weight=weight) for (stops, tone), weight in merged.items())


def sankey(streams: Iterable[Stream], tones: Sequence[str], shape: Shape) -> Sankey:
    """The picture of streams that all have as many stops. ``tones`` is the order in which they lie on each other."""
    whole = [stream for stream in streams if stream.weight > 0]
    columns = len(whole[0].stops) if whole else 0
    totals = [_totals(whole, column) for column in range(columns)]
    links = [_links(whole, column) for column in range(columns - 1)]
    orders = _ordered([_by_weight(total) for total in totals], links)
    height = max(shape.height, *(_least_height(order, shape) for order in orders), 0.0) if orders else shape.height
    grown = replace(shape, height=height)
    stops = _stops(totals, orders, grown)
    return Sankey(
        width=shape.width,
        height=height,
        stops=tuple(stops.values()),
        ribbons=tuple(_ribbons(links, stops, tones, grown)),
    )


_Total = dict[str, Counter[str]]  # by stop, then by tone
_Key = tuple[str, str, str]  # left, right, tone
_Links = Counter[_Key]


def _heaviest(streams: Iterable[Stream], column: int, most: int) -> frozenset[str]:
    total = _totals(streams, column)
    names = _by_weight(total)
    return frozenset(names if len(names) <= most else names[: most - 1])


def _totals(streams: Iterable[Stream], column: int) -> _Total:
    totals: _Total = {}
    for stream in streams:
        totals.setdefault(stream.stops[column], Counter())[stream.tone] += stream.weight
    return totals


def _by_weight(total: _Total) -> list[str]:
    return sorted(total, key=lambda name: (name == OTHERS, -total[name].total(), name))


def _links(streams: Iterable[Stream], column: int) -> _Links:
    links: _Links = Counter()
    for stream in streams:
        links[stream.stops[column], stream.stops[column + 1], stream.tone] += stream.weight
    return links


def _ordered(orders: list[list[str]], links: Sequence[_Links]) -> list[list[str]]:
    """Each column sorted by where its neighbours lie, to the right and back again, a few times."""
    for _ in range(_SWEEPS):
        for column in range(1, len(orders)):
            orders[column] = _sorted(orders[column], orders[column - 1], links[column - 1], forwards=True)
        for column in range(len(orders) - 2, -1, -1):
            orders[column] = _sorted(orders[column], orders[column + 1], links[column], forwards=False)
    return orders


def _sorted(names: Sequence[str], fixed: Sequence[str], links: _Links, *, forwards: bool) -> list[str]:
    place = {name: at for at, name in enumerate(fixed)}
    pulls: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for (left, right, _), weight in links.items():
        ours, theirs = (right, left) if forwards else (left, right)
        pulls[ours].append((place[theirs], weight))
    return sorted(names, key=lambda name: (name == OTHERS, _barycentre(pulls[name])))


def _barycentre(pulls: Sequence[tuple[int, int]]) -> float:
    total = sum(weight for _, weight in pulls)
    return sum(place * weight for place, weight in pulls) / total if total else 0.0


def _least_height(order: Sequence[str], shape: Shape) -> float:
    """So many names need so much, however little flows."""
    return len(order) * (shape.gap + _LEAST)


def _stops(totals: Sequence[_Total], orders: Sequence[Sequence[str]], shape: Shape) -> dict[tuple[int, str], Stop]:
    """Every column is spread over the whole height, and begins and ends where the others do."""
    unit = _unit(totals, shape)
    step = (shape.width - shape.room - shape.bar) / max(1, len(orders) - 1)
    placed: dict[tuple[int, str], Stop] = {}
    for column, order in enumerate(orders):
        heights = [max(_LEAST, totals[column][name].total() * unit) for name in order]
        gap = max(0.0, shape.height - sum(heights)) / len(order)
        y = gap / 2
        for name, height in zip(order, heights, strict=True):
            placed[column, name] = Stop(
                column=column,
                name=name,
                x=round(column * step, 1),
                y=round(y, 1),
                width=shape.bar,
                height=round(height, 1),
                weights=dict(totals[column][name]),
            )
            y += height + gap
    return placed


def _unit(totals: Sequence[_Total], shape: Shape) -> float:
    """The height of one call: the same in every column, and small enough for the fullest."""
    return min(
        ((shape.height - len(total) * shape.gap) / sum(c.total() for c in total.values()) for total in totals),
        default=0.0,
    )


def _ribbons(
    links: Sequence[_Links], stops: Mapping[tuple[int, str], Stop], tones: Sequence[str], shape: Shape
) -> Iterable[Ribbon]:
    """At each stop, ribbons lie in the order of where they go to, or come from, so that none crosses there."""
    for column, found in enumerate(links):
        ends = {key: (stops[column, key[0]], stops[column + 1, key[1]]) for key in found}
        leaves = _shares(found, {key: (left, right.y) for key, (left, right) in ends.items()}, tones)
        enters = _shares(found, {key: (right, left.y) for key, (left, right) in ends.items()}, tones)
        for key in sorted(found, key=lambda key: tones.index(key[2])):
            left, right = ends[key]
            yield Ribbon(
                left=left.name,
                right=right.name,
                column=column,
                tone=key[2],
                weight=found[key],
                path=_path(left.x + shape.bar, leaves[key], right.x, enters[key]),
            )


def _shares(
    links: _Links, edges: Mapping[_Key, tuple[Stop, float]], tones: Sequence[str]
) -> dict[_Key, tuple[float, float]]:
    """What each link takes of the edge of its stop. ``edges`` has that stop, and where the other one lies."""
    shares: dict[_Key, tuple[float, float]] = {}
    taken: dict[str, float] = {}
    for key in sorted(links, key=lambda key: (edges[key][1], tones.index(key[2]))):
        stop, _ = edges[key]
        top = taken.get(stop.name, stop.y)
        taken[stop.name] = top + stop.height * links[key] / stop.weight
        shares[key] = (top, taken[stop.name])
    return shares


def _path(x0: float, left: tuple[float, float], x1: float, right: tuple[float, float]) -> str:
    """Two cubic curves with their ends joined."""
    middle = (x0 + x1) / 2
    (top0, bottom0), (top1, bottom1) = left, right
    return (
        f"M{x0:.1f} {top0:.1f}C{middle:.1f} {top0:.1f} {middle:.1f} {top1:.1f} {x1:.1f} {top1:.1f}"
        f"L{x1:.1f} {bottom1:.1f}C{middle:.1f} {bottom1:.1f} {middle:.1f} {bottom0:.1f} {x0:.1f} {bottom0:.1f}Z"
    )
