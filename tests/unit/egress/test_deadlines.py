# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from freehold.egress.deadlines import Deadlines


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_wait_that_takes_too_long_is_a_timeout() -> None:
    with pytest.raises(TimeoutError), Deadlines().within(0):
        await forever()


async def test_a_wait_that_ends_in_time_is_none() -> None:
    with Deadlines().within(30):
        await asyncio.sleep(0)


async def test_only_the_wait_that_is_over_its_time_ends() -> None:
    deadlines, other = Deadlines(), asyncio.Event()

    async def patient() -> str:
        with deadlines.within(30):
            await other.wait()
        return "there"

    waiting = asyncio.create_task(patient())
    with pytest.raises(TimeoutError), deadlines.within(0):
        await forever()
    other.set()
    assert await waiting == "there"


async def test_whoever_is_cancelled_while_their_time_runs_out_is_cancelled() -> None:
    deadline = Deadlines().within(30)

    async def waiting() -> None:
        with deadline:
            await forever()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    deadline.expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_whose_time_ran_out_can_go_on() -> None:
    with pytest.raises(TimeoutError), Deadlines().within(0):
        await forever()
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_one_wait_within_another_tells_them_apart() -> None:
    deadlines = Deadlines()
    outer = deadlines.within(30)

    async def waiting() -> None:
        with outer:
            with pytest.raises(TimeoutError), deadlines.within(0):
                await forever()
            outer.expire()
            await forever()

    with pytest.raises(TimeoutError):
        await waiting()
