# SPDX-License-Identifier: Apache-2.0
"""Closes a pack: puts the signature, the receipt of its own act and proofs of one history to the draft. Reads the log.

What comes out has been checked as whoever receives it will check it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.assess.evidence.pack.draft import Draft
from freehold.errors import VerificationFailed
from freehold.ledger.check.consistency import write_consistency_proof
from freehold.ledger.check.issuing import receipt_for
from freehold.ledger.check.receipt import ProvenEntry, read_receipt
from freehold.ledger.check.trust import TrustPolicy
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified
from freehold.ledger.tree.merkle import consistency_proof
from freehold.ledger.tree.proof import parse_proof
from freehold.ledger.tree.store import LedgerFiles
from freehold.verify.form.archive import write_archive
from freehold.verify.form.checking import CheckedPack, check_pack
from freehold.verify.form.manifest import CONSISTENCY, HEADS, MANIFEST, RECEIPT, RECEIPTS, SIGNATURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A whole pack, and what it proves to whoever trusts the ledger's key alone."""

    content: bytes
    checked: CheckedPack


def close(draft: Draft, signature: bytes, ledger: Path, index: int, trust: TrustPolicy) -> Closing:
    """``index``: of the act that put the draft's manifest on record. Raises EstateError, VerificationFailed."""
    files = closed_files(draft, signature, ledger, index)
    return Closing(content=write_archive(files), checked=check_pack(files, trust))


def closed_files(draft: Draft, signature: bytes, ledger: Path, index: int) -> dict[str, bytes]:
    """Every file of the pack, in their order; nothing of it is checked. Raises EstateError, VerificationFailed."""
    files, log = dict(draft.files), LedgerFiles(ledger)
    receipt = receipt_for(ledger, read_unverified(log.checkpoint()).origin, index)
    act = read_receipt(receipt).act
    if act is None:
        raise VerificationFailed(f"entry {index} is not the act that puts a pack on record")
    head = _head(act)
    sizes = {draft.manifest.tree_size, *_sizes(files)}
    files |= {MANIFEST: draft.manifest_bytes, SIGNATURE: signature, RECEIPT: receipt}
    for size in sorted(size for size in sizes if 0 < size < head.size):
        hashes = consistency_proof(size, head.size, log.subtree(head.size))
        files[f"{CONSISTENCY}{size}.txt"] = write_consistency_proof(hashes)
    return files


def _sizes(files: Mapping[str, bytes]) -> Iterator[int]:
    """Of every tree that a file of the pack has a signed head of."""
    for path, content in files.items():
        if path in HEADS:
            yield read_unverified(content).size
        elif path.startswith(RECEIPTS):
            receipt = read_receipt(content)
            parts = (receipt.admission, receipt.outcome, receipt.act, receipt.erasure)
            yield from (_head(part).size for part in parts if part is not None)


def _head(proven: ProvenEntry) -> Checkpoint:
    return read_unverified(parse_proof(proven.proof).checkpoint)
