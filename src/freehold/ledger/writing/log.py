# SPDX-License-Identifier: Apache-2.0
"""The one writer of a log: append (journal), integrate (tiles), publish (checkpoint). Knows no entry's meaning.

    append      a group of entries and their salts, one fdatasync each; only then does an entry have an index
    integrate   bundles and tiles, each written, synced and renamed into place; a full one never changes again
    publish     the checkpoint, signed and put in place last; then the journal is trimmed

Where an entry may be acknowledged before it is synced (``sync_after_s``), a thread of the log's own syncs what was
appended. ``append`` and ``publish`` may run in two threads at once. Killed at any instruction, it opens again with
every entry that ``append`` returned for: what is not under the checkpoint yet is in the journal.
"""

import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from freehold.errors import EstateError, LedgerFault, LedgerFull, LedgerUnavailable, VerificationFailed
from freehold.files.held import hold_folder
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import MAX_ENTRY_BYTES
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from freehold.ledger.tree.growth import Edge, grow
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.alongside import Alongside
from freehold.ledger.writing.anchor import Anchor
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.home import make_home, require_home
from freehold.ledger.writing.journal import Journal
from freehold.ledger.writing.placing import drop_partials, put_all_in_place
from freehold.ledger.writing.salts import Salts
from freehold.signing.note import Signer, parse_vkey

RELAXED_S = 0.1  # the power-loss window of ``durability = "relaxed"``, but for the sync itself
_logger = logging.getLogger(__name__)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
_LOW_WATER_DIGITS = 20


class NewEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry to append, and for an admission its salt."""

    data: bytes
    salt: bytes = b""


class Log:
    """Opens the log as its appender, or begins one: the one mode in which it grows and is signed.

    Raises EstateError if another process has it, NotAtHome if the directory is a copy or the anchor has seen more,
    VerificationFailed if it is damaged. ``sync_after_s``: how long an acknowledged entry may wait for the disk; 0, it
    is on disk before it is acknowledged.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing that an operator may set
        self,
        directory: Path,
        *,
        salts: Path,
        signer: Signer,
        reserve_bytes: int = 0,
        sync_after_s: float = 0.0,
        anchor: Path | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.origin = signer.name
        self._directory = directory
        self._signer = signer
        self._reserve_bytes = reserve_bytes
        self._disk = disk or Disk()
        self._files = LedgerFiles(directory)
        self.anchor = Anchor(anchor, self._disk, parse_vkey(signer.vkey)) if anchor else None
        self._lock = threading.Lock()  # protects the journal, the salts, _pending, _edge and _unsure
        with faults("the log cannot be opened"):
            self._disk.make_directory(directory)
            self._claim = claim(directory)  # held as long as the log is open; says that we are its only writer
            try:
                self._edge = self._published_edge()
                self._journal = Journal(directory / "journal", self._disk)
                self._pending = self._replay()
                self.salts = Salts(salts, self._disk)
                self.salts.cut(self.size)
            except BaseException:
                os.close(self._claim)
                raise
        self._salts_syncing = Alongside(self.salts.sync, "ledger-salts")
        self.fsync_us = 0
        self.sync_after_s = sync_after_s
        self._unsynced = threading.Event()
        self._unsure = False  # what was acknowledged could not be synced: nothing more is, until it is
        self._closing = threading.Event()
        self._syncing = threading.Thread(target=self._sync_in_time, name="ledger-sync")
        if sync_after_s:
            self._syncing.start()

    @property
    def directory(self) -> Path:
        return self._directory

    @property
    def disk(self) -> Disk:
        return self._disk

    @property
    def size(self) -> int:
        """How many entries have an index, published or not."""
        return self._edge.size + len(self._pending)

    @property
    def published_size(self) -> int:
        return self._edge.size

    @property
    def unpublished(self) -> int:
        """How many entries no checkpoint covers yet."""
        return len(self._pending)

    @property
    def free_bytes(self) -> int:
        with faults("the disk under the log does not answer"):
            return self._disk.free_bytes(self._directory)

    @property
    def has_room(self) -> bool:
        """Whether admissions may be appended: outcomes and acts may use the reserve, admissions may not."""
        return not self._reserve_bytes or self.free_bytes >= self._reserve_bytes

    def append(self, group: Sequence[NewEntry], day: str) -> int:
        """Make the group durable, its salts under ``day``; the index of its first entry. All or nothing.

        Raises LedgerFull, LedgerUnavailable; and ValueError for an entry that no bundle can hold.
        """
        entries = [entry.data for entry in group]
        if (longest := max(map(len, entries), default=0)) > MAX_ENTRY_BYTES:
            raise ValueError(f"an entry of {longest} bytes is over the limit of {MAX_ENTRY_BYTES}")
        with self._lock:
            if self._unsure:
                raise LedgerFull("the disk under the ledger could not sync what it was given")
            first = self._edge.size + len(self._pending)
            began = time.perf_counter()
            try:
                self._write(first, group, entries, day)
            except OSError as exc:
                self._journal.forget(first)
                self.salts.forget(first)
                raise _fault("the journal cannot be written", exc) from exc
            self._pending += entries
            self.fsync_us = int((time.perf_counter() - began) * 1e6)
        if self.sync_after_s:
            self._unsynced.set()
        return first

    def sync(self) -> None:
        """Make sure what was acknowledged. Raises LedgerFull, LedgerUnavailable; then nothing more is acknowledged."""
        with self._lock, faults("what was acknowledged cannot be synced"):
            self._unsure = True
            self.salts.sync()
            self._journal.sync()
            self._unsure = False

    def publish(self) -> bytes:
        """Integrate what was appended and sign the new head. Raises LedgerFull, LedgerUnavailable; nothing is lost."""
        with self._lock:
            edge, entries = self._edge, tuple(self._pending)
        if not entries:
            return self._files.checkpoint()
        if self.sync_after_s:
            self.sync()  # no salt may be less sure than the entry that it belongs to
        growth = grow(edge, entries)
        with faults("tiles cannot be written"):
            note = self._integrate(growth.edge, growth.files)
        with self._lock:
            self._edge = growth.edge
            del self._pending[: len(entries)]
            with contextlib.suppress(OSError):  # what stays in the journal is passed over when it is read
                self._journal.trim(growth.edge.size)
        self._keep_anchor(note, growth.edge.size)
        for path in {path for path, _ in growth.files if ".p/" not in path}:
            drop_partials(self._disk, self._directory, path)
        return note

    def entries(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Every entry from ``start`` on, published or not yet."""
        with self._lock:
            published, pending = self._edge.size, tuple(self._pending)
        yield from self._files.entries(start, published)
        yield from ((index, entry) for index, entry in enumerate(pending, published) if index >= start)

    def entry(self, index: int) -> bytes | None:
        """One entry, published or not yet; None where the log has none."""
        with self._lock:
            published, pending = self._edge.size, self._pending
            if published <= index < published + len(pending):
                return pending[index - published]
        return self._files.entry(index, published) if 0 <= index < published else None

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
        self._closing.set()
        self._unsynced.set()
        if self.sync_after_s:
            self._syncing.join()
            with contextlib.suppress(LedgerFault):
                self.sync()
        self._salts_syncing.close()
        self._journal.close()
        self.salts.close()
        os.close(self._claim)

    def _write(self, first: int, group: Sequence[NewEntry], entries: Sequence[bytes], day: str) -> None:
        """The journal and the salts, synced at the same time: that takes the disk little longer than one of them."""
        salts = [(index, entry.salt) for index, entry in enumerate(group, first) if entry.salt]
        if salts:
            self.salts.write(day, salts)
        if self.sync_after_s:
            self.salts.accept()
            self._journal.append(first, entries, sync=False)
            return
        if not salts:
            self._journal.append(first, entries)
            return
        self._journal.write(first, entries)
        self._salts_syncing.begin()
        try:
            self._journal.sync()
        finally:
            self._salts_syncing.end()

    def _sync_in_time(self) -> None:
        """Sync again and again, and while that fails try it again."""
        while not self._closing.is_set():
            self._unsynced.wait()
            self._closing.wait(self.sync_after_s)
            self._unsynced.clear()
            try:
                self.sync()
            except LedgerFault:
                self._unsynced.set()

    def _published_edge(self) -> Edge:
        require_home(self._directory)
        if not (self._directory / layout.CHECKPOINT).exists():
            return self._begin()
        self._disk.sync_directory(self._directory)  # a writer that was killed may have put the checkpoint in place only
        checkpoint = open_checkpoint(self._files.checkpoint(), parse_vkey(self._signer.vkey))
        edge = self._files.edge(checkpoint.size)
        if edge.root != checkpoint.root:
            raise VerificationFailed(
                f"the tiles in {self._directory} have root {edge.root.hex()}, expected {checkpoint.root.hex()}"
            )
        if self.anchor:
            self.anchor.require_newest(self._files, checkpoint.size)
            self._keep_anchor(self._files.checkpoint(), checkpoint.size)
        return edge

    def _begin(self) -> Edge:
        if (self._directory / "tile").exists():
            raise VerificationFailed(f"{self._directory} holds tiles and no checkpoint: it was written and is damaged")
        if self.anchor:
            self.anchor.require_newest(self._files, None)
        make_home(self._directory, self._disk)
        edge = Edge()
        self._keep_anchor(self._integrate(edge, ()), edge.size)
        return edge

    def _keep_anchor(self, note: bytes, size: int) -> None:
        """An anchor that cannot be written stops nothing: it falls behind, and the next publication tries again."""
        if self.anchor and self.anchor.size < size:
            try:
                self.anchor.keep(note, size)
            except OSError as exc:
                _logger.warning("the anchor %s cannot be written: errno %s", self.anchor.path, exc.errno)

    def _replay(self) -> list[bytes]:
        pending: list[bytes] = []
        for index, entry in self._journal.replay(self._edge.size):
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
        for directory in sorted(self._place(files)):
            self._disk.sync_directory(directory)
        note = sign_checkpoint(checkpoint, self._signer)
        for directory in self._place([(layout.CHECKPOINT, note)]):
            self._disk.sync_directory(directory)
        return note

    def _place(self, files: Sequence[tuple[str, bytes]]) -> set[Path]:
        return put_all_in_place(self._disk, self._directory, files)


def claim(directory: Path) -> int:
    """A descriptor that holds the log of a directory for one process. Raises EstateError if another has it."""
    try:
        return hold_folder(directory)
    except BlockingIOError as exc:
        raise EstateError(
            f"another process writes the log in {directory}", hint="Stop it first: 'freehold down'."
        ) from exc


@contextlib.contextmanager
def faults(what: str) -> Iterator[None]:
    """The disk's errors in our words."""
    try:
        yield
    except OSError as exc:
        raise _fault(what, exc) from exc


def _fault(what: str, exc: OSError) -> LedgerFault:
    """A full or failing disk is LedgerFull, all else LedgerUnavailable."""
    if exc.errno in _FULL:
        return LedgerFull(f"{what}: the disk is full or failing")
    return LedgerUnavailable(f"{what}: errno {exc.errno}")
