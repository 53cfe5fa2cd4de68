# SPDX-License-Identifier: Apache-2.0
"""Group what waits for the disk, and publish in time. The event loop's side of ``log.py``; judges no message.

The loop waits for the disk itself. What comes while one group is being synced lies in the sockets and is the next one,
so the more there is to do the fewer syncs an entry costs.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol, TypeVar

from freehold.errors import LedgerFault, LedgerFull, LedgerUnavailable
from freehold.ledger import compose
from freehold.ledger.writing.log import Log, NewEntry

_MAX_GROUP = 1024
_MOST_UNPUBLISHED = 8192  # then publication does not wait for its time: what is unpublished is held in memory
_COMPANY_S = 0.0015  # how long what can wait does, for something to share its syncs
_CROWD_PER_S = 4000  # entries; where so many come, everything can wait for so long: it is the quicker way for all
_COUNTED_S = 0.01  # at least, to know how many come
_ENOUGH = 16  # entries in a group, so that nothing waits for more
_DAY_LENGTH = len("2026-11-22")
_LOOK_EVERY_S = 0.1  # at how much room there is: the reserve is for far more than is written meanwhile
_HOLDS_UP_US = 20_000  # a disk that takes so long is waited for in a thread, so that questions are answered meanwhile
_logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Waiting(Protocol):
    """Something that is to become an entry; exactly one of ``written`` and ``failed`` is called, on the event loop."""

    @property
    def salt(self) -> bytes:
        """Admissions have one."""
        ...

    @property
    def can_wait(self) -> bool:
        """Whether nobody waits for it, so that it may share the group of what comes next."""
        ...

    def compose(self, at_utc: datetime) -> bytes:
        """Raises ValueError."""
        ...

    def written(self, index: int) -> None: ...

    def failed(self, fault: LedgerFault) -> None: ...


class Writer:
    """Writes in turns of the event loop; publishing has a thread of its own, and so has a slow disk.

    ``group_done`` is called after each group, written or not. ``notes`` is called before each publication; what it
    returns runs in the thread, after it.
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
        self._loop = asyncio.get_running_loop()
        self._queue: list[Waiting] = []
        self._came = self._gone = 0  # entries that were queued, and that were written or refused
        self._under_way = False  # a group is: it will be written in the next turn of the loop, or the thread has it
        self._stepped: asyncio.Event | None = None  # the next group is over; there where somebody waits for it
        self._finishing = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._company: asyncio.TimerHandle | None = None
        self._began_s = 0.0  # the last group
        self._crowd = False
        self._counted = 0  # entries since:
        self._counted_from_s = 0.0
        self._room_until_s = 0.0
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
        self._came += 1
        if self._under_way:
            return
        if len(self._queue) >= _ENOUGH or not (item.can_wait or self._crowd):
            self._write_soon()
        elif not self._company:
            self._company = self._loop.call_later(_COMPANY_S, self._write_soon)

    async def write_groups(self) -> None:
        """Until ``finish`` was called and the queue is empty. Raises what broke the writing: a bug."""
        await asyncio.shield(self._ended)

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

    async def publish_all(self) -> bytes:
        """The checkpoint over everything that has come so far: what waits for company waits no longer."""
        came = self._came
        while self._gone < came and not self._ended.done():
            self._write_soon()
            self._stepped = self._stepped or asyncio.Event()
            await self._stepped.wait()
        return await self.publish()

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
        self._finishing = True
        self._write_soon()

    def close(self) -> None:
        self._append_thread.shutdown()
        self._publish_thread.shutdown()

    def _write_soon(self) -> None:
        """In the next turn of the loop: by then what has arrived on any connection is in the queue."""
        if not (self._under_way or self._ended.done()):
            self._under_way = True
            self._loop.call_soon(self._step, self._write_group)

    def _step(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as bug:  # noqa: BLE001 - it is raised where the end of the writing is waited for
            self._ended.set_exception(bug)

    def _write_group(self) -> None:
        """What waits. To hand it over to a thread and back would cost more than all else that is done for it."""
        if self._company:
            self._company.cancel()
            self._company = None
        self._began_s = self._loop.time()
        batch, self._queue = self._queue[:_MAX_GROUP], self._queue[_MAX_GROUP:]
        self._count(len(batch))
        at_utc = self._now_utc()
        items, entries = self._compose(self._within_reserve(batch), at_utc)
        day = compose.instant(at_utc)[:_DAY_LENGTH]
        if self._log.fsync_us < _HOLDS_UP_US:
            self._group_over(batch, items, self._append(entries, day))
            return
        appended = self._loop.run_in_executor(self._append_thread, self._append, entries, day)
        appended.add_done_callback(
            lambda appended: self._step(lambda: self._group_over(batch, items, appended.result()))
        )

    def _append(self, entries: Sequence[NewEntry], day: str) -> int | LedgerFault:
        """The index of the first, or why they have none."""
        try:
            return self._log.append(entries, day) if entries else 0
        except LedgerFault as fault:
            return fault

    def _group_over(self, batch: Sequence[Waiting], items: Sequence[Waiting], first: int | LedgerFault) -> None:
        """Tell all that were written, and go on with what has come meanwhile."""
        self._under_way = False
        if isinstance(first, LedgerFault):
            self.full = isinstance(first, LedgerFull)
            _fail(items, first)
        elif items:
            self.full = False
            self._unpublished.set()
            if self._log.unpublished >= _MOST_UNPUBLISHED:
                self._many.set()
            for index, item in enumerate(items, first):
                item.written(index)
        self._gone += len(batch)
        if self._stepped:
            self._stepped.set()
            self._stepped = None
        self._group_done()
        if self._queue:
            self._write_soon()
        elif self._finishing:
            self._ended.set_result(None)

    def _count(self, entries: int) -> None:
        if (counted_s := self._began_s - self._counted_from_s) >= _COUNTED_S:
            self._crowd = self._counted > _CROWD_PER_S * counted_s
            self._counted, self._counted_from_s = 0, self._began_s
        self._counted += entries

    def _within_reserve(self, batch: Sequence[Waiting]) -> Sequence[Waiting]:
        """Turn admissions away while the disk is down to its reserve."""
        if self._began_s < self._room_until_s:
            return batch
        try:
            has_room = self._log.has_room
        except LedgerFault as fault:
            _fail(batch, fault)
            return ()
        if has_room:
            self._room_until_s = self._began_s + _LOOK_EVERY_S
            return batch
        _fail([item for item in batch if item.salt], LedgerFull("the disk under the ledger is down to its reserve"))
        return [item for item in batch if not item.salt]

    def _compose(self, batch: Sequence[Waiting], at_utc: datetime) -> tuple[list[Waiting], list[NewEntry]]:
        items, entries = [], []
        for item in batch:
            try:
                entries.append(NewEntry(item.compose(at_utc), item.salt))
            except ValueError:
                item.failed(LedgerUnavailable("the ledger cannot record this: it is not well-formed"))
                continue
            items.append(item)
        return items, entries

    def _publish(self, note: Callable[[], None]) -> bytes:
        checkpoint = self._log.publish()
        note()
        return checkpoint

    async def _in_thread(self, thread: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
        return await self._loop.run_in_executor(thread, work)


def _fail(items: Sequence[Waiting], fault: LedgerFault) -> None:
    for item in items:
        item.failed(fault)
