# SPDX-License-Identifier: Apache-2.0
"""Receipts for the key that made a call, and for no other. Blocks: it has a thread, which nothing of a call waits for.

Whatever may not be given is answered as what is not there is, so that nobody can tell one from the other.
"""

from contextlib import suppress

from freehold.contract.record import LedgerPosition
from freehold.errors import Pruned, ReceiptNotYet, UnknownReceipt
from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.interface import ReceiptForm
from freehold.ledger.keeper.forgetting import day_of
from freehold.ledger.record.entry import AdmissionEntry, OutcomeEntry, read_entry
from freehold.ledger.writing.log import Log

MOST_READ_FORWARD = 65_536  # entries, for an outcome that is not noted


class Receipts:
    """Of one log. One thread at a time."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def give(self, position: LedgerPosition, key: str, form: ReceiptForm) -> bytes:
        """The receipt of a call of this key, by either of its entries. Raises UnknownReceipt, ReceiptNotYet.

        ``form``: ``json``, with the salt as long as there is one; or ``tlog-proof``, of the very entry.
        """
        if position.origin != self._log.origin:
            raise UnknownReceipt("this is not the receipt of a call that was made here")
        index = position.index
        at, admission = self._admission_of(index, key)
        if index >= self._log.published_size:
            raise ReceiptNotYet(f"{position} is on record, and not published yet")
        if form == "tlog-proof":
            return tlog_proof_for(self._log.directory, self._log.origin, index).encode()
        return receipt_for(
            self._log.directory,
            self._log.origin,
            at,
            salt=self._salt(at, admission),
            most_read=MOST_READ_FORWARD,
        )

    def _admission_of(self, index: int, key: str) -> tuple[int, AdmissionEntry]:
        with suppress(Pruned):
            entry = self._entry(index)
            if isinstance(entry, OutcomeEntry):
                index = entry.admission
                entry = self._entry(index)
            if isinstance(entry, AdmissionEntry) and entry.key == key:
                return index, entry
        raise UnknownReceipt("there is no such receipt for this key")

    def _entry(self, index: int) -> object:
        data = self._log.entry(index)
        return None if data is None else read_entry(data)

    def _salt(self, index: int, admission: AdmissionEntry) -> bytes | None:
        with suppress(OSError):  # a receipt without it proves all but what was said
            return self._log.salts.find(day_of(admission), index)
        return None
