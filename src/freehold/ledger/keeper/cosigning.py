# SPDX-License-Identifier: Apache-2.0
"""Puts a checkpoint in place that enough witnesses have cosigned, once all of it holds. Asks no witness anything.

What it is handed comes from a process that speaks with strangers: the log's signature, the cosignatures, their quorum
and that it is this log's own tree are looked at here, whoever looked before.
"""

import asyncio
from contextlib import suppress

from freehold.errors import EstateError, FreeholdError, LedgerFault, VerificationFailed
from freehold.ledger.check.trust import TrustPolicy
from freehold.ledger.keeper.peer import Peer
from freehold.ledger.messages import AddCosignatures, CosignaturesAdded, CosignaturesRefused
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.merkle import root
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.log import Log, faults
from freehold.ledger.writing.placing import replace_file


class Cosigning:
    """Of one log. ``policy``: its witnesses and their quorum; None: it has none."""

    def __init__(self, log: Log, policy: TrustPolicy | None) -> None:
        self._log = log
        self._policy = policy
        self._one = asyncio.Lock()  # held while one is put in place, so that none goes back behind another

    async def answer(self, peer: Peer, message: AddCosignatures) -> None:
        async with self._one:
            try:
                size = await asyncio.to_thread(self._add, message.checkpoint.encode())
            except FreeholdError as problem:
                peer.say(CosignaturesRefused(message.ask, isinstance(problem, LedgerFault), problem.message))
                return
        peer.say(CosignaturesAdded(message.ask, size))

    def _add(self, note: bytes) -> int:
        """The size of the cosigned checkpoint that is in place now. Raises VerificationFailed, LedgerFault."""
        if self._policy is None or not self._policy.witnesses:
            raise VerificationFailed("no witness is configured, so that no cosignature counts")
        checkpoint = self._policy.open(note).checkpoint
        files = LedgerFiles(self._log.directory)
        published = read_unverified(files.checkpoint()).size
        if checkpoint.size > published:
            raise VerificationFailed(f"the published log has {published} entries, and {checkpoint.size} are cosigned")
        own = root(checkpoint.size, files.subtree(published))
        if own != checkpoint.root:
            raise VerificationFailed(f"the tree of {checkpoint.size} entries has another root than the one cosigned")
        there = self._in_place()
        if there > checkpoint.size:
            return there
        with faults("the cosigned checkpoint cannot be written"):
            replace_file(self._log.disk, self._log.directory / layout.COSIGNED, note)
        return checkpoint.size

    def _in_place(self) -> int:
        """The size of what is there; -1 where there is none, or none that can be read."""
        with suppress(OSError, VerificationFailed, EstateError):
            return read_unverified((self._log.directory / layout.COSIGNED).read_bytes()).size
        return -1
