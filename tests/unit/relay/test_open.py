# SPDX-License-Identifier: Apache-2.0
import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from freehold.contract.backend import EngineStatus
from freehold.contract.decision import Decision, Verdict
from freehold.contract.endpoint import Prefill
from freehold.contract.record import Seam, SeamKind
from freehold.dialect.interface import Backend, Event, Exchange, Foreign, Tally, Upstream, Wire
from freehold.dialect.limits import RateLimits
from freehold.errors import (
    BackendBroke,
    ContextExceeded,
    EngineBroke,
    EngineUnavailable,
    FreeholdError,
    InvalidRequest,
    LedgerFull,
    NoTarget,
    Unsupported,
)
from freehold.relay import Reply, open_reply


class events:  # noqa: N801 - made as a generator is
    """Events that are had one by one, or poured up to the last of them, which is waited for, as a real one's."""

    def __init__(self, *texts: bytes, fault: FreeholdError | None = None) -> None:
        self.left = deque(texts)
        self.fault = fault

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self.left:
            text = self.left.popleft()
            return Event(raw=text, name="", data=text)
        if self.fault:
            raise self.fault
        raise StopAsyncIteration

    async def pour(self, take: Callable[[Event], bool]) -> None:
        while len(self.left) > 1:
            text = self.left.popleft()
            if not take(Event(raw=text, name="", data=text)):
                return


