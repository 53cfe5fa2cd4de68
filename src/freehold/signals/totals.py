# SPDX-License-Identifier: Apache-2.0
"""The sums of what all gateways of an estate have counted, since whoever adds them up began. Pure.

A gateway that ends keeps its part in the sums, so that no sum goes back while the control process lives. When that one
is restarted every sum begins at 0, as a counter may; what a gateway had counted before is not counted a second time.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from operator import add, sub
from typing import Final

from freehold.contract.signals import Measured, Series
from freehold.signals.catalogue import COUNTED, NOW, Metric

MOST_SERIES: Final = 20_000  # of each kind; what comes beyond is told as a number, and counted nowhere
_GATEWAYS_KEPT: Final = 64  # the last word of each
_Key = tuple[str, tuple[str, ...]]
_Values = tuple[float, ...]


class Totals:
    """``since_unix``: from when on it counts."""

    def __init__(self, since_unix: float) -> None:
        self.since_unix = since_unix
        self.left_out = 0  # series that there was no room for
        self._sums: dict[_Key, _Values] = {}
        self._told: OrderedDict[str, dict[_Key, _Values]] = OrderedDict()  # by gateway, what it counted so far
        self._now: dict[str, tuple[Series, ...]] = {}

    def take(self, measured: Measured) -> None:
        """What a gateway tells. Of one that is older than this, what it tells first is where counting begins."""
        counted = {(series.metric, series.labels): series.values for series in measured.counted if _is_known(series)}
        before = self._told.pop(measured.gateway, None)
        if before is None and measured.since_unix < self.since_unix:
            before = counted
        for key, values in counted.items():
            self._add(key, _more(values, (before or {}).get(key)))
        self._told[measured.gateway] = counted
        if len(self._told) > _GATEWAYS_KEPT:
            self._told.popitem(last=False)
        self._now[measured.gateway] = measured.now

    def keep(self, gateways: Iterable[str]) -> None:
        """Of all others there is nothing now; what they have counted stays."""
        connected = frozenset(gateways)
        self._now = {name: now for name, now in self._now.items() if name in connected}

    def counted(self) -> Iterator[tuple[Metric, list[tuple[tuple[str, ...], _Values]]]]:
        """Every metric with its series, those without any too."""
        return _by_metric(COUNTED.values(), self._sums.items())

    def now(self) -> Iterator[tuple[Metric, list[tuple[tuple[str, ...], _Values]]]]:
        """The same for gauges, added up over the gateways that are connected."""
        sums: dict[_Key, _Values] = {}
        for told in self._now.values():
            for metric, labels, values in told:
                if metric in NOW and len(values) == 1 and len(sums) < MOST_SERIES:
                    sums[metric, labels] = (sums.get((metric, labels), (0.0,))[0] + values[0],)
        return _by_metric(NOW.values(), sums.items())

    def _add(self, key: _Key, more: _Values) -> None:
        known = self._sums.get(key)
        if known is not None:
            self._sums[key] = tuple(map(add, known, more))
        elif len(self._sums) < MOST_SERIES:
            self._sums[key] = more
        else:
            self.left_out += 1


def _is_known(series: Series) -> bool:
    metric = COUNTED.get(series.metric)
    if metric is None or len(series.labels) != len(metric.labels):
        return False
    return len(series.values) == (len(metric.bounds_s) + 2 if metric.bounds_s else 1)


def _more(values: _Values, before: _Values | None) -> _Values:
    """What came since. A gateway that counts less than it did began anew, though under the same name."""
    if before is None:
        return values
    more = tuple(map(sub, values, before))
    return values if min(more) < 0 else more


def _by_metric(
    metrics: Iterable[Metric], series: Iterable[tuple[_Key, _Values]]
) -> Iterator[tuple[Metric, list[tuple[tuple[str, ...], _Values]]]]:
    found: defaultdict[str, list[tuple[tuple[str, ...], _Values]]] = defaultdict(list)
    for (metric, labels), values in series:
        found[metric].append((labels, values))
    for known in metrics:
        yield known, sorted(found[known.name])
