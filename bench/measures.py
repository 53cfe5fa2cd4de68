# SPDX-License-Identifier: Apache-2.0
"""What is measured, and against which target. Pairs alternate in order, so that drift favours neither side."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TypeVar

from bench.client import Asker, Timing
from bench.estate import BenchEstate
from bench.memory import pss_by_process
from bench.report import Row

Side = TypeVar("Side")

_STORY = "Tell me a long story about a lighthouse keeper, her boat and the winter of 1911. Leave nothing out."
_QUESTION = "What is the capital of France, and which river runs through it? Answer in one sentence."
_STORY_TOKENS = 64


def throughput(estate: BenchEstate, *, rounds: int, streams: int) -> Row:
    """Tokens per second through the gateway over those past it, the prompt already in the engine's cache."""
    through, past = _callers(estate, streams)
    for callers in (past, through):
        _tokens_per_second(callers)
    ratios = []
    for first, second in _alternating((through, past), rounds):
        rates = {id(callers): _tokens_per_second(callers) for callers in (first, second)}
        ratios.append(rates[id(through)] / rates[id(past)])
    return Row(
        name=f"tokens/s through the gateway / past it, {streams} at a time",
        value=median(ratios),
        unit="",
        at_least=0.97,
        samples=ratios,
    )


def added_first_token(estate: BenchEstate, *, rounds: int) -> Row:
    """Milliseconds that the gateway adds to the first token, the prompt already in the engine's cache."""
    through, past = estate.through_gateway(), estate.past_gateway()
    for caller in (past, through):
        caller.ask(_QUESTION, 1)
    added = []
    for first, second in _alternating((through, past), rounds):
        times = {id(caller): caller.ask(_QUESTION, 1).first_token_s for caller in (first, second)}
        added.append((times[id(through)] - times[id(past)]) * 1000)
    return Row(name="added time to first token, p50", value=median(added), unit="ms", at_most=3.0, samples=added)


def memory(estate: BenchEstate) -> list[Row]:
    """PSS of each process after the calls above, engines apart."""
    status = estate.status()
    sizes = pss_by_process({process["name"]: process["pid"] for process in status["processes"] if process["pid"]})
    own = {name: size for name, size in sizes.items() if not name.startswith("engine ")}
    gateways = [size for name, size in own.items() if name.startswith("gateway")]
    return [
        Row(name="memory (PSS) of a gateway", value=max(gateways) / 1e6, unit="MB", at_most=90.0),
        Row(name="memory (PSS) of all processes but engines", value=sum(own.values()) / 1e6, unit="MB", at_most=250.0),
        *(Row(name=f"memory (PSS) of {name}", value=size / 1e6, unit="MB") for name, size in sizes.items()),
    ]


def up_to_first_token(estate: BenchEstate, *, rounds: int) -> Row:
    """Seconds from ``freehold up`` on a ready estate to the first token of a call."""
    times = []
    for _ in range(rounds):
        estate.down()
        begun = time.perf_counter()
        estate.up()
        asked = time.perf_counter() - begun
        times.append(asked + estate.through_gateway().ask(_QUESTION, 1).first_token_s)
    return Row(name="freehold up to the first token", value=median(times), unit="s", at_most=4.0, samples=times)


def wake_to_first_token(estate: BenchEstate, *, rounds: int) -> Row:
    """Seconds from a call that finds its engine asleep to its first token."""
    estate.down()
    estate.sleep_after(1.0)
    estate.up()
    times = []
    for _ in range(rounds):
        estate.await_sleep()
        times.append(estate.through_gateway().ask(_QUESTION, 1).first_token_s)
    return Row(name="wake from sleep to the first token", value=median(times), unit="s", at_most=2.0, samples=times)


def _callers(estate: BenchEstate, streams: int) -> tuple[list[Asker], list[Asker]]:
    return [estate.through_gateway() for _ in range(streams)], [estate.past_gateway() for _ in range(streams)]


def _tokens_per_second(callers: Sequence[Asker]) -> float:
    """Of all callers at once, until the last is done."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(callers)) as pool:
        timings: list[Timing] = list(pool.map(lambda caller: caller.ask(_STORY, _STORY_TOKENS), callers))
    return sum(timing.tokens for timing in timings) / (time.perf_counter() - begun)


def _alternating(sides: tuple[Side, Side], rounds: int) -> list[tuple[Side, Side]]:
    one, other = sides
    return [(one, other) if number % 2 else (other, one) for number in range(rounds)]
