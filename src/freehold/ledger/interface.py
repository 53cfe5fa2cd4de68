# SPDX-License-Identifier: Apache-2.0
"""The seam between whoever serves calls and the ledger: ``client.py`` is the real one, ``fake.py`` is for tests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from freehold.contract.attempt import Bait, Tried
from freehold.contract.backend import Target
from freehold.contract.call import Call
from freehold.contract.decision import Decision
from freehold.contract.record import LedgerPosition, Outcome
from freehold.ledger.admission import Admission

ReceiptForm = Literal["json", "tlog-proof"]


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
    relaxed_s: float = 0.0  # how much of what was acknowledged last a power cut may take; 0: nothing
    anchored_size: int | None = None  # entries under the checkpoint that the anchor has; None: there is no anchor
    away: str = ""  # why this copy is not the log, so that nothing is written on it; empty: it is


class Prune(msgspec.Struct, frozen=True, kw_only=True):
    """What pruning takes away, or took. Entries from ``minimum_index`` on are kept; before it that was ``was``."""

    was: int
    minimum_index: int
    before: int  # what was asked for; resources that end here or before go
    root: str  # of the tree of the first ``minimum_index`` entries, hex
    files: int
    size_bytes: int


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

    async def forget_call(self, call: str, admission: int, *, operator: str) -> LedgerPosition:
        """Destroy the salt of a call; the act that says so is on record when this returns, however long that takes.

        The first such act, where the salt was destroyed before. Raises NotFound, VerificationFailed.
        """
        ...

    async def forget_day(self, day: str, *, operator: str) -> LedgerPosition:
        """The same for every salt of a day that is over."""
        ...

    async def receipt(self, position: LedgerPosition, *, key: str, form: ReceiptForm) -> bytes:
        """The receipt of a call that this key made, by either of its entries; with the salt, in JSON.

        Raises UnknownReceipt, ReceiptNotYet, LedgerUnavailable.
        """
        ...

    async def prune(self, before: int | datetime, *, dry_run: bool) -> Prune:
        """Take away the entries before an index, or before an instant; or say what would go.

        Raises EstateError where they are to be kept, LedgerUnavailable. The act is its caller's to record.
        """
        ...

    async def add_cosignatures(self, checkpoint: str) -> int:
        """Put a checkpoint in place that enough witnesses have cosigned; the size of the one that is there then.

        Raises VerificationFailed, LedgerUnavailable, LedgerFull.
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
