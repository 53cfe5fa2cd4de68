# SPDX-License-Identifier: Apache-2.0
"""The seam between whoever serves calls and the ledger: ``client.py`` is the real one, ``fake.py`` is for tests."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from freehold.contract.attempt import Bait, Tried
from freehold.contract.backend import Target
from freehold.contract.call import Call
from freehold.contract.decision import Decision
from freehold.contract.record import LedgerPosition, Outcome
from freehold.ledger.admission import Admission


class LedgerHead(msgspec.Struct, frozen=True, kw_only=True):
    """The published head of the log. ``checkpoint`` is the signed note."""

    origin: str
    size: int
    checkpoint: str


class LedgerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Counters for an operator. ``size`` counts every acknowledged entry, published or not."""

    origin: str
    size: int
    published_size: int
    waiting: int  # entries not yet on disk
    open_admissions: int
    gateways: int  # connections
    free_bytes: int
    full: bool  # admissions are being refused for want of space
    fsync_us: int  # how long the last group took to reach the disk


class Ledger(Protocol):
    """Admissions, outcomes and acts, on record."""

    def admit(self, call: Call, decision: Decision, *, targets: Sequence[Target], snapshot_version: int) -> Admission:
        """Send a call's admission at once, without waiting for the disk. ``targets``: all of the service, in order."""
        ...

    def conclude(self, admission: Admission, outcome: Outcome) -> None:
        """Close an admission, durable or not yet. Never raises and never waits; kept until it is on record."""
        ...

    async def record_act(
        self, kind: str, *, subject: str, operator: str, digests: Mapping[str, str] | None = None
    ) -> LedgerPosition:
        """Record an administrative act such as ``key.create``; returns once it is on disk, however long that takes.

        A caller that stops waiting does not take the act back. Raises ValueError for what is no id and no digest.
        """
        ...

    async def publish(self) -> LedgerHead:
        """Publish what was acknowledged so far, now. Raises LedgerUnavailable, LedgerFull."""
        ...

    async def status(self) -> LedgerStatus:
        """Raises LedgerUnavailable."""
        ...

    async def try_egress(self, bait: Bait) -> Tried:
        """Have the ledger's process try to get out. Raises LedgerUnavailable."""
        ...
