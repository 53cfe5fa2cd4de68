# SPDX-License-Identifier: Apache-2.0
"""How a drill stands while it runs, for whoever watches. The scorecard is made of what is on record, not of this."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from freehold.continuity.drill.observed import Fate, Observed
from freehold.continuity.drill.scenario import Move


class Second(msgspec.Struct, frozen=True, kw_only=True):
    """One second of the drill so far. Calls stand in the second in which they began."""

    at_s: int
    began: int
    answered: dict[str, int]  # by the target that began the answer
    not_answered: int

    @property
    def open(self) -> int:
        return self.began - sum(self.answered.values()) - self.not_answered


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the scenario that is in force by now."""

    at_s: float
    what: str
    targets: tuple[str, ...]


class SoFar(msgspec.Struct, frozen=True, kw_only=True):
    """A drill at one moment. ``seconds`` are those that have changed since it was looked at last."""

    id: str
    at_s: float
    duration_s: float
    calls: int  # that it will make
    made: int
    ended: int
    happened: tuple[Made, ...]
    seconds: tuple[Second, ...]


@dataclass(slots=True)
class Watch:
    """Looks at a drill again and again. Every call is judged once, when it has ended."""

    id: str
    duration_s: float
    calls: int
    _seconds: dict[int, Second] = field(default_factory=dict)
    _open: list[Observed] = field(default_factory=list)
    _begun: int = 0  # calls that were seen to begin

    def look(self, at_s: float, observed: Sequence[Observed], moved: Sequence[Move]) -> SoFar:
        """``observed`` is the same every time, but for what was added to its end."""
        changed = self._begin(observed[self._begun :]) | self._end()
        return SoFar(
            id=self.id,
            at_s=round(at_s, 1),
            duration_s=self.duration_s,
            calls=self.calls,
            made=self._begun,
            ended=self._begun - len(self._open),
            happened=tuple(Made(at_s=round(move.at_s, 1), what=move.said, targets=move.targets) for move in moved),
            seconds=tuple(self._seconds[number] for number in sorted(changed)),
        )

    def _begin(self, observed: Sequence[Observed]) -> set[int]:
        for seen in observed:
            number = int(seen.began_s)
            known = self._seconds.get(number) or Second(at_s=number, began=0, answered={}, not_answered=0)
            self._seconds[number] = msgspec.structs.replace(known, began=known.began + 1)
        self._open += observed
        self._begun += len(observed)
        return {int(seen.began_s) for seen in observed}

    def _end(self) -> set[int]:
        ended = [seen for seen in self._open if seen.ended_s >= 0]
        self._open = [seen for seen in self._open if seen.ended_s < 0]
        for seen in ended:
            known = self._seconds[int(seen.began_s)]
            if seen.fate is Fate.ANSWERED:
                answered = {**known.answered, seen.target: known.answered.get(seen.target, 0) + 1}
                judged = msgspec.structs.replace(known, answered=answered)
            else:
                judged = msgspec.structs.replace(known, not_answered=known.not_answered + 1)
            self._seconds[known.at_s] = judged
        return {int(seen.began_s) for seen in ended}
