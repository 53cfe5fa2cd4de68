# SPDX-License-Identifier: Apache-2.0
"""Whole answers: how many a second, and what each side adds to the upstream's own time, by connections and prompt.

What is added is the difference of two quantiles of one round: a side's, and that of the upstream asked past it.
"""

from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from bench.load.requests import PROMPTS, SMALL
from bench.load.syncing import syncs_ms
from bench.load.wrk import Answers, ask
from bench.peers.interface import Side
from bench.peers.upstream import DIRECT
from bench.report import Row
from bench.sections.stage import Stage, in_turn

CONNECTIONS = (1, 16, 64, 256)
CONNECTIONS_QUICK = (1, 16, 256)
RATE, P50, P99, ADDED_P50, ADDED_P99 = "requests/s", "p50", "p99", "added p50", "added p99"
SYNC = "the disk's own fdatasync, p50"
UNANSWERED = "requests that got no answer"

_LARGE_WEIGHT = 3  # about how many small requests a large one takes as long as, for how long to ask
_SYNCS = 100  # between two cells of a round, so that the disk is met as the calls meet it
Cell = tuple[str, int]  # prompt, connections


def measure(on: Stage, *, quick: bool) -> Iterator[Row]:
    """Every cell in every round, the sides in turn within a cell."""
    rounds, least_s, most_s, loads = (2, 1, 3, CONNECTIONS_QUICK) if quick else (3, 2, 12, CONNECTIONS)
    seen: dict[Cell, list[dict[str, Answers]]] = defaultdict(list)
    syncs = []
    for number in range(rounds):
        for prompt, size_bytes in PROMPTS.items():
            for connections in loads:
                answers = {
                    side.name: _asked(on, side, connections, size_bytes, (least_s, most_s))
                    for side in in_turn(on.matching, number)
                }
                seen[prompt, connections].append(answers)
                syncs.append(median(syncs_ms(_SYNCS)))
    yield Row(name=SYNC, value=median(syncs), unit="ms", samples=syncs)
    for (prompt, connections), of_rounds in seen.items():
        for side in on.matching:
            yield from _rows(side.name, prompt, connections, of_rounds)


def _asked(on: Stage, side: Side, connections: int, size_bytes: int, bounds_s: tuple[int, int]) -> Answers:
    weight = _LARGE_WEIGHT if size_bytes > PROMPTS[SMALL] else 1
    seconds = on.seconds(side, connections * weight, *bounds_s)
    return ask(side, connections=connections, size_bytes=size_bytes, seconds=seconds)


def _rows(side: str, prompt: str, connections: int, rounds: list[dict[str, Answers]]) -> Iterator[Row]:
    def row(name: str, unit: str, samples: list[float]) -> Row:
        middle = median(samples)
        return Row(name=name, value=middle, unit=unit, samples=samples, side=side, load=connections, prompt=prompt)

    own = [answers[side] for answers in rounds]
    yield row(RATE, "/s", [answers.per_s for answers in own])
    if unanswered := sum(answers.refused + answers.broken for answers in own):
        yield row(UNANSWERED, "", [float(unanswered)])
    if not all(answers.answered for answers in own):
        return
    yield row(P50, "ms", [answers.p50_ms for answers in own])
    yield row(P99, "ms", [answers.p99_ms for answers in own])
    if side != DIRECT:
        yield row(ADDED_P50, "ms", [answers[side].p50_ms - answers[DIRECT].p50_ms for answers in rounds])
        yield row(ADDED_P99, "ms", [answers[side].p99_ms - answers[DIRECT].p99_ms for answers in rounds])
