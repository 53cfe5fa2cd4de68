# SPDX-License-Identifier: Apache-2.0
"""What a writer that starts must know of the entries before it: open admissions and recent outcomes and acts."""

from collections.abc import Iterable

from freehold.ledger.keeper.open_calls import OpenCalls, Recent
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, OutcomeEntry, read_entry


def recover(entries: Iterable[tuple[int, bytes]], *, lost_at_s: float) -> tuple[OpenCalls, Recent]:
    """The calls still open and the recent acts. The calls are nobody's, and lost at ``lost_at_s`` unless claimed."""
    calls, acts = OpenCalls(), Recent()
    for index, data in entries:
        match read_entry(data):
            case AdmissionEntry(call=call_id, effect="allow"):
                calls.admitted(call_id, index, owner="", lost_at_s=lost_at_s)
            case OutcomeEntry(call=call_id):
                calls.concluded(call_id, index)
            case ActEntry(id=act_id):
                acts.add(act_id, index)
            case _:
                pass
    return calls, acts
