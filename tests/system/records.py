# SPDX-License-Identifier: Apache-2.0
"""The ledger as an outsider reads it: from its files, by the C2SP specifications alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.estates import Estate
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, chat, post

_BUNDLE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call's admission, and its outcomes, of which there should be one, or none if it was refused."""

    admission: dict[str, Any]
    outcomes: Sequence[dict[str, Any]]

    @property
    def ending(self) -> str:
        (outcome,) = self.outcomes
        return str(outcome["ending"])


def entries(estate: Estate) -> list[dict[str, Any]]:
    """Every entry that the published checkpoint covers, in order."""
    log = estate.files / "ledger"
    size = int((log / "checkpoint").read_text(encoding="utf-8").splitlines()[1])
    return [json.loads(entry) for entry in _raw(log, size)]


def call(estate: Estate, call_id: str) -> CallRecord:
    """A call's record, once it is closed."""

    def closed() -> CallRecord | None:
        found = calls(entries(estate)).get(call_id)
        return found if found and _is_closed(found) else None

    return wait_for(closed, f"{call_id} has an outcome in the ledger")


def calls(log: Sequence[dict[str, Any]]) -> dict[str, CallRecord]:
    """The records by call id. Fails if a call was admitted twice, or an outcome has no admission before it."""
    admissions: dict[str, dict[str, Any]] = {}
    outcomes: dict[str, list[dict[str, Any]]] = {}
    for index, entry in enumerate(log):
        if entry["kind"] == "admission":
            assert entry["call"] not in admissions, f"{entry['call']} was admitted twice"
            admissions[entry["call"]], outcomes[entry["call"]] = entry, []
        elif entry["kind"] == "outcome":
            outcomes[entry["call"]].append(entry)
            assert log[entry["admission"]] is admissions[entry["call"]], f"entry {index} closes another call"
    return {name: CallRecord(admission=entry, outcomes=outcomes[name]) for name, entry in admissions.items()}


class Since:
    """The calls between two moments. Each is marked by a call of its own, whose place in the log is known."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._first = self._mark()

    def calls(self) -> list[CallRecord]:
        """The records of the calls made since, in order, once each is closed."""
        last = self._mark()

        def between() -> list[CallRecord]:
            records = calls(entries(self._estate))
            order = list(records)
            return [records[name] for name in order[order.index(self._first) + 1 : order.index(last)]]

        wait_for(lambda: all(_is_closed(record) for record in between()), "every call has its outcome")
        return between()

    def _mark(self) -> str:
        answer = post(self._estate, CHAT, chat(max_tokens=1))
        assert answer.status == 200, answer
        call(self._estate, answer.headers["x-request-id"])
        return answer.headers["x-request-id"]


def _is_closed(record: CallRecord) -> bool:
    return bool(record.outcomes) or record.admission["effect"] == "refuse"


def _raw(log: Path, size: int) -> list[bytes]:
    """c2sp.org/tlog-tiles: bundles of 256 entries, each entry behind its length as uint16; the last one partial."""
    assert size < _BUNDLE * 1000, "the paths of so long a log have another form"
    found: list[bytes] = []
    for number in range(-(-size // _BUNDLE)):
        width = min(_BUNDLE, size - number * _BUNDLE)
        found += _bundle(log / "tile" / "entries" / f"{number:03}", width)
    assert len(found) == size
    return found


def _bundle(whole: Path, width: int) -> list[bytes]:
    """A partial bundle may be gone as soon as there is the whole one, which begins with it."""
    try:
        data = (whole if width == _BUNDLE else whole.with_name(f"{whole.name}.p") / str(width)).read_bytes()
    except FileNotFoundError:
        data = whole.read_bytes()
    found: list[bytes] = []
    while data:
        length = int.from_bytes(data[:2], "big")
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found[:width]
