# SPDX-License-Identifier: Apache-2.0
"""Which entries of the ledger a pack has receipts of: what reports rest on, and the newest calls of each kind. Pure.

All of them would be the ledger itself, which ``freehold ledger export`` hands over.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from freehold.ledger.record.entry import ActEntry, OutcomeEntry, read_entry

MOST_ACTS: Final = 500
_ACT, _OUTCOME, _REFUSED = b'"kind":"act"', b'"kind":"outcome"', b'"effect":"refuse"'
_SERVICE: Final = re.compile(rb'"service":"([^"\\]+)"')  # entries are canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Indexes of acts, and of calls' admissions, each with why it was chosen. ``left_out``: acts that were not."""

    acts: Mapping[int, ActEntry]
    calls: Mapping[int, str]
    left_out: int

    def why(self, index: int) -> str:
        act = self.acts.get(index)
        return f"{act.act} {act.subject}" if act else f"a call {self.calls[index]}"

    def with_calls(self, more: Mapping[int, str]) -> "Chosen":
        """Further entries, each with why; those that are here already stay as they are."""
        return replace(
            self, calls={**{index: why for index, why in more.items() if index not in self.acts}, **self.calls}
        )

    @property
    def indexes(self) -> tuple[int, ...]:
        return tuple(sorted({*self.acts, *self.calls}))


def choose(entries: Iterable[tuple[int, bytes]], calls_each: int) -> Chosen:
    """The newest calls that each target answered, and that were refused to each service; drills, then newest acts.

    A call whose admission is not among the entries is left out: of a pruned ledger, nothing proves it any more.
    """
    newest: dict[str, deque[int]] = defaultdict(partial(deque, maxlen=calls_each))
    drills: dict[int, ActEntry] = {}
    others: deque[tuple[int, ActEntry]] = deque(maxlen=MOST_ACTS)
    acts, start = 0, -1
    for index, data in entries:
        start = index if start < 0 else start
        if _ACT in data:
            entry = read_entry(data)
            if isinstance(entry, ActEntry):
                acts += 1
                if entry.act == "drill.run":
                    drills[index] = entry
                else:
                    others.append((index, entry))
        elif calls_each and _OUTCOME in data:
            ended = read_entry(data)
            if isinstance(ended, OutcomeEntry) and ended.target:
                newest[f"answered by {ended.target}"].append(ended.admission)
        elif calls_each and _REFUSED in data and (found := _SERVICE.search(data)):
            newest[f"refused to {found[1].decode()}"].append(index)
    kept = dict(others) | dict(list(drills.items())[-MOST_ACTS:])
    calls = {index: why for why, found in newest.items() for index in found if index >= start}
    return Chosen(acts=dict(sorted(kept.items())), calls=dict(sorted(calls.items())), left_out=acts - len(kept))
