# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from freehold.tuning.choosing import BEST, NONE, is_better, objection, why_none
from freehold.tuning.measuring import Measured

ORIGINAL = Measured(format="q4_1", original=True, prompt_per_s=200, answer_per_s=80)
FAST = Measured(format="q8_0", prompt_per_s=400, answer_per_s=90, loss=0.004)
LOSSY = Measured(format="q4_0", prompt_per_s=900, answer_per_s=200, loss=0.28)
SLOW = Measured(format="q5_0", prompt_per_s=150, answer_per_s=80)
BROKEN = Measured(format="q5_1", problem="the tool that writes it ended with 1")


def test_the_fastest_within_the_loss_is_better() -> None:
    assert is_better(FAST, None, ORIGINAL, keep=BEST, max_loss=0.05)
    assert not is_better(LOSSY, FAST, ORIGINAL, keep=BEST, max_loss=0.05)
    assert is_better(LOSSY, FAST, ORIGINAL, keep=BEST, max_loss=0.3)


def test_a_format_that_was_asked_for_is_kept_whatever_it_costs() -> None:
    assert is_better(LOSSY, None, ORIGINAL, keep="q4_0", max_loss=0.0)
    assert not is_better(FAST, None, ORIGINAL, keep="q4_0", max_loss=0.05)


def test_nothing_is_kept_where_nothing_is_wanted_or_nothing_was_measured() -> None:
    assert not is_better(FAST, None, ORIGINAL, keep=NONE, max_loss=0.05)
    assert not is_better(BROKEN, None, ORIGINAL, keep="q5_1", max_loss=0.05)


def test_passing_fewer_cases_is_too_high_a_price() -> None:
    original, fast = replace(ORIGINAL, cases=4, cases_passed=4), replace(FAST, cases=4, cases_passed=3)
    assert objection(fast, original, 0.05) == "it passes fewer acceptance cases"
    assert objection(replace(fast, cases_passed=4), original, 0.05) == ""


def test_less_than_three_percent_is_not_faster() -> None:
    assert objection(replace(FAST, prompt_per_s=202, answer_per_s=81), ORIGINAL, 0.05) == "it is not faster"


def test_why_nothing_is_kept_names_each_format() -> None:
    assert why_none([ORIGINAL, LOSSY, SLOW, BROKEN], keep=BEST, max_loss=0.05) == (
        "nothing is faster at so little loss: q4_0: its loss of 28.0% is more than 5.0%; q5_0: it is not faster; "
        "q5_1: the tool that writes it ended with 1"
    )
    assert why_none([ORIGINAL], keep=BEST, max_loss=0.05) == "there is no other format to try"
    assert why_none([ORIGINAL, BROKEN], keep="q5_1", max_loss=0.05) == "q5_1: the tool that writes it ended with 1"
    assert why_none([ORIGINAL], keep="q4_1", max_loss=0.05) == "the model is q4_1 as it is"
    assert why_none([ORIGINAL, FAST], keep="q4_0", max_loss=0.05) == "q4_0 was not tried"
