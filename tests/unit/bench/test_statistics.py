# SPDX-License-Identifier: Apache-2.0
"""Quantiles, spreads, and when two runs differ."""

import pytest
from bench.showing.statistics import is_beyond, quantile, spread
from hypothesis import given
from hypothesis import strategies as st

_SAMPLES = st.lists(st.floats(min_value=-1e9, max_value=1e9), min_size=1, max_size=60)


def test_a_quantile_is_the_smallest_sample_that_the_share_does_not_exceed() -> None:
    hundred = list(range(1, 101))
    assert quantile(hundred, 0.5) == 50
    assert quantile(hundred, 0.99) == 99
    assert quantile(hundred, 1.0) == 100
    assert quantile([7.0], 0.99) == 7.0


@given(_SAMPLES, st.floats(min_value=0, max_value=1))
def test_a_quantile_is_one_of_the_samples_and_leaves_no_more_than_the_rest_above(
    samples: list[float], share: float
) -> None:
    found = quantile(samples, share)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= share * len(samples) - 1e-6


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no samples"):
        quantile([], 0.5)


def test_few_samples_spread_as_far_as_they_lie_apart() -> None:
    assert spread([3.0, 1.0, 2.0]) == (1.0, 3.0)


def test_many_samples_spread_less_the_more_there_are() -> None:
    few, many = [float(n % 10) for n in range(10)], [float(n % 10) for n in range(1000)]
    assert spread(many)[1] - spread(many)[0] < spread(few)[1] - spread(few)[0]


def test_runs_differ_only_where_their_spreads_do_not_meet() -> None:
    assert is_beyond([1.0, 1.1, 1.2], [1.3, 1.4, 1.5])
    assert not is_beyond([1.0, 1.1, 1.35], [1.3, 1.4, 1.5])


def test_nothing_can_be_told_of_one_or_two_samples() -> None:
    assert not is_beyond([1.0, 1.0], [100.0, 101.0, 102.0])
