# SPDX-License-Identifier: Apache-2.0
"""A log that is opened to follow another copy of it, or to wait for its adoption: nothing can be signed on it.

    Mirror      follows another copy, checkpoint by checkpoint
    Migration   a mirror that its operator may make the log: ``adopt``, after which ``Log`` opens it

Entries come from the other copy's files. The tree is derived from them again, and nothing is put in place before it has
led to the root of a checkpoint that the log itself has signed.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from freehold.errors import NotAtHome, VerificationFailed
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import join_entries
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint
from freehold.ledger.tree.growth import Edge, grow
from freehold.ledger.tree.layout import TILE_WIDTH
from freehold.ledger.tree.merkle import root
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.anchor import Anchor
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.home import make_home
from freehold.ledger.writing.journal import Journal
from freehold.ledger.writing.log import claim, faults
from freehold.ledger.writing.placing import drop_partials, put_all_in_place
from freehold.signing.note import Verifier

_STEP_ENTRIES = 16 * TILE_WIDTH


class Mirror:
    """Holds a directory, which may be empty. Raises EstateError if another process has it, VerificationFailed."""

    def __init__(self, directory: Path, verifier: Verifier, *, disk: Disk | None = None) -> None:
        self.origin = verifier.name
        self._directory = directory
        self._verifier = verifier
        self._disk = disk or Disk()
        self._files = LedgerFiles(directory)
        with faults("the copy cannot be opened"):
            self._disk.make_directory(directory)
            self._claim = claim(directory)
            try:
                self._edge = self._read_edge()
            except BaseException:
                os.close(self._claim)
                raise

    @property
    def size(self) -> int:
        """How many entries its checkpoint covers."""
        return self._edge.size

    def follow(self, source: Path) -> int:
        """Take what another copy has beyond this one; the size after that.

        Raises VerificationFailed where the two differ, or the other one is not what it says; then nothing is taken.
        """
        other = LedgerFiles(source)
        note = other.checkpoint()
        head = open_checkpoint(note, self._verifier)
        if head.size <= self.size:
            self._require_same(source, root(head.size, self._files.subtree(self.size)), head)
            return self.size
        edge = self._edge
        for edge, _ in _growing(self._edge, other, head.size):  # noqa: B007 - the last one is wanted
            pass
        self._require_same(source, edge.root, head)
        with faults("the copy cannot be written"):
            self._put(other, note, head)
        return self.size

    def close(self) -> None:
        os.close(self._claim)

    def _read_edge(self) -> Edge:
        if not (self._directory / layout.CHECKPOINT).exists():
            return Edge()
        head = open_checkpoint(self._files.checkpoint(), self._verifier)
        edge = self._files.edge(head.size)
        self._require_same(self._directory, edge.root, head)
        return edge

    def _require_same(self, where: Path, found: bytes, head: Checkpoint) -> None:
        if found != head.root:
            raise VerificationFailed(
                f"the copy in {self._directory} is not the log that the checkpoint in {where} is of:"
                f" {head.size} entries have root {found.hex()}, expected {head.root.hex()}"
            )

    def _put(self, other: LedgerFiles, note: bytes, head: Checkpoint) -> None:
        """Full tiles as they come, what is partial at the end, then the checkpoint: each is sure before the next."""
        edge, full = self._edge, set[str]()
        for edge, files in _growing(self._edge, other, head.size):  # noqa: B007 - the last one is wanted
            whole = {path: content for path, content in files if ".p/" not in path}
            self._put_all(whole)
            full |= whole.keys()
        self._require_same(self._directory, edge.root, head)  # it may have changed since it was read first
        self._put_all(_partials(edge))
        self._put_all({layout.CHECKPOINT: note})
        self._edge = edge
        for path in full:
            drop_partials(self._disk, self._directory, path)

    def _put_all(self, files: Mapping[str, bytes]) -> None:
        for directory in put_all_in_place(self._disk, self._directory, list(files.items())):
            self._disk.sync_directory(directory)


class Migration(Mirror):
    """``away``: why the directory did not open as the log."""

    def __init__(
        self,
        directory: Path,
        verifier: Verifier,
        *,
        away: NotAtHome,
        anchor: Path | None = None,
        disk: Disk | None = None,
    ) -> None:
        super().__init__(directory, verifier, disk=disk)
        self.away = away
        self._anchor = Anchor(anchor, self._disk, verifier) if anchor else None

    def follow(self, source: Path) -> int:
        """As of any mirror, but never over acknowledged entries of this copy that the other one does not have."""
        other = LedgerFiles(source)
        size = open_checkpoint(other.checkpoint(), self._verifier).size
        with faults("the copy cannot be read"):
            journal = Journal(self._directory / "journal", self._disk)
            try:
                pending = journal.replay(self.size)
            finally:
                journal.close()
        for index, data in pending:
            if self.size <= index < size and other.entry(index, size) != data:
                raise VerificationFailed(
                    f"entry {index} was acknowledged here and is another one in {source}: both copies went on",
                    hint="Keep both as they are; the journal of this copy holds what the other does not have.",
                )
        return super().follow(source)

    def adopt(
        self, act: Callable[[datetime, bytes], bytes], *, seen: Mapping[str, int | None], unwitnessed: bool = False
    ) -> int:
        """Make this copy the log, with an act that says so as its next entry; the index of it.

        ``act`` composes it from the time and the checkpoint that it goes on from. ``seen``: the newest size that each
        witness has seen, None where it did not say. Raises VerificationFailed, LedgerFault.
        """
        anchored = self._require_newest(seen, unwitnessed=unwitnessed)
        with faults("the copy cannot be written"):
            index = self._append(act(datetime.now(UTC), self._note()))
            if self._anchor and not anchored:
                self._anchor.keep(self._note(), self.size)
            make_home(self._directory, self._disk)
        return index

    def _require_newest(self, seen: Mapping[str, int | None], *, unwitnessed: bool) -> bool:
        """Whether there is an anchor that says so."""
        for who, size in seen.items():
            if size is not None and size > self.size:
                raise VerificationFailed(
                    f"this copy has {self.size} entries signed, and {who} has seen {size}: it is not the newest",
                    hint="Bring the newer copy: 'freehold ledger adopt --from DIRECTORY' takes what it has.",
                )
        anchored = self._is_anchored()
        silent = sorted(who for who, size in seen.items() if size is None)
        if not unwitnessed and (silent or not (seen or anchored)):
            missing = f"{', '.join(silent)} did not answer" if silent else "there is neither a witness nor an anchor"
            raise VerificationFailed(
                f"nobody can say that this copy is the newest: {missing}",
                hint="If you are sure that no newer one exists, say so: 'freehold ledger adopt --unwitnessed'.",
            )
        return anchored

    def _is_anchored(self) -> bool:
        try:
            if self._anchor is None or self._anchor.newest() is None:
                return False
            self._anchor.require_covered(self._files, self.size)
        except NotAtHome as exc:
            raise VerificationFailed(
                exc.message, hint="Bring the newer copy: 'freehold ledger adopt --from DIRECTORY' takes what it has."
            ) from exc
        return True

    def _append(self, act: bytes) -> int:
        journal = Journal(self._directory / "journal", self._disk)
        try:
            index = max([self.size, *(index + 1 for index, _ in journal.replay(self.size))])
            journal.append(index, [act])
        finally:
            journal.close()
        return index

    def _note(self) -> bytes:
        return self._files.checkpoint()


def _growing(edge: Edge, other: LedgerFiles, size: int) -> Iterator[tuple[Edge, tuple[tuple[str, bytes], ...]]]:
    """The edge after each step from here to ``size``, and the files of the step. Steps end where bundles do."""
    entries = (entry for _, entry in other.entries(edge.size, size))
    while chunk := list(islice(entries, _STEP_ENTRIES - edge.size % _STEP_ENTRIES)):
        growth = grow(edge, chunk)
        edge = growth.edge
        yield edge, growth.files


def _partials(edge: Edge) -> dict[str, bytes]:
    """The files of a tree's right edge."""
    files = {
        layout.tile_path(level, edge.size >> (layout.TILE_HEIGHT * (level + 1)), len(row)): b"".join(row)
        for level, row in enumerate(edge.hashes)
        if row
    }
    if edge.entries:
        files[layout.bundle_path(edge.size // TILE_WIDTH, len(edge.entries))] = join_entries(edge.entries)
    return files
