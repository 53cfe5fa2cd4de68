# SPDX-License-Identifier: Apache-2.0
"""Calls, decisions and logs for the ledger's tests, and a disk that fails or dies where it is told to."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from freehold.contract.backend import BackendKind, Model, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.decision import Decision, Verdict
from freehold.contract.record import Ending, Outcome
from freehold.ledger import compose
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.log import Log, NewEntry
from freehold.signing.keys import FileKey

ORIGIN = "estate.example/ledger"
AT = datetime(2026, 11, 22, 14, 38, 0, 123456, tzinfo=UTC)
DAY = "2026-11-22"
KEY = FileKey(ORIGIN, bytes(range(32)))
TARGETS = (
    Target(
        name="claude",
        kind=BackendKind.PROVIDER,
        model=Model(name="claude-opus-4-8", digest=""),
        operator="anthropic",
        authorities=("US",),
    ),
    Target(
        name="local",
        kind=BackendKind.ENGINE,
        model=Model(name="smollm2-135m-instruct", digest="sha256:" + "ab" * 32),
        operator="self",
    ),
)


def call(call_id: str = "call-1", *, asked: str = "gpt-4o", body: bytes = b'{"model":"gpt-4o"}') -> Call:
    return Call(
        id=call_id,
        dialect=Dialect.OPENAI,
        operation=Operation.CHAT,
        asked=asked,
        service="default",
        key_id="key-1",
        data_class=DataClass.PERSONAL,
        stream=True,
        body=body,
    )


def decision(*, allowed: bool = True) -> Decision:
    return Decision(
        id="decision-1",
        verdicts=(
            Verdict(target="claude", allowed=False, rules=("owned-only",)),
            Verdict(target="local", allowed=allowed, rules=("owned-only",)),
        ),
        policy_digest="sha256:" + "01" * 32,
        facts_digest="sha256:" + "02" * 32,
    )


def outcome(call_id: str = "call-1", ending: Ending = Ending.COMPLETE) -> Outcome:
    return Outcome(
        call_id=call_id,
        ending=ending,
        target="local",
        model="smollm2-135m-instruct",
        model_digest="sha256:" + "ab" * 32,
        input_tokens=12,
        output_tokens=34,
        answer="cd" * 32,
        answer_bytes=56,
    )


def admission_bytes(call_id: str = "call-1", *, allowed: bool = True) -> bytes:
    return compose.admission(
        call(call_id),
        decision(allowed=allowed),
        targets=TARGETS,
        snapshot_version=7,
        request_commitment="ef" * 32,
        at_utc=AT,
    )


def outcome_bytes(admission_index: int, call_id: str = "call-1", ending: Ending = Ending.COMPLETE) -> bytes:
    return compose.outcome(outcome(call_id, ending), admission_index, at_utc=AT)


def act_bytes(act_id: str = "act-1") -> bytes:
    digests = {"services": "sha256:" + "03" * 32}
    return compose.act(id=act_id, kind="key.create", subject="key-1", operator="op-1", digests=digests, at_utc=AT)


def salt_of(index: int) -> bytes:
    return index.to_bytes(32, "big", signed=False) if index else b"\xff" * 32


def open_log(root: Path, *, disk: Disk | None = None, reserve_bytes: int = 0) -> Log:
    return Log(root / "ledger", salts=root / "salts", signer=KEY, reserve_bytes=reserve_bytes, disk=disk)


def append(log: Log, entries: Sequence[bytes]) -> int:
    """Append a group; what looks like an admission has a salt."""
    first = log.size
    group = [
        NewEntry(data, salt_of(index) if b'"kind":"admission"' in data else b"")
        for index, data in enumerate(entries, first)
    ]
    return log.append(group, DAY)


def write_log(root: Path, entries: Sequence[bytes]) -> Path:
    """A published log of these entries; its directory."""
    log = open_log(root)
    try:
        if entries:
            append(log, entries)
        log.publish()
    finally:
        log.close()
    return root / "ledger"


class Dead(BaseException):
    """The process was killed here."""


class FailingDisk(Disk):
    """Counts every operation that changes the disk. From operation ``at`` on it fails ``times`` times, or is dead.

    A write that fails has written half of its bytes. A dead disk loses what was appended and not yet synced, as a power
    cut would, but for a torn half. Nothing is really synced, which makes it quick.
    """

    def __init__(self, at: int = -1, *, error: int = 0, times: int = 1) -> None:
        super().__init__()
        self.operations = 0
        self.error = error
        self._at = at
        self._left = times
        self._synced: dict[int, int] = {}

    def fail_after(self, operations: int, *, times: int = 1) -> None:
        """Fail again, from so many operations on."""
        self._at = self.operations + operations
        self._left = times

    def heal(self) -> None:
        self._left = 0

    def append(self, descriptor: int, data: bytes) -> None:
        self._synced.setdefault(descriptor, os.fstat(descriptor).st_size)
        if self._fails():
            super().append(descriptor, data[: len(data) // 2])
            self._fail()
        super().append(descriptor, data)

    def overwrite(self, path: Path, data: bytes, offset: int) -> None:
        self._step()
        super().overwrite(path, data, offset)

    def sync(self, descriptor: int) -> None:
        if self._fails():
            if not self.error:
                whole = os.fstat(descriptor).st_size
                os.ftruncate(descriptor, (self._synced.get(descriptor, whole) + whole) // 2)
            self._fail()
        self._synced.pop(descriptor, None)

    def cut(self, descriptor: int, size_bytes: int) -> None:
        self._step()
        super().cut(descriptor, size_bytes)

    def write_whole(self, path: Path, data: bytes) -> None:
        if self._fails():
            path.write_bytes(data[: len(data) // 2])
            self._fail()
        path.write_bytes(data)

    def write_all(self, files: Iterable[tuple[Path, bytes]]) -> None:
        for path, data in files:  # one after the other, so that operations have an order
            self.write_whole(path, data)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)

    def make_directory(self, path: Path) -> None:
        self._step()
        super().make_directory(path)

    def sync_directory(self, path: Path) -> None:
        self._step()

    def _step(self) -> None:
        if self._fails():
            self._fail()

    def _fails(self) -> bool:
        self.operations += 1
        return self._at >= 0 and self.operations > self._at and self._left > 0

    def _fail(self) -> None:
        if not self.error:
            raise Dead
        self._left -= 1
        raise OSError(self.error, os.strerror(self.error))
