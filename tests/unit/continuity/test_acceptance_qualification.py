# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from typing import Any

import pytest

from freehold.continuity.acceptance import Fitness, Qualification, Terms, fitness_of
from freehold.contract.backend import BackendKind, Model, Target

NOW_UNIX = 1_795_000_000.0
TARGET = Target(name="paris", kind=BackendKind.PROVIDER, model=Model(name="big", digest=""), operator="paris")
TERMS = Terms(cases="sha256:aa", min_share=0.9, max_age_days=90)
RUN = Qualification(
    service="support",
    target="paris",
    operator="paris",
    model="big",
    model_digest="",
    cases="sha256:aa",
    passed=9,
    total=10,
    at_unix=NOW_UNIX - 86400,
)


def stands(run: Qualification | None, target: Target = TARGET, *, first: bool = False) -> tuple[Fitness, str]:
    return fitness_of(target, run, TERMS, first=first, now_unix=NOW_UNIX)


def test_a_current_pass_qualifies() -> None:
    assert stands(RUN) == (Fitness.QUALIFIED, "")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"passed": 8}, "it passed 8 of 10 cases"),
        ({"passed": 0, "total": 0}, "it passed 0 of 0 cases"),
        ({"cases": "sha256:bb"}, "the cases have changed since they were run on it"),
        ({"model": "other"}, "it had another model when the cases were run on it"),
        ({"model_digest": "sha256:cc"}, "it had another model when the cases were run on it"),
        ({"operator": "rome"}, "it had another model when the cases were run on it"),
        ({"at_unix": NOW_UNIX - 91 * 86400}, "its pass is older than 90 days"),
        ({"at_unix": NOW_UNIX + 86400}, "the cases were run on it at a time that is not yet"),
    ],
)
def test_a_pass_that_is_none_any_more_says_why(changed: dict[str, Any], why: str) -> None:
    assert stands(replace(RUN, **changed)) == (Fitness.NOT_QUALIFIED, why)


def test_without_a_run_nobody_stands_in() -> None:
    assert stands(None) == (Fitness.NOT_QUALIFIED, "the cases were never run on it")


def test_the_first_target_answers_whatever_it_lacks() -> None:
    assert stands(None, first=True) == (Fitness.FIRST, "the cases were never run on it")
    assert stands(RUN, first=True) == (Fitness.FIRST, "")
