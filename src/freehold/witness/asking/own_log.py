# SPDX-License-Identifier: Apache-2.0
"""The estate's own log as its witnesses are shown it: the newest checkpoint, and proofs. Reads the log's files only."""

from dataclasses import dataclass
from pathlib import Path

from freehold.errors import EstateError
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint
from freehold.ledger.tree.merkle import consistency_proof, root
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.home import require_home
from freehold.signing.note import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A published checkpoint. ``note`` has the log's signature."""

    checkpoint: Checkpoint
    note: bytes

    @property
    def size(self) -> int:
        return self.checkpoint.size


class OwnLog:
    """A log's directory, and the key that signs it. Every method blocks."""

    def __init__(self, directory: Path, verifier: Verifier) -> None:
        self.verifier = verifier
        self._directory = directory
        self._files = LedgerFiles(directory)
        self._head: Head | None = None

    def head(self) -> Head | None:
        """The newest checkpoint; None while there is no log. Raises VerificationFailed; NotAtHome for a copy, which is
        shown to no witness before it is adopted.
        """
        require_home(self._directory)
        try:
            note = self._files.checkpoint()
        except EstateError:
            return None
        if self._head is None or self._head.note != note:
            self._head = Head(checkpoint=open_checkpoint(note, self.verifier), note=note)
        return self._head

    def proof(self, old_size: int, size: int) -> list[bytes]:
        """That the tree of ``size`` entries goes on from that of ``old_size``. Raises VerificationFailed."""
        return consistency_proof(old_size, size, self._files.subtree(size))

    def root(self, size: int, head: Head) -> bytes:
        """Of the tree when it had so many entries, out of the tiles of a later head. Raises VerificationFailed."""
        return root(size, self._files.subtree(head.size))
