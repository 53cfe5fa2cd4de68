# SPDX-License-Identifier: Apache-2.0
"""What a ledger's entries say, counted in one pass: who saw calls of which service and class, and what was erased.

The entries are not verified but for the signed head. Of calls it holds only those that are open, so that a long log
takes no more memory than a short one.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from freehold.assess.evidence.picture import Busiest, Erasure, LedgerHead, Seen
from freehold.contract.estate import Estate
from freehold.ledger.check.trust import trust_log
from freehold.ledger.record.entry import ActEntry, read_entry
from freehold.ledger.tree.checkpoint import Checkpoint
from freehold.ledger.tree.store import LedgerFiles

ERASING: Final = frozenset({"call.forget", "salts.expire", "text.forget"})
_MOST_ERASURES: Final = 100  # that are listed; all are counted
_MINUTE: Final = len("2026-11-23T09:00")
# Entries are canonical: a name stands between quotes as it is here, and never so in what a caller wrote.
_KIND = re.compile(rb'"kind":"([a-z]+)"')
_AT = re.compile(rb'"at":"([^"\\]+)"')
_ADMISSION = re.compile(rb'"admission":([0-9]+)')
_CLASS = re.compile(rb'"data_class":"([^"\\]+)"')
_SERVICE = re.compile(rb'"service":"([^"\\]+)"')
_TARGET = re.compile(rb'"target":"([^"\\]+)"')
_LEFT = re.compile(rb'"left":"([^"\\]+)"')
_REFUSED = b'"effect":"refuse"'


def read_ledger(estate: Estate) -> LedgerHead | None:
    """Nothing of a log that was never begun. Raises VerificationFailed for a head that does not hold."""
    if not (estate.ledger / "checkpoint").exists() or not estate.ledger_vkey.exists():
        return None
    files = LedgerFiles(estate.ledger)
    vkey = estate.ledger_vkey.read_text(encoding="utf-8").strip()
    head = trust_log(vkey).open_signed(files.checkpoint()).checkpoint
    first = files.minimum_index()
    counted = _Count(head.origin)
    counted.read(files.entries(first, head.size))
    return counted.head(head, first)


class _Count:
    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._open: dict[int, tuple[str, str]] = {}  # service and class of calls without an outcome, by admission
        self._seen: dict[tuple[str, str, str], list[str]] = {}
        self._calls = Counter[tuple[str, str, str]]()
        self._answered = Counter[str]()
        self._answers = Counter[str]()
        self._minutes: dict[tuple[str, str], tuple[str, int]] = {}  # by service and target: the minute, and calls in it
        self._busiest: dict[tuple[str, str], tuple[str, int]] = {}
        self._refused = Counter[str]()
        self._erasures = Counter[str]()
        self._newest: deque[Erasure] = deque(maxlen=_MOST_ERASURES)
        self._times = ["", ""]

    def read(self, entries: Iterable[tuple[int, bytes]]) -> None:
        for index, data in entries:
            kind, at = _text(_KIND, data), _text(_AT, data)
            self._times = [self._times[0] or at, at]
            if kind == "admission":
                self._admission(index, data)
            elif kind == "outcome":
                self._outcome(data, at)
            elif kind == "act":
                self._act(index, data)

    def head(self, head: Checkpoint, minimum_index: int) -> LedgerHead:
        last = self._newest[-1] if self._newest else None
        return LedgerHead(
            origin=head.origin,
            size=head.size,
            root=head.root.hex(),
            newest_at=self._times[1],
            oldest_at=self._times[0],
            minimum_index=minimum_index,
            erasures=dict(sorted(self._erasures.items())),
            last_erasure=last.position if last else "",
            last_erasure_at=last.at if last else "",
            newest_erasures=tuple(self._newest),
            answered=dict(sorted(self._answered.items())),
            answers=dict(sorted(self._answers.items())),
            seen=tuple(_seen(key, self._calls[key], times) for key, times in sorted(self._seen.items())),
            refused=dict(sorted(self._refused.items())),
            busiest=tuple(_busiest(key, most) for key, most in sorted(self._busiest.items())),
        )

    def _admission(self, index: int, data: bytes) -> None:
        service = _text(_SERVICE, data)
        if _REFUSED in data:
            self._refused[service] += 1
        else:
            self._open[index] = (service, _text(_CLASS, data))

    def _outcome(self, data: bytes, at: str) -> None:
        admission = _ADMISSION.search(data)
        service, data_class = self._open.pop(int(admission[1]), ("", "")) if admission else ("", "")
        target = _text(_TARGET, data)
        if not target:
            return
        self._answered[target] += 1
        self._answers[service] += 1
        for name in dict.fromkeys([*(one.decode() for one in _LEFT.findall(data)), target]):
            key = (service, data_class, name)
            self._calls[key] += 1
            self._seen.setdefault(key, [at, at])[1] = at
            self._in_minute((service, name), at[:_MINUTE])

    def _in_minute(self, key: tuple[str, str], minute: str) -> None:
        before, calls = self._minutes.get(key, ("", 0))
        self._minutes[key] = (minute, calls + 1 if before == minute else 1)
        if self._minutes[key][1] > self._busiest.get(key, ("", 0))[1]:
            self._busiest[key] = self._minutes[key]

    def _act(self, index: int, data: bytes) -> None:
        entry = read_entry(data)
        if isinstance(entry, ActEntry) and entry.act in ERASING:
            self._erasures[entry.act] += 1
            position = f"{self._origin}/{index}"
            self._newest.append(Erasure(act=entry.act, at=entry.at, position=position, subject=entry.subject))


def _seen(key: tuple[str, str, str], calls: int, times: list[str]) -> Seen:
    service, data_class, target = key
    return Seen(service=service, data_class=data_class, target=target, calls=calls, first_at=times[0], last_at=times[1])


def _busiest(key: tuple[str, str], most: tuple[str, int]) -> Busiest:
    return Busiest(service=key[0], target=key[1], calls=most[1], minute=most[0])


def _text(pattern: re.Pattern[bytes], data: bytes) -> str:
    found = pattern.search(data)
    return found[1].decode() if found else ""
