# SPDX-License-Identifier: Apache-2.0
"""Every metric is told with its kind and its labels, and none that there is not."""

from collections.abc import Mapping

from tests.docs.pages import Page

from freehold.signals.catalogue import COUNTED, ESTATE, GROWING, NOW, Metric

PAGE = "docs/reference/metrics.md"


def row(metric: Metric) -> str:
    gauge = metric.name in NOW or (metric.name in ESTATE and metric not in GROWING)
    kind = "histogram" if metric.bounds_s else "gauge" if gauge else "counter"
    name = f"{metric.name}_total" if kind == "counter" else metric.name
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    return f"| `{name}` | {kind} | {labels} | {metric.help} |"


def test_every_metric_is_told_as_it_is_and_none_that_is_not_there(pages: Mapping[str, Page]) -> None:
    told = {line for line in pages[PAGE].text.splitlines() if line.startswith("| `freehold_")}
    assert told == {row(metric) for metric in {**COUNTED, **NOW, **ESTATE}.values()}


def test_the_buckets_are_told(pages: Mapping[str, Page]) -> None:
    text = " ".join(pages[PAGE].text.split())
    for metric in COUNTED.values():
        if metric.bounds_s:
            assert f"`{metric.name}` {', '.join(f'{bound:g}' for bound in metric.bounds_s)}" in text
