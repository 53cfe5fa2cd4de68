# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from freehold.dialect.interface import Event
from freehold.errors import BackendBroke
from freehold.relay import Running


async def forever() -> None:
    await asyncio.Event().wait()


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def events(*texts: bytes) -> AsyncIterator[Event]:
    for text in texts:
        yield Event(raw=text, name="", data=text)
    await forever()


async def test_whoever_waits_for_an_answer_that_is_cut_meets_a_fault() -> None:
    running = Running()
    with running.run("a") as run:
        waiting = asyncio.ensure_future(run.wait(forever))
        await turns()
        running.cut("a")
        with pytest.raises(BackendBroke, match="was withdrawn"):
            await waiting


async def test_a_stream_that_is_cut_breaks_off_at_its_next_event() -> None:
    running = Running()
    with running.run("a") as run:
        stream = run.watch(events(b"1", b"2"))
        assert (await anext(stream)).data == b"1"
        running.cut("a")
        with pytest.raises(BackendBroke, match="was withdrawn"):
            await anext(stream)


async def test_whoever_waits_for_the_next_event_wakes() -> None:
    running = Running()
    with running.run("a") as run:
        stream = run.watch(events())
        waiting = asyncio.ensure_future(anext(stream))
        await turns()
        running.cut("a")
        running.cut("a")
        with pytest.raises(BackendBroke, match="was withdrawn"):
            await waiting


async def test_only_the_target_that_is_named_is_cut_and_only_while_it_runs() -> None:
    running = Running()
    with running.run("b") as other, running.run("a") as run:
        pass
    running.cut("a")
    await other.wait(turns)
    await run.wait(turns)


async def test_a_caller_who_hangs_up_at_the_same_moment_has_hung_up() -> None:
    running = Running()
    with running.run("a") as run:
        waiting = asyncio.ensure_future(run.wait(forever))
        await turns()
        running.cut("a")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_timeout_around_it_is_a_timeout() -> None:
    with Running().run("a") as run, pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await run.wait(forever)


async def test_a_task_that_was_cut_can_go_on() -> None:
    running = Running()

    async def going_on() -> str:
        with running.run("a") as run, pytest.raises(BackendBroke):
            await run.wait(forever)
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


async def test_a_stream_that_is_poured_breaks_off_when_it_is_cut_and_nothing_more_passes() -> None:
    running, flowing, had = Running(), Flowing(), list[bytes]()

    def take(event: Event) -> bool:
        had.append(event.data)
        return True

    with running.run("a") as run:
        stream = run.watch(flowing)
        pouring = asyncio.ensure_future(stream.pour(take))
        await turns()
        assert flowing.take(Event(raw=b"1", name="", data=b"1"))
        running.cut("a")
        assert not flowing.take(Event(raw=b"2", name="", data=b"2"))  # in the same turn of the loop
        await pouring
        with pytest.raises(BackendBroke, match="was withdrawn"):
            await anext(stream)
    assert had == [b"1"]


async def test_a_caller_who_hangs_up_while_a_stream_is_poured_is_heard() -> None:
    running = Running()
    with running.run("a") as run:
        pouring = asyncio.ensure_future(run.watch(Flowing()).pour(lambda _: True))
        await turns()
        pouring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pouring
