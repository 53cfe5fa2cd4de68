# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.contract.backend import EngineState, EngineStatus
from freehold.errors import (
    ContextExceeded,
    EngineBroke,
    EngineBusy,
    EngineUnavailable,
    FreeholdError,
    LedgerUnavailable,
    ProviderBroke,
    ProviderBusy,
    ProviderRefused,
    ProviderUnavailable,
    Unsupported,
)
from freehold.route import Outages, order
from freehold.route.outage import ANSWERS, FAULTS, FIRST_PAUSE_S, LONGEST_PAUSE_S, RELAPSE_S

BOTH = ("a", "b")
DOWN = ProviderUnavailable("down")


class World:
    """Targets, a clock that a test moves, and calls that are made one by one."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.outages = Outages(lambda: self.now_s, lambda: self.now_s + 1e9)
        self.calls = 0

    def order(self, targets: tuple[str, ...] = BOTH) -> tuple[str, ...]:
        """What a call would try now; it is over at once."""
        self.calls += 1
        tried = self.outages.order(f"call_{self.calls}", targets)
        self.outages.over(f"call_{self.calls}")
        return tried

    def call(self, *problems: FreeholdError | None, target: str = "a") -> None:
        """Calls that try the target: each fails with its problem, or is answered whole."""
        for problem in problems:
            self.calls += 1
            call = f"call_{self.calls}"
            self.outages.order(call, BOTH)
            if problem:
                self.outages.failed(call, target, problem)
            else:
                self.outages.answered(call, target)
                self.outages.whole(target)
            self.outages.over(call)

    def recover(self) -> float:
        """Answer every call whole until the target is back; how long that took."""
        since_s = self.now_s
        while self.outages.degraded:
            self.now_s += 0.25
            if self.order()[0] == "a":
                self.call(None)
        return self.now_s - since_s

    @property
    def degraded(self) -> bool:
        return bool(self.outages.degraded)


def test_a_target_that_never_failed_keeps_its_place() -> None:
    assert World().order() == BOTH


@pytest.mark.parametrize(
    "fault",
    [
        DOWN,
        ProviderBroke("cut"),
        ProviderRefused("no key", status=401),
        EngineBroke("died"),
        EngineUnavailable("starting"),
    ],
)
def test_three_faults_in_a_row_put_a_target_last(fault: FreeholdError) -> None:
    world = World()
    world.call(*[fault] * (FAULTS - 1))
    assert world.order() == BOTH
    world.call(fault)
    assert world.order() == ("b", "a")
    (outage,) = world.outages.degraded
    assert (outage.target, outage.error, outage.faults) == ("a", fault.code, FAULTS)
    assert outage.since_unix == world.now_s + 1e9


@pytest.mark.parametrize(
    "problem",
    [
        EngineBusy("full"),
        Unsupported("tools"),
        ContextExceeded(prompt_tokens=2, context_tokens=1),
        LedgerUnavailable("away"),
    ],
)
def test_what_says_nothing_of_a_target_is_no_outage(problem: FreeholdError) -> None:
    world = World()
    world.call(*[problem] * 10)
    assert not world.degraded


def test_faults_with_a_whole_answer_between_them_are_not_in_a_row() -> None:
    world = World()
    for _ in range(10):
        world.call(DOWN, DOWN, None)
    assert not world.degraded


def test_an_answer_that_begins_and_breaks_off_is_no_answer() -> None:
    world = World()
    for number in range(FAULTS):
        world.outages.answered(f"c{number}", "a")
        world.outages.failed(f"c{number}", "a", ProviderBroke("cut"))
    assert world.degraded


def test_when_the_pause_is_over_exactly_one_call_tries_it_in_its_place() -> None:
    world = World()
    world.call(DOWN, DOWN, DOWN)
    assert world.order() == ("b", "a")
    world.now_s += FIRST_PAUSE_S
    assert world.outages.order("probe", BOTH) == BOTH
    assert world.order() == ("b", "a")
    world.outages.over("probe")
    assert world.outages.order("next", BOTH) == BOTH


def test_a_call_that_is_answered_elsewhere_leaves_the_probe_to_the_next() -> None:
    world = World()
    world.call(DOWN, DOWN, DOWN, target="b")
    world.now_s += FIRST_PAUSE_S
    assert world.outages.order("long", (*BOTH, "c")) == ("a", "b", "c")
    assert world.order((*BOTH, "c")) == ("a", "c", "b")
    world.outages.answered("long", "a")
    assert world.order((*BOTH, "c")) == ("a", "b", "c")


def test_each_probe_that_fails_doubles_the_pause_up_to_a_minute() -> None:
    world = World()
    world.call(DOWN, DOWN, DOWN)
    pauses = []
    for _ in range(9):
        since_s = world.now_s
        while world.order()[0] != "a":
            world.now_s += 0.5
        pauses.append(world.now_s - since_s)
        world.call(DOWN)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_faults_of_calls_that_were_under_way_do_not_lengthen_the_pause() -> None:
    world = World()
    for number in range(200):
        world.outages.failed(f"old_{number}", "a", DOWN)
    world.now_s += FIRST_PAUSE_S
    assert world.order() == BOTH


def test_it_comes_back_after_several_whole_answers_over_at_least_the_pause() -> None:
    world = World()
    world.call(DOWN, DOWN, DOWN)
    world.now_s += FIRST_PAUSE_S
    world.call(*[None] * (ANSWERS + 5))  # all at once: too soon to believe it
    assert world.degraded
    world.now_s += FIRST_PAUSE_S
    world.call(None)
    assert not world.degraded
    assert world.order() == BOTH


def test_a_fault_among_the_answers_begins_the_count_anew() -> None:
    world = World()
    world.call(DOWN, DOWN, DOWN)
    world.now_s += 60
    world.call(None)
    world.now_s += 60
    world.call(None, DOWN)
    world.now_s += 60
    world.call(None, None)
    assert world.degraded


def test_probes_follow_each_other_faster_than_the_pause_once_they_succeed() -> None:
    world = World()
    world.call(DOWN, DOWN, DOWN)
    assert world.recover() <= 3 * FIRST_PAUSE_S


def test_a_relapse_asks_for_more_and_a_long_good_time_forgets_it() -> None:
    world = World()
    took_s = []
    for _ in range(4):
        world.call(DOWN, DOWN, DOWN)
        took_s.append(world.recover())
    assert took_s == sorted(took_s)
    assert took_s[3] > 4 * took_s[0]
    world.now_s += RELAPSE_S + 1
    world.call(DOWN, DOWN, DOWN)
    assert world.recover() == took_s[0]


def test_a_target_that_comes_and_goes_every_second_stays_degraded() -> None:
    world = World()
    returns = 0
    for _ in range(4 * 600):  # ten minutes, four calls a second
        before = world.degraded
        up = int(world.now_s) % 2 == 0
        if not world.degraded or world.order()[0] == "a":
            world.call(None if up else DOWN)
        returns += before and not world.degraded
        world.now_s += 0.25
    assert returns <= 2
    assert world.degraded


def test_a_busy_target_is_left_alone_as_long_as_it_asks_and_is_there_when_nobody_else_is() -> None:
    world = World()
    world.call(ProviderBusy("full", retry_after_s=20))
    assert world.order() == ("b", "a")
    assert world.order(("a",)) == ("a",)
    world.now_s += 19.9
    assert world.order() == ("b", "a")
    world.now_s += 0.2
    assert world.order() == BOTH
    assert not world.degraded


def test_no_target_can_ask_to_be_left_alone_for_hours() -> None:
    world = World()
    world.call(ProviderBusy("full", retry_after_s=3600))
    world.now_s += LONGEST_PAUSE_S
    assert world.order() == BOTH


def test_a_crowd_that_is_told_to_wait_is_one_word_and_no_outage() -> None:
    world = World()
    world.call(*[ProviderBusy("full", retry_after_s=5)] * 50)
    assert not world.degraded


def test_a_target_that_is_busy_beyond_its_own_word_is_an_outage() -> None:
    world = World()
    for _ in range(FAULTS + 1):
        world.call(ProviderBusy("full", retry_after_s=5))
        world.now_s += 5
    assert world.degraded


def test_a_busy_target_that_answers_is_busy_no_more() -> None:
    world = World()
    world.call(ProviderBusy("full", retry_after_s=50), None)
    assert world.order() == BOTH


def test_a_clock_that_is_set_back_dates_an_outage_and_changes_nothing_else() -> None:
    now_s, now_unix = 0.0, [5000.0]
    outages = Outages(lambda: now_s, now_unix.pop)
    for number in range(FAULTS):
        outages.failed(f"c{number}", "a", DOWN)
    assert outages.degraded[0].since_unix == 5000
    now_s = FIRST_PAUSE_S
    assert outages.order("c9", BOTH) == BOTH


def test_what_is_kept_no_more_comes_back_afresh() -> None:
    world = World()
    world.call(DOWN, DOWN, DOWN)
    world.outages.keep({"b"})
    assert world.order() == BOTH
    assert not world.degraded


def test_a_target_that_stands_otherwise_or_has_failed_for_good_is_never_tried() -> None:
    def status(target: str) -> EngineStatus | None:
        return EngineStatus(target="c", state=EngineState.FAILED) if target == "c" else None

    assert order(("a", "b", "c", "d"), status, {"b": "withdrawn"}) == ("a", "d")


TARGETS = ("a", "b", "c")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["down", "busy", "whole", "begun", "unsupported", "gone"]),
        st.sampled_from(TARGETS),
        st.floats(0, 40),
    ),
    max_size=60,
)


@given(EVENTS)
def test_whatever_happens_every_target_is_ordered_once_and_none_that_stands_otherwise(
    events: list[tuple[str, str, float]],
) -> None:
    world = World()
    for number, (kind, target, later_s) in enumerate(events):
        world.now_s += later_s
        call = f"call_{number}"
        fit = order(TARGETS, lambda _: None, {"b"})
        tried = world.outages.order(call, fit)
        assert sorted(tried) == ["a", "c"]
        if kind == "down":
            world.outages.failed(call, target, DOWN)
        elif kind == "busy":
            world.outages.failed(call, target, ProviderBusy("full", retry_after_s=3))
        elif kind == "unsupported":
            world.outages.failed(call, target, Unsupported("tools"))
        elif kind != "gone":
            world.outages.answered(call, target)
            if kind == "whole":
                world.outages.whole(target)
        if kind != "begun":  # that one lasts
            world.outages.over(call)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 5)), max_size=200))
def test_no_outage_is_shorter_than_its_pause_however_a_provider_flaps(events: list[tuple[bool, float]]) -> None:
    world = World()
    fell_s, back_s, pause_s = 0.0, float("-inf"), 0.0
    for works, later_s in events:
        world.now_s += later_s
        before = world.degraded
        world.call(None if works else DOWN)
        if world.degraded and not before:
            relapse = world.now_s < back_s + RELAPSE_S
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S) if relapse else FIRST_PAUSE_S
            fell_s = world.now_s
        if before and not world.degraded:
            back_s = world.now_s
            assert back_s - fell_s >= pause_s
