# SPDX-License-Identifier: Apache-2.0
"""The numbers that were promised, each made of what the sections measured, sample by sample of the same rounds."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.load.requests import SMALL
from bench.peers.freehold import NAME
from bench.peers.litellm import LiteLlm
from bench.peers.nginx import Nginx
from bench.peers.portkey import Portkey
from bench.report import Row
from bench.sections import calls, footprint, owned, streaming

_RATIOS = ((LiteLlm.name, 70, 100), (Portkey.name, 7, 10), (Nginx.name, 0.2, 0.33))  # peer, to reach, goal


def numbers(rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """One for each line of the promise that the sections which ran can tell."""
    found = _Found(row for section in rows.values() for row in section)
    return [
        *_rates(found),
        *_added(found),
        *_streams(found),
        *_memory(found),
        *_owned(found),
    ]


class _Found:
    """The rows, by what they are of."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = {(row.name, row.side, row.load, row.prompt): row for row in rows}

    def get(self, name: str, side: str = "", load: int = 0, prompt: str = "") -> Row | None:
        return self._rows.get((name, side, load, prompt))


def _rates(found: _Found) -> Iterator[Row]:
    own = found.get(calls.RATE, NAME, 16, SMALL)
    for peer, least, goal in _RATIOS:
        other = found.get(calls.RATE, peer, 16, SMALL)
        if own and other:
            ratios = _ratios(own, other)
            name = f"requests/s at 16 connections, over {peer}"
            yield Row(name=name, value=median(ratios), unit="", at_least=least, goal=goal, samples=ratios)


def _added(found: _Found) -> Iterator[Row]:
    added, sync = found.get(calls.ADDED_P50, NAME, 1, SMALL), found.get(calls.SYNC)
    if added and sync:
        samples = [sample - sync.value for sample in added.samples]
        name = "added p50 at 1 connection, less the disk's own sync"
        yield Row(name=name, value=median(samples), unit="ms", at_most=0.6, goal=0.4, samples=samples)


def _streams(found: _Found) -> Iterator[Row]:
    if row := found.get(streaming.SUSTAINED, NAME):
        name = f"paced streams sustained, gap p99 within {streaming.STEADY_MS:g} ms"
        yield Row(name=name, value=row.value, unit="", at_least=512, goal=1024, samples=row.samples)
    if row := found.get(streaming.ADDED_FIRST, NAME, 256):
        name = "added time to the first token at 256 streams, p50"
        yield Row(name=name, value=row.value, unit="ms", at_most=60, goal=20, samples=row.samples)
    own, other = found.get(streaming.MOST_EVENTS, NAME), found.get(streaming.MOST_EVENTS, LiteLlm.name)
    if own and other:
        ratios = _ratios(own, other)
        name = f"most events/s, over {LiteLlm.name}"
        yield Row(name=name, value=median(ratios), unit="", at_least=20, goal=40, samples=ratios)


def _memory(found: _Found) -> Iterator[Row]:
    if row := found.get(footprint.AT_REST, f"{NAME}'s gateway"):
        yield Row(name="the gateway's memory (PSS) at rest", value=row.value, unit="MB", at_most=90, goal=60)
    if row := found.get(footprint.GROWTH, NAME):
        yield Row(name=row.name, value=row.value, unit="MB", at_most=1, goal=0)


def _owned(found: _Found) -> Iterator[Row]:
    if row := found.get(owned.RATIO, load=1):
        name = "tokens/s through the gateway, over the engine alone"
        yield Row(name=name, value=row.value, unit="", at_least=0.98, goal=1.0, goal_in_noise=True, samples=row.samples)


def _ratios(own: Row, other: Row) -> list[float]:
    """Round by round: both were measured in turn in each."""
    return [mine / its for mine, its in zip(own.samples, other.samples, strict=True) if its]
