# SPDX-License-Identifier: Apache-2.0
"""Gateways that come, go and die, and a ledger that does: every allowed call ends up with exactly one outcome."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, TARGETS, FailingDisk, admission_bytes, append, call, decision, open_log, outcome

from freehold.channel import Channel, connect, listen
from freehold.contract.backend import Target
from freehold.contract.record import Ending, LedgerPosition
from freehold.errors import LedgerFull, LedgerUnavailable
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.client import LedgerClient
from freehold.ledger.judging import Encoding
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.messages import Admit, Conclude, FromLedger, Hello, NotWritten, ToLedger, Welcome, Written
from freehold.ledger.messages import admit as admit_message
from freehold.ledger.record.entry import OutcomeEntry, read_entry
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.log import Log

SALT = b"s" * 32
NEVER_S = 3600.0
AT_ONCE_S = 0.0


@asynccontextmanager
async def serving(
    root: Path, *, grace_s: float = NEVER_S, disk: FailingDisk | None = None, reserve_bytes: int = 0
) -> AsyncIterator[Log]:
    log = open_log(root, disk=disk or FailingDisk(), reserve_bytes=reserve_bytes)
    service = LedgerService(log, root / "s", grace_s=grace_s, publish_s=0.001)
    await service.start()
    try:
        yield log
    finally:
        await service.close()


@asynccontextmanager
async def gateway(
    root: Path, identity: str = "gateway-1", *, admit_timeout_s: float = 20.0
) -> AsyncIterator[LedgerClient]:
    client = LedgerClient(root / "s", identity=identity, admit_timeout_s=admit_timeout_s, retry_s=0.001)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def raw(root: Path, *in_flight: str, identity: str = "gateway-1") -> AsyncIterator[Channel[FromLedger, ToLedger]]:
    """A gateway that says only what it is told to."""
    channel: Channel[FromLedger, ToLedger] = await connect(root / "s", FromLedger)
    channel.post(Hello(identity, in_flight))
    assert isinstance(await channel.receive(), Welcome)
    try:
        yield channel
    finally:
        channel.close()


def admit(call_id: str, *, allowed: bool = True, targets: tuple[Target, ...] = TARGETS) -> Admit:
    judged = decision(allowed=allowed)
    return admit_message(call(call_id), judged.id, Encoding().of(judged, targets, 1), request="00", salt=SALT)


async def admitted(channel: Channel[FromLedger, ToLedger], call_id: str) -> int:
    channel.post(admit(call_id))
    answer = await channel.receive()
    assert isinstance(answer, Written)
    return dict(answer.admitted)[call_id]


async def concluded(channel: Channel[FromLedger, ToLedger], call_id: str, admission: int) -> int:
    channel.post(Conclude(outcome(call_id), admission))
    answer = await channel.receive()
    assert isinstance(answer, Written)
    return dict(answer.concluded)[call_id]


def endings(log: Log) -> list[tuple[int, Ending]]:
    records = [read_entry(data) for _, data in log.entries(0)]
    return [(record.admission, record.ending) for record in records if isinstance(record, OutcomeEntry)]


async def until_ended(log: Log, count: int) -> None:
    while len(endings(log)) < count:
        await asyncio.sleep(0)


async def test_a_gateway_that_dies_loses_its_calls(tmp_path: Path) -> None:
    async with serving(tmp_path, grace_s=AT_ONCE_S) as log:
        async with raw(tmp_path) as channel:
            index = await admitted(channel, "a")
        await until_ended(log, 1)
        assert endings(log) == [(index, Ending.LOST)]


async def test_a_gateway_that_only_reconnects_keeps_its_calls(tmp_path: Path) -> None:
    async with serving(tmp_path) as log:
        async with raw(tmp_path) as channel:
            index = await admitted(channel, "a")
        async with raw(tmp_path, "a") as channel:
            assert await concluded(channel, "a", index) == 1
        assert endings(log) == [(index, Ending.COMPLETE)]


async def test_calls_that_a_restarted_gateway_does_not_know_are_lost(tmp_path: Path) -> None:
    async with serving(tmp_path, grace_s=0.05) as log, raw(tmp_path) as channel:
        kept, gone = await admitted(channel, "kept"), await admitted(channel, "gone")
        async with raw(tmp_path, "kept") as second:
            await until_ended(log, 1)
            assert endings(log) == [(gone, Ending.LOST)]
            assert await concluded(second, "kept", kept) == 3


async def test_open_calls_found_at_the_start_are_lost_unless_claimed(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, [admission_bytes("a"), admission_bytes("refused", allowed=False), admission_bytes("b")])
    log.publish()
    append(log, [admission_bytes("c")])
    log.close()
    async with serving(tmp_path, grace_s=0.05) as log, raw(tmp_path, "b"):
        await until_ended(log, 2)
        assert endings(log) == [(0, Ending.LOST), (3, Ending.LOST)]


async def test_a_second_outcome_is_answered_with_the_first_one(tmp_path: Path) -> None:
    async with serving(tmp_path), raw(tmp_path) as channel:
        index = await admitted(channel, "a")
        assert await concluded(channel, "a", index) == await concluded(channel, "a", index) == 1


async def test_a_second_outcome_is_known_after_a_restart_and_however_old_it_is(tmp_path: Path) -> None:
    async with serving(tmp_path), raw(tmp_path) as channel:
        index = await admitted(channel, "a")
        await concluded(channel, "a", index)
    async with serving(tmp_path), raw(tmp_path) as channel:
        assert await concluded(channel, "a", index) == 1
        assert await concluded(channel, "someone else's", index) == -1


async def test_an_admission_sent_twice_is_one_entry(tmp_path: Path) -> None:
    async with serving(tmp_path) as log:
        async with raw(tmp_path) as channel:
            index = await admitted(channel, "a")
            assert await admitted(channel, "a") == index
        async with raw(tmp_path, "a") as channel:
            assert await admitted(channel, "a") == index
        assert log.size == 1


async def test_the_end_of_a_call_that_was_given_up_follows_its_admission(tmp_path: Path) -> None:
    async with serving(tmp_path) as log, raw(tmp_path) as channel:
        channel.post(admit("a"))
        channel.post(Conclude(outcome("a", Ending.FAILED), -1))
        while len(endings(log)) < 1:
            await channel.receive()
        assert endings(log) == [(0, Ending.FAILED)]


async def test_the_end_of_a_call_that_never_got_in_is_not_recorded(tmp_path: Path) -> None:
    async with serving(tmp_path) as log, raw(tmp_path) as channel:
        assert await concluded(channel, "never", -1) == -1
        assert log.size == 0


async def test_an_outcome_with_impossible_counts_still_closes_its_call(tmp_path: Path) -> None:
    async with serving(tmp_path) as log, raw(tmp_path) as channel:
        index = await admitted(channel, "a")
        bad = outcome("a")
        object.__setattr__(bad, "input_tokens", -1)
        channel.post(Conclude(bad, index))
        await channel.receive()
        assert endings(log) == [(index, Ending.FAILED)]


async def test_a_record_that_is_not_well_formed_is_refused_and_the_service_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path), raw(tmp_path) as channel:
        channel.post(admit("bad", targets=TARGETS[:1]))
        answer = await channel.receive()
        assert isinstance(answer, NotWritten)
        assert (answer.admission, answer.full) == ("bad", False)
        assert await admitted(channel, "good") == 0


async def test_whoever_does_not_say_hello_is_hung_up_on(tmp_path: Path) -> None:
    async with serving(tmp_path):
        channel: Channel[FromLedger, ToLedger] = await connect(tmp_path / "s", FromLedger)
        channel.post(admit("a"))
        assert [message async for message in channel] == []
        channel.close()


async def test_admissions_are_refused_at_the_reserve_and_outcomes_are_not(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, [admission_bytes("a")])
    log.close()
    async with serving(tmp_path, reserve_bytes=2**62) as log, gateway(tmp_path) as client:
        refused = client.admit(call("b"), decision(), targets=TARGETS, snapshot_version=1)
        with pytest.raises(LedgerFull, match="reserve"):
            await refused.durable()
        await client.record_act("key.revoke", subject="key-1", operator="op-1")
        async with raw(tmp_path, "a", identity="other") as channel:
            assert await concluded(channel, "a", 0) == 2
        status = await client.status()
        assert (status.full, status.size, status.open_admissions) == (True, 3, 0)


async def test_outcomes_that_find_the_disk_full_are_in_once_there_is_space(tmp_path: Path) -> None:
    disk = FailingDisk(error=28)
    async with serving(tmp_path, disk=disk) as log, gateway(tmp_path) as client:
        admission = client.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
        await admission.durable()
        disk.fail_after(0, times=10**6)
        client.conclude(admission, outcome("a"))
        while not (await client.status()).full:
            await asyncio.sleep(0)
        disk.heal()
        await until_ended(log, 1)
        assert endings(log) == [(0, Ending.COMPLETE)]


async def test_lost_calls_are_concluded_once_a_full_disk_has_space(tmp_path: Path) -> None:
    disk = FailingDisk(error=28)
    async with serving(tmp_path, grace_s=0.001, disk=disk) as log, gateway(tmp_path, "watcher") as watcher:
        async with raw(tmp_path) as channel:
            await admitted(channel, "a")
            disk.fail_after(0, times=10**6)
        while not (await watcher.status()).full:
            await asyncio.sleep(0)
        disk.heal()
        await until_ended(log, 1)
        assert endings(log) == [(0, Ending.LOST)]


async def test_admissions_wait_for_a_ledger_that_comes_back(tmp_path: Path) -> None:
    async with gateway(tmp_path) as client:
        admission = client.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
        async with serving(tmp_path):
            assert (await admission.durable()).index == 0
            client.conclude(admission, outcome("a"))
            await client.close()


async def test_an_admission_that_waited_too_long_is_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path, admit_timeout_s=0.01) as client:
        admission = client.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
        client.conclude(admission, outcome("a"))
        with pytest.raises(LedgerUnavailable):
            await admission.durable()
        with pytest.raises(LedgerUnavailable):
            await client.status()
        assert client.hello().in_flight == ()


@asynccontextmanager
async def falling_silent(root: Path) -> AsyncIterator[list[ToLedger]]:
    """A ledger that answers the first hello and nothing else, as a stopped process: what was said to it."""
    said: list[ToLedger] = []

    async def serve(channel: Channel[ToLedger, FromLedger]) -> None:
        async for message in channel:
            said.append(message)
            if len(said) == 1:
                await channel.send(Welcome("freehold.test/1"))

    server = await listen(root / "s", ToLedger, serve)
    yield said
    server.close()


async def test_a_ledger_that_is_there_and_silent_is_away(tmp_path: Path) -> None:
    """What is said to it would pile up in the gateway, and go on record for nobody."""
    async with falling_silent(tmp_path) as said, gateway(tmp_path, admit_timeout_s=0.02) as client:
        while not client.is_up:
            await asyncio.sleep(0)
        for call_id in ("call_1", "call_2"):
            admission = client.admit(call(call_id), decision(), targets=TARGETS, snapshot_version=1)
            with pytest.raises(LedgerUnavailable):
                await admission.durable()
            while client.is_up:
                await asyncio.sleep(0)
        assert [message.id for message in said if isinstance(message, Admit)] == ["call_1"]
        assert client.hello().in_flight == ("call_1",)


async def test_a_receipt_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    client = LedgerClient(tmp_path / "s", identity="gateway-1", receipt_timeout_s=0.02)
    position = LedgerPosition(origin="freehold.test/1", index=0)
    async with falling_silent(tmp_path):
        await client.start()
        with pytest.raises(LedgerUnavailable, match="in time"):
            await client.receipt(position, key="key_1", form="json")
        await client.close()


async def test_a_refused_admission_that_got_in_after_all_is_closed(tmp_path: Path) -> None:
    async with serving(tmp_path) as log, gateway(tmp_path) as client:
        await client.status()
        admission = client.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
        client._give_up("a")  # as its timer does
        with pytest.raises(LedgerUnavailable):
            await admission.durable()
        await until_ended(log, 1)
        assert endings(log) == [(0, Ending.FAILED)]


async def test_an_outcome_outlives_the_ledger(tmp_path: Path) -> None:
    async with gateway(tmp_path) as client:
        async with serving(tmp_path):
            admission = client.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
            await admission.durable()
        client.conclude(admission, outcome("a"))
        async with serving(tmp_path) as log:
            await until_ended(log, 1)
            assert endings(log) == [(0, Ending.COMPLETE)]


async def test_an_act_that_nobody_waits_for_any_more_is_recorded_once(tmp_path: Path) -> None:
    async with gateway(tmp_path) as client:
        act = asyncio.create_task(client.record_act("key.create", subject="key-1", operator="op-1"))
        await asyncio.sleep(0)
        act.cancel()
        async with serving(tmp_path) as log:
            while log.size < 1:
                await asyncio.sleep(0)
        async with serving(tmp_path) as log:
            await client.status()
            assert log.size == 1


async def test_entries_are_published_by_themselves(tmp_path: Path) -> None:
    async with serving(tmp_path) as log, gateway(tmp_path) as client:
        await client.record_act("key.create", subject="key-1", operator="op-1")
        while log.published_size < 1:
            await asyncio.sleep(0)
    assert verify_ledger(tmp_path / "ledger", KEY.vkey).acts == 1


async def test_the_low_water_mark_follows_the_oldest_open_call(tmp_path: Path) -> None:
    async with serving(tmp_path) as log, gateway(tmp_path) as client:
        calls = [client.admit(call(name), decision(), targets=TARGETS, snapshot_version=1) for name in "abc"]
        for admission in calls[::2]:
            await admission.durable()
            client.conclude(admission, outcome(admission.call_id))
        await until_ended(log, 2)
        await client.publish()
        assert log.low_water() == 1


_CHILD = """
import asyncio, sys
from pathlib import Path
from freehold.ledger.judging import Encoding
from freehold.ledger.keeper.service import LedgerService
from tests.ledger_builder import open_log

