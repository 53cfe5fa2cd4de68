# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

import pytest

from freehold.dialect.interface import Event
from freehold.errors import BackendBroke
from freehold.relay import BackendAnswer, Run, Running
from freehold.relay.turns import Source


async def forever() -> None:
    await asyncio.Event().wait()


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Opened:
    """A target's answer, in the place of a connection to it: ``asked`` is what comes before the answer is there."""

    def __init__(
        self, asked: Callable[[], Awaitable[None]] = turns, events: AsyncIterator[Event] | None = None
    ) -> None:
        self._asked = asked
        self.body = b"whole"
        self.events = events or nothing()
        self.limits = None

    async def __aenter__(self) -> Self:
        await self._asked()
        return self

    async def __aexit__(self, *problem: object) -> None:
        """Nothing is to be closed."""


async def nothing() -> AsyncIterator[Event]:
    return
    yield


async def events(*texts: bytes) -> AsyncIterator[Event]:
    for text in texts:
        yield Event(raw=text, name="", data=text)
    await forever()


async def next_of(events: AsyncIterator[Event]) -> Event:
    return await anext(events)


async def whole(run: Run) -> bytes:
    async with run as answer:
        return answer.body


async def test_whoever_waits_for_an_answer_that_is_cut_meets_a_fault() -> None:
    running = Running()
    waiting = asyncio.ensure_future(whole(running.run("a", Opened(forever), stream=False)))
    await turns()
    running.cut("a")
    with pytest.raises(BackendBroke, match="was withdrawn"):
        await waiting
    assert not running.load


async def test_a_stream_that_is_cut_breaks_off_at_its_next_event() -> None:
    running = Running()
    async with running.run("a", Opened(events=events(b"1", b"2")), stream=True) as answer:
        assert (await anext(answer.events)).data == b"1"
        running.cut("a")
        with pytest.raises(BackendBroke, match="was withdrawn"):
            await anext(answer.events)


async def test_whoever_waits_for_the_next_event_wakes() -> None:
    running = Running()
    async with running.run("a", Opened(events=events()), stream=True) as answer:
        waiting = asyncio.ensure_future(next_of(answer.events))
        await turns()
        running.cut("a")
        running.cut("a")
        with pytest.raises(BackendBroke, match="was withdrawn"):
            await waiting


async def test_only_the_target_that_is_named_is_cut_and_only_while_it_runs() -> None:
    running = Running()
    other = asyncio.ensure_future(whole(running.run("b", Opened(), stream=False)))
    assert await whole(running.run("a", Opened(), stream=False)) == b"whole"
    running.cut("a")
    assert await other == b"whole"
    assert await whole(running.run("a", Opened(), stream=False)) == b"whole"


async def test_a_caller_who_hangs_up_at_the_same_moment_has_hung_up() -> None:
    running = Running()
    waiting = asyncio.ensure_future(whole(running.run("a", Opened(forever), stream=False)))
    await turns()
    running.cut("a")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_timeout_around_it_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await whole(Running().run("a", Opened(forever), stream=False))


async def test_a_task_that_was_cut_can_go_on() -> None:
    running = Running()

    async def going_on() -> str:
        with pytest.raises(BackendBroke):
            await whole(running.run("a", Opened(forever), stream=False))
        await turns()
        return "on"

    task = asyncio.ensure_future(going_on())
    await turns()
    running.cut("a")
    assert await task == "on"


class Flowing:
    """Events that are poured as a test says."""

    def __init__(self) -> None:
        self.take: Callable[[Event], bool] = lambda _: True

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        raise AssertionError("nobody waits for an event that is poured")

    async def pour(self, take: Callable[[Event], bool]) -> None:
        self.take = take
        await forever()

    def stop(self) -> None:
        self.take = lambda _: False


async def pour(answer: BackendAnswer, take: Callable[[Event], bool]) -> None:
    await Source(answer.events).pour(take)


async def test_a_stream_that_is_poured_breaks_off_when_it_is_cut_and_nothing_more_passes() -> None:
    running, flowing, had = Running(), Flowing(), list[bytes]()

    def take(event: Event) -> bool:
        had.append(event.data)
        return True

    async with running.run("a", Opened(events=flowing), stream=True) as answer:
        pouring = asyncio.ensure_future(pour(answer, take))
        await turns()
        assert flowing.take(Event(raw=b"1", name="", data=b"1"))
        running.cut("a")
        assert not flowing.take(Event(raw=b"2", name="", data=b"2"))  # in the same turn of the loop
        await pouring
        with pytest.raises(BackendBroke, match="was withdrawn"):
            await anext(answer.events)
    assert had == [b"1"]


async def test_a_caller_who_hangs_up_while_a_stream_is_poured_is_heard() -> None:
    running = Running()
    async with running.run("a", Opened(events=Flowing()), stream=True) as answer:
        pouring = asyncio.ensure_future(pour(answer, lambda _: True))
        await turns()
        pouring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pouring
