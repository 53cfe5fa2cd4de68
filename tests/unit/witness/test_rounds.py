# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from freehold.witness.asking.rounds import Rounds


def test_everybody_is_asked_for_the_same_checkpoint() -> None:
    rounds = Rounds(["a", "b"])
    assert rounds.due(5, 0.0) == ("a", "b")
    assert rounds.size == 5


def test_a_witness_has_one_request_under_way_and_publications_meanwhile_are_passed_over() -> None:
    rounds = Rounds(["a"])
    rounds.due(5, 0.0)
    assert rounds.due(6, 1.0) == rounds.due(9, 2.0) == ()
    rounds.cosigned("a", 5)
    rounds.reached(5)
    assert rounds.due(9, 3.0) == ("a",)
    assert rounds.size == 9


def test_a_quick_witness_waits_for_a_slow_one_that_the_quorum_needs() -> None:
    rounds = Rounds(["quick", "slow"])
    rounds.due(5, 0.0)
    rounds.cosigned("quick", 5)
    assert rounds.due(9, 1.0) == ()
    rounds.cosigned("slow", 5)
    rounds.reached(5)
    assert rounds.due(9, 2.0) == ("quick", "slow")


def test_a_slow_witness_that_the_quorum_does_not_need_holds_nobody_up() -> None:
    rounds = Rounds(["a", "slow"])
    rounds.due(5, 0.0)
    rounds.cosigned("a", 5)
    rounds.reached(5)
    assert rounds.due(9, 1.0) == ("a",)
    rounds.cosigned("slow", 5)
    assert rounds.due(9, 2.0) == ("slow",), "it joins the round that it finds"


def test_a_dead_witness_is_asked_less_and_less_and_holds_nobody_up() -> None:
    rounds = Rounds(["a", "dead"])
    asked_at, now_s = [], 0.0
    size = 1
    for step in range(400):
        now_s = float(step)
        for name in rounds.due(size, now_s):
            if name == "dead":
                asked_at.append(now_s)
                rounds.failed(name, rounds.size, now_s)
            else:
                rounds.cosigned(name, rounds.size)
                size += 1
    pauses = [later - earlier for earlier, later in pairwise(asked_at)]
    assert pauses[0] == 1.0
    assert sorted(pauses) == pauses
    assert max(pauses) == 60.0
    assert size > 300, "the other one cosigned again and again"


def test_one_that_is_back_is_asked_at_once_again() -> None:
    rounds = Rounds(["a"])
    rounds.due(1, 0.0)
    rounds.failed("a", 1, 0.0)
    assert rounds.due(1, 0.5) == ()
    assert rounds.due(1, 1.0) == ("a",)
    rounds.cosigned("a", 1)
    assert rounds.due(2, 1.0) == ("a",)


def test_one_that_raised_an_alarm_is_left_alone_for_long() -> None:
    rounds = Rounds(["a"])
    rounds.due(1, 0.0)
    rounds.failed("a", 1, 0.0, alarmed=True)
    assert rounds.due(2, 59.0) == ()
    assert rounds.due(2, 60.0) == ("a",)


def test_what_is_cosigned_is_not_asked_again() -> None:
    rounds = Rounds(["a"])
    rounds.due(5, 0.0)
    rounds.cosigned("a", 5)
    assert rounds.due(5, 100.0) == ()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["cosign", "fail", "publish"])), max_size=60))
def test_no_order_of_events_leaves_a_witness_that_answers_unasked(events: list[tuple[str, str]]) -> None:
    rounds = Rounds("abc")
    newest, now_s, busy = 1, 0.0, {}
    for name, event in events:
        now_s += 1.0
        for one in rounds.due(newest, now_s):
            assert one not in busy, "one request at a time"
            busy[one] = rounds.size
        if event == "publish":
            newest += 1
        elif name in busy and event == "cosign":
            rounds.cosigned(name, busy.pop(name))
        elif name in busy:
            rounds.failed(name, busy.pop(name), now_s)
    for _ in range(3):
        now_s += 60.0
        for one in rounds.due(newest, now_s):
            busy[one] = rounds.size
        for one in list(busy):
            rounds.cosigned(one, busy.pop(one))
    assert rounds.size == newest
