# SPDX-License-Identifier: Apache-2.0
"""Memory, as PSS: at rest, under streams, under large prompts, and whether it grows with the calls that were made."""

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from bench.load.paced import listen
from bench.load.requests import LARGE, PROMPTS, SMALL
from bench.load.wrk import Answers, ask
from bench.memory import pss_of_trees
from bench.peers.freehold import NAME, Freehold
from bench.peers.interface import Side
from bench.peers.upstream import DIRECT
from bench.report import Row
from bench.sections.stage import Stage

AT_REST = "memory (PSS) at rest"
GROWTH = "growth of memory (PSS) per 100,000 requests"

_GATEWAY = "gateway"
_CONNECTIONS = 16
_LOOK_EVERY_S = 0.1
_PART_S = 5
_MOST_PARTS = 24  # so that a slow machine ends too: it then made fewer requests, and says how many
_LARGE_CALLS = 1_000
T = TypeVar("T")


def measure(on: Stage, *, quick: bool) -> Iterator[Row]:
    """Everybody's before their first call, and that of a gateway of its own through all that may swell it."""
    yield from _at_rest(on)
    with Freehold().running(on.side(DIRECT).port) as fresh:
        yield from _swelling(fresh.matching, quick=quick)


def _swelling(side: Side, *, quick: bool) -> Iterator[Row]:
    half = 5_000 if quick else 100_000
    streams = 64 if quick else 512
    peak, _ = _peak_during(side, lambda: listen(side, streams))
    yield Row(name=f"memory (PSS) of the gateway, most at {streams} streams", value=peak, unit="MB")
    peak, calls = _peak_during(side, lambda: _calls(side, 100 if quick else _LARGE_CALLS, LARGE))
    yield Row(name=f"memory (PSS) of the gateway, most during {calls:,} requests of 400 KB", value=peak, unit="MB")
    before_calls = _calls(side, half, SMALL)
    before = _gateway_mb(side)
    calls = _calls(side, half, SMALL)
    after = _gateway_mb(side)
    name = f"memory (PSS) of the gateway after {before_calls + calls:,} requests"
    yield Row(name=name, value=after, unit="MB")
    yield Row(name=GROWTH, value=(after - before) / calls * 100_000, unit="MB", side=NAME)


def _at_rest(on: Stage) -> Iterator[Row]:
    for name, sizes in on.at_rest.items():
        own = sizes[_GATEWAY] if name == NAME else sum(sizes.values())
        yield Row(name=AT_REST, value=own / 1e6, unit="MB", side=f"{NAME}'s gateway" if name == NAME else name)
    yield Row(name=AT_REST, value=sum(on.at_rest[NAME].values()) / 1e6, unit="MB", side=f"all of {NAME}'s processes")


def _calls(side: Side, wanted: int, prompt: str) -> int:
    """Make about so many calls: how many were made."""
    made = 0
    for _ in range(_MOST_PARTS):
        seen: Answers = ask(side, connections=_CONNECTIONS, size_bytes=PROMPTS[prompt], seconds=_PART_S)
        made += seen.answered
        if made >= wanted:
            break
    if not made:
        raise RuntimeError(f"{side.name} answers no call")
    return made


def _peak_during(side: Side, work: Callable[[], T]) -> tuple[float, T]:
    """The most megabytes that the gateway has while the work is done, and what came of it."""
    done, sizes = threading.Event(), [_gateway_mb(side)]

    def watch() -> None:
        while not done.wait(_LOOK_EVERY_S):
            sizes.append(_gateway_mb(side))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        result = work()
    finally:
        done.set()
        watching.join()
    return max(sizes), result


def _gateway_mb(side: Side) -> float:
    return pss_of_trees({_GATEWAY: side.pids[_GATEWAY]})[_GATEWAY] / 1e6
