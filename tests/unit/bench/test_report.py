# SPDX-License-Identifier: Apache-2.0
"""One number against its bound and its goal."""

import pytest
from bench.report import Row


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(110.0, "goal"), (100.0, "goal"), (70.0, "met"), (99.0, "met"), (63.0, "missed by 10%")],
)
def test_a_number_that_should_be_high_is_held_to_bound_and_goal(value: float, verdict: str) -> None:
    assert Row(name="n", value=value, unit="", at_least=70, goal=100).verdict == verdict


@pytest.mark.parametrize(("value", "verdict"), [(0.4, "goal"), (0.6, "met"), (0.9, "missed by 50%")])
def test_a_number_that_should_be_low_is_held_to_them_from_below(value: float, verdict: str) -> None:
    assert Row(name="n", value=value, unit="ms", at_most=0.6, goal=0.4).verdict == verdict


def test_a_goal_in_the_noise_is_reached_where_the_samples_lie_round_it() -> None:
    row = Row(name="n", value=0.99, unit="", at_least=0.98, goal=1.0, goal_in_noise=True, samples=[0.98, 1.01])
    assert row.verdict == "goal"
    assert Row(name="n", value=0.99, unit="", at_least=0.98, goal=1.0, samples=[0.98, 1.01]).verdict == "met"


def test_a_bound_of_zero_is_missed_by_an_amount() -> None:
    assert Row(name="n", value=2.0, unit="", at_most=0).verdict == "missed by 2"


def test_a_number_without_a_bound_has_no_verdict() -> None:
    row = Row(name="n", value=2.0, unit="MB")
    assert (row.verdict, row.target, row.beyond) == ("", "", "")


@pytest.mark.parametrize(
    ("row", "more"),
    [
        (Row(name="requests/s", value=1, unit="/s"), True),
        (Row(name="entries/s", value=1, unit=""), True),
        (Row(name="gap", value=1, unit="ms"), False),
        (Row(name="share", value=1, unit=""), None),
        (Row(name="share", value=1, unit="", at_least=1), True),
    ],
)
def test_which_direction_is_better_follows_from_the_bound_or_the_unit(row: Row, more: bool | None) -> None:
    assert row.more_is_better is more


def test_the_label_names_all_that_tells_numbers_apart() -> None:
    row = Row(name="p50", value=1, unit="ms", side="nginx", load=16, prompt="600 B")
    assert row.label == "p50, 600 B, 16 at a time: nginx"
