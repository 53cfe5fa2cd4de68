# SPDX-License-Identifier: Apache-2.0
"""What the relay costs for each event, in this process: the same events through it, and through the exchange alone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import msgspec

from freehold.contract.backend import EngineStatus
from freehold.contract.call import Dialect, Operation
from freehold.contract.decision import Decision, Verdict
from freehold.contract.endpoint import Prefill
from freehold.dialect import codecs
from freehold.dialect.continuation import CallPlan
from freehold.dialect.interface import Backend, Event, Foreign, Upstream, Wire
from freehold.dialect.limits import RateLimits
from freehold.errors import FreeholdError
from freehold.relay import open_reply

_EVENTS = 2000
_FOREIGN = Foreign(preferred=Wire.CHAT, prefill=Prefill.TEXT, answer_tokens=100)
_BACKEND = Backend(model="m", wires=frozenset({Wire.CHAT}), context_tokens=0, tools=True, foreign=_FOREIGN)


def cost_per_event_us(rounds: int) -> dict[str, float]:
    """Microseconds for each event: alone, and through the relay with one target and with two. Medians."""
    sides: dict[str, list[float]] = {"alone": [], "one_target": [], "two_targets": []}
    for _ in range(rounds):
        sides["alone"].append(asyncio.run(_alone()))
        sides["one_target"].append(asyncio.run(_relayed("a")))
        sides["two_targets"].append(asyncio.run(_relayed("a", "b")))
    return {name: round(median(taken), 3) for name, taken in sides.items()}


async def _alone() -> float:
    exchange = _plan().begin(_BACKEND)
    begun = time.perf_counter()
    async for event in _events():
        exchange.event(event)
    return (time.perf_counter() - begun) / _EVENTS * 1e6


async def _relayed(*targets: str) -> float:
    begun = time.perf_counter()
    async with open_reply(targets, _plan(), _Backends(), _Leave()) as reply:
        async for _ in reply.chunks:
            pass
    return (time.perf_counter() - begun) / _EVENTS * 1e6


def _plan() -> CallPlan:
    codec = codecs[Dialect.OPENAI]
    body = {"model": "s", "messages": [{"role": "user", "content": "x"}], "stream": True}
    return CallPlan(codec, codec.parse(Operation.CHAT, msgspec.json.encode(body)))


def _chunk(delta: dict[str, str], finish: str | None = None) -> Event:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = msgspec.json.encode(
        {"id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice]}
    )
    return Event(raw=b"data: " + data + b"\n\n", name="", data=data)


_SAID = [*[_chunk({"content": f"word{n} "}) for n in range(_EVENTS - 2)], _chunk({}, "stop")]
_SAID.append(Event(raw=b"data: [DONE]\n\n", name="", data=b"[DONE]"))


async def _events() -> AsyncIterator[Event]:
    for event in _SAID:
        yield event


class _Answer:
    body = b""
    limits: RateLimits | None = None

    def __init__(self) -> None:
        self.events = _events()


class _Backends:
    """Every target answers with the same events."""

    def status(self, target: str) -> EngineStatus | None:
        raise RuntimeError(f"nobody asks how {target} is")

    def cut(self, target: str) -> None:
        raise RuntimeError(f"nobody cuts {target} off")

    async def ready(self, _target: str) -> Backend:
        return _BACKEND

    @asynccontextmanager
    async def open(self, _target: str, _upstream: Upstream, _decision: Decision) -> AsyncIterator[_Answer]:
        yield _Answer()


class _Leave:
    def __init__(self) -> None:
        verdicts = tuple(Verdict(target=target, allowed=True, rules=()) for target in "ab")
        self.decision = Decision(id="d", verdicts=verdicts, policy_digest="", facts_digest="")

    def may(self, target: str) -> bool:
        return bool(target)

    async def on_record(self) -> None:
        return

    def answered(self, _target: str) -> None:
        return

    def failed(self, _target: str, problem: FreeholdError) -> None:
        raise problem
