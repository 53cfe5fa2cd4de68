# SPDX-License-Identifier: Apache-2.0
"""Takes receipts and proofs out of a log's files. Proves under the cosigned checkpoint where that covers the entry.

It checks nothing that it is not asked for: whoever is given a receipt checks it.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from freehold.errors import EstateError, Pruned, VerificationFailed
from freehold.ledger.check.receipt import FORMAT, ProvenEntry, Receipt, write_receipt
from freehold.ledger.record.derived import ERASING, erased_by, erasing_acts, noted_outcome
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, OutcomeEntry, read_entry
from freehold.ledger.record.search import outcome_of
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.merkle import inclusion_proof, root
from freehold.ledger.tree.proof import TlogProof, write_proof
from freehold.ledger.tree.store import LedgerFiles


def receipt_for(
    directory: Path, origin: str, index: int, *, salt: bytes | None = None, most_read: int | None = None
) -> bytes:
    """The receipt of the call, or act, that has an entry at ``index``; the same for a call's admission and its outcome.

    ``salt``: the call's, for the key that made it. ``most_read``: how many entries are read for an outcome that is not
    noted; None is all.

    Raises EstateError if the entry is not published (yet), VerificationFailed if the log is damaged.
    """
    return _receipt(PublishedLog(directory, origin), index, salt=salt, most_read=most_read)


def receipts_for(directory: Path, origin: str, indexes: Iterable[int]) -> dict[int, bytes]:
    """Receipts of several calls and acts, all under the same checkpoints, by where they are asked for; without salts.

    Raises as ``receipt_for`` does.
    """
    log = PublishedLog(directory, origin)
    return {index: _receipt(log, index, salt=None, most_read=None) for index in indexes}


def tlog_proof_for(directory: Path, origin: str, index: int) -> str:
    """A tlog-proof of any entry, with the entry's bytes in its ``extra`` line. Raises as ``receipt_for`` does."""
    log = PublishedLog(directory, origin)
    return write_proof(log.proof(index, extra=log.entry(index)))


def _receipt(log: "PublishedLog", index: int, *, salt: bytes | None, most_read: int | None) -> bytes:
    origin, entry = log.origin, read_entry(log.entry(index))
    if isinstance(entry, OutcomeEntry):
        index = entry.admission
        entry = read_entry(log.entry(index))
    match entry:
        case AdmissionEntry():
            receipt = Receipt(receipt=FORMAT, origin=origin, admission=log.proven(index))
            allowed = entry.effect == "allow"
            if allowed:
                found = outcome_of(log.files, index, log.size, log.noted_outcome(index), most_read)
                receipt = replace(receipt, outcome=None if found is None else log.proven(found.index))
            if (erasing := log.erasing_act(entry, index)) is not None:
                receipt = replace(receipt, erasure=log.proven(erasing))
            elif salt is not None:
                receipt = replace(receipt, salt=salt.hex())
            return write_receipt(receipt, outcome_awaited=allowed)
        case ActEntry():
            receipt = Receipt(receipt=FORMAT, origin=origin, act=log.proven(index))
            return write_receipt(receipt, outcome_awaited=False)
        case _:
            raise EstateError(
                f"entry {index} is of a kind that this release does not know", hint="Use a newer release."
            )


class PublishedLog:
    """A log's files under the checkpoints that were there when this was made."""

    def __init__(self, directory: Path, origin: str) -> None:
        self.origin = origin
        self._directory = directory
        self.files = LedgerFiles(directory)
        cosigned = self.files.cosigned_checkpoint()  # before the newest, so that it is not newer
        self._note = self.files.checkpoint()
        checkpoint = read_unverified(self._note)
        if checkpoint.origin != origin:
            raise EstateError(f"the log in {directory} is {checkpoint.origin!r}, not {origin!r}")
        self.size = checkpoint.size
        self._cosigned = cosigned
        self._cosigned_size = 0 if cosigned is None else self._size_if_of_this_tree(cosigned, origin)

    def entry(self, index: int) -> bytes:
        if not 0 <= index < self.size:
            raise EstateError(
                f"entry {index} is not in the published log, which has {self.size} entries",
                hint="A new entry is published within a second; ask again, or check the number.",
            )
        return self.files.entry(index, self.size)

    def noted_outcome(self, admission_index: int) -> int:
        return noted_outcome(self._directory, admission_index)

    def erasing_act(self, admission: AdmissionEntry, at: int) -> int | None:
        """Where the published act lies that destroyed the salt of the call admitted there, or those of its day."""
        acts = erasing_acts(self._directory)
        for subject in (admission.call, admission.at[:10]):
            index = erased_by(acts, subject, at)
            if index is None or index >= self.size:
                continue
            entry = read_entry(self.entry(index))
            if isinstance(entry, ActEntry) and entry.act in ERASING and entry.subject == subject:
                return index
        return None

    def proof(self, index: int, *, extra: bytes = b"") -> TlogProof:
        note, size = self._note, self.size
        if self._cosigned is not None and index < self._cosigned_size:
            note, size = self._cosigned, self._cosigned_size
        hashes = tuple(inclusion_proof(index, size, self.files.subtree(size)))
        return TlogProof(index=index, hashes=hashes, checkpoint=note, extra=extra)

    def proven(self, index: int) -> ProvenEntry:
        return ProvenEntry(index=index, entry=self.entry(index).decode(), proof=write_proof(self.proof(index)))

    def _size_if_of_this_tree(self, cosigned: bytes, origin: str) -> int:
        """The size of the cosigned tree; 0, so that it proves nothing, if that is none that this log has grown from."""
        with contextlib.suppress(VerificationFailed, Pruned):
            older = read_unverified(cosigned)
            if older.origin == origin and older.size <= self.size:
                return older.size if root(older.size, self.files.subtree(older.size)) == older.root else 0
        return 0
