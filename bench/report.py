# SPDX-License-Identifier: Apache-2.0
"""One measured number: what it is of, the bound that was promised for it, and the samples that it is the middle of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

_LESS_IS_BETTER = frozenset({"us", "ms", "s", "MB"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number. ``at_least`` and ``at_most`` are to be reached; ``goal`` lies beyond them, in the same direction."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    goal: float | None = None
    goal_in_noise: bool = False  # the goal counts as reached where the samples lie round it
    samples: Sequence[float] = field(default=())
    side: str = ""  # whose number it is, where several were measured in turn
    load: int = 0  # how many connections, streams or callers at a time
    prompt: str = ""  # what was sent, where that makes a difference

    @property
    def label(self) -> str:
        """What it is of, in full."""
        load = f", {self.load} at a time" if self.load else ""
        prompt = f", {self.prompt}" if self.prompt else ""
        return f"{self.name}{prompt}{load}{f': {self.side}' if self.side else ''}"

    @property
    def more_is_better(self) -> bool | None:
        """None where neither direction is better in itself."""
        if self.at_least is not None or self.at_most is not None:
            return self.at_least is not None
        if self.unit in _LESS_IS_BETTER:
            return False
        return True if self.unit == "/s" or self.name.endswith("/s") else None

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return f"<= {self.at_most:g}" if self.at_most is not None else ""

    @property
    def beyond(self) -> str:
        """The goal, as a person reads it."""
        return "" if self.goal is None else f"{'>=' if self.more_is_better else '<='} {self.goal:g}"

    @property
    def verdict(self) -> str:
        """``goal``, ``met``, or ``missed`` and by what share of the bound."""
        bound = self.at_least if self.at_least is not None else self.at_most
        if bound is None:
            return ""
        if self._is_within(bound):
            return "goal" if self.goal is not None and self._reaches_goal(self.goal) else "met"
        return f"missed by {abs(self.value - bound) / abs(bound):.0%}" if bound else f"missed by {self.value - bound:g}"

    def _reaches_goal(self, goal: float) -> bool:
        spread = (min(self.samples), max(self.samples)) if self.goal_in_noise and self.samples else (0.0, 0.0)
        return self._is_within(goal) or spread[0] <= goal <= spread[1] != spread[0]

    def _is_within(self, bound: float) -> bool:
        return self.value >= bound if self.more_is_better else self.value <= bound
