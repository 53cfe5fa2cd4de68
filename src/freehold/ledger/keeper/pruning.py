# SPDX-License-Identifier: Apache-2.0
"""Judges whether the log's oldest entries may go, and has them taken away. No call waits for any of it.

Without a retention policy nothing is pruned (c2sp.org/tlog-tiles §Retention Policies). With one, an entry goes only
once it is old enough, no call before it is open, and everybody who watches the log has had it.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from freehold.errors import EstateError, FreeholdError, LedgerFault, LedgerUnavailable, VerificationFailed
from freehold.ledger.compose import instant
from freehold.ledger.interface import Prune
from freehold.ledger.keeper.peer import Peer
from freehold.ledger.messages import NotPruned, PruneLog, Pruning
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.layout import Resource
from freehold.ledger.tree.merkle import root
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.log import Log
from freehold.ledger.writing.pruning import prunable, raise_minimum, remove

_AT = re.compile(rb'"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """``days``: for how many at least entries are kept; 0: no policy. ``cosigned``: witnesses are configured."""

    days: int = 0
    cosigned: bool = False


NO_RETENTION = Retention()


class Pruner:
    """The event loop's side: one prune at a time, in a thread that nothing of a call waits for."""

    def __init__(
        self, log: Log, retention: Retention, *, now_utc: Callable[[], datetime], low_water: Callable[[], int]
    ) -> None:
        self._judge = Judge(log, retention)
        self._now_utc = now_utc
        self._low_water = low_water
        self._one = asyncio.Lock()

    async def answer(self, peer: Peer, message: PruneLog) -> None:
        """Judge, and do what may be done."""
        async with self._one:
            low_water, now_utc = self._low_water(), self._now_utc()

            def work() -> Prune:
                prune = self._judge.plan(message.before, low_water=low_water, now_utc=now_utc)
                if not message.dry_run:
                    self._judge.carry_out(prune)
                return prune

            try:
                peer.say(Pruning(message.ask, await asyncio.to_thread(work)))
            except FreeholdError as problem:
                is_fault = isinstance(problem, LedgerFault)
                peer.say(NotPruned(message.ask, is_fault, problem.message, problem.advice))


class Judge:
    """What may go of one log, and that it goes. One thread at a time."""

    def __init__(self, log: Log, retention: Retention) -> None:
        self._log = log
        self._files = LedgerFiles(log.directory)
        self._retention = retention

    def plan(self, before: int | datetime, *, low_water: int, now_utc: datetime) -> Prune:
        """What a prune before an index, or before an instant, would take away. Raises EstateError if it may not."""
        kept_from = self._kept_from(now_utc)
        size, was = self._log.published_size, self._files.minimum_index()
        index = before if isinstance(before, int) else self._first_from(instant(before.astimezone(UTC)), was, size)
        if index > size:
            raise EstateError(f"the published log has {size} entries, so none can be pruned before {index}")
        if index > (young := self._first_from(kept_from, was, index)):
            raise EstateError(
                f"entry {young} is not {self._retention.days} days old, so it is kept, and all behind it",
                hint=f"At most: --before {young}. [ledger] prune_after_days says how long entries are kept.",
            )
        self._require_done_with(index, low_water)
        files = prunable(self._log.directory, index)
        minimum_index = max(index, was)
        return Prune(
            was=was,
            minimum_index=minimum_index,
            before=index,
            root=root(minimum_index, self._files.subtree(size)).hex(),
            files=len(files),
            size_bytes=sum(map(self._size_of, files)),
        )

    def carry_out(self, plan: Prune) -> None:
        """Take it away. Raises LedgerUnavailable; what is left of it then goes with the next prune."""
        directory, disk = self._log.directory, self._log.disk
        try:
            if plan.minimum_index > plan.was:
                raise_minimum(directory, disk, plan.minimum_index)
            remove(directory, disk, prunable(directory, plan.before))
        except OSError as exc:
            raise LedgerUnavailable(f"the log could not be pruned to its end: errno {exc.errno}") from exc

    def _kept_from(self, now_utc: datetime) -> str:
        """Entries from this instant on are kept."""
        if not self._retention.days:
            raise EstateError(
                "no retention policy says that this log may be pruned",
                hint="Set [ledger] prune_after_days: how long everybody who relies on the log can still read an entry.",
            )
        return instant(now_utc - timedelta(days=self._retention.days))

    def _require_done_with(self, index: int, low_water: int) -> None:
        if index > low_water:
            raise EstateError(
                f"the call admitted at entry {low_water} is still open", hint=f"At most: --before {low_water}."
            )
        if self._retention.cosigned and index > (cosigned := self._cosigned_size()):
            raise EstateError(
                f"witnesses have cosigned the log's first {cosigned} entries only",
                hint=f"At most: --before {cosigned}.",
            )

        anchor = self._log.anchor
        if anchor is not None and index > anchor.size:
            raise EstateError(
                f"the anchor {anchor.path} has seen the log's first {anchor.size} entries only",
                hint=f"At most: --before {anchor.size}. run/log/ledger.log says why the anchor cannot be written.",
            )

    def _cosigned_size(self) -> int:
        try:
            return read_unverified((self._log.directory / layout.COSIGNED).read_bytes()).size
        except (OSError, VerificationFailed):
            return 0

    def _first_from(self, at: str, start: int, end: int) -> int:
        """The first entry that is of this instant or later, or of no time that can be read; ``end`` if none is.

        Read one by one, because a clock may have been set back.
        """
        wanted = at.encode()
        entries = self._files.entries(start, self._log.published_size)
        for index, entry in islice(entries, max(0, end - start)):
            found = _AT.search(entry)
            if found is None or found[1] >= wanted:
                return index
        return end

    def _size_of(self, resource: Resource) -> int:
        try:
            return (self._log.directory / resource.path).stat().st_size
        except OSError:
            return 0
