# SPDX-License-Identifier: Apache-2.0
"""Which checkpoint the witnesses are asked for now, and which of them it is time to ask. Pure; times are handed in.

All are asked for the same checkpoint, so that a quorum comes together on one; publications meanwhile are passed over
but for the newest. A round is over when the quorum is reached, or when nobody is left to wait for. A witness has one
request under way at most, and one that fails is left alone for longer each time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0


@dataclass(slots=True)
class _Standing:
    """Of one witness. Sizes are those of checkpoints; -1: none."""

    busy: bool = False
    tried: int = -1  # the last one that it was asked for and is over
    cosigned: int = -1
    pause_s: float = 0.0
    not_before_s: float = 0.0


class Rounds:
    """``size`` is that of the checkpoint of this round; -1 before the first."""

    def __init__(self, names: Iterable[str]) -> None:
        self.size = -1
        self._reached = True
        self._standings = {name: _Standing() for name in names}

    def due(self, newest: int, now_s: float) -> tuple[str, ...]:
        """Whom to ask for ``size`` now; they count as asked. ``newest``: the size that is published."""
        if newest > self.size and self._is_over(now_s):
            self.size, self._reached = newest, False
        names = tuple(name for name, one in self._standings.items() if self._is_due(one, now_s))
        for name in names:
            self._standings[name].busy = True
        return names

    def cosigned(self, name: str, size: int) -> None:
        one = self._standings[name]
        one.busy, one.tried, one.cosigned, one.pause_s, one.not_before_s = False, size, size, 0.0, 0.0

    def failed(self, name: str, size: int, now_s: float, *, alarmed: bool = False) -> None:
        """Leave it alone for a while: for longer each time, and for long where what it says will not change soon."""
        one = self._standings[name]
        one.pause_s = _LONGEST_PAUSE_S if alarmed else min(max(2 * one.pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        one.busy, one.tried, one.not_before_s = False, size, now_s + one.pause_s

    def reached(self, size: int) -> None:
        """Enough have cosigned this size."""
        self._reached = self._reached or size == self.size

    def _is_due(self, one: _Standing, now_s: float) -> bool:
        return not one.busy and one.cosigned < self.size and one.not_before_s <= now_s

    def _is_over(self, now_s: float) -> bool:
        waited_for = (
            one.busy or (one.tried < self.size and one.not_before_s <= now_s) for one in self._standings.values()
        )
        return self._reached or not any(waited_for)