@pytest.fixture(params=["waited for", "poured"], autouse=True)
def how(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each piece is waited for by a task, or handed on in the turn of the loop that brings it."""
    _HOW.append(request.param)
    yield request.param
    _HOW.pop()


_HOW = ["waited for"]


async def said(reply: Reply) -> list[bytes]:
    """All that the caller gets."""
    found: list[bytes] = []

    def out(piece: bytes) -> bool:
        found.append(piece)
        return True

    async for piece in reply.chunks:
        found.append(piece)
        if _HOW[-1] == "poured":
            await reply.chunks.pour(out)
    return found


@dataclass
class Answer:
    body: bytes = b""
    events: AsyncIterator[Event] = field(default_factory=events)
    limits: RateLimits | None = None


_SOMEBODY = Foreign(preferred=Wire.CHAT, prefill=Prefill.NONE, answer_tokens=1)


class Targets:
    """Backends that each answer, or fail, as told. Remembers what was opened and what was left."""

    def __init__(self, **answers: Answer | FreeholdError) -> None:
        self.answers = answers
        self.foreign: tuple[str, ...] = ()
        self.opened: list[str] = []
        self.left: list[str] = []

    def status(self, target: str) -> EngineStatus | None:
        return None

    async def ready(self, target: str) -> Backend:
        return Backend(
            model=f"model-of-{target}",
            wires=frozenset({Wire.CHAT}),
            context_tokens=1,
            tools=False,
            foreign=_SOMEBODY if target in self.foreign else None,
        )

    @asynccontextmanager
    async def open(self, target: str, upstream: Upstream, decision: Decision) -> AsyncIterator[Answer]:
        self.opened.append(target)
        assert target in decision.allowed
        answer = self.answers[target]
        if isinstance(answer, FreeholdError):
            raise answer
        try:
            yield answer
        finally:
            self.left.append(target)

    def cut(self, target: str) -> None:
        raise NotImplementedError


class Admitted:
    """A call that every target may see; ``settled`` is set once that is on disk."""

    decision = Decision(
        id="dec_1",
        verdicts=tuple(Verdict(target=name, allowed=True, rules=()) for name in ("a", "b", "c")),
        policy_digest="",
        facts_digest="",
    )

    def __init__(self, *, settled: bool = True) -> None:
        self.settled = asyncio.Event()
        if settled:
            self.settled.set()
        self.forbidden: set[str] = set()
        self.notes: list[str] = []

    async def on_record(self) -> None:
        await self.settled.wait()

    def may(self, target: str) -> bool:
        return target not in self.forbidden

    def answered(self, target: str) -> None:
        self.notes.append(f"{target} answered")

    def failed(self, target: str, problem: FreeholdError) -> None:
        self.notes.append(f"{target}: {problem.code}")


class Plain:
    """An exchange that hands everything on. All but 'open' and 'end' says something; 'end' finishes it."""

    def __init__(self, stream: bool) -> None:
        self.upstream = Upstream(wire=Wire.CHAT, body=b"", stream=stream)
        self.tally = Tally()
        self.dropped: tuple[str, ...] = ()

    def event(self, event: Event) -> bytes:
        self.tally.finished = event.data == b"end"
        self.tally.output_tokens += event.data not in (b"end", b"open")
        return event.raw

    def whole(self, body: bytes) -> bytes:
        return body


class Asking:
    """A plan whose exchanges hand everything on. It goes on by asking for what comes after what was sent."""

    ping = b"ping"

    def __init__(self, *, stream: bool, holds: bytes = b"call", begin: Callable[[Backend], Exchange] | None = None):
        self.stream = stream
        self.mark = holds
        self.sent: list[bytes] = []
        self.begins = begin

    def begin(self, backend: Backend) -> Exchange:
        return self.begins(backend) if self.begins else Plain(self.stream)

    def go_on(self, backend: Backend, sent: bytes) -> Exchange:
        self.sent.append(sent)
        return Plain(self.stream)

    def ending(self, exchange: Exchange) -> bytes:
        return b"end"

    def holds(self, piece: bytes) -> bool:
        return self.mark in piece

    def told(self, seam: Seam) -> bytes:
        return b""


def streamed() -> Asking:
    return Asking(stream=True)


def whole() -> Asking:
    return Asking(stream=False)


async def test_a_stream_is_handed_on_event_by_event() -> None:
    targets = Targets(a=Answer(events=events(b"1", b"2", b"end")))
    async with open_reply(("a",), streamed(), targets, Admitted()) as reply:
        assert reply.target == "a"
        assert await said(reply) == [b"1", b"2", b"end"]
    assert targets.left == ["a"]


async def test_what_was_said_is_let_go_of_with_the_answer_and_not_when_python_looks_for_garbage() -> None:
    """Hundreds of callers who hang up on long answers would else leave them all behind for a while."""
    plan = streamed()
    kept = weakref.ref(plan)  # by what has the pieces, too
    async with open_reply(("a",), plan, Targets(a=Answer(events=events(b"1", b"2", b"end"))), Admitted()) as reply:
        assert await anext(reply.chunks) == b"1"
    del plan
    assert kept() is None
    assert reply.target == "a"


async def test_a_whole_answer_is_one_piece() -> None:
    async with open_reply(("a",), whole(), Targets(a=Answer(body=b"{}")), Admitted()) as reply:
        assert await said(reply) == [b"{}"]


@pytest.mark.parametrize(
    "failing", [EngineUnavailable("down"), Answer(events=events(fault=EngineBroke("cut"))), Answer(events=events())]
)
async def test_a_fault_before_the_first_event_moves_on_to_the_next_target(failing: Answer | FreeholdError) -> None:
    targets = Targets(a=failing, b=Answer(events=events(b"end")))
    async with open_reply(("a", "b"), streamed(), targets, Admitted()) as reply:
        assert reply.target == "b"
        assert await said(reply) == [b"end"]
    assert targets.opened == ["a", "b"]


async def test_what_the_last_target_failed_with_is_raised() -> None:
    with pytest.raises(EngineBroke):
        async with open_reply(
            ("a", "b"), streamed(), Targets(a=EngineUnavailable("x"), b=EngineBroke("y")), Admitted()
        ):
            pass


async def test_no_target_at_all_is_a_fault_of_its_own() -> None:
    with pytest.raises(NoTarget):
        async with open_reply((), streamed(), Targets(), Admitted()):
            pass


async def test_what_one_target_cannot_do_another_may() -> None:
    def plan(backend: Backend) -> Exchange:
        if backend.model == "model-of-a":
            raise Unsupported("no tools")
        return Plain(stream=False)

    targets = Targets(a=Answer(), b=Answer(body=b"ok"))
    async with open_reply(("a", "b"), Asking(stream=False, begin=plan), targets, Admitted()) as reply:
        assert reply.target == "b"
    assert targets.opened == ["b"]


async def test_a_prompt_too_long_for_one_context_may_fit_another() -> None:
    targets = Targets(a=ContextExceeded(prompt_tokens=9, context_tokens=8), b=Answer(body=b"ok"))
    async with open_reply(("a", "b"), whole(), targets, Admitted()) as reply:
        assert reply.target == "b"


async def test_a_stream_that_ends_without_its_end_is_a_fault() -> None:
    targets = Targets(a=Answer(events=events(b"1")))
    targets.foreign = ("a",)
    async with open_reply(("a",), streamed(), targets, Admitted()) as reply:
        with pytest.raises(BackendBroke, match="broke off"):
            _ = await said(reply)


async def test_a_provider_sees_nothing_before_the_admission_is_on_disk() -> None:
    targets, leave = Targets(a=Answer(body=b"{}")), Admitted(settled=False)
    targets.foreign = ("a",)
    async with AsyncExitStack() as stack:
        opening = asyncio.ensure_future(stack.enter_async_context(open_reply(("a",), whole(), targets, leave)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert targets.opened == []
        leave.settled.set()
        assert (await opening).target == "a"


async def test_an_engine_of_the_estate_starts_at_once() -> None:
    async with open_reply(("a",), whole(), Targets(a=Answer(body=b"{}")), Admitted(settled=False)) as reply:
        assert reply.target == "a"


async def test_a_provider_is_not_asked_when_the_admission_cannot_be_written() -> None:
    class Unwritten(Admitted):
        async def on_record(self) -> None:
            raise LedgerFull("the disk is full")

    targets = Targets(a=Answer(body=b"{}"))
    targets.foreign = ("a",)
    with pytest.raises(LedgerFull):
        async with open_reply(("a",), whole(), targets, Unwritten()):
            pass
    assert targets.opened == []


async def test_after_the_first_byte_the_next_target_goes_on_from_what_was_sent() -> None:
    targets = Targets(
        a=Answer(events=events(b"1", b"2", fault=EngineBroke("cut"))), b=Answer(events=events(b"3", b"end"))
    )
    plan, leave = streamed(), Admitted()
    async with open_reply(("a", "b"), plan, targets, leave) as reply:
        assert await said(reply) == [b"1", b"2", b"3", b"end"]
        assert reply.target == "b"
    assert plan.sent == [b"12"]
    (seam,) = reply.seams
    assert (seam.left, seam.taken_by, seam.kind, seam.error, seam.at_bytes) == (
        "a",
        "b",
        SeamKind.CONTINUED,
        "engine_failed",
        2,
    )
    assert targets.left == ["a", "b"]
    assert leave.notes == ["a answered", "a: engine_failed", "b answered"]


async def test_a_target_that_rules_now_forbid_takes_nothing_over() -> None:
    targets = Targets(a=Answer(events=events(b"1", fault=EngineBroke("cut"))), b=Answer(events=events(b"end")))
    targets.foreign = ("a",)
    leave = Admitted()
    async with open_reply(("a", "b"), streamed(), targets, leave) as reply:
        leave.forbidden.add("b")
        with pytest.raises(EngineBroke, match="cut"):
            _ = await said(reply)
    assert targets.opened == ["a"]


async def test_a_call_is_held_until_whole_and_made_by_one_target_alone() -> None:
    broken = Answer(events=events(b"1", b"call-half", fault=EngineBroke("cut")))
    targets = Targets(a=broken, b=Answer(events=events(b"call-whole", b"end")))
    plan = streamed()
    async with open_reply(("a", "b"), plan, targets, Admitted()) as reply:
        assert await said(reply) == [b"1", b"call-whole", b"end"]
    assert plan.sent == [b"1"]


async def test_nothing_is_held_where_nobody_could_take_over() -> None:
    targets = Targets(a=Answer(events=events(b"call", b"rest", b"end")))
    async with open_reply(("a",), streamed(), targets, Admitted()) as reply:
        assert await said(reply) == [b"call", b"rest", b"end"]


async def test_what_is_held_is_one_piece_when_it_is_whole() -> None:
    targets = Targets(a=Answer(events=events(b"1", b"call", b"rest", b"end")), b=Answer())
    async with open_reply(("a", "b"), streamed(), targets, Admitted()) as reply:
        assert await said(reply) == [b"1", b"callrestend"]


async def test_an_engine_of_the_estate_may_go_on_with_what_it_began() -> None:
    class Restarting(Targets):
        @asynccontextmanager
        async def open(self, target: str, upstream: Upstream, decision: Decision) -> AsyncIterator[Answer]:
            first = not self.opened
            self.opened.append(target)
            yield Answer(events=events(b"1", fault=EngineBroke("died")) if first else events(b"2", b"end"))

    targets = Restarting()
    async with open_reply(("a",), streamed(), targets, Admitted()) as reply:
        assert await said(reply) == [b"1", b"2", b"end"]
    assert targets.opened == ["a", "a"]


async def test_an_engine_that_dies_again_and_again_is_given_up() -> None:
    class Dying(Targets):
        @asynccontextmanager
        async def open(self, target: str, upstream: Upstream, decision: Decision) -> AsyncIterator[Answer]:
            self.opened.append(target)
            yield Answer(events=events(b"1", fault=EngineBroke("died")))

    targets = Dying()
    async with open_reply(("a",), streamed(), targets, Admitted()) as reply:
        with pytest.raises(EngineBroke):
            _ = await said(reply)
    assert targets.opened == ["a", "a", "a"]


async def test_what_only_lacks_its_end_is_closed_and_asks_nobody() -> None:
    class Ending(Plain):
        def event(self, event: Event) -> bytes:
            self.tally.finish = "stop"
            return event.raw

    targets = Targets(a=Answer(events=events(b"1", fault=EngineBroke("cut"))), b=Answer())
    plan = Asking(stream=True, begin=lambda _: Ending(stream=True))
    async with open_reply(("a", "b"), plan, targets, Admitted()) as reply:
        assert await said(reply) == [b"1", b"end"]
    assert targets.opened == ["a"]
    assert reply.seams[0].kind is SeamKind.CLOSED


async def test_pings_say_nothing_and_begin_no_answer() -> None:
    async def pinging() -> AsyncIterator[Event]:
        yield Event(raw=b":p", name="", data=b"")
        raise EngineBroke("silent")

    targets = Targets(a=Answer(events=pinging()), b=Answer(events=events(b"end")))
    async with open_reply(("a", "b"), streamed(), targets, Admitted()) as reply:
        assert reply.target == "b"


async def test_what_says_nothing_by_itself_goes_with_what_is_said_next() -> None:
    answer = Answer(events=events(b"open", b"1", b"open", b"open", b"2", b"end"))
    async with open_reply(("a",), streamed(), Targets(a=answer), Admitted()) as reply:
        assert await said(reply) == [b"open1", b"openopen2", b"end"]


async def test_a_ping_takes_with_it_what_waits_and_keeps_its_place() -> None:
    async def pinging() -> AsyncIterator[Event]:
        for text in (b"open", b":p", b"1", b":q", b"end"):
            yield Event(raw=text, name="", data=b"" if text.startswith(b":") else text)

    class Pinged(Plain):
        def event(self, event: Event) -> bytes:
            return super().event(event) if event.data else event.raw

    plan = Asking(stream=True, begin=lambda _: Pinged(stream=True))
    async with open_reply(("a",), plan, Targets(a=Answer(events=pinging())), Admitted()) as reply:
        assert await said(reply) == [b"open:p", b"1", b":q", b"end"]


async def test_a_break_behind_what_says_nothing_leaves_no_trace_of_it() -> None:
    broken = Answer(events=events(b"open", b"1", b"open", fault=EngineBroke("cut")))
    plan = streamed()
    async with open_reply(
        ("a", "b"), plan, Targets(a=broken, b=Answer(events=events(b"2", b"end"))), Admitted()
    ) as reply:
        assert await said(reply) == [b"open1", b"2", b"end"]
    assert plan.sent == [b"open1"]


async def test_a_target_that_refuses_the_request_for_the_rest_does_not_end_the_answer() -> None:
    targets = Targets(
        a=Answer(events=events(b"1", fault=EngineBroke("cut"))),
        b=InvalidRequest("no prefill here"),
        c=Answer(events=events(b"2", b"end")),
    )
    async with open_reply(("a", "b", "c"), streamed(), targets, Admitted()) as reply:
        assert await said(reply) == [b"1", b"2", b"end"]


async def test_what_the_caller_got_wrong_is_said_at_once() -> None:
    targets = Targets(a=InvalidRequest("no such field"), b=Answer(body=b"ok"))
    with pytest.raises(InvalidRequest):
        async with open_reply(("a", "b"), whole(), targets, Admitted()):
            pass
    assert targets.opened == ["a"]
