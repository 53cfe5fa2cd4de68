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
        self._settled: asyncio.Future[LedgerPosition | LedgerFault] = asyncio.get_running_loop().create_future()

    async def durable(self) -> LedgerPosition:
        """Wait until the admission is on disk. Raises LedgerUnavailable, LedgerFull: the call must not go on."""
        settled = self._settled
        result = settled.result() if settled.done() else await asyncio.shield(settled)
        if isinstance(result, LedgerFault):
            raise result
        return result

    def answer_commitment(self) -> Commitment:
        """A fresh commitment, to be fed the bytes of the answer as they are sent."""
        return Commitment(self._salt, ANSWER_LABEL)

    @property
    def result(self) -> LedgerPosition | LedgerFault | None:
        """What ``durable`` will say, or None while that is open."""
        return self._settled.result() if self._settled.done() else None

    def settle(self, result: LedgerPosition | LedgerFault) -> None:
        """For the ledger that made it, once."""
        self._settled.set_result(result)
