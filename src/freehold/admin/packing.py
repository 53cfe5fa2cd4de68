# SPDX-License-Identifier: Apache-2.0
"""The operation on evidence packs: signs a manifest with the estate's key, and puts that on record. Writes no pack.

Whoever reads the estate's files makes the pack; what the estate vouches for it has said here first, by whom and when.
"""

import asyncio
from typing import Final

from freehold.admin.means import Answer
from freehold.admin.requests import SealPack
from freehold.contract.estate import Estate
from freehold.errors import EstateError, LedgerUnavailable
from freehold.ledger.interface import Ledger
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import own_signer
from freehold.vault.oms import Kind, sign_own
from freehold.verify.form.manifest import ACT
from freehold.verify.form.signature import PREDICATE, SUBJECT

_KIND: Final = Kind(PREDICATE, dict[str, int], "a statement about a pack")


class Packing:
    """``asker`` is the id of the operator."""

    def __init__(self, estate: Estate, ledger: Ledger, *, recorded_within_s: float = 10.0) -> None:
        self._estate = estate
        self._ledger = ledger
        self._recorded_within_s = recorded_within_s

    async def seal(self, request: SealPack, asker: str) -> Answer:
        """Sign, record, and sign the ledger's head. Raises EstateError where another key was expected, LedgerFault."""
        signer = await asyncio.to_thread(self._signer, request.key)
        signature = sign_own(_KIND, SUBJECT, request.manifest, {"schema": 1}, signer)
        digests = {"manifest": request.manifest, "key": f"sha256:{signer.verifier.hint}"}
        try:
            async with asyncio.timeout(self._recorded_within_s):
                position = await self._ledger.record_act(ACT, subject=request.id, operator=asker, digests=digests)
        except TimeoutError as exc:
            raise LedgerUnavailable(f"the ledger did not record {ACT} of {request.id} in time") from exc
        await self._ledger.publish()
        return {"pack": {"id": request.id, "act": str(position), "signature": signature.decode()}}

    def _signer(self, key: str) -> EllipticSigner:
        signer = own_signer(self._estate)
        if signer.verifier.hint != key.removeprefix("sha256:"):
            raise EstateError(
                "the pack names another key than the estate signs with", hint=f"Look at {self._estate.vault_pub}."
            )
        return signer
