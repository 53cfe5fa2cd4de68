# SPDX-License-Identifier: Apache-2.0
"""Whom calls were shown to in a period: as a picture, by state, and as the rows that both are made of."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

import msgspec

from freehold.console.drawing.sankey import OTHERS, Sankey, Shape, Stream, folded, sankey
from freehold.contract.facts import UNKNOWN

HEADS: Final = (
    ("Service", "Service"),
    ("Data class", "Class"),
    ("Backend", "Backend"),
    ("Who can compel it", "Compelled by"),
)
_BACKEND, _STATES = 2, 3  # columns
_WIDE: Final = Shape(width=1080, height=360, room=190)
_NARROW: Final = Shape(width=356, height=420, room=82, bar=8, gap=20)
_MOST: Final = 12  # bars a column; the rows below have them all
_WIDE_LETTERS, _NARROW_LETTERS = 34, 12


class Tone(StrEnum):
    """What matters of a flow."""

    OWNED = "owned"  # nobody but the estate saw it
    FOREIGN = "foreign"  # states are known that can compel whoever saw it
    UNKNOWN = "unknown"  # not all of them are


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one service and class that one target saw."""

    service: str
    data_class: str
    target: str
    operator: str
    owned: bool
    authorities: tuple[str, ...]
    calls: int

    @property
    def tone(self) -> Tone:
        if self.owned:
            return Tone.OWNED
        return Tone.UNKNOWN if UNKNOWN in self.authorities or not self.authorities else Tone.FOREIGN

    @property
    def states(self) -> str:
        """Who can compel whoever saw the calls, in a few words."""
        if self.owned:
            return "yours alone"
        known = [state for state in self.authorities if state != UNKNOWN]
        return ", ".join([*known, *["not established"] * (self.tone is Tone.UNKNOWN)])


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that nobody saw, because the rules forbade it."""

    service: str
    data_class: str
    calls: int


class Flows(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """A period. ``whole`` is false where it has more entries than were counted; ``damaged``: what cannot be read."""

    since: str
    until: str | None  # None: now
    whole: bool
    examined: int
    calls: int
    owned_calls: int
    foreign_calls: int
    refused_calls: int
    open_calls: int
    drill_calls: int
    unknown_calls: int  # of which nobody knows who saw them: the gateway died
    damaged: tuple[str, ...]
    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]


class FlowsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``GET flows``."""

    flows: Flows


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What one state could have had shown to it. A call that several can compel is counted with each."""

    state: str
    calls: int
    seen: int  # calls in all
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A bar with its name. ``href`` is empty where there is nothing to read behind it."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    text_x: float
    tone: str
    name: str
    short: str
    said: str
    calls: int
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """Calls between two bars."""

    path: str
    tone: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The name of a column."""

    x: float
    text: str
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The whole, at one size. ``kind`` is ``wide`` or ``narrow``."""

    kind: str
    width: float
    height: float
    heads: tuple[Head, ...]
    stops: tuple[Stop, ...]
    ribbons: tuple[Ribbon, ...]


def by_state(flows: Flows) -> list[State]:
    """Every state that could have had something shown to it, the one that could have had most first."""
    calls: Counter[str] = Counter()
    operators: dict[str, set[str]] = {}
    for row in flows.rows:
        for state in () if row.owned else row.authorities or (UNKNOWN,):
            calls[state] += row.calls
            operators.setdefault(state, set()).add(row.operator)
    seen = sum(row.calls for row in flows.rows)
    ordered = sorted(calls, key=lambda state: (-calls[state], state))
    return [
        State(state=state, calls=calls[state], seen=seen, operators=tuple(sorted(operators[state])))
        for state in ordered
    ]


def pictures(flows: Flows, facts_href: str) -> tuple[Picture, ...]:
    """The flow, for wide and for narrow screens. ``facts_href`` begins the address of facts."""
    return (
        _picture(flows.rows, facts_href, "wide", _WIDE, _WIDE_LETTERS),
        _picture(flows.rows, facts_href, "narrow", _NARROW, _NARROW_LETTERS),
    )


def _picture(rows: Sequence[Row], facts_href: str, kind: str, shape: Shape, letters: int) -> Picture:
    streams = folded(map(_stream, rows), _MOST)
    drawn = sankey(streams, list(Tone), shape)
    operators = {row.target: row.operator for row in rows}
    columns = sorted({stop.x for stop in drawn.stops})
    return Picture(
        kind=kind,
        width=drawn.width,
        height=drawn.height,
        heads=tuple(Head(x=x, text=text, short=short) for x, (text, short) in zip(columns, HEADS, strict=False)),
        stops=tuple(_stops(drawn, shape, letters, operators, facts_href)),
        ribbons=tuple(
            Ribbon(
                path=one.path,
                tone=one.tone,
                said=f"{_name(one.left)} to {_name(one.right)}: {_calls(one.weight)}, {one.tone}",
            )
            for one in drawn.ribbons
        ),
    )


def _stream(row: Row) -> Stream:
    return Stream(stops=(row.service, row.data_class, row.target, row.states), tone=row.tone, weight=row.calls)


def _stops(drawn: Sankey, shape: Shape, letters: int, operators: Mapping[str, str], facts_href: str) -> Iterable[Stop]:
    for stop in drawn.stops:
        name = _name(stop.name)
        foreign = stop.column == _BACKEND and stop.name in operators
        yield Stop(
            x=stop.x,
            y=stop.y,
            width=stop.width,
            height=stop.height,
            middle=stop.middle,
            text_x=stop.x + shape.bar + 6,
            tone=next(iter(stop.weights)) if len(stop.weights) == 1 else "mixed",
            name=name,
            short=_shortened(name, letters),
            said=f"{name}: {_calls(stop.weight)}",
            calls=stop.weight,
            href=f"{facts_href}{quote(operators[stop.name], safe='')}"
            if foreign
            else "#by-state" * (stop.column == _STATES),
        )


def _name(stop: str) -> str:
    return "all others" if stop == OTHERS else stop


def _shortened(name: str, letters: int) -> str:
    """Its beginning and its end: names of one estate often begin alike."""
    if len(name) <= letters:
        return name
    end = (letters - 1) // 2
    return f"{name[: letters - 1 - end]}…{name[-end:]}"


def _calls(number: int) -> str:
    written = f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{written} call{'' if number == 1 else 's'}"
