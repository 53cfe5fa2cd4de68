# SPDX-License-Identifier: Apache-2.0
"""A drill watched while it runs: every call in exactly one place, and nothing told twice."""

from freehold.continuity.drill.observed import Observed
from freehold.continuity.drill.scenario import Move, Verb
from freehold.continuity.drill.watched import Made, Second, Watch


def begun(number: int, at_s: float) -> Observed:
    return Observed(number=number, began_s=at_s, stream=True, tool=False)


def answer(seen: Observed, target: str, at_s: float) -> None:
    seen.status, seen.target, seen.first_s, seen.ended_s = 200, target, at_s, at_s
    seen.closings, seen.finish, seen.ids = 1, "stop", {"x"}


def watch() -> Watch:
    return Watch("drill_1", 20.0, 3)


def test_a_call_is_open_until_it_has_ended_and_stands_in_the_second_of_its_begin() -> None:
    watched, seen = watch(), begun(0, 1.5)
    (second,) = watched.look(1.6, [seen], []).seconds
    assert (second.at_s, second.began, second.open) == (1, 1, 1)
    answer(seen, "paris", 3.0)
    looked = watched.look(3.1, [seen], [])
    assert looked.seconds == (Second(at_s=1, began=1, answered={"paris": 1}, not_answered=0),)
    assert (looked.made, looked.ended, looked.calls) == (1, 1, 3)


def test_what_has_not_changed_is_not_told_again() -> None:
    watched, seen = watch(), begun(0, 1.5)
    watched.look(1.6, [seen], [])
    assert watched.look(1.7, [seen], []).seconds == ()


def test_a_call_without_a_whole_answer_is_not_answered() -> None:
    watched, seen = watch(), begun(0, 1.5)
    seen.status, seen.error, seen.ended_s = 503, "no_target", 1.7
    assert watched.look(2.0, [seen], []).seconds == (Second(at_s=1, began=1, answered={}, not_answered=1),)


def test_calls_that_begin_between_two_looks_are_all_seen() -> None:
    watched = watch()
    observed = [begun(0, 0.5)]
    watched.look(1.0, observed, [])
    observed += [begun(1, 1.2), begun(2, 1.4)]
    answer(observed[0], "local", 1.3)
    looked = watched.look(1.5, observed, [])
    assert [(second.at_s, second.began, second.open) for second in looked.seconds] == [(0, 1, 0), (1, 2, 2)]
    assert (looked.made, looked.ended) == (3, 1)


def test_it_tells_the_steps_that_are_in_force() -> None:
    move = Move(at_s=4.04, verb=Verb.LIFT, targets=("claude",))
    assert watch().look(5.0, [], [move]).happened == (
        Made(at_s=4.0, what="directive lifted: claude", targets=("claude",)),
    )
