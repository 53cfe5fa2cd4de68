# SPDX-License-Identifier: Apache-2.0
"""What a writer that starts must know of the entries before it: open admissions and recent outcomes and acts."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from freehold.ledger.keeper.open_calls import OpenCalls, Recent
from freehold.ledger.record.derived import ERASING
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, OutcomeEntry, read_entry


@dataclass(frozen=True, slots=True)
class Recovered:
    """The calls are nobody's. ``outcomes`` and ``erasing`` may not have been noted yet when the last writer ended."""

    calls: OpenCalls = field(default_factory=OpenCalls)
    acts: Recent = field(default_factory=Recent)
    outcomes: list[tuple[int, int]] = field(default_factory=list)  # indexes of an admission and of its outcome
    erasing: dict[str, int] = field(default_factory=dict)  # the last acts that destroyed salts, by their subjects


def recover(entries: Iterable[tuple[int, bytes]], *, lost_at_s: float) -> Recovered:
    """What the entries tell. Calls without outcome are lost at ``lost_at_s`` unless claimed."""
    recovered = Recovered()
    for index, data in entries:
        match read_entry(data):
            case AdmissionEntry(call=call_id, effect="allow"):
                recovered.calls.admitted(call_id, index, "", lost_at_s)
            case OutcomeEntry(call=call_id, admission=admission):
                recovered.calls.concluded(call_id, index)
                recovered.outcomes.append((admission, index))
            case ActEntry(id=act_id, act=kind, subject=subject):
                recovered.acts.add(act_id, index)
                if kind in ERASING:
                    recovered.erasing[subject] = index
            case _:
                pass
    return recovered
