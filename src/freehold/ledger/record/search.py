# SPDX-License-Identifier: Apache-2.0
"""Find an entry by what it says, reading forward. Pure over an iterator of entries."""

from collections.abc import Iterable
from dataclasses import dataclass

from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry, outcome_mark, read_entry


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
