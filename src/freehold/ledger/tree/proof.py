# SPDX-License-Identifier: Apache-2.0
"""Offline proof that an entry is in a log: the text format c2sp.org/tlog-proof@v1. Pure."""

import base64
import binascii
from dataclasses import dataclass

from freehold.errors import VerificationFailed
from freehold.ledger.tree.bundle import MAX_ENTRY_BYTES
from freehold.ledger.tree.checkpoint import Checkpoint
from freehold.ledger.tree.layout import HASH_BYTES
from freehold.ledger.tree.merkle import leaf_hash, root_from_inclusion

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_MAX_HASHES = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """Nothing in it is proved yet, and ``extra`` never is."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""


def write_proof(proof: TlogProof) -> str:
    """The proof as text (§Format)."""
    lines = [_FIRST_LINE]
    if proof.extra:
        lines.append(f"extra {base64.b64encode(proof.extra).decode()}")
    lines.append(f"index {proof.index}")
    lines.extend(base64.b64encode(node).decode() for node in proof.hashes)
    return "\n".join(lines) + "\n\n" + proof.checkpoint.decode()


def parse_proof(text: str) -> TlogProof:
    """Read a proof. Raises VerificationFailed."""
    head, separator, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    if first != _FIRST_LINE or not separator:
        raise VerificationFailed(f"this is no proof: expected {_FIRST_LINE!r}, found {first[:80]!r}")
    extra = _decode(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
    index = lines.pop(0) if lines else ""
    digits = index.removeprefix("index ")
    if not index.startswith("index ") or not (digits.isascii() and digits.isdigit()) or digits != str(int(digits[:20])):
        raise VerificationFailed(f"the proof names no index: expected 'index N', found {index[:80]!r}")
    if len(lines) > _MAX_HASHES:
        raise VerificationFailed(f"the proof has {len(lines)} hashes, expected at most {_MAX_HASHES}")
    hashes = tuple(_decode(line) for line in lines)
    if any(len(node) != HASH_BYTES for node in hashes):
        raise VerificationFailed(f"a hash of the proof is not {HASH_BYTES} bytes long")
    return TlogProof(index=int(digits), hashes=hashes, checkpoint=checkpoint.encode(), extra=extra)


def check_inclusion(proof: TlogProof, entry: bytes, checkpoint: Checkpoint) -> None:
    """§Verifying a tlog proof, steps 1 and 4; steps 2 and 3 have made the checkpoint. Raises VerificationFailed."""
    if len(entry) > MAX_ENTRY_BYTES:
        raise VerificationFailed(f"entry {proof.index} has {len(entry)} bytes, expected at most {MAX_ENTRY_BYTES}")
    found = root_from_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes)
    if found != checkpoint.root:
        leads_to = "nowhere" if found is None else found.hex()
        raise VerificationFailed(
            f"entry {proof.index} is not in the tree of {checkpoint.size} entries:"
            f" expected root {checkpoint.root.hex()}, the proof leads to {leads_to}"
        )


def _decode(line: str) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise VerificationFailed(f"a line of the proof is not base64: {line[:80]!r}") from exc
    if base64.b64encode(raw).decode() != line:
        raise VerificationFailed(f"a line of the proof is not canonical base64: {line[:80]!r}")
    return raw
