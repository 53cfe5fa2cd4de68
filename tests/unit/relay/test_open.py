# SPDX-License-Identifier: Apache-2.0
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from freehold.contract.backend import EngineStatus
from freehold.dialect.interface import Backend, Event, Exchange, Tally, Upstream, Wire
from freehold.errors import ContextExceeded, EngineBroke, EngineUnavailable, FreeholdError, NoTarget, Unsupported
from freehold.relay import open_reply


async def events(*texts: bytes, fault: FreeholdError | None = None) -> AsyncIterator[Event]:
    for text in texts:
        yield Event(raw=text, name="", data=text)
    if fault:
        raise fault


@dataclass
class Answer:
    body: bytes = b""
    events: AsyncIterator[Event] = field(default_factory=events)


class Targets:
    """Backends that each answer, or fail, as told. Remembers what was opened and what was left."""

    def __init__(self, **answers: Answer | FreeholdError) -> None:
        self.answers = answers
        self.opened: list[str] = []
        self.left: list[str] = []

    def status(self, target: str) -> EngineStatus | None:
        return None

    async def ready(self, target: str) -> Backend:
        return Backend(model=f"model-of-{target}", wires=frozenset({Wire.CHAT}), context_tokens=1, tools=False)

    @asynccontextmanager
    async def open(self, target: str, upstream: Upstream) -> AsyncIterator[Answer]:
        self.opened.append(target)
        answer = self.answers[target]
        if isinstance(answer, FreeholdError):
            raise answer
        try:
            yield answer
        finally:
            self.left.append(target)


class Plain:
    """An exchange that hands everything on and is finished by an event 'end'."""

    def __init__(self, stream: bool) -> None:
        self.upstream = Upstream(wire=Wire.CHAT, body=b"", stream=stream)
        self.tally = Tally()

    def event(self, event: Event) -> bytes:
        self.tally.finished = event.data == b"end"
        return event.raw

    def whole(self, body: bytes) -> bytes:
        return body


def streamed(_: Backend) -> Exchange:
    return Plain(stream=True)


def whole(_: Backend) -> Exchange:
    return Plain(stream=False)


async def test_a_stream_is_handed_on_event_by_event() -> None:
    targets = Targets(a=Answer(events=events(b"1", b"2", b"end")))
    async with open_reply(("a",), streamed, targets) as reply:
        assert (reply.target, reply.model) == ("a", "model-of-a")
        assert [piece async for piece in reply.chunks] == [b"1", b"2", b"end"]
    assert targets.left == ["a"]


async def test_a_whole_answer_is_one_piece() -> None:
    async with open_reply(("a",), whole, Targets(a=Answer(body=b"{}"))) as reply:
        assert [piece async for piece in reply.chunks] == [b"{}"]


@pytest.mark.parametrize(
    "failing", [EngineUnavailable("down"), Answer(events=events(fault=EngineBroke("cut"))), Answer(events=events())]
)
async def test_a_fault_before_the_first_event_moves_on_to_the_next_target(failing: Answer | FreeholdError) -> None:
    targets = Targets(a=failing, b=Answer(events=events(b"end")))
    async with open_reply(("a", "b"), streamed, targets) as reply:
        assert reply.target == "b"
        assert [piece async for piece in reply.chunks] == [b"end"]
    assert targets.opened == ["a", "b"]


async def test_what_the_last_target_failed_with_is_raised() -> None:
    with pytest.raises(EngineBroke):
        async with open_reply(("a", "b"), streamed, Targets(a=EngineUnavailable("x"), b=EngineBroke("y"))):
            pass


async def test_no_target_at_all_is_a_fault_of_its_own() -> None:
    with pytest.raises(NoTarget):
        async with open_reply((), streamed, Targets()):
            pass


async def test_what_one_target_cannot_do_another_may() -> None:
    def plan(backend: Backend) -> Exchange:
        if backend.model == "model-of-a":
            raise Unsupported("no tools")
        return Plain(stream=False)

    targets = Targets(a=Answer(), b=Answer(body=b"ok"))
    async with open_reply(("a", "b"), plan, targets) as reply:
        assert reply.target == "b"
    assert targets.opened == ["b"]


async def test_a_prompt_too_long_for_one_context_may_fit_another() -> None:
    targets = Targets(a=ContextExceeded(prompt_tokens=9, context_tokens=8), b=Answer(body=b"ok"))
    async with open_reply(("a", "b"), whole, targets) as reply:
        assert reply.target == "b"


async def test_a_stream_that_ends_without_its_end_is_a_fault() -> None:
    async with open_reply(("a",), streamed, Targets(a=Answer(events=events(b"1")))) as reply:
        with pytest.raises(EngineBroke, match="broke off"):
            _ = [piece async for piece in reply.chunks]
