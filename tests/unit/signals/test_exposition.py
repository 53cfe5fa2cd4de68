# SPDX-License-Identifier: Apache-2.0
"""What a scraper reads, by the parsers of Prometheus' own library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_metrics

from freehold.signals.catalogue import BETWEEN, BETWEEN_S, COUNTED, ESTATE, NOW, PROBLEMS, READY
from freehold.signals.exposition import Rows, rendered

ROWS = (
    Rows(PROBLEMS, [(("overloaded",), (3.0,))], grows=True),
    Rows(READY, [((), (1.0,))]),
    Rows(BETWEEN, [(("support", "local"), (*[1.0] * (len(BETWEEN_S) + 1), 0.5))]),
)


def test_without_a_wish_it_is_prometheus_own_text() -> None:
    kind, text = rendered(ROWS, accept="", since_unix=1000.0)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    found = {sample.name: sample.value for family in plain_metrics(text.decode()) for sample in family.samples}
    assert found["freehold_problems_total"] == 3
    assert found["freehold_ready"] == 1
    assert found["freehold_inter_token_seconds_count"] == len(BETWEEN_S) + 1
    assert "_created" not in text.decode()


def test_open_metrics_says_since_when_counters_count() -> None:
    kind, text = rendered(ROWS, accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.1", since_unix=1000.0)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith(b"# EOF\n")
    families = open_metrics(text.decode())  # type: ignore[no-untyped-call]  # it has no annotations
    found = {sample.name: sample.value for family in families for sample in family.samples}
    assert found["freehold_problems_created"] == 1000


def test_buckets_are_cumulative_and_end_without_bound() -> None:
    _, text = rendered(ROWS, accept="", since_unix=0.0)
    (family,) = [family for family in plain_metrics(text.decode()) if family.name == BETWEEN.name]
    buckets = [sample.value for sample in family.samples if sample.name.endswith("_bucket")]
    assert buckets == list(range(1, len(BETWEEN_S) + 2))


@pytest.mark.parametrize(
    "accept",
    ["application/openmetrics-text;version=abc", "application/openmetrics-text;version=9.9;escaping=x", ";;,,", "*/*"],
)
def test_a_wish_that_nobody_understands_breaks_nothing(accept: str) -> None:
    assert rendered(ROWS, accept=accept, since_unix=0.0)[1]


@given(st.text(max_size=40))
def test_no_value_of_a_label_makes_a_line_of_its_own(hostile: str) -> None:
    """Values are names of the configuration; were one not, it would still be one value of one sample."""
    _, text = rendered([Rows(PROBLEMS, [((hostile,), (1.0,))], grows=True)], accept="", since_unix=0.0)
    assert sum(line.startswith(b"freehold_") for line in text.split(b"\n")) == 1
    (family,) = plain_metrics(text.decode())
    assert [sample.labels["code"] for sample in family.samples] == [hostile]


@pytest.mark.parametrize("hostile", ['"} 1\nfreehold_ready 1\n', "\\", '\\"', "a\nb", "\u2028", "=~.*"])
def test_what_would_break_out_of_a_label_stays_in_it(hostile: str) -> None:
    for accept in ("", "application/openmetrics-text"):
        _, text = rendered([Rows(PROBLEMS, [((hostile,), (1.0,))], grows=True)], accept=accept, since_unix=0.0)
        assert b"\nfreehold_ready" not in text


def test_no_two_metrics_have_one_name_and_each_name_says_its_unit() -> None:
    names = [*COUNTED, *NOW, *ESTATE]
    assert len(names) == len(set(names))
    assert all(name.endswith("_seconds") for name, metric in COUNTED.items() if metric.bounds_s)
