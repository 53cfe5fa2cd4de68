# SPDX-License-Identifier: Apache-2.0
import pytest
from bench.soak import Sample, growth_mb
from bench.soak_chart import chart


def samples(*pss_mb: float) -> list[Sample]:
    return [Sample(at_s=5.0 * turn, requests=1000 * turn, pss_mb=size) for turn, size in enumerate(pss_mb)]


def test_what_a_process_takes_while_it_warms_up_is_no_growth() -> None:
    assert growth_mb(samples(30, 38, *[40] * 10)) == pytest.approx(0)


def test_growth_is_told_for_a_hundred_thousand_requests() -> None:
    assert growth_mb(samples(*[40 + 0.1 * turn for turn in range(12)])) == pytest.approx(10)


def test_the_chart_begins_at_nought_and_its_title_is_text() -> None:
    drawn = chart([(0, 40), (1, 41)], "a < b")
    assert drawn.startswith("<svg")
    assert "a &lt; b" in drawn
    assert ">0</text>" in drawn
