# SPDX-License-Identifier: Apache-2.0
"""A call's way into the ledger, as its gateway holds it: is it on record yet, and what commits to the answer."""

import asyncio

from freehold.contract.record import LedgerPosition
from freehold.errors import LedgerFault
from freehold.ledger.record.commitment import ANSWER_LABEL, Commitment


class Admission:
    """Made by ``Ledger.admit`` only. ``allowed`` is false for a refusal, which is complete in itself."""

    def __init__(self, call_id: str, *, allowed: bool, salt: bytes) -> None:
        self.call_id = call_id
        self.allowed = allowed
        self._salt = salt
        self._waiting: list[asyncio.Future[LedgerPosition]] = []
        self.result: LedgerPosition | LedgerFault | None = None  # what ``durable`` says, or None while that is open

    def durable(self) -> asyncio.Future[LedgerPosition]:
        """Done once the admission is on disk. Raises LedgerUnavailable, LedgerFull: the call must not go on."""
        durable: asyncio.Future[LedgerPosition] = asyncio.get_running_loop().create_future()
        if self.result is None:
            self._waiting.append(durable)
        else:
            _tell(durable, self.result)
        return durable

    def answer_commitment(self) -> Commitment:
        """A fresh commitment, to be fed the bytes of the answer as they are sent."""
        return Commitment(self._salt, ANSWER_LABEL)

    def settle(self, result: LedgerPosition | LedgerFault) -> None:
        """For the ledger that made it, once."""
        self.result = result
        for durable in self._waiting:
            if not durable.done():  # by whoever hung up
                _tell(durable, result)


def _tell(durable: asyncio.Future[LedgerPosition], result: LedgerPosition | LedgerFault) -> None:
    if isinstance(result, LedgerFault):
        durable.set_exception(result)
    else:
        durable.set_result(result)
