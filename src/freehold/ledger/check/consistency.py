# SPDX-License-Identifier: Apache-2.0
"""Show that one checkpoint's tree is the beginning of another's: that nothing was taken out or changed in between.

The proof is that of RFC 6962, given as text or taken out of a log's files, which need not be trusted.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from freehold.errors import Uncheckable, VerificationFailed
from freehold.ledger.check.trust import TrustedCheckpoint
from freehold.ledger.record.reading import parse_json
from freehold.ledger.tree.checkpoint import Checkpoint
from freehold.ledger.tree.layout import HASH_BYTES
from freehold.ledger.tree.merkle import consistency_proof, is_consistent, root
from freehold.ledger.tree.store import LedgerFiles

_MAX_HASHES = 63  # c2sp.org/tlog-witness
_FIELD = "consistency"  # RFC 6962 §4.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """Two checkpoints of one log, the newer of which goes on from the older. ``proof`` shows it to anybody."""

    older: TrustedCheckpoint
    newer: TrustedCheckpoint
    proof: tuple[bytes, ...]


def check_consistency(
    older: TrustedCheckpoint, newer: TrustedCheckpoint, proof: Sequence[bytes] | LedgerFiles | None
) -> Consistency:
    """Raises VerificationFailed; Uncheckable where a proof is needed and there is none.

    Trees of one size, and the empty one, need no proof.
    """
    old, new = older.checkpoint, newer.checkpoint
    if old.origin != new.origin:
        raise VerificationFailed(f"the checkpoints are of two logs: {old.origin!r} and {new.origin!r}")
    if old.size > new.size:
        raise VerificationFailed(
            f"the second checkpoint is the older one: it has {new.size} entries, the first {old.size}",
            hint="Name the older one first. If the second was published later, the log was put back.",
        )
    hashes: Sequence[bytes] = ()
    if 0 < old.size < new.size:
        if proof is None:
            raise Uncheckable("there is no proof", hint="Give the log's files with --log, or a proof with --proof.")
        hashes = _take_proof(old, new, proof) if isinstance(proof, LedgerFiles) else proof
    if not is_consistent(old.size, old.root, new.size, new.root, hashes):
        raise VerificationFailed(
            f"the log signed two histories: {_told(old)} is not the beginning of {_told(new)}"
            if old.size == new.size
            else f"the proof does not show that {_told(old)} is the beginning of {_told(new)}",
            hint="Keep both checkpoints: with their signatures they show it to anybody."
            if old.size == new.size
            else "Ask for another proof; if none holds, the log has signed two histories.",
        )
    return Consistency(older=older, newer=newer, proof=tuple(hashes))


def write_consistency_proof(hashes: Iterable[bytes]) -> bytes:
    """The proof as text: hashes in base64, one a line."""
    return b"".join(base64.b64encode(node) + b"\n" for node in hashes)


def parse_consistency_proof(data: bytes) -> tuple[bytes, ...]:
    """Hashes in base64: one a line, or as RFC 6962 §4.4 has them in JSON. Raises VerificationFailed."""
    try:
        lines = _json_lines(data) if data.lstrip().startswith(b"{") else data.decode("ascii").splitlines()
        hashes = tuple(base64.b64decode(line, validate=True) for line in lines if line)
    except (ValueError, binascii.Error) as exc:
        raise VerificationFailed("this is no consistency proof: expected hashes in base64, one a line") from exc
    if len(hashes) > _MAX_HASHES or any(len(found) != HASH_BYTES for found in hashes):
        raise VerificationFailed(f"the proof is not made of at most {_MAX_HASHES} hashes of {HASH_BYTES} bytes")
    return hashes


def _json_lines(data: bytes) -> list[str]:
    found = parse_json(data)
    rows = found.get(_FIELD) if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise ValueError(f"no {_FIELD}")
    return rows


def _take_proof(old: Checkpoint, new: Checkpoint, files: LedgerFiles) -> list[bytes]:
    """The proof that the files lead to; they are those of the newer checkpoint, or they prove nothing."""
    subtree = files.subtree(new.size)
    found = root(new.size, subtree)
    if found != new.root:
        raise VerificationFailed(f"the log's files lead to root {found.hex()}, the newer checkpoint says {_told(new)}")
    found = root(old.size, subtree)
    if found != old.root:
        raise VerificationFailed(
            f"the log signed two histories: its first {old.size} entries have root {found.hex()},"
            f" the older checkpoint says {_told(old)}",
            hint="Keep both checkpoints and the files: with the signatures they show it to anybody.",
        )
    return consistency_proof(old.size, new.size, subtree)


def _told(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.root.hex()} at {checkpoint.size} entries"
