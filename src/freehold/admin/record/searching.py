# SPDX-License-Identifier: Apache-2.0
"""Looks through the ledger, newest first, for what an operator asks. Keeps no index: it reads what lies there.

An entry is canonical JSON, so that a field with its value is a run of bytes that can be looked for without reading the
entry; only what is shown is read. One question looks at so many entries at most, and says where to go on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from freehold.admin.record.entries import Act, Admission, Bundles, Outcome, read
from freehold.admin.requests import SearchLedger
from freehold.admin.views import View
from freehold.errors import InvalidRequest
from freehold.ledger.record.derived import noted_outcome
from freehold.ledger.record.entry import outcome_mark

MOST_EXAMINED = 100_000
_EFFECTS = ("allow", "refuse")
_OUTCOME_WITHIN = 256  # entries behind an admission, where its outcome is not noted


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the bytes of an entry must hold, all of it; and what they must not."""

    marks: tuple[bytes, ...]
    without: tuple[bytes, ...]
    ending: str | None  # of a call

    def fits(self, data: bytes) -> bool:
        return all(mark in data for mark in self.marks) and not any(mark in data for mark in self.without)


def wanted(request: SearchLedger) -> Wanted:
    """Raises InvalidRequest for what no entry can be."""
    of_calls = {
        "service": request.service,
        "application": request.application,
        "decision": request.decision,
        "ending": request.ending,
    }
    asked = [name for name, value in of_calls.items() if value is not None]
    if asked and request.kind in ("act", "outcome"):
        raise InvalidRequest(
            f"{request.kind}s have no {asked[0]} of their own", param=asked[0], hint="Look for calls: kind=call."
        )
    fields = {"service": request.service, "key": request.application}
    if request.decision in _EFFECTS:
        fields["effect"] = request.decision
    elif request.decision is not None:
        fields["id"] = request.decision
    if request.kind == "call" or asked:
        fields["kind"] = "admission"
    elif request.kind is not None:
        fields["kind"] = request.kind
    marks = [_mark(name, value) for name, value in fields.items() if value is not None]
    if request.mentions is not None:
        marks.append(msgspec.json.encode(request.mentions))
    without = () if "kind" in fields else (_mark("kind", "outcome"),)
    return Wanted(marks=tuple(marks), without=without, ending=request.ending)


class Search:
    """One question to one log."""

    def __init__(self, directory: Path, bundles: Bundles) -> None:
        self._directory = directory
        self._bundles = bundles

    def page(self, what: Wanted, *, end: int, start: int, limit: int) -> View:
        """Rows from before ``end``, the last one first, down to ``start``."""
        rows: list[View] = []
        examined, last = 0, end
        for last, data in self._bundles.downward(end, start):
            examined += 1
            if what.fits(data) and (row := self._row(last, data, what.ending)) is not None:
                rows.append(row)
            if len(rows) == limit or examined == MOST_EXAMINED:
                break
        more = last > start and (len(rows) == limit or examined == MOST_EXAMINED)
        return {
            "entries": rows,
            "next": str(last) if more else None,
            "examined": examined,
            "whole": not more or len(rows) == limit,
            "damaged": self._bundles.damages,
        }

    def _row(self, index: int, data: bytes, ending: str | None) -> View | None:
        entry = read(data)
        match entry:
            case Admission():
                found = self.outcome_of(index) if entry.effect == "allow" else None
                if ending is not None and (entry.effect != "allow" or ending != (found[1].ending if found else "open")):
                    return None
                return _ROW | _of_call(index, entry) | (_of_outcome(*found) if found else {})
            case Outcome():
                shown = {"index": index, "kind": "outcome", "at": entry.at, "call": entry.call}
                return _ROW | shown | {"admission": entry.admission} | _of_outcome(index, entry)
            case Act():
                shown = {"index": index, "kind": "act", "at": entry.at}
                return _ROW | shown | {"act": entry.act, "subject": entry.subject, "operator": entry.operator}
            case _:
                return _ROW | {"index": index, "kind": "unknown"}

    def outcome_of(self, admission: int) -> tuple[int, Outcome] | None:
        """The outcome of a call, where it is noted to be, or near by."""
        mark = outcome_mark(admission)
        for index, data in self._near(admission):
            if mark in data:
                entry = read(data)
                if isinstance(entry, Outcome) and entry.admission == admission:
                    return index, entry
        return None

    def _near(self, admission: int) -> Iterator[tuple[int, bytes]]:
        noted = noted_outcome(self._directory, admission)
        if noted > admission and (data := self._bundles.entry(noted)) is not None:
            yield noted, data
        if not noted:
            yield from self._bundles.upward(admission + 1, min(admission + _OUTCOME_WITHIN, self._bundles.size))


_ROW: View = dict.fromkeys(
    (
        "index",
        "kind",
        "at",
        "call",
        "service",
        "application",
        "data_class",
        "dialect",
        "operation",
        "stream",
        "decision",
        "effect",
        "targets",
        "admission",
        "outcome",
        "ended",
        "ending",
        "target",
        "error",
        "input_tokens",
        "output_tokens",
        "seams",
        "act",
        "subject",
        "operator",
    )
)


def _of_call(index: int, entry: Admission) -> View:
    return {
        "index": index,
        "kind": "call",
        "at": entry.at,
        "call": entry.call,
        "service": entry.service,
        "application": entry.key,
        "data_class": entry.data_class,
        "dialect": entry.dialect,
        "operation": entry.operation,
        "stream": entry.stream,
        "decision": entry.decision.id,
        "effect": entry.effect,
        "targets": [target.name for target in entry.targets],
        "ending": "open" if entry.effect == "allow" else None,
    }


def _of_outcome(index: int, entry: Outcome) -> View:
    return {
        "outcome": index,
        "ended": entry.at,
        "ending": entry.ending,
        "target": entry.target or None,
        "error": entry.error or None,
        "input_tokens": entry.input_tokens,
        "output_tokens": entry.output_tokens,
        "seams": len(entry.seams),
    }


def _mark(name: str, value: str) -> bytes:
    """How canonical JSON writes a field."""
    return b'"%s":%s' % (name.encode(), msgspec.json.encode(value))
