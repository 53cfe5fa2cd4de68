# SPDX-License-Identifier: Apache-2.0
import asyncio
from itertools import pairwise

import pytest

from freehold.api.gate import Gate
from freehold.contract.snapshot import Capacity
from freehold.errors import Overloaded


def gate(**more: float) -> Gate:
    made = Gate()
    made.configure(Capacity(**more))  # type: ignore[arg-type]  # shorthand: some of them are ints
    return made


async def until(condition: asyncio.Task[object]) -> None:
    """Let it run as far as it can."""
    for _ in range(3):
        await asyncio.sleep(0)
    assert not condition.done()


async def test_calls_beyond_those_that_may_be_at_work_wait_in_their_order() -> None:
    one = gate(calls=1, waiting=2)
    first = await one.place()
    second, third = asyncio.create_task(one.place()), asyncio.create_task(one.place())
    await until(second)
    with first:
        pass
    with await second:
        await until(third)
    with await third:
        pass


async def test_calls_beyond_those_that_may_wait_are_turned_away_at_once_and_taken_again_at_once() -> None:
    one = gate(calls=1, waiting=0)
    with await one.place(), pytest.raises(Overloaded):
        await one.place()
    with await one.place():
        pass


async def test_a_call_that_has_waited_long_enough_is_turned_away_and_leaves_no_gap() -> None:
    one = gate(calls=1, waiting=1, wait_s=0.0)
    with await one.place(), pytest.raises(Overloaded, match="in time"):
        await one.place()
    with await one.place():
        pass


async def test_whoever_hangs_up_while_they_wait_gives_back_what_they_were_given() -> None:
    one = gate(calls=1, waiting=2)
    first = await one.place()
    gone, patient = asyncio.create_task(one.place()), asyncio.create_task(one.place())
    await until(patient)
    with first:
        pass
    gone.cancel()  # at the very moment at which it was let in
    with pytest.raises(asyncio.CancelledError):
        await gone
    with await patient:
        pass


async def test_whoever_hangs_up_while_they_wait_takes_up_no_room_among_those_who_wait() -> None:
    one = gate(calls=1, waiting=1)
    with await one.place():
        gone = asyncio.create_task(one.place())
        await until(gone)
        gone.cancel()
        await asyncio.wait([gone])
        patient = asyncio.create_task(one.place())
        await until(patient)
    with await patient:
        pass


async def test_requests_are_held_up_to_a_size_and_one_alone_whatever_its_size() -> None:
    one = gate(held_bytes=100)
    with await one.place() as large:
        large.hold(500)
    with await one.place() as first, await one.place() as second:
        first.hold(60)
        with pytest.raises(Overloaded, match="no room"):
            second.hold(41)
    with await one.place() as first, await one.place() as second:
        first.hold(60)
        second.hold(40)


async def test_more_places_are_given_out_as_soon_as_there_are_more() -> None:
    one = gate(calls=1)
    with await one.place():
        waiting = asyncio.create_task(one.place())
        await until(waiting)
        one.configure(Capacity(calls=2))
        with await waiting:
            pass


async def test_the_later_the_loop_the_fewer_calls_are_taken_and_more_again_as_soon_as_it_is_in_time() -> None:
    one, loop = gate(waiting=0), asyncio.get_running_loop()
    places = [await one.place() for _ in range(100)]
    one._look(loop, loop.time() - 1)
    one._look(loop, loop.time() - 1)
    with pytest.raises(Overloaded):
        await one.place()
    for place in places[:31]:
        with place:
            pass
    with await one.place(), pytest.raises(Overloaded):  # 70 of 100
        await one.place()
    one._look(loop, loop.time())
    with await one.place(), await one.place():
        pass


async def test_a_loop_that_is_late_once_has_met_a_burst_and_takes_no_fewer_calls() -> None:
    one, loop = gate(waiting=0), asyncio.get_running_loop()
    places = [await one.place() for _ in range(100)]
    for late_s in (1, 0, 1, 0):
        one._look(loop, loop.time() - late_s)
    with await one.place():
        pass
    for place in places:
        with place:
            pass


async def test_a_few_calls_are_taken_however_late_the_loop_is_for_it_is_not_they() -> None:
    one, loop = gate(waiting=0), asyncio.get_running_loop()
    places = [await one.place() for _ in range(63)]
    for _ in range(9):
        one._look(loop, loop.time() - 1)
    with await one.place(), pytest.raises(Overloaded):
        await one.place()
    for place in places:
        with place:
            pass


async def test_of_a_crowd_that_comes_together_few_begin_in_one_turn_of_the_loop_and_in_their_order() -> None:
    one = gate()
    crowd = [await one.place() for _ in range(64)]
    coming = [asyncio.create_task(one.place()) for _ in range(20)]
    await asyncio.sleep(0)
    begun = [sum(task.done() for task in coming)]
    while begun[-1] < len(coming):
        await asyncio.sleep(0)
        begun.append(sum(task.done() for task in coming))
        assert all(task.done() for task in coming[: begun[-1]])
    assert begun[0] == 3
    assert max(after - before for before, after in pairwise(begun)) == 3
    for place in (*crowd, *(task.result() for task in coming)):
        with place:
            pass


async def test_whoever_hangs_up_before_their_turn_gives_their_place_back() -> None:
    one = gate(calls=100, waiting=0)
    crowd = [await one.place() for _ in range(64)]
    coming = [asyncio.create_task(one.place()) for _ in range(36)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await one.place()
    coming[-1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await coming[-1]
    for place in (await one.place(), *crowd, *[await task for task in coming[:-1]]):
        with place:
            pass
