# SPDX-License-Identifier: Apache-2.0
"""Who gets a slot, who waits, and who has to make room."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine_fakes import FakeClock

from freehold.contract.backend import Priority
from freehold.engine.slots import Slot, Slots
from freehold.errors import EngineBusy

LOW, NORMAL, HIGH = Priority.LOW, Priority.NORMAL, Priority.HIGH


def slots_of(slots: int, queue: int, clock: FakeClock | None = None) -> Slots:
    made = Slots("local", (clock or FakeClock()).monotonic)
    made.resize(slots, queue)
    return made


def asking(slots: Slots, *priorities: Priority) -> list[asyncio.Task[Slot]]:
    return [asyncio.ensure_future(slots.take(priority)) for priority in priorities]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def having(calls: Sequence[asyncio.Task[Slot]]) -> list[int]:
    """Which of the calls have a slot, or had one."""
    return [number for number, call in enumerate(calls) if call.done() and not call.cancelled() and not failed(call)]


def failed(call: asyncio.Task[Slot]) -> bool:
    return call.done() and not call.cancelled() and call.exception() is not None


async def end(calls: Sequence[asyncio.Task[object]]) -> None:
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_no_more_calls_have_a_slot_than_there_are() -> None:
    calls = asking(slots_of(2, 4), *[NORMAL] * 5)
    await settle()
    assert having(calls) == [0, 1]
    await end(calls)


async def test_a_slot_that_is_given_back_goes_to_one_call_by_priority_and_then_by_arrival() -> None:
    slots = slots_of(1, 8)
    calls = asking(slots, NORMAL, LOW, NORMAL, HIGH, NORMAL, HIGH, LOW)
    order = [0]
    while len(order) < len(calls):
        await settle()
        assert len(having(calls)) == len(order)
        calls[order[-1]].result().free()
        await settle()
        order += [number for number in having(calls) if number not in order]
    assert order == [0, 3, 5, 2, 4, 1, 6]


async def test_a_slot_that_is_freed_twice_goes_to_one_call() -> None:
    calls = asking(slots_of(1, 4), NORMAL, NORMAL, NORMAL)
    await settle()
    with calls[0].result() as slot:
        slot.free()
    await settle()
    assert having(calls) == [0, 1]
    await end(calls)


async def test_a_caller_who_goes_away_loses_no_slot() -> None:
    slots = slots_of(1, 4)
    calls = asking(slots, NORMAL, NORMAL, NORMAL)
    await settle()
    calls[1].cancel()
    calls[0].result().free()  # before the one who went away has learnt that it did
    await settle()
    assert having(calls) == [0, 2]


async def test_a_caller_who_goes_away_at_the_moment_of_its_turn_hands_the_slot_on() -> None:
    slots = slots_of(1, 4)
    calls = asking(slots, NORMAL, NORMAL, NORMAL)
    await settle()
    calls[0].result().free()
    calls[1].cancel()
    await settle()
    assert having(calls) == [0, 2]


async def test_calls_wait_until_it_is_known_how_many_slots_there_are() -> None:
    slots = Slots("local")
    calls = asking(slots, LOW, NORMAL, HIGH)
    await settle()
    assert having(calls) == []
    slots.resize(1, 4)
    await settle()
    assert having(calls) == [2]
    await end(calls)


async def test_an_engine_that_comes_back_with_other_slots_takes_as_many_calls_as_it_then_has() -> None:
    slots = slots_of(2, 8)
    calls = asking(slots, *[NORMAL] * 5)
    await settle()
    slots.resize(3, 8)
    await settle()
    assert having(calls) == [0, 1, 2]
    slots.resize(1, 8)
    calls[0].result().free()
    calls[1].result().free()
    await settle()
    assert having(calls) == [0, 1, 2]
    calls[2].result().free()
    await settle()
    assert having(calls) == [0, 1, 2, 3]
    await end(calls)


async def test_a_call_of_higher_priority_displaces_the_newest_of_the_lowest() -> None:
    calls = asking(slots_of(1, 4), LOW, LOW, LOW, NORMAL, NORMAL, HIGH)
    await settle()
    assert [failed(call) for call in calls] == [False, False, True, False, False, False]
    with pytest.raises(EngineBusy, match="higher priority"):
        calls[2].result()
    await end(calls)


@pytest.mark.parametrize("priority", [LOW, NORMAL, HIGH])
async def test_a_call_of_the_lowest_priority_that_waits_is_refused_itself(priority: Priority) -> None:
    calls = asking(slots_of(1, 2), LOW, priority, HIGH, priority)
    await settle()
    assert [failed(call) for call in calls] == [False, False, False, True]
    await end(calls)


async def test_the_rest_of_an_answer_comes_before_all_that_has_not_begun() -> None:
    slots = slots_of(1, 2)
    calls = asking(slots, LOW, HIGH, HIGH, Priority.BEGUN)
    await settle()
    assert [failed(call) for call in calls] == [False, False, True, False]
    calls[0].result().free()
    await settle()
    assert having(calls) == [0, 3]
    await end(calls)


async def test_what_has_begun_is_never_displaced() -> None:
    calls = asking(slots_of(2, 0), LOW, LOW, HIGH)
    await settle()
    assert [failed(call) for call in calls] == [False, False, True]


async def test_the_guess_at_when_to_come_back_goes_by_the_pace_and_by_who_is_before() -> None:
    clock = FakeClock()
    slots = slots_of(2, 8, clock)
    for _ in range(2):
        call = await slots.take(NORMAL)
        clock.now_s += 6.0
        call.free()
    calls = asking(slots, NORMAL, NORMAL, HIGH, NORMAL, NORMAL, LOW)
    await settle()
    assert [slots.retry_after_s(priority) for priority in (HIGH, NORMAL, LOW)] == [6.0, 12.0, 15.0]
    await end(calls)


async def test_the_guess_follows_the_pace() -> None:
    clock = FakeClock()
    slots = slots_of(1, 8, clock)
    guesses = []
    for held_s in [10.0, *[100.0] * 20]:
        call = await slots.take(NORMAL)
        clock.now_s += held_s
        call.free()
        guesses.append(slots.retry_after_s(NORMAL))
    assert guesses == sorted(guesses)
    assert guesses[0] == 10.0
    assert guesses[-1] == pytest.approx(100.0, rel=0.02)


@pytest.mark.parametrize("held_s", [0.0, 1e-6, 1e9])
async def test_the_guess_is_never_nothing_and_never_endless(held_s: float) -> None:
    clock = FakeClock()
    slots = slots_of(1, 8, clock)
    call = await slots.take(NORMAL)
    clock.now_s += held_s
    call.free()
    assert 1.0 <= slots.retry_after_s(LOW) <= 300.0


@dataclass
class Model:
    """What ought to happen, call by call. Calls are numbered as they come."""

    slots: int
    queue: int
    ranks: list[Priority] = field(default_factory=list)
    working: set[int] = field(default_factory=set)
    waiting: list[int] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)

    def come(self, rank: Priority) -> None:
        number = len(self.ranks)
        self.ranks.append(rank)
        if len(self.working) < self.slots:
            self.working.add(number)
            return
        if len(self.waiting) >= self.queue:
            last = min(self.waiting, key=lambda other: (self.ranks[other], -other), default=number)
            if self.ranks[last] >= rank:
                self.refused.add(number)
                return
            self.waiting.remove(last)
            self.refused.add(last)
        self.waiting.append(number)

    def end(self, number: int) -> None:
        self.working.discard(number)
        if number in self.waiting:
            self.waiting.remove(number)
        self.resize(self.slots)

    def resize(self, slots: int) -> None:
        self.slots = slots
        while self.waiting and len(self.working) < self.slots:
            first = min(self.waiting, key=lambda other: (-self.ranks[other], other))
            self.waiting.remove(first)
            self.working.add(first)


COMES = st.tuples(st.just("come"), st.sampled_from(Priority))
ENDS = st.tuples(st.just("end"), st.integers(0, 30))
RESIZES = st.tuples(st.just("resize"), st.integers(1, 4))
STEPS = st.lists(st.one_of(COMES, COMES, ENDS, RESIZES), max_size=40)


async def take(slots: Slots, working: set[int], number: int, priority: Priority, done: asyncio.Event) -> None:
    """A call from its coming to its end."""
    with await slots.take(priority):
        working.add(number)
        try:
            await done.wait()
        finally:
            working.remove(number)


@given(slots=st.integers(1, 3), queue=st.integers(0, 5), steps=STEPS)
def test_whatever_comes_in_whatever_order_is_served_refused_and_displaced_as_said(
    slots: int, queue: int, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(_as_said(Model(slots, queue), steps))


async def _as_said(model: Model, steps: list[tuple[str, int]]) -> None:
    real, working = slots_of(model.slots, model.queue), set[int]()
    calls: list[asyncio.Task[None]] = []
    dones: list[asyncio.Event] = []
    for what, value in steps:
        if what == "come":
            dones.append(asyncio.Event())
            calls.append(asyncio.ensure_future(take(real, working, len(calls), Priority(value), dones[-1])))
            model.come(Priority(value))
        elif what == "resize":
            real.resize(value, model.queue)
            model.resize(value)
        elif value < len(calls) and not calls[value].done():
            if value in working and value % 2:
                dones[value].set()
            else:
                calls[value].cancel()
            model.end(value)
        await settle()
        assert working == model.working
        assert {number for number, call in enumerate(calls) if not call.done()} == {*model.working, *model.waiting}
    await end(calls)
    busy = {number for number, call in enumerate(calls) if not call.cancelled() and call.exception()}
    assert busy == model.refused
    await real.take(LOW)  # no slot was lost


@given(slots=st.integers(1, 3), queue=st.integers(0, 5), steps=STEPS)
def test_however_close_together_things_happen_no_slot_is_given_twice_and_none_is_lost(
    slots: int, queue: int, steps: list[tuple[str, int]]
) -> None:
    asyncio.run(_close_together(slots, queue, steps))


async def _close_together(count: int, queue: int, steps: list[tuple[str, int]]) -> None:
    """Nothing settles between the steps: callers go away while slots and refusals are on their way to them."""
    real, working, most = slots_of(count, queue), set[int](), 0
    calls: list[asyncio.Task[None]] = []
    dones: list[asyncio.Event] = []
    for number, (what, value) in enumerate(steps):
        if what == "come":
            dones.append(asyncio.Event())
            calls.append(asyncio.ensure_future(take(real, working, len(calls), Priority(value), dones[-1])))
        elif what == "end" and value < len(calls):
            dones[value].set() if value % 2 else calls[value].cancel()
        if number % 3 == 0:
            await asyncio.sleep(0)
        most = max(most, len(working))
    for done in dones:
        done.set()
    await settle()
    for _ in calls:  # each round ends those whose turn has come
        await settle()
        most = max(most, len(working))
    assert most <= count
    assert all(call.done() for call in calls)
    for _ in range(count):
        await real.take(LOW)  # no slot was lost
