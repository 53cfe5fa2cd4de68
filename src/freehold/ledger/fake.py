# SPDX-License-Identifier: Apache-2.0
"""A ledger in memory, for the tests of whoever serves calls. It passes the same seam suite as the real client.

It composes real entries, in order, and keeps them in ``entries``. Nothing is signed and nothing reaches a disk.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from freehold.contract.attempt import Bait, Tried
from freehold.contract.backend import Target
from freehold.contract.call import Call
from freehold.contract.decision import Decision
from freehold.contract.record import LedgerPosition, Outcome
from freehold.errors import EstateError, LedgerFault, NotFound, UnknownReceipt
from freehold.ledger import compose
from freehold.ledger.admission import Admission
from freehold.ledger.interface import LedgerHead, LedgerStatus, Prune, ReceiptForm
from freehold.ledger.record.commitment import SALT_BYTES, request_commitment
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, OutcomeEntry, read_entry


class FakeLedger:
    """``fault``: what admissions are answered with while it is set. ``held``: admissions wait until ``release``."""

    def __init__(self, origin: str = "fake.example/ledger") -> None:
        self.entries: list[bytes] = []
        self.fault: LedgerFault | None = None
        self.held = False
        self._origin = origin
        self._waiting: list[tuple[Admission, bytes]] = []
        self._open: dict[str, int] = {}
        self._early: dict[str, Outcome] = {}

    async def start(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to hang up."""

    def admit(self, call: Call, decision: Decision, *, targets: Sequence[Target], snapshot_version: int) -> Admission:
        salt = os.urandom(SALT_BYTES)
        data = compose.admission(
            call,
            decision,
            targets=targets,
            snapshot_version=snapshot_version,
            request_commitment=request_commitment(salt, call.body),
            at_utc=datetime.now(UTC),
        )
        admission = Admission(call.id, allowed=bool(decision.allowed), salt=salt)
        self._waiting.append((admission, data))
        if not self.held:
            asyncio.get_running_loop().call_soon(self.release)
        return admission

    def release(self) -> None:
        """Answer what waits."""
        self.held = False
        waiting, self._waiting = self._waiting, []
        for admission, data in waiting:
            early = self._early.pop(admission.call_id, None)
            if self.fault:
                admission.settle(self.fault)
                continue
            index = self._append(data)
            admission.settle(LedgerPosition(origin=self._origin, index=index))
            if admission.allowed:
                self._open[admission.call_id] = index
            if early:
                self.conclude(admission, early)

    def conclude(self, admission: Admission, outcome: Outcome) -> None:
        if not admission.allowed:
            return
        if admission.result is None:
            self._early.setdefault(admission.call_id, outcome)
        elif (index := self._open.pop(admission.call_id, None)) is not None:
            self._append(compose.outcome(outcome, index, at_utc=datetime.now(UTC)))

    async def record_act(
        self, kind: str, *, subject: str, operator: str, digests: Mapping[str, str] | None = None
    ) -> LedgerPosition:
        data = compose.act(
            id=uuid4().hex,
            kind=kind,
            subject=subject,
            operator=operator,
            digests=digests or {},
            at_utc=datetime.now(UTC),
        )
        return LedgerPosition(origin=self._origin, index=self._append(data))

    async def forget_call(self, call: str, admission: int, *, operator: str) -> LedgerPosition:
        """It keeps no salt but the record of the act."""
        entry = read_entry(self.entries[admission]) if 0 <= admission < len(self.entries) else None
        if not isinstance(entry, AdmissionEntry) or entry.call != call:
            raise NotFound(f"entry {admission} is not the admission of {call}")
        return await self._forgotten("call.forget", call, operator)

    async def forget_day(self, day: str, *, operator: str) -> LedgerPosition:
        if day >= f"{datetime.now(UTC):%Y-%m-%d}":
            raise NotFound(f"{day} is not over")
        return await self._forgotten("salts.expire", day, operator)

    async def _forgotten(self, kind: str, subject: str, operator: str) -> LedgerPosition:
        for index, data in enumerate(self.entries):
            entry = read_entry(data)
            if isinstance(entry, ActEntry) and (entry.act, entry.subject) == (kind, subject):
                return LedgerPosition(origin=self._origin, index=index)
        return await self.record_act(kind, subject=subject, operator=operator)

    async def receipt(
        self,
        position: LedgerPosition,
        *,
        key: str,
        form: ReceiptForm,  # noqa: ARG002 - it signs nothing
    ) -> bytes:
        """The bare entry, for the key that made the call."""
        index = position.index if position.origin == self._origin else -1
        entry = read_entry(self.entries[index]) if 0 <= index < len(self.entries) else None
        if isinstance(entry, OutcomeEntry):
            index = entry.admission
            entry = read_entry(self.entries[index])
        if not isinstance(entry, AdmissionEntry) or entry.key != key:
            raise UnknownReceipt("there is no such receipt for this key")
        return self.entries[index]

    async def add_cosignatures(self, checkpoint: str) -> int:  # noqa: ARG002 - nothing is signed here
        return len(self.entries)

    async def prune(self, before: int | datetime, *, dry_run: bool) -> Prune:  # noqa: ARG002 - nothing may go
        raise EstateError("no retention policy says that this log may be pruned")

    async def publish(self) -> LedgerHead:
        return LedgerHead(origin=self._origin, size=len(self.entries), checkpoint="")

    async def status(self) -> LedgerStatus:
        return LedgerStatus(
            origin=self._origin,
            size=len(self.entries),
            published_size=len(self.entries),
            waiting=len(self._waiting),
            open_admissions=len(self._open),
            gateways=1,
            free_bytes=0,
            full=self.fault is not None,
            fsync_us=0,
        )

    async def try_egress(self, bait: Bait) -> Tried:  # noqa: ARG002 - it has no process of its own
        return Tried(process="ledger", pid=0)

    def _append(self, data: bytes) -> int:
        self.entries.append(data)
        return len(self.entries) - 1
