# SPDX-License-Identifier: Apache-2.0
"""Logs in memory that sign what they are told to, honest or not, and requests to a witness about them."""

import base64
from collections.abc import Sequence

from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.ledger.tree.merkle import consistency_proof, leaf_hash, root, root_of
from freehold.signing.keys import FileKey
from freehold.signing.note import KeyKind
from freehold.witness.protocol.request import write_request

ORIGIN = "log.example/one"
LOG_KEY = FileKey(ORIGIN, bytes(range(32)))
OTHER_LOG_KEY = FileKey("log.example/two", bytes(range(1, 33)))
STRANGER_KEY = FileKey(ORIGIN, b"\x07" * 32)  # of the same name, and unknown
WITNESS_KEY = FileKey("witness.example/w1", bytes(range(2, 34)), KeyKind.ED25519_COSIGNATURE)
ML_DSA_KEY = FileKey("witness.example/pq", bytes(range(3, 35)), KeyKind.ML_DSA_44_COSIGNATURE)
AT_UNIX = 1_795_000_000


class ToyLog:
    """Its entries are numbers; ``fork`` makes those from some index on different ones."""

    def __init__(self, key: FileKey = LOG_KEY, *, fork: int | None = None) -> None:
        self.key = key
        self._fork = fork

    def leaves(self, size: int) -> list[bytes]:
        return [leaf_hash(self._entry(index)) for index in range(size)]

    def root(self, size: int) -> bytes:
        return root(size, self._subtree(size))

    def checkpoint(self, size: int, *, root: bytes | None = None, extensions: tuple[str, ...] = ()) -> bytes:
        head = Checkpoint(
            origin=self.key.name, size=size, root=self.root(size) if root is None else root, extensions=extensions
        )
        return sign_checkpoint(head, self.key)

    def proof(self, old_size: int, size: int) -> list[bytes]:
        return consistency_proof(old_size, size, self._subtree(size))

    def request(self, old_size: int, size: int, *, proof: Sequence[bytes] | None = None) -> bytes:
        """A request as an honest client of this log sends it; ``proof``: another one."""
        return write_request(old_size, self.proof(old_size, size) if proof is None else proof, self.checkpoint(size))

    def _entry(self, index: int) -> bytes:
        forked = self._fork is not None and index >= self._fork
        return f"{'forged' if forked else 'entry'} {index}".encode()

    def _subtree(self, size: int):  # type: ignore[no-untyped-def]  # a Subtree
        leaves = self.leaves(size)
        return lambda height, index: root_of(leaves[index << height : (index + 1) << height])


def text_of(note: bytes) -> str:
    """The text of a signed note."""
    return note.decode().rpartition("\n\n")[0] + "\n"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
