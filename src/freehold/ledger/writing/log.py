# SPDX-License-Identifier: Apache-2.0
"""The one writer of a log: append (journal), integrate (tiles), publish (checkpoint). Knows no entry's meaning.

    append      a group of entries and their salts, one fdatasync each; only then does an entry have an index
    integrate   bundles and tiles, each written, synced and renamed into place; a full one never changes again
    publish     the checkpoint, signed and put in place last; then the journal is trimmed

``append`` and ``publish`` may run in two threads at once. Killed at any instruction, it opens again with every entry
that ``append`` returned for: what is not under the checkpoint yet is in the journal.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from freehold.errors import EstateError, LedgerFault, LedgerFull, LedgerUnavailable, VerificationFailed
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from freehold.ledger.tree.growth import Edge, grow
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.journal import Journal
from freehold.ledger.writing.salts import Salts
from freehold.signing.note import Signer, parse_vkey

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
_LOW_WATER_DIGITS = 20


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to append, and for an admission its salt."""

    data: bytes
    salt: bytes = b""


class Log:
    """Opens the log, or begins one. Raises EstateError if another process has it, VerificationFailed if damaged."""

    def __init__(
        self, directory: Path, *, salts: Path, signer: Signer, reserve_bytes: int = 0, disk: Disk | None = None
    ) -> None:
        self.origin = signer.name
        self._directory = directory
        self._signer = signer
        self._reserve_bytes = reserve_bytes
        self._disk = disk or Disk()
        self._files = LedgerFiles(directory)
        self._lock = threading.Lock()  # protects the journal, the salts, _pending and _edge
        with _faults("the log cannot be opened"):
            self._disk.make_directory(directory)
            self._claim = _claim(directory)  # held as long as the log is open; says that we are its only writer
            try:
                self._edge = self._published_edge()
                self._journal = Journal(directory / "journal", self._disk)
                self._pending = self._replay()
                self._salts = Salts(salts, self._disk)
                self._salts.cut(self.size)
            except BaseException:
                os.close(self._claim)
                raise
        self._salts_thread = ThreadPoolExecutor(1, "ledger-salts")
        self.fsync_us = 0

    @property
    def size(self) -> int:
        """How many entries have an index, published or not."""
        return self._edge.size + len(self._pending)

    @property
    def published_size(self) -> int:
        return self._edge.size

    @property
    def free_bytes(self) -> int:
        with _faults("the disk under the log does not answer"):
            return self._disk.free_bytes(self._directory)

    @property
    def has_room(self) -> bool:
        """Whether admissions may be appended: outcomes and acts may use the reserve, admissions may not."""
        return not self._reserve_bytes or self.free_bytes >= self._reserve_bytes

    def append(self, group: Sequence[NewEntry], day: str) -> int:
        """Make the group durable, its salts under ``day``; the index of its first entry. All or nothing.

        Raises LedgerFull, LedgerUnavailable.
        """
        with self._lock, _faults("the journal cannot be written"):
            first = self.size
            began = time.perf_counter()
            try:
                self._write(first, group, day)
            except OSError:
                self._journal.forget(first)
                self._salts.forget(first)
                raise
            self._pending.extend(entry.data for entry in group)
            self.fsync_us = int((time.perf_counter() - began) * 1e6)
            return first

    def publish(self) -> bytes:
        """Integrate what was appended and sign the new head. Raises LedgerFull, LedgerUnavailable; nothing is lost."""
        with self._lock:
            edge, entries = self._edge, tuple(self._pending)
        if not entries:
            return self._files.checkpoint()
        growth = grow(edge, entries)
        with _faults("tiles cannot be written"):
            note = self._integrate(growth.edge, growth.files)
        with self._lock:
            self._edge = growth.edge
            del self._pending[: len(entries)]
            with contextlib.suppress(OSError):  # what stays in the journal is passed over when it is read
                self._journal.trim(growth.edge.size)
        self._drop_partials(path for path, _ in growth.files)
        return note

    def entries(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Every entry from ``start`` on, published or not yet."""
        with self._lock:
            published, pending = self._edge.size, tuple(self._pending)
        yield from self._files.entries(start, published)
        yield from ((index, entry) for index, entry in enumerate(pending, published) if index >= start)

    def low_water(self) -> int:
        """The index from which to look for admissions without outcome. 0 if the note of it is lost."""
        try:
            text = (self._directory / "low-water").read_text("ascii")
        except (OSError, UnicodeDecodeError):
            return 0
        return int(text) if len(text) == _LOW_WATER_DIGITS + 1 and text[:-1].isdigit() else 0

    def set_low_water(self, index: int) -> None:
        """Note that all before ``index`` is concluded. Losing the note costs time at the next start, nothing else."""
        with contextlib.suppress(OSError):
            self._disk.overwrite(self._directory / "low-water", f"{index:0{_LOW_WATER_DIGITS}d}\n".encode(), 0)

    def close(self) -> None:
        self._salts_thread.shutdown()
        self._journal.close()
        self._salts.close()
        os.close(self._claim)

    def _write(self, first: int, group: Sequence[NewEntry], day: str) -> None:
        """The journal and the salts, synced at the same time: that takes the disk little longer than one of them."""
        salts = [(index, entry.salt) for index, entry in enumerate(group, first) if entry.salt]
        if not salts:
            self._journal.append(first, [entry.data for entry in group])
            return
        self._salts.write(day, salts)
        syncing = self._salts_thread.submit(self._salts.sync)
        try:
            self._journal.append(first, [entry.data for entry in group])
        finally:
            wait((syncing,))
        syncing.result()

    def _published_edge(self) -> Edge:
        if not (self._directory / layout.CHECKPOINT).exists():
            return self._begin()
        checkpoint = open_checkpoint(self._files.checkpoint(), parse_vkey(self._signer.vkey))
        edge = self._files.edge(checkpoint.size)
        if edge.root != checkpoint.root:
            raise VerificationFailed(
                f"the tiles in {self._directory} have root {edge.root.hex()}, expected {checkpoint.root.hex()}"
            )
        return edge

    def _begin(self) -> Edge:
        if (self._directory / "tile").exists():
            raise VerificationFailed(f"{self._directory} holds tiles and no checkpoint: it was written and is damaged")
        edge = Edge()
        self._integrate(edge, ())
        return edge

    def _replay(self) -> list[bytes]:
        pending: list[bytes] = []
        for index, entry in self._journal.replay():
            expected = self._edge.size + len(pending)
            if index > expected:
                raise VerificationFailed(
                    f"the journal goes on at entry {index}, expected {expected}: entries are missing"
                )
            if index == expected:
                pending.append(entry)
        return pending

    def _integrate(self, edge: Edge, files: Sequence[tuple[str, bytes]]) -> bytes:
        checkpoint = Checkpoint(origin=self.origin, size=edge.size, root=edge.root)
        directories = {self._place(path, content) for path, content in files}
        for directory in sorted(directories):
            self._disk.sync_directory(directory)
        note = sign_checkpoint(checkpoint, self._signer)
        self._disk.sync_directory(self._place(layout.CHECKPOINT, note))
        return note

    def _place(self, path: str, content: bytes) -> Path:
        """Put a file in place whole or not at all; the directory that must be synced for its name to last."""
        fresh, target = self._directory / "tile.new", self._directory / path
        self._disk.make_directory(target.parent)
        try:
            self._disk.write_whole(fresh, content)
            self._disk.rename(fresh, target)
        except OSError:
            with contextlib.suppress(OSError):
                self._disk.remove(fresh)
            raise
        return target.parent

    def _drop_partials(self, written: Iterator[str]) -> None:
        """A full tile stands in for its partial forms, which may go (tlog-tiles §Partial Tiles)."""
        for path in written:
            partials = self._directory / layout.partials_path(path)
            if ".p/" not in path and partials.exists():
                shutil.rmtree(partials, ignore_errors=True)


def _claim(directory: Path) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(descriptor)
        raise EstateError(
            f"another process writes the log in {directory}", hint="Stop it first: 'freehold down'."
        ) from exc
    return descriptor


@contextlib.contextmanager
def _faults(what: str) -> Iterator[None]:
    """The disk's errors in our words: a full or failing disk is LedgerFull, all else LedgerUnavailable."""
    try:
        yield
    except OSError as exc:
        fault: type[LedgerFault] = LedgerFull if exc.errno in _FULL else LedgerUnavailable
        reason = "the disk is full or failing" if fault is LedgerFull else f"errno {exc.errno}"
        raise fault(f"{what}: {reason}") from exc
