# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of samples: quantiles, and how far a median may be trusted."""

import math
from collections.abc import Sequence
from statistics import median

_NOTCH = 1.57  # McGill, Tukey and Larsen 1978: about a 95 % interval of a median, in quartile distances over sqrt(n)
_FEWEST = 3
_ENOUGH = 8  # samples from which quartiles say more than the extremes


def quantile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that so large a share of them does not exceed. Raises ValueError without any."""
    if not samples:
        raise ValueError("no samples")
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * share) - 1))]


def spread(samples: Sequence[float]) -> tuple[float, float]:
    """The interval that the median of another run like this one is expected in: of few samples, all that they span."""
    if len(samples) < _ENOUGH:
        return min(samples), max(samples)
    half = _NOTCH * (quantile(samples, 0.75) - quantile(samples, 0.25)) / math.sqrt(len(samples))
    middle = median(samples)
    return middle - half, middle + half


def is_beyond(before: Sequence[float], now: Sequence[float]) -> bool:
    """Whether two runs differ by more than either of them varies by itself. Not to be told of one or two samples."""
    if min(len(before), len(now)) < _FEWEST:
        return False
    (low, high), (other_low, other_high) = spread(before), spread(now)
    return high < other_low or other_high < low
