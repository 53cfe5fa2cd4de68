# SPDX-License-Identifier: Apache-2.0
"""The newest checkpoint, kept in a file outside the estate: what shows that the log was put back to an older state.

It proves nothing to others. Whoever can put back both the estate and the anchor goes unseen; witnesses are for that.
"""

from pathlib import Path

from freehold.errors import NotAtHome, VerificationFailed
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint
from freehold.ledger.tree.merkle import root
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.home import require_home
from freehold.ledger.writing.placing import replace_file
from freehold.signing.note import Verifier

_MAX_BYTES = 64 * 2**10


class Anchor:
    """``size`` is that of the checkpoint that was last read or kept; -1 before that."""

    def __init__(self, path: Path, disk: Disk, verifier: Verifier) -> None:
        self.path = path
        self.size = -1
        self._disk = disk
        self._verifier = verifier

    def newest(self) -> Checkpoint | None:
        """The checkpoint in it; None if there is no such file. Raises NotAtHome if it cannot be read."""
        try:
            with self.path.open("rb") as file:
                note = file.read(_MAX_BYTES)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise NotAtHome(f"the anchor {self.path} cannot be read (errno {exc.errno})") from exc
        try:
            found = open_checkpoint(note, self._verifier)
        except VerificationFailed as exc:
            raise NotAtHome(f"the anchor {self.path} holds no checkpoint of this log: {exc.message}") from exc
        self.size = found.size
        return found

    def require_covered(self, files: LedgerFiles, size: int) -> None:
        """Raises NotAtHome unless the log's first ``size`` entries go on from what is anchored."""
        anchored = self.newest()
        if anchored is None:
            raise NotAtHome(
                f"there is no anchor at {self.path}, so that nobody can tell whether the log was put back",
                hint=f"If the anchor is new, copy ledger/checkpoint to {self.path} once. Else bring the anchor back.",
            )
        if anchored.size > size:
            raise NotAtHome(
                f"the log was put back: it has {size} entries signed, and its anchor {self.path} saw {anchored.size}"
            )
        if root(anchored.size, files.subtree(size)) != anchored.root:
            raise NotAtHome(f"the log is not the one that the anchor {self.path} has seen: they differ")

    def require_newest(self, files: LedgerFiles, size: int | None) -> None:
        """Raises NotAtHome as above; ``size`` is None where there is no log yet."""
        if size is not None:
            self.require_covered(files, size)
        elif (anchored := self.newest()) and anchored.size:
            raise NotAtHome(f"there is no log, and its anchor {self.path} saw {anchored.size} entries of it")

    def keep(self, note: bytes, size: int) -> None:
        """Put a newer checkpoint in it, on disk when this returns. Raises OSError."""
        replace_file(self._disk, self.path, note)
        self.size = size


def require_newest(directory: Path, verifier: Verifier, anchor: str) -> None:
    """Raises NotAtHome if the log in the directory is a copy, or its anchor has seen more of it. Writes nothing."""
    require_home(directory)
    if not anchor:
        return
    files = LedgerFiles(directory)
    there = (directory / layout.CHECKPOINT).exists()
    size = open_checkpoint(files.checkpoint(), verifier).size if there else None
    Anchor(Path(anchor), Disk(), verifier).require_newest(files, size)
