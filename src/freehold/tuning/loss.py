# SPDX-License-Identifier: Apache-2.0
"""How much worse a model predicts a text than another that read the same tokens. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Relative growth of perplexity, 0.05 for 5 %; below 0 where it predicts better. ``error``: one standard error."""

    share: float
    error: float


def perplexity(logs: Sequence[float]) -> float:
    """Of natural logarithms of the probabilities of a text's tokens, at least one."""
    return exp(-sum(logs) / len(logs))


def loss(logs: Sequence[float], of_original: Sequence[float]) -> Loss:
    """Token by token, so that what is hard for both counts for neither. Raises ValueError for unequal lengths."""
    differences = [ours - theirs for theirs, ours in zip(logs, of_original, strict=True)]
    count = len(differences)
    mean = sum(differences) / count
    spread = sum((difference - mean) ** 2 for difference in differences) / max(1, count - 1)
    return Loss(share=exp(mean) - 1, error=exp(mean) * sqrt(spread / count))
