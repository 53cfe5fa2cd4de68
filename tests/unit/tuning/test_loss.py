# SPDX-License-Identifier: Apache-2.0
from math import exp, log

import pytest

from freehold.tuning.loss import loss, perplexity


def test_a_model_that_guesses_among_eight_has_a_perplexity_of_eight() -> None:
    assert perplexity([log(1 / 8)] * 5) == pytest.approx(8)


def test_a_model_that_is_as_good_loses_nothing_for_sure() -> None:
    found = loss([-1.0, -2.0], [-1.0, -2.0])
    assert (found.share, found.error) == (0.0, 0.0)


def test_the_loss_is_the_growth_of_perplexity() -> None:
    ours, theirs = [-1.2, -2.1, -0.3], [-1.0, -2.0, -0.4]
    assert loss(ours, theirs).share == pytest.approx(perplexity(ours) / perplexity(theirs) - 1)


def test_what_is_hard_for_both_adds_no_error() -> None:
    hard_and_easy = [-9.0, -0.1, -5.0]
    found = loss([log_ - 0.1 for log_ in hard_and_easy], hard_and_easy)
    assert found.share == pytest.approx(exp(0.1) - 1)
    assert found.error == pytest.approx(0)


def test_texts_of_other_lengths_are_not_compared() -> None:
    with pytest.raises(ValueError, match="longer"):
        loss([-1.0], [-1.0, -2.0])
