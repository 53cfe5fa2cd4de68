# SPDX-License-Identifier: Apache-2.0
"""Counts what a log's entries say, as they go by in order. What it finds of calls is told, not judged. Pure.

A log may be counted in stretches, side by side: each is a census of its own, and joins the one before it. It keeps the
calls that are open, and a bit for each entry.
"""

from dataclasses import dataclass, field

from freehold.contract.record import Ending
from freehold.ledger.record.entry import read_fields

_ENDINGS = {ending.value: ending for ending in Ending}
_ALLOWED, _REFUSED = "allow", "refuse"


@dataclass(slots=True)
class Census:
    """Of the entries from ``start`` on. ``left``: outcomes that close nothing in this stretch, admission and call."""

    start: int
    size: int = 0  # entries so far
    admissions: int = 0
    refusals: int = 0
    outcomes: dict[Ending, int] = field(default_factory=lambda: dict.fromkeys(Ending, 0))
    acts: int = 0
    unknown: int = 0
    open: dict[int, str] = field(default_factory=dict)  # id of the call, by the index of its admission
    closed: bytearray = field(default_factory=bytearray)  # a bit for each entry: an admission with its outcome
    doubled: set[int] = field(default_factory=set)
    left: list[tuple[int, str]] = field(default_factory=list)

    def count(self, data: bytes) -> None:
        """The next entry."""
        fields = read_fields(data)
        kind = None if fields is None else fields["kind"]
        if fields is None or not self._count(fields, kind):
            self.unknown += 1
        self.size += 1
        if self.size > 8 * len(self.closed):
            self.closed.append(0)

    def join(self, later: "Census") -> None:
        """Take in the stretch that comes next; it begins at a multiple of 8 entries."""
        for admission, call in later.left:  # before its own admissions: an outcome closes what stands before it
            self._close(admission, call)
        self.open |= later.open
        self.closed += later.closed
        self.doubled |= later.doubled
        self.size += later.size
        self.admissions += later.admissions
        self.refusals += later.refusals
        self.acts += later.acts
        self.unknown += later.unknown
        for ending, count in later.outcomes.items():
            self.outcomes[ending] += count

    def _count(self, fields: dict[str, object], kind: object) -> bool:
        """Whether the entry has what counting needs."""
        if kind == "act":
            self.acts += 1
            return True
        call = fields.get("call")
        if not isinstance(call, str):
            return False
        if kind == "admission":
            effect = fields.get("effect")
            if effect == _ALLOWED:
                self.admissions += 1
                self.open[self.start + self.size] = call
            elif effect == _REFUSED:
                self.refusals += 1
            return effect in (_ALLOWED, _REFUSED)
        admission, ending = fields.get("admission"), fields.get("ending")
        if type(admission) is not int or not isinstance(ending, str) or ending not in _ENDINGS:
            return False
        self.outcomes[_ENDINGS[ending]] += 1
        self._close(admission, call)
        return True

    def _close(self, admission: int, call: str) -> None:
        if self.open.get(admission) == call:
            del self.open[admission]
            self._mark_closed(admission)
        elif self._is_closed(admission):
            self.doubled.add(admission)
        else:
            self.left.append((admission, call))

    def _is_closed(self, admission: int) -> bool:
        at, bit = divmod(admission - self.start, 8)
        return 0 <= at < len(self.closed) and bool(self.closed[at] >> bit & 1)

    def _mark_closed(self, admission: int) -> None:
        at, bit = divmod(admission - self.start, 8)
        self.closed[at] |= 1 << bit
