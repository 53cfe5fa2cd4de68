# SPDX-License-Identifier: Apache-2.0
"""What a part that may be turned on costs whole calls: two estates before the same upstream, one with it, in turn.

Beside it, what measuring takes of the gateway's own time, for a call and for a piece of a stream.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from time import process_time
from timeit import repeat
from types import MappingProxyType

from bench.load.requests import PROMPTS, SMALL
from bench.load.wrk import ask
from bench.peers.freehold import Freehold
from bench.peers.interface import Side
from bench.peers.upstream import upstream
from bench.report import Row
from bench.sections.stage import in_turn

from freehold.api.measures import Measures
from freehold.contract.record import Ending, Outcome

_TRACES = """
[signals]
traces = "http://127.0.0.1:UPSTREAM"

[grant.traces]
for = "telemetry"
hosts = ["127.0.0.1:UPSTREAM"]
allow_private = true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An estate that has it, and one that does not."""

    having: Freehold
    lacking: Freehold = field(default_factory=Freehold)
    rounds: int = 3
    in_quick: bool = False


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "the detector": Part(having=Freehold(policy='detector = "identifiers"'), rounds=7, in_quick=True),
        "metrics": Part(having=Freehold(), lacking=Freehold(tables="\n[signals]\nmetrics = false\n")),
        "traces": Part(having=Freehold(tables=_TRACES)),  # of every call; the upstream takes them, too
    }
)

_CONNECTIONS = 16
_TIMES = 100_000


def measure(*, quick: bool) -> Iterator[Row]:
    for name, part in PARTS.items():
        if part.in_quick or not quick:
            yield from _cost(name, part, quick=quick)
    yield from _own_time()


def _own_time() -> Iterator[Row]:
    """What a call and a piece cost where they are counted, without anything around it."""
    measures = Measures()
    pace = measures.pace()
    pace.begin(measures.of("service", "target"))
    paced = pace.before(lambda _: True)
    outcome = Outcome(call_id="call_0", ending=Ending.COMPLETE, target="target", input_tokens=10, output_tokens=10)

    def piece() -> None:
        paced(b"")

    def call() -> None:
        arrived = measures.pace()
        arrived.begin(measures.of("service", "target"))
        measures.over(arrived, "service", outcome, ())

    yield _timed("metrics, a call in the gateway's own code", call, at_most_us=2.0)
    yield _timed("metrics, a piece of a stream in the gateway's own code", piece, at_most_us=1.0)


def _timed(name: str, measured: Callable[[], None], *, at_most_us: float) -> Row:
    samples = [1e6 * seconds / _TIMES for seconds in repeat(measured, timer=process_time, number=_TIMES, repeat=5)]
    return Row(name=name, value=median(samples), unit="us", at_most=at_most_us, samples=samples)


def _cost(part: str, of: Part, *, quick: bool) -> Iterator[Row]:
    rounds, seconds = (2, 1) if quick else (of.rounds, 2)
    with (
        upstream() as direct,
        of.lacking.running(direct.port) as plain,
        of.having.running(direct.port) as charged,
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
