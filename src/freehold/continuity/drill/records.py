# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of the calls of a key, or of a service's latest. Pure over its entries."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from freehold.continuity.drill.traffic import Recorded
from freehold.contract.call import DataClass
from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry, read_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One call as it is on record. Without an ending it was refused, or is still open."""

    call_id: str
    at_unix: float
    allowed: frozenset[str]
    seen_by: tuple[str, ...] = ()  # the targets whose answer the caller has some of, in order
    ending: str = ""
    error: str = ""
    another_model: bool = False  # whether a provider answered with another model than it was asked for


def records_of(entries: Iterable[bytes], key_id: str) -> dict[str, Record]:
    """Every call of a key, by its id."""
    admitted: dict[str, AdmissionEntry] = {}
    records: dict[str, Record] = {}
    for data in entries:
        entry = read_entry(data)
        if isinstance(entry, AdmissionEntry) and entry.key == key_id:
            admitted[entry.call] = entry
            records[entry.call] = _record(entry, None)
        elif isinstance(entry, OutcomeEntry) and entry.call in admitted:
            records[entry.call] = _record(admitted[entry.call], entry)
    return records


def recorded_calls(
    entries: Iterable[bytes], service: str, most: int, *, but_of: Callable[[str], bool]
) -> list[Recorded]:
    """The newest calls of a service that were answered, oldest first, but those of certain keys."""
    admitted: dict[str, AdmissionEntry] = {}
    found: list[Recorded] = []
    for data in entries:
        entry = read_entry(data)
        if isinstance(entry, AdmissionEntry) and entry.service == service and not but_of(entry.key):
            admitted[entry.call] = entry
        elif isinstance(entry, OutcomeEntry) and (admission := admitted.pop(entry.call, None)) and not entry.error:
            found.append(_recorded(admission, entry))
    return found[-most:]


def others_calls(entries: Iterable[bytes], since_unix: float, *, but_of: Callable[[str], bool]) -> int:
    """How many calls were under way since then, but for those of certain keys."""
    recent: set[str] = set()
    open_: set[str] = set()
    for data in entries:
        entry = read_entry(data)
        if isinstance(entry, AdmissionEntry) and entry.effect == "allow" and not but_of(entry.key):
            (recent if _unix(entry.at) >= since_unix else open_).add(entry.call)
        elif isinstance(entry, OutcomeEntry) and _unix(entry.at) < since_unix:
            open_.discard(entry.call)
    return len(recent | open_)


def _record(admission: AdmissionEntry, outcome: OutcomeEntry | None) -> Record:
    allowed = frozenset(target.name for target in admission.targets if target.allowed)
    if outcome is None:
        return Record(call_id=admission.call, at_unix=_unix(admission.at), allowed=allowed)
    seams = outcome.seams or ()
    seen_by = (*(seam.left for seam in seams), outcome.target) if outcome.target else ()
    return Record(
        call_id=admission.call,
        at_unix=_unix(admission.at),
        allowed=allowed,
        seen_by=tuple(dict.fromkeys(seen_by)),
        ending=outcome.ending,
        error=outcome.error,
        another_model=outcome.answered_as is not None or outcome.answered_as_sha256 is not None,
    )


def _recorded(admission: AdmissionEntry, outcome: OutcomeEntry) -> Recorded:
    return Recorded(
        at_unix=_unix(admission.at),
        dialect=admission.dialect,
        stream=admission.stream,
        data_class=DataClass[admission.data_class.upper()],
        input_tokens=outcome.input_tokens,
        output_tokens=outcome.output_tokens,
    )


def _unix(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
