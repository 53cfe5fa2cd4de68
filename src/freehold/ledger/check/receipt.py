# SPDX-License-Identifier: Apache-2.0
"""Receipts: what one call's record is, with the proof that it stands in the log. Checked with the public key alone.

A receipt is JSON: the entries as the log has them, each with a tlog-proof. It shows that these entries are in the log;
that there is no outcome yet is only what the log said when the receipt was made.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from freehold.contract.record import LedgerPosition
from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, Entry, OutcomeEntry, is_canonical, read_entry
from freehold.ledger.record.search import find_outcome
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified
from freehold.ledger.tree.merkle import inclusion_proof
from freehold.ledger.tree.proof import TlogProof, parse_proof, verify_proof, write_proof
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing.note import Verifier, parse_vkey

FORMAT = "freehold/receipt/v1"


class ProvenEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``entry`` is the text whose bytes are in the log; ``proof`` a tlog-proof."""

    index: int
    entry: str
    proof: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of an act; or of a call, whose ``outcome`` is null until it is there and is left out after a refusal."""

    receipt: str
    origin: str
    admission: ProvenEntry | UnsetType = UNSET
    outcome: ProvenEntry | UnsetType | None = UNSET
    act: ProvenEntry | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReceipt:
    """What a receipt has proved. ``position`` is that of the admission, or of the act."""

    position: LedgerPosition
    tree_size: int
    admission: AdmissionEntry | None = None
    outcome: OutcomeEntry | None = None
    outcome_index: int | None = None
    act: ActEntry | None = None


def receipt_for(directory: Path, origin: str, index: int) -> bytes:
    """The receipt of the call, or act, that has an entry at ``index``; the same for a call's admission and its outcome.

    Raises EstateError if the entry is not published (yet), VerificationFailed if the log is damaged.
    """
    log = _PublishedLog(directory, origin)
    entry = read_entry(log.entry(index))
    if isinstance(entry, OutcomeEntry):
        index = entry.admission
        entry = read_entry(log.entry(index))
    match entry:
        case AdmissionEntry(effect="allow"):
            found = find_outcome(log.files.entries(index + 1, log.size), index)
            outcome = None if found is None else log.proven(found.index)
            receipt = Receipt(receipt=FORMAT, origin=origin, admission=log.proven(index), outcome=outcome)
        case AdmissionEntry():
            receipt = Receipt(receipt=FORMAT, origin=origin, admission=log.proven(index))
        case ActEntry():
            receipt = Receipt(receipt=FORMAT, origin=origin, act=log.proven(index))
        case _:
            raise EstateError(
                f"entry {index} is of a kind that this release does not know", hint="Use a newer release."
            )
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n"


def tlog_proof_for(directory: Path, origin: str, index: int) -> str:
    """A tlog-proof of any entry, with the entry's bytes in its ``extra`` line. Raises as ``receipt_for`` does."""
    log = _PublishedLog(directory, origin)
    return write_proof(log.proof(index, extra=log.entry(index)))


def check_receipt(data: bytes, vkey: str) -> CheckedReceipt:
    """What the receipt proves, given the log's public key and nothing else. Raises VerificationFailed."""
    verifier = parse_vkey(vkey)
    try:
        receipt = msgspec.json.decode(data, type=Receipt)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise VerificationFailed("this is no receipt, or one of a newer release") from exc
    if receipt.receipt != FORMAT or receipt.origin != verifier.name:
        raise VerificationFailed(
            f"this is {receipt.receipt!r} of {receipt.origin!r}, expected {FORMAT!r} of {verifier.name!r}"
        )
    if isinstance(receipt.act, ProvenEntry) and receipt.admission is UNSET and receipt.outcome is UNSET:
        return _check_act(receipt.act, verifier)
    if isinstance(receipt.admission, ProvenEntry) and receipt.act is UNSET:
        return _check_call(receipt.admission, receipt.outcome, verifier)
    raise VerificationFailed("the receipt is neither of a call nor of an act")


def check_tlog_proof(text: str, vkey: str) -> bytes:
    """The entry in the ``extra`` line, once the proof holds for it. Raises VerificationFailed."""
    proof = parse_proof(text)
    verify_proof(proof, proof.extra, parse_vkey(vkey))
    return proof.extra


class _PublishedLog:
    """A log's files under the checkpoint that was there when this was made."""

    def __init__(self, directory: Path, origin: str) -> None:
        self.files = LedgerFiles(directory)
        self._note = self.files.checkpoint()
        checkpoint = read_unverified(self._note)
        if checkpoint.origin != origin:
            raise EstateError(f"the log in {directory} is {checkpoint.origin!r}, not {origin!r}")
        self.size = checkpoint.size

    def entry(self, index: int) -> bytes:
        if not 0 <= index < self.size:
            raise EstateError(
                f"entry {index} is not in the published log, which has {self.size} entries",
                hint="A new entry is published within a second; ask again, or check the number.",
            )
        return self.files.entry(index, self.size)

    def proof(self, index: int, *, extra: bytes = b"") -> TlogProof:
        hashes = tuple(inclusion_proof(index, self.size, self.files.subtree(self.size)))
        return TlogProof(index=index, hashes=hashes, checkpoint=self._note, extra=extra)

    def proven(self, index: int) -> ProvenEntry:
        return ProvenEntry(index=index, entry=self.entry(index).decode(), proof=write_proof(self.proof(index)))


def _check_act(proven: ProvenEntry, verifier: Verifier) -> CheckedReceipt:
    entry, checkpoint = _check(proven, verifier)
    if not isinstance(entry, ActEntry):
        raise VerificationFailed(f"entry {proven.index} is not of the kind that the receipt says: expected an act")
    position = LedgerPosition(origin=checkpoint.origin, index=proven.index)
    return CheckedReceipt(position=position, tree_size=checkpoint.size, act=entry)


def _check_call(admission: ProvenEntry, outcome: ProvenEntry | UnsetType | None, verifier: Verifier) -> CheckedReceipt:
    opened, checkpoint = _check(admission, verifier)
    if not isinstance(opened, AdmissionEntry):
        raise VerificationFailed(
            f"entry {admission.index} is not of the kind that the receipt says: expected an admission"
        )
    position = LedgerPosition(origin=checkpoint.origin, index=admission.index)
    if not isinstance(outcome, ProvenEntry):
        return CheckedReceipt(position=position, tree_size=checkpoint.size, admission=opened)
    closed, closed_under = _check(outcome, verifier)
    if not isinstance(closed, OutcomeEntry):
        raise VerificationFailed(f"entry {outcome.index} is not of the kind that the receipt says: expected an outcome")
    if (closed.admission, closed.call) != (admission.index, opened.call) or opened.effect != "allow":
        raise VerificationFailed(
            f"the outcome is of call {closed.call} admitted at {closed.admission},"
            f" expected call {opened.call} at {admission.index}"
        )
    return CheckedReceipt(
        position=position,
        tree_size=max(checkpoint.size, closed_under.size),
        admission=opened,
        outcome=closed,
        outcome_index=outcome.index,
    )


def _check(proven: ProvenEntry, verifier: Verifier) -> tuple[Entry | None, Checkpoint]:
    data = proven.entry.encode()
    proof = parse_proof(proven.proof)
    if proof.index != proven.index:
        raise VerificationFailed(f"the proof is for entry {proof.index}, expected {proven.index}")
    checkpoint = verify_proof(proof, data, verifier)
    if not is_canonical(data):
        raise VerificationFailed(f"entry {proven.index} is not canonical JSON, so it can be read in two ways")
    return read_entry(data), checkpoint
