# SPDX-License-Identifier: Apache-2.0
"""Many streams at once, each paced by the upstream: what their callers saw."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.load.requests import body_of, request_of
from bench.peers.installing import native
from bench.peers.interface import Side
from bench.peers.upstream import EVENTS, INTERVAL_S
from bench.showing.statistics import quantile

_OPENING_S = 10  # how much longer than its pace a run may take until it is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One of them: the milliseconds from its request to each read that brought events."""

    whole: bool
    status: int
    events: int
    at_ms: Sequence[float]

    @property
    def gaps_ms(self) -> list[float]:
        """Between one read that brought events and the next: several events in one read are one late event."""
        return [after - before for before, after in zip(self.at_ms, self.at_ms[1:], strict=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """All of one run."""

    every: Sequence[Stream]

    @property
    def broken(self) -> int:
        """Those that did not come whole: every event and the terminator, in time."""
        return sum(not (stream.whole and stream.events == EVENTS) for stream in self.every)

    @property
    def events_per_s(self) -> float:
        """Events over the time until the last of them came. They were all asked for at the same moment."""
        last_ms = max((stream.at_ms[-1] for stream in self.every if stream.at_ms), default=0.0)
        return sum(stream.events for stream in self.every) / (last_ms / 1000) if last_ms else 0.0

    @property
    def first_ms(self) -> float:
        """To the first event: the median of those that got one, infinite if fewer than half did."""
        firsts = [stream.at_ms[0] for stream in self.every if stream.at_ms]
        return median(firsts) if len(firsts) * 2 >= len(self.every) else float("inf")

    def gap_ms(self, share: float) -> float:
        gaps = [gap for stream in self.every for gap in stream.gaps_ms]
        return quantile(gaps, share) if gaps else float("inf")


def listen(side: Side, streams: int) -> Streams:
    """Ask for so many streams at the same moment, and listen until all have ended."""
    request = request_of(side, body_of(side, stream=True))
    patience_s = round(EVENTS * INTERVAL_S) + _OPENING_S
    done = subprocess.run(
        [native("streams"), str(side.port), str(streams), str(patience_s)],
        input=request,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{side.name}, {streams} streams: {done.stderr.decode(errors='replace').strip()}")
    return parse(done.stdout.decode())


def parse(said: str) -> Streams:
    """Read what ``streams`` prints: for each stream whether it came whole, status, events, and its reads in us."""
    every = []
    for line in said.splitlines():
        whole, status, events, *at_us = map(int, line.split())
        every.append(Stream(whole=bool(whole), status=status, events=events, at_ms=[at / 1000 for at in at_us]))
    return Streams(every=every)
