# SPDX-License-Identifier: Apache-2.0
"""Paced streams: how many a side carries, and what it adds to the first event, matching dialects and translated ones.

All streams of a run are asked for at the same moment, which is the hardest way to begin. A side that brings less than
half of the pace at some level is saturated, and not asked for more in that round.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median, median_low
from time import monotonic, sleep

from bench.load.paced import Streams, listen
from bench.peers.interface import Side
from bench.peers.upstream import DIRECT, INTERVAL_S
from bench.report import Row
from bench.sections.stage import Stage, in_turn

STREAMS = (1, 16, 64, 128, 256, 512, 768, 1024)
STREAMS_QUICK = (16, 256, 512)
STEADY_MS = 30.0  # of the 99th percentile of gaps, where the upstream sends every 20 ms
SUSTAINED, MOST_EVENTS = "streams sustained", "most events/s"
EVENTS, FIRST, ADDED_FIRST, GAP = "events/s", "first event, p50", "added to the first event, p50", "gap, p99"
BROKEN = "streams that broke off"
TRANSLATED = ", translated"

_GOOD = 200
_REST_S = 60
_SATURATED = 0.5  # of the events that are due
_DUE_PER_S = 1 / INTERVAL_S  # of each stream
Seen = dict[int, Streams]  # of one side in one round, by level


def measure(on: Stage, *, quick: bool) -> Iterator[Row]:
    rounds, levels = (1, STREAMS_QUICK) if quick else (3, STREAMS)
    sides = [(side.name, side) for side in on.matching]
    sides += [(side.name + TRANSLATED, side) for side in on.translated]
    for _, side in sides:
        _await_rest(side)
    seen = [_round(sides, levels, number) for number in range(rounds)]
    for name, _ in sides:
        yield from _summary(name, [each[name] for each in seen])
    for level in levels:
        for name, _ in sides:
            yield from _rows(name, level, seen)


def is_steady(run: Streams) -> bool:
    """Whether every stream came whole, and hardly an event was late."""
    return not run.broken and run.gap_ms(0.99) <= STEADY_MS


def sustained(seen: Seen) -> int:
    """The highest level that was steady."""
    return max((level for level, run in seen.items() if is_steady(run)), default=0)


def _await_rest(side: Side) -> None:
    """Until a side carries one stream again, whatever was asked of it before: what it did there was told there."""
    until = monotonic() + _REST_S
    while listen(side, 1).broken and monotonic() < until:
        sleep(1)


def _round(sides: Sequence[tuple[str, Side]], levels: Sequence[int], number: int) -> dict[str, Seen]:
    seen: dict[str, Seen] = {name: {} for name, _ in sides}
    saturated: set[str] = set()
    names = {id(side): name for name, side in sides}
    for level in levels:
        for side in in_turn([side for _, side in sides], number):
            name = names[id(side)]
            if name not in saturated:
                run = seen[name][level] = listen(side, level)
                if name != DIRECT and run.events_per_s < _SATURATED * _DUE_PER_S * level:
                    saturated.add(name)
    return seen


def _summary(name: str, rounds: Sequence[Seen]) -> Iterator[Row]:
    most = [float(sustained(seen)) for seen in rounds]
    yield Row(name=SUSTAINED, value=median_low(most), unit="", samples=most, side=name)
    events = [max(run.events_per_s for run in seen.values()) for seen in rounds]
    yield Row(name=MOST_EVENTS, value=median(events), unit="/s", samples=events, side=name)


def _rows(name: str, level: int, rounds: Sequence[dict[str, Seen]]) -> Iterator[Row]:
    pairs = [(each[name][level], each[DIRECT][level]) for each in rounds if level in each[name]]
    if not pairs:
        return

    def row(what: str, unit: str, samples: list[float]) -> Row:
        return Row(name=what, value=median(samples), unit=unit, samples=samples, side=name, load=level)

    yield row(EVENTS, "/s", [own.events_per_s for own, _ in pairs])
    if broken := sum(own.broken for own, _ in pairs):
        yield row(BROKEN, "", [float(broken)])
    refused = Counter(stream.status for own, _ in pairs for stream in own.every if stream.status != _GOOD)
    for status, count in refused.items():
        yield row(f"streams answered with {status or 'nothing'}", "", [float(count)])
    if any(not own.first_ms < float("inf") for own, _ in pairs):
        return
    yield row(FIRST, "ms", [own.first_ms for own, _ in pairs])
    yield row(GAP, "ms", [own.gap_ms(0.99) for own, _ in pairs])
    if name != DIRECT:
        yield row(ADDED_FIRST, "ms", [own.first_ms - direct.first_ms for own, direct in pairs])
