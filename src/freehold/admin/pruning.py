# SPDX-License-Identifier: Apache-2.0
"""The operation that prunes the ledger. The ledger's process judges; here the act is recorded first."""

import asyncio
from collections.abc import Mapping

import msgspec

from freehold.admin.requests import PruneLedger
from freehold.errors import InvalidRequest, LedgerUnavailable
from freehold.ledger.interface import Ledger, Prune

Answer = Mapping[str, object]


class Pruning:
    """``asker`` is the id of the operator."""

    def __init__(self, ledger: Ledger, *, recorded_within_s: float = 10.0) -> None:
        self._ledger = ledger
        self._recorded_within_s = recorded_within_s

    async def prune(self, request: PruneLedger, asker: str) -> Answer:
        """Take the oldest entries away, or say what would go. Raises EstateError where they are to be kept."""
        before = request.before_index if request.before is None else request.before
        if before is None or (request.before_index is not None and request.before is not None):
            raise InvalidRequest("name exactly one of before_index and before")
        await self._ledger.publish()
        plan = await self._ledger.prune(before, dry_run=True)
        if request.dry_run or not plan.files:
            return _told(plan, done=False)
        await self._record(plan, asker)
        return _told(await self._ledger.prune(plan.before, dry_run=False), done=True)

    async def _record(self, plan: Prune, asker: str) -> None:
        """Nothing goes that the record does not say, with the hash of the tree that was there."""
        digests = {"root": f"sha256:{plan.root}"}
        try:
            async with asyncio.timeout(self._recorded_within_s):
                await self._ledger.record_act(
                    "ledger.prune", subject=str(plan.minimum_index), operator=asker, digests=digests
                )
        except TimeoutError as exc:
            raise LedgerUnavailable("the ledger did not record ledger.prune in time, and nothing was pruned") from exc


def _told(prune: Prune, *, done: bool) -> Answer:
    return {"prune": {**msgspec.to_builtins(prune), "done": done}}
