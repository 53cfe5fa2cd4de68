# SPDX-License-Identifier: Apache-2.0
"""Find an entry by what it says, reading forward. Pure over an iterator of entries."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry, outcome_mark, read_entry


class Log(Protocol):
    """Entries by index, in a tree of a size."""

    def entry(self, index: int, size: int) -> bytes: ...

    def entries(self, start: int, size: int) -> Iterable[tuple[int, bytes]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOutcome:
    index: int
    data: bytes
    entry: OutcomeEntry


def find_outcome(entries: Iterable[tuple[int, bytes]], admission_index: int) -> FoundOutcome | None:
    """The first outcome among ``entries`` (index and bytes) that closes the admission."""
    mark = outcome_mark(admission_index)
    for index, data in entries:
        if mark not in data:
            continue
        entry = read_entry(data)
        if isinstance(entry, OutcomeEntry) and entry.admission == admission_index:
            return FoundOutcome(index=index, data=data, entry=entry)
    return None


def outcome_of(
    log: Log, admission_index: int, size: int, noted: int, most_read: int | None = None
) -> FoundOutcome | None:
    """The outcome of an admission in a log of ``size`` entries: where it is noted to be, else by reading forward.

    ``most_read``: of how many entries; None is all. 0 for ``noted`` says that nothing is.
    """
    if noted >= size:
        return None
    if noted > admission_index and (found := find_outcome([(noted, log.entry(noted, size))], admission_index)):
        return found
    return find_outcome(islice(log.entries(admission_index + 1, size), most_read), admission_index)


def find_decision(entries: Iterable[tuple[int, bytes]], decision_id: str) -> tuple[int, AdmissionEntry] | None:
    """The admission that a decision is recorded in, with its index."""
    mark = f'"{decision_id}"'.encode()
    for index, data in entries:
        if mark not in data:
            continue
        entry = read_entry(data)
        if isinstance(entry, AdmissionEntry) and entry.decision.id == decision_id:
            return index, entry
    return None


def find_admission(log: Log, size: int, call: str, *, start: int = 0, around: str = "") -> int | None:
    """The index of a call's admission, from ``start`` on. It is looked for first where the log was at an instant."""
    near = first_since(log, size, start, around)
    mark = f'"{call}"'.encode()
    for first, end in ((near, size), (start, near)):
        for index, data in islice(log.entries(first, size), end - first):
            if mark not in data:
                continue
            entry = read_entry(data)
            if isinstance(entry, AdmissionEntry) and entry.call == call:
                return index
    return None


def first_since(log: Log, size: int, start: int, at: str) -> int:
    """The first entry that was written then or later: a binary search, which a clock that went back can mislead."""
    low, high = start, size
    while low < high:
        middle = (low + high) // 2
        entry = read_entry(log.entry(middle, size))
        if entry is not None and entry.at < at:
            low = middle + 1
        else:
            high = middle
    return low
