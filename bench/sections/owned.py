# SPDX-License-Identifier: Apache-2.0
"""An engine of the estate: through the gateway and past it, at its own socket, by how many ask at the same time.

Rounds alternate in who begins, so that drift favours neither side. The prompt lies in the engine's cache on both.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TypeVar

from bench.client import Asker, Timing
from bench.estate import BenchEstate
from bench.report import Row
from bench.showing.statistics import quantile

CALLERS = (1, 4, 16)
RATIO = "tokens/s through the gateway / past it"
THROUGH, PAST = "through the gateway", "past it"

_STORY = "Tell me a long story about a lighthouse keeper, her boat and the winter of 1911. Leave nothing out."
_TOKENS, _TOKENS_OF_MANY = 64, 32  # of each answer; the second where more ask than an engine has slots
_FEW = 4
_TURNS = 8
_REPLY_TOKENS = 24
Side = TypeVar("Side")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """All callers of one side, at once."""

    tokens_per_s: float
    first_ms: Sequence[float]


def measure(on: BenchEstate, *, quick: bool) -> Iterator[Row]:
    """Speed and first tokens by callers, then what of a growing conversation has not to be read again."""
    for callers in CALLERS:
        rounds = max(1, 4 // callers) if quick else max(5, 20 // callers)
        yield from _by_callers(on, callers, rounds)
    yield from _conversation(on)


def alternating(sides: tuple[Side, Side], rounds: int) -> list[tuple[Side, Side]]:
    one, other = sides
    return [(one, other) if number % 2 else (other, one) for number in range(rounds)]


def _by_callers(on: BenchEstate, callers: int, rounds: int) -> Iterator[Row]:
    asks = {
        THROUGH: [on.through_gateway() for _ in range(callers)],
        PAST: [on.past_gateway() for _ in range(callers)],
    }
    for askers in asks.values():
        _ask_at_once(askers)
    seen: dict[str, list[Asked]] = {THROUGH: [], PAST: []}
    for pair in alternating((THROUGH, PAST), rounds):
        for side in pair:
            seen[side].append(_ask_at_once(asks[side]))

    ratios = [through.tokens_per_s / past.tokens_per_s for through, past in zip(*seen.values(), strict=True)]
    yield Row(name=RATIO, value=median(ratios), unit="", samples=ratios, load=callers, at_least=0.97)
    for side, rounds_seen in seen.items():
        rates = [asked.tokens_per_s for asked in rounds_seen]
        yield Row(name="tokens/s", value=median(rates), unit="/s", samples=rates, side=side, load=callers)
        for name, share in (("first token, p50", 0.5), ("first token, p99", 0.99)):
            every = [first for asked in rounds_seen for first in asked.first_ms]
            by_round = [quantile(asked.first_ms, share) for asked in rounds_seen]
            yield Row(name=name, value=quantile(every, share), unit="ms", samples=by_round, side=side, load=callers)


def _ask_at_once(askers: Sequence[Asker]) -> Asked:
    """Until the last of them is done."""
    most = _TOKENS_OF_MANY if len(askers) > _FEW else _TOKENS
    begun = perf_counter()
    with ThreadPoolExecutor(len(askers)) as pool:
        timings: list[Timing] = list(pool.map(lambda asker: asker.ask(_STORY, most), askers))
    took_s = perf_counter() - begun
    return Asked(
        tokens_per_s=sum(timing.tokens for timing in timings) / took_s,
        first_ms=[timing.first_token_s * 1000 for timing in timings],
    )


def _conversation(on: BenchEstate) -> Iterator[Row]:
    """A conversation that grows by a turn each time, while a second one does too: each on a slot of its own."""
    for side, asker in ((THROUGH, on.through_gateway()), (PAST, on.past_gateway())):
        turns: dict[str, list[dict[str, str]]] = {"rivers": [], "mountains": []}
        kept = []
        for number in range(_TURNS):
            for subject, said in turns.items():
                said.append({"role": "user", "content": f"{side}, {number}: tell me one more thing about {subject}."})
                answer = asker.ask_turns(said, _REPLY_TOKENS)
                said.append({"role": "assistant", "content": answer.text})
                if number:
                    kept.append(answer.cached_tokens / answer.prompt_tokens)
        name = "share of a growing conversation that the prompt cache had"
        yield Row(name=name, value=median(kept), unit="", samples=kept, side=side)
