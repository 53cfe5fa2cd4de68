# SPDX-License-Identifier: Apache-2.0
"""What a part that may be turned on costs whole calls: two estates before the same upstream, one with it, in turn."""

from collections.abc import Iterator, Mapping
from statistics import median
from types import MappingProxyType

from bench.load.requests import PROMPTS, SMALL
from bench.load.wrk import ask
from bench.peers.freehold import Freehold
from bench.peers.interface import Side
from bench.peers.upstream import upstream
from bench.report import Row
from bench.sections.stage import in_turn

PARTS: Mapping[str, str] = MappingProxyType({"the detector": 'detector = "identifiers"'})  # a line of [policy] each

_CONNECTIONS = 16


def measure(*, quick: bool) -> Iterator[Row]:
    for part, line in PARTS.items():
        yield from _cost(part, line, quick=quick)


def _cost(part: str, line: str, *, quick: bool) -> Iterator[Row]:
    rounds, seconds = (2, 1) if quick else (7, 2)
    with (
        upstream() as direct,
        Freehold().running(direct.port) as plain,
        Freehold(policy=line).running(direct.port) as charged,
    ):
        sides = {plain.matching.port: "without", charged.matching.port: "with"}
        _asked(plain.matching, 1), _asked(charged.matching, 1)
        rates: dict[str, list[float]] = {"without": [], "with": []}
        for number in range(rounds):
            for side in in_turn([plain.matching, charged.matching], number):
                rates[sides[side.port]].append(_asked(side, seconds))
    ratios = [having / lacking for having, lacking in zip(rates["with"], rates["without"], strict=True)]
    name = f"requests/s with {part} / without it, a prompt of {SMALL}"
    yield Row(name=name, value=median(ratios), unit="", samples=ratios, load=_CONNECTIONS)
    lost_us = [1e6 / having - 1e6 / lacking for having, lacking in zip(rates["with"], rates["without"], strict=True)]
    yield Row(name=f"{part}, of each request's share of the machine", value=median(lost_us), unit="us", samples=lost_us)


def _asked(side: Side, seconds: int) -> float:
    seen = ask(side, connections=_CONNECTIONS, size_bytes=PROMPTS[SMALL], seconds=seconds)
    if not seen.answered or seen.refused:
        raise RuntimeError(f"{side.name} does not answer as it should: {seen}")
    return seen.per_s
