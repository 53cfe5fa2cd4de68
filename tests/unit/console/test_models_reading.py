# SPDX-License-Identifier: Apache-2.0
from typing import Any

from freehold.console.reading.models import Format, Tuning


def measured(name: str, *, speedup: float | None, loss: float | None, original: bool = False) -> Format:
    fields: dict[str, Any] = dict.fromkeys(
        ("prompt_tokens_per_s", "answer_tokens_per_s", "memory_bytes", "loss_error", "call_s", "cases_passed", "cases")
    )
    return Format(
        format=name,
        original=original,
        quantisation=name.upper(),
        size_bytes=1,
        loss=loss,
        speedup=speedup,
        problem="",
        objection="",
        **fields,
    )


def tuning(*formats: Format, chosen: str | None = None) -> Tuning:
    return Tuning(
        model="tiny",
        quick=True,
        max_loss=0.05,
        cores=2,
        threads=2,
        engine="b1",
        text_tokens=128,
        formats=formats,
        chosen=chosen,
        why_none="",
        disturbance=0.0,
        speedup=None,
        derived=None,
    )


def test_the_letters_of_the_chart_are_those_of_the_table_also_where_a_format_was_not_measured() -> None:
    found = tuning(
        measured("q4_1", speedup=1.0, loss=0.0, original=True),
        measured("q5_0", speedup=None, loss=None),
        measured("q8_0", speedup=1.4, loss=-0.002),
        chosen="q8_0",
    )
    assert [(mark, row.format) for mark, row in found.rows] == [("a", "q4_1"), ("b", "q5_0"), ("c", "q8_0")]
    assert found.chart is not None
    assert [(place.mark, place.chosen) for place in found.chart.places] == [("a", False), ("c", True)]


def test_the_model_as_it_is_was_not_chosen_though_its_format_has_that_name() -> None:
    found = tuning(
        measured("q8_0", speedup=1.0, loss=0.0, original=True), measured("q8_0", speedup=1.1, loss=0.0), chosen="q8_0"
    )
    assert found.chart is not None
    assert [place.chosen for place in found.chart.places] == [False, True]


def test_nothing_is_drawn_where_there_is_nothing_to_compare() -> None:
    assert tuning(measured("q8_0", speedup=1.0, loss=0.0, original=True)).chart is None
