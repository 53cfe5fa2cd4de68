# SPDX-License-Identifier: Apache-2.0
"""What shares a group: whatever waits at the time, what can wait for company, and, where very many come, everything."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest
from tests.ledger_builder import AT, FailingDisk, act_bytes, open_log

from freehold.errors import LedgerFault
from freehold.ledger.keeper import writer as writing
from freehold.ledger.keeper.writer import Writer
from freehold.ledger.writing.disk import Disk

NEVER_S = 3600.0


class SlowDisk(FailingDisk):
    """Syncs once it is let to."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def sync(self, descriptor: int) -> None:
        self.let.wait(10)
        super().sync(descriptor)


class Item:
    """Says when it is written, as which entry."""

    salt = b""

    def __init__(self, *, can_wait: bool) -> None:
        self.can_wait = can_wait
        self.index: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def compose(self, at_utc: datetime) -> bytes:
        return act_bytes()

    def written(self, index: int) -> None:
        self.index.set_result(index)

    def failed(self, fault: LedgerFault) -> None:
        self.index.set_exception(fault)


@pytest.fixture
def _nothing_waits_out_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_COMPANY_S", NEVER_S)


@asynccontextmanager
async def a_writer(root: Path, disk: Disk | None = None) -> AsyncIterator[tuple[Writer, list[int]]]:
    """One that writes, and how large the log was after each group."""
    log = open_log(root, disk=disk or FailingDisk())
    sizes: list[int] = []
    writer = Writer(
        log,
        now_utc=lambda: AT,
        publish_s=NEVER_S,
        notes=lambda: lambda: None,
        group_done=lambda: sizes.append(log.size),
    )
    task = asyncio.create_task(writer.write_groups())
    try:
        yield writer, sizes
    finally:
        writer.finish()
        await task
        writer.close()
        log.close()


def put(writer: Writer, count: int = 1, *, can_wait: bool) -> list[Item]:
    items = [Item(can_wait=can_wait) for _ in range(count)]
    for item in items:
        writer.put(item)
    return items


async def some_turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("_nothing_waits_out_its_time")
async def test_what_can_wait_shares_the_group_of_what_cannot_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    async with a_writer(tmp_path) as (writer, sizes):
        (first,) = put(writer, can_wait=True)
        await some_turns()
        assert not first.index.done()
        (second,) = put(writer, can_wait=False)
        assert (await first.index, await second.index) == (0, 1)
        await some_turns()
        assert sizes == [2]


async def test_what_can_wait_does_not_wait_for_long(tmp_path: Path) -> None:
    async with a_writer(tmp_path) as (writer, _):
        (alone,) = put(writer, can_wait=True)
        assert await alone.index == 0


@pytest.mark.usefixtures("_nothing_waits_out_its_time")
async def test_enough_that_can_wait_do_not_wait(tmp_path: Path) -> None:
    async with a_writer(tmp_path) as (writer, _):
        items = put(writer, 15, can_wait=True)
        await some_turns()
        assert writer.waiting == 15
        items += put(writer, can_wait=True)
        assert [await item.index for item in items] == [*range(16)]


@pytest.mark.usefixtures("_nothing_waits_out_its_time")
async def test_where_very_many_come_everything_waits_for_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_CROWD_PER_S", 0)
    monkeypatch.setattr(writing, "_COUNTED_S", 0)
    async with a_writer(tmp_path) as (writer, sizes):
        for _ in range(2):
            (quick,) = put(writer, can_wait=False)
            await quick.index
        items = put(writer, 15, can_wait=False)
        await some_turns()
        assert writer.waiting == 15
        items += put(writer, can_wait=False)
        assert await items[-1].index == 17
        await some_turns()
        assert sizes == [1, 2, 18]


@pytest.mark.usefixtures("_nothing_waits_out_its_time")
async def test_what_waits_for_company_is_written_before_the_end(tmp_path: Path) -> None:
    async with a_writer(tmp_path) as (writer, _):
        (item,) = put(writer, can_wait=True)
    assert item.index.result() == 0


@pytest.mark.usefixtures("_nothing_waits_out_its_time")
async def test_what_waits_for_company_is_in_the_checkpoint_that_somebody_asks_for(tmp_path: Path) -> None:
    async with a_writer(tmp_path) as (writer, sizes):
        (item,) = put(writer, can_wait=True)
        note = await writer.publish_all()
        assert (await item.index, sizes) == (0, [1])
        assert note.splitlines()[1] == b"1"


async def test_a_slow_disk_is_waited_for_in_a_thread_and_what_comes_meanwhile_is_the_next_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_HOLDS_UP_US", 0)
    disk = SlowDisk()
    disk.let.set()
    async with a_writer(tmp_path, disk) as (writer, sizes):
        disk.let.clear()
        (first,) = put(writer, can_wait=False)
        await some_turns()
        later = put(writer, can_wait=True) + put(writer, 2, can_wait=False)
        await some_turns()
        assert (writer.waiting, sizes) == (3, [])
        disk.let.set()
        assert [await item.index for item in (first, *later)] == [0, 1, 2, 3]
    assert sizes == [1, 4, 4]


async def test_a_bug_ends_the_writing_and_is_raised_there(tmp_path: Path) -> None:
    class Broken(Item):
        def compose(self, at_utc: datetime) -> bytes:
            raise ZeroDivisionError

    async def write_and_break() -> None:
        async with a_writer(tmp_path) as (writer, sizes):
            writer.put(Broken(can_wait=False))
            await some_turns()
            (after,) = put(writer, can_wait=False)
            await some_turns()
            assert (sizes, after.index.done()) == ([], False)

    with pytest.raises(ZeroDivisionError):
        await write_and_break()


async def test_what_comes_after_the_end_is_not_written(tmp_path: Path) -> None:
    async with a_writer(tmp_path) as (writer, sizes):
        writer.finish()
        await writer.write_groups()
        (late,) = put(writer, can_wait=False)
        await some_turns()
        assert (sizes, late.index.done()) == ([0], False)