async def main(root):
    service = LedgerService(open_log(root), root / "s", grace_s=60, publish_s=0.01)
    await service.start()
    print("up", flush=True)
    await service.wait()

asyncio.run(main(Path(sys.argv[1])))
"""


def _start(root: Path) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(root)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert child.stdout
    assert child.stdout.readline() == b"up\n"
    return child


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.stdout
    child.stdout.close()


async def _one_call(client: LedgerClient, number: int) -> int:
    admission = client.admit(call(f"call-{number}"), decision(), targets=TARGETS, snapshot_version=1)
    position = await admission.durable()
    client.conclude(admission, outcome(admission.call_id))
    return position.index


async def _calls(client: LedgerClient, numbers: Sequence[int]) -> dict[int, int]:
    indexes = await asyncio.gather(*(_one_call(client, number) for number in numbers))
    return dict(zip(numbers, indexes, strict=True))


async def test_a_ledger_killed_again_and_again_has_one_admission_and_one_outcome_for_every_call(tmp_path: Path) -> None:
    indexes: dict[int, int] = {}
    child = _start(tmp_path)
    async with gateway(tmp_path, admit_timeout_s=30.0) as client:
        for round_number in range(3):
            first = 100 * round_number
            calls = asyncio.create_task(_calls(client, range(first, first + 100)))
            while client.hello().in_flight == ():
                await asyncio.sleep(0)
            _kill(child)
            child = _start(tmp_path)
            indexes.update(await calls)
        while client.hello().in_flight:
            await client.publish()
        head = await client.publish()
    _kill(child)
    report = verify_ledger(tmp_path / "ledger", KEY.vkey)
    assert (report.admissions, report.outcomes[Ending.COMPLETE], report.without_outcome) == (300, 300, 0)
    assert report.with_two_outcomes == report.stray_outcomes == 0
    files = LedgerFiles(tmp_path / "ledger")
    for number, index in indexes.items():
        assert f'"call":"call-{number}"'.encode() in files.entry(index, head.size)


class HeldDisk(FailingDisk):
    """Its syncs wait until they may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_sync = threading.Event()
        self.may_sync.set()

    def sync(self, descriptor: int) -> None:
        assert self.may_sync.wait(10)
        super().sync(descriptor)


async def test_questions_are_answered_while_a_slow_disk_takes_its_time(tmp_path: Path) -> None:
    disk = HeldDisk()
    async with serving(tmp_path, disk=disk) as log, gateway(tmp_path) as client:
        log.fsync_us = 10**6  # as the disk was the last time
        disk.may_sync.clear()
        admission = client.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
        assert (await client.status()).size == 0
        disk.may_sync.set()
        assert (await admission.durable()).index == 0
        client.conclude(admission, outcome("a"))


async def test_an_outcome_that_nobody_waits_for_shares_the_group_of_the_next_admission(tmp_path: Path) -> None:
    async with serving(tmp_path), raw(tmp_path) as channel:
        index = await admitted(channel, "a")
        channel.post(Conclude(outcome("a"), index))
        channel.post(admit("b"))
        answer = await channel.receive()
        assert isinstance(answer, Written)
        assert (answer.concluded, answer.admitted) == ((("a", 1),), (("b", 2),))


async def test_an_outcome_is_written_soon_where_nothing_follows_it(tmp_path: Path) -> None:
    async with serving(tmp_path), raw(tmp_path) as channel:
        assert await concluded(channel, "a", await admitted(channel, "a")) == 1
