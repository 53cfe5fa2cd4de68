# SPDX-License-Identifier: Apache-2.0
"""From nothing to an answer: the start of an estate that is ready to run, and the waking of an engine that sleeps."""

import time
from collections.abc import Iterator
from statistics import median

from bench.estate import BenchEstate
from bench.report import Row

_QUESTION = "What is the capital of France, and which river runs through it? Answer in one sentence."


def measure(on: BenchEstate, *, quick: bool) -> Iterator[Row]:
    """What restarts the estate with other settings comes last."""
    rounds = 2 if quick else 5
    yield from _up(on, rounds)
    yield _wake(on, rounds)


def _up(on: BenchEstate, rounds: int) -> Iterator[Row]:
    """Seconds from ``freehold up`` to its return, when the estate answers, and on to the first token of a call."""
    ready_s, first_s = [], []
    for _ in range(rounds):
        on.down()
        begun = time.perf_counter()
        on.up()
        ready_s.append(time.perf_counter() - begun)
        first_s.append(ready_s[-1] + on.through_gateway().ask(_QUESTION, 1).first_token_s)
    yield Row(name="freehold up until ready", value=median(ready_s), unit="s", samples=ready_s)
    name = "freehold up to the first token"
    yield Row(name=name, value=median(first_s), unit="s", at_most=4.0, samples=first_s)


def _wake(on: BenchEstate, rounds: int) -> Row:
    """Seconds from a call that finds its engine asleep to its first token."""
    on.down()
    on.sleep_after(1.0)
    on.up()
    times = []
    for _ in range(rounds):
        on.await_sleep()
        times.append(on.through_gateway().ask(_QUESTION, 1).first_token_s)
    return Row(name="wake from sleep to the first token", value=median(times), unit="s", at_most=2.0, samples=times)
