# SPDX-License-Identifier: Apache-2.0
"""Metrics as Prometheus reads them: its own text, or OpenMetrics for whoever asks for that. Knows only numbers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.exposition import generate_latest as plain_text
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics
from prometheus_client.registry import Collector

from freehold.signals.catalogue import Metric

OPEN_METRICS: Final = "application/openmetrics-text"
Row = tuple[tuple[str, ...], tuple[float, ...]]  # values of the labels, and the numbers


@dataclass(frozen=True, slots=True)
class Rows:
    """One metric with all of its series."""

    metric: Metric
    rows: Sequence[Row]
    grows: bool = False  # a counter; else a gauge, unless it has buckets


def rendered(rows: Iterable[Rows], *, accept: str, since_unix: float) -> tuple[str, bytes]:
    """The media type and the text. ``accept`` is what was asked for; ``since_unix``: when the counters began."""
    types = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    wants_open = OPEN_METRICS in types
    families = _Families(list(_families(rows, since_unix if wants_open else None)))
    if wants_open:
        return CONTENT_TYPE_LATEST, open_metrics(families)  # type: ignore[no-untyped-call]  # it has no annotations
    return CONTENT_TYPE_PLAIN_0_0_4, plain_text(families)


class _Families(Collector):
    """Families that are there already."""

    def __init__(self, families: list[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Family]:
        return iter(self._families)


def _families(rows: Iterable[Rows], created: float | None) -> Iterator[Family]:
    for one in rows:
        metric = one.metric
        if metric.bounds_s:
            yield _histogram(one)
        elif one.grows:
            counter = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, (number,) in one.rows:
                counter.add_metric(labels, number, created=created)
            yield counter
        else:
            gauge = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, (number,) in one.rows:
                gauge.add_metric(labels, number)
            yield gauge


def _histogram(one: Rows) -> HistogramMetricFamily:
    metric = one.metric
    names = [*map(str, metric.bounds_s), "+Inf"]
    histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, (*counts, sum_s) in one.rows:
        histogram.add_metric(labels, list(zip(names, accumulate(counts), strict=True)), sum_s)
    return histogram
