# SPDX-License-Identifier: Apache-2.0
"""Group what waits for the disk, and publish in time. The event loop's side of ``log.py``; judges no message.

While one group is being synced the next one gathers, so the more there is to do the fewer syncs an entry costs.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from freehold.errors import LedgerFault, LedgerFull, LedgerUnavailable
from freehold.ledger.writing.log import Log, NewEntry

_MAX_GROUP = 1024
_MOST_UNPUBLISHED = 8192  # then publication does not wait for its time: what is unpublished is held in memory
_logger = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Something that is to become an entry; exactly one of ``written`` and ``failed`` is called, on the event loop."""

    compose: Callable[[datetime], bytes]
    written: Callable[[int], None]
    failed: Callable[[LedgerFault], None]
    salt: bytes = b""  # admissions have one


class Writer:
    """Two loops of work, each with a thread of its own. ``group_done`` is called after each group, written or not.

    ``notes`` is called before each publication; what it returns runs in the thread, after it.
    """

    def __init__(
        self,
        log: Log,
        *,
        now_utc: Callable[[], datetime],
        publish_s: float,
        notes: Callable[[], Callable[[], None]],
        group_done: Callable[[], None],
    ) -> None:
        self.full = False  # the last group found the disk full
        self._log = log
        self._now_utc = now_utc
        self._publish_s = publish_s
        self._notes = notes
        self._group_done = group_done
        self._queue: list[Waiting] = []
        self._arrived = asyncio.Event()
        self._unpublished = asyncio.Event()
        self._unpublished.set()  # the journal may hold entries of an earlier run
        self._many = asyncio.Event()  # entries are unpublished, and take memory
        self._publishing = asyncio.Lock()  # one publication at a time
        self._append_thread = ThreadPoolExecutor(1, "ledger-append")
        self._publish_thread = ThreadPoolExecutor(1, "ledger-publish")

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def put(self, item: Waiting) -> None:
        """Queue an entry; entries reach the log in this order."""
        self._queue.append(item)
        self._arrived.set()

    async def write_groups(self) -> None:
        """Until ``finish`` was called and the queue is empty."""
        while True:
            await self._arrived.wait()
            if not self._queue:
                return
            batch, self._queue = self._queue[:_MAX_GROUP], self._queue[_MAX_GROUP:]
            if not self._queue:
                self._arrived.clear()
            await self._write(batch)
            self._group_done()

    async def publish_in_time(self) -> None:
        """Until cancelled: a checkpoint soon after every append, tried again for as long as the disk refuses."""
        trouble = ""
        while True:
            await self._unpublished.wait()
            await self._pause(at_least=bool(trouble))
            try:
                await self.publish()
                trouble = ""
            except LedgerFault as fault:
                if fault.message != trouble:
                    _logger.warning("the log grows but cannot be published: %s", fault.message)
                trouble = fault.message

    async def _pause(self, *, at_least: bool) -> None:
        """For ``publish_s``, or until there is much to publish."""
        if at_least:
            await asyncio.sleep(self._publish_s)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._publish_s):
                await self._many.wait()

    async def publish(self) -> bytes:
        """The checkpoint over everything acknowledged so far. Raises LedgerFault."""
        async with self._publishing:
            self._unpublished.clear()
            self._many.clear()
            note = self._notes()
            try:
                return await self._in_thread(self._publish_thread, lambda: self._publish(note))
            except LedgerFault:
                self._unpublished.set()
                raise

    async def look_up(self, search: Callable[[Log], Result]) -> Result:
        """Read the log, off the event loop and between publications."""
        return await self._in_thread(self._publish_thread, lambda: search(self._log))

    def finish(self) -> None:
        """Let ``write_groups`` end once the queue is empty."""
        self._arrived.set()

    def close(self) -> None:
        self._append_thread.shutdown()
        self._publish_thread.shutdown()

    async def _write(self, batch: Sequence[Waiting]) -> None:
        at_utc = self._now_utc()
        try:
            composed = self._compose(self._within_reserve(batch), at_utc)
        except LedgerFault as fault:
            _fail(batch, fault)
            return
        entries = [NewEntry(data, item.salt) for item, data in composed]
        if not entries:
            return
        try:
            first = await self._in_thread(self._append_thread, lambda: self._log.append(entries, f"{at_utc:%Y-%m-%d}"))
        except LedgerFault as fault:
            self.full = isinstance(fault, LedgerFull)
            _fail([item for item, _ in composed], fault)
            return
        self.full = False
        self._unpublished.set()
        if self._log.size - self._log.published_size >= _MOST_UNPUBLISHED:
            self._many.set()
        for index, (item, _) in enumerate(composed, first):
            item.written(index)

    def _within_reserve(self, batch: Sequence[Waiting]) -> Sequence[Waiting]:
        """Turn admissions away while the disk is down to its reserve."""
        if self._log.has_room:
            return batch
        _fail([item for item in batch if item.salt], LedgerFull("the disk under the ledger is down to its reserve"))
        return [item for item in batch if not item.salt]

    def _compose(self, batch: Sequence[Waiting], at_utc: datetime) -> list[tuple[Waiting, bytes]]:
        composed = []
        for item in batch:
            try:
                composed.append((item, item.compose(at_utc)))
            except ValueError:
                item.failed(LedgerUnavailable("the ledger cannot record this: it is not well-formed"))
        return composed

    def _publish(self, note: Callable[[], None]) -> bytes:
        checkpoint = self._log.publish()
        note()
        return checkpoint

    async def _in_thread(self, thread: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(thread, work)


def _fail(items: Sequence[Waiting], fault: LedgerFault) -> None:
    for item in items:
        item.failed(fault)
