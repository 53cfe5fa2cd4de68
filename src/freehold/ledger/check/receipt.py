# SPDX-License-Identifier: Apache-2.0
"""Receipts: what one call's record is, with the proof that it stands in the log. Checked with public keys alone.

A receipt is JSON: the entries as the log has them, each with a tlog-proof. It shows that these entries are in the log;
that there is no outcome yet is only what the log said when the receipt was made.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from freehold.contract.record import LedgerPosition
from freehold.errors import VerificationFailed
from freehold.ledger.check.trust import TrustedCheckpoint, TrustPolicy, trust_in
from freehold.ledger.record.commitment import SALT_BYTES
from freehold.ledger.record.derived import ERASING
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, Entry, OutcomeEntry, is_canonical, read_entry
from freehold.ledger.record.reading import parse_json, present_fields, reader_of
from freehold.ledger.tree.proof import TlogProof, check_inclusion, parse_proof

FORMAT = "freehold/receipt/v1"
Kind = TypeVar("Kind", AdmissionEntry, OutcomeEntry, ActEntry)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenEntry:
    """``entry`` is the text whose bytes are in the log; ``proof`` a tlog-proof."""

    index: int
    entry: str
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Of an act; or of a call. A call that was allowed and has no outcome yet has ``null`` for it in the JSON.

    ``salt`` is hex, and only in what the key that made the call is given. ``erasure`` is the act that destroyed the
    salt: the commitments mean nothing any more.
    """

    receipt: str
    origin: str
    admission: ProvenEntry | None = None
    outcome: ProvenEntry | None = None
    act: ProvenEntry | None = None
    salt: str | None = None
    erasure: ProvenEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReceipt:
    """What a receipt has proved. ``position`` is that of the admission, or of the act."""

    position: LedgerPosition
    tree_size: int
    checkpoints: tuple[TrustedCheckpoint, ...]  # one for each entry, in the order of these
    admission: AdmissionEntry | None = None
    outcome: OutcomeEntry | None = None
    outcome_index: int | None = None
    act: ActEntry | None = None
    erasure: ActEntry | None = None
    erasure_index: int | None = None
    salt: bytes | None = None  # as the receipt has it: proved only by content that fits

    @property
    def entries(self) -> dict[str, Entry]:
        """What was proved, by what the receipt calls it."""
        parts = {"admission": self.admission, "outcome": self.outcome, "act": self.act, "erasure": self.erasure}
        return {name: entry for name, entry in parts.items() if entry is not None}

    @property
    def indexes(self) -> dict[str, int]:
        """Where the entries lie, by the same names."""
        first = self.position.index
        parts = {"admission": first, "outcome": self.outcome_index, "act": first, "erasure": self.erasure_index}
        return {name: index for name, index in parts.items() if name in self.entries and index is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedProof:
    """What a tlog-proof has proved of an entry. ``entry`` is None where it is of no kind that this release knows."""

    index: int
    data: bytes
    entry: Entry | None
    checkpoint: TrustedCheckpoint


def write_receipt(receipt: Receipt, *, outcome_awaited: bool) -> bytes:
    """The receipt as JSON."""
    fields = present_fields(receipt)
    if outcome_awaited and receipt.outcome is None:
        at = list(fields).index("admission") + 1
        fields = dict([*list(fields.items())[:at], ("outcome", None), *list(fields.items())[at:]])
    return json.dumps(fields, ensure_ascii=False, indent=2).encode() + b"\n"


def read_receipt(data: bytes) -> Receipt:
    """A receipt taken apart, nothing about it proved yet. Raises VerificationFailed."""
    try:
        fields = parse_json(data)
        if isinstance(fields, dict) and fields.get("outcome", 0) is None:
            del fields["outcome"]
        return _read(fields)
    except ValueError as exc:
        raise VerificationFailed("this is no receipt, or one of a newer release") from exc


def check_receipt(data: bytes, trust: TrustPolicy | str) -> CheckedReceipt:
    """What the receipt proves to whoever trusts this policy, or this log's verifier key. Raises VerificationFailed."""
    policy = trust_in(trust)
    receipt = read_receipt(data)
    if receipt.receipt != FORMAT or not policy.knows(receipt.origin):
        raise VerificationFailed(
            f"this is {receipt.receipt!r} of {receipt.origin!r}, expected {FORMAT!r} of {policy.origins}"
        )
    of_a_call = (receipt.admission, receipt.outcome, receipt.salt, receipt.erasure)
    if receipt.act and all(part is None for part in of_a_call):
        return _check_act(receipt.act, receipt.origin, policy)
    if receipt.admission and not receipt.act:
        return _check_call(receipt, receipt.admission, policy)
    raise VerificationFailed("the receipt is neither of a call nor of an act")


def check_tlog_proof(text: str, trust: TrustPolicy | str) -> bytes:
    """The entry in the ``extra`` line, once the proof holds for it. Raises VerificationFailed."""
    return open_tlog_proof(text, trust).data


def open_tlog_proof(text: str, trust: TrustPolicy | str, data: bytes | None = None) -> CheckedProof:
    """What a tlog-proof proves of ``data``, else of the entry in its ``extra`` line. Raises VerificationFailed."""
    proof = parse_proof(text)
    data = proof.extra if data is None else data
    return CheckedProof(
        index=proof.index, data=data, entry=read_entry(data), checkpoint=_prove(proof, data, trust_in(trust))
    )


def _check_act(proven: ProvenEntry, origin: str, policy: TrustPolicy) -> CheckedReceipt:
    act, under = _check(proven, origin, policy)
    return CheckedReceipt(
        position=LedgerPosition(origin=origin, index=proven.index),
        tree_size=under.checkpoint.size,
        checkpoints=(under,),
        act=_of_kind(ActEntry, act, proven.index, "an act"),
    )


def _check_call(receipt: Receipt, admission: ProvenEntry, policy: TrustPolicy) -> CheckedReceipt:
    opened, under = _check(admission, receipt.origin, policy)
    call = _of_kind(AdmissionEntry, opened, admission.index, "an admission")
    checkpoints, outcome, erasure = [under], None, None
    if receipt.outcome:
        closed, under = _check(receipt.outcome, receipt.origin, policy)
        outcome = _of_kind(OutcomeEntry, closed, receipt.outcome.index, "an outcome")
        _require_same_call(outcome, call, admission.index)
        if receipt.outcome.index < admission.index:
            raise VerificationFailed(f"the outcome at {receipt.outcome.index} is before its call, at {admission.index}")
        checkpoints.append(under)
    if receipt.erasure:
        act, under = _check(receipt.erasure, receipt.origin, policy)
        erasure = _of_kind(ActEntry, act, receipt.erasure.index, "an act")
        _require_erasure_of(call, erasure)
        if receipt.erasure.index < admission.index:
            raise VerificationFailed(f"the erasure at {receipt.erasure.index} is before its call, at {admission.index}")
        checkpoints.append(under)
    return CheckedReceipt(
        position=LedgerPosition(origin=receipt.origin, index=admission.index),
        tree_size=_tree_size(checkpoints),
        checkpoints=tuple(checkpoints),
        admission=call,
        outcome=outcome,
        outcome_index=receipt.outcome.index if receipt.outcome else None,
        erasure=erasure,
        erasure_index=receipt.erasure.index if receipt.erasure else None,
        salt=None if receipt.salt is None else read_salt(receipt.salt),
    )


def _of_kind(kind: type[Kind], entry: Entry | None, index: int, expected: str) -> Kind:
    if not isinstance(entry, kind):
        raise VerificationFailed(f"entry {index} is not of the kind that the receipt says: expected {expected}")
    return entry


def _require_same_call(outcome: OutcomeEntry, admission: AdmissionEntry, index: int) -> None:
    if (outcome.admission, outcome.call) != (index, admission.call):
        raise VerificationFailed(
            f"the outcome is of call {outcome.call} admitted at {outcome.admission},"
            f" expected call {admission.call} at {index}"
        )
    if admission.effect != "allow":
        raise VerificationFailed(f"call {admission.call} was refused: expected no outcome, found one")


def _require_erasure_of(admission: AdmissionEntry, act: ActEntry) -> None:
    """A salt is destroyed for one call, or with all of its day."""
    if act.act not in ERASING or act.subject not in {admission.call, admission.at[:10]}:
        raise VerificationFailed(
            f"the act {act.act} on {act.subject} did not destroy the salt of call {admission.call} of {admission.at}"
        )


def read_salt(text: str) -> bytes:
    """A salt as hex. Raises VerificationFailed."""
    if len(text) != 2 * SALT_BYTES or set(text) - set("0123456789abcdef"):
        raise VerificationFailed(f"the salt is not {2 * SALT_BYTES} hex digits")
    return bytes.fromhex(text)


def _tree_size(checkpoints: Sequence[TrustedCheckpoint]) -> int:
    """The largest. Two signed heads of one size that differ are no mistake, but a log that shows two faces."""
    roots: dict[int, bytes] = {}
    for head in (trusted.checkpoint for trusted in checkpoints):
        if roots.setdefault(head.size, head.root) != head.root:
            raise VerificationFailed(
                f"the log has signed two roots for its first {head.size} entries, expected one:"
                f" found {roots[head.size].hex()} and {head.root.hex()}; keep this receipt as the proof of it"
            )
    return max(roots)


def _check(proven: ProvenEntry, origin: str, policy: TrustPolicy) -> tuple[Entry | None, TrustedCheckpoint]:
    data = proven.entry.encode()
    proof = parse_proof(proven.proof)
    if proof.index != proven.index:
        raise VerificationFailed(f"the proof is for entry {proof.index}, expected {proven.index}")
    under = _prove(proof, data, policy)
    if under.checkpoint.origin != origin:
        raise VerificationFailed(f"the proof is of {under.checkpoint.origin!r}, expected {origin!r}")
    if not is_canonical(data):
        raise VerificationFailed(f"entry {proven.index} is not canonical JSON, so it can be read in two ways")
    return read_entry(data), under


def _prove(proof: TlogProof, data: bytes, policy: TrustPolicy) -> TrustedCheckpoint:
    trusted = policy.open(proof.checkpoint)
    check_inclusion(proof, data, trusted.checkpoint)
    return trusted


_read = reader_of(Receipt, unknown_fields=False)
