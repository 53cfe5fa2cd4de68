# SPDX-License-Identifier: Apache-2.0
"""Salts that are destroyed, by call and by day, and receipts for the key that made a call."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.ledger_builder import (
    DAY,
    KEY,
    ORIGIN,
    TARGETS,
    FailingDisk,
    act_bytes,
    admission_bytes,
    append,
    call,
    decision,
    open_log,
    outcome,
    outcome_bytes,
    salt_of,
)

from freehold.channel import Channel, connect
from freehold.contract.record import LedgerPosition
from freehold.errors import LedgerFault, NotFound, ReceiptNotYet, UnknownReceipt, VerificationFailed
from freehold.ledger.admission import Admission
from freehold.ledger.check.issuing import receipt_for
from freehold.ledger.check.receipt import check_receipt
from freehold.ledger.client import LedgerClient
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.messages import AskReceipt, ForgetCall, FromLedger, Given, Hello, Lack, NotGiven, ToLedger, Welcome
from freehold.ledger.record.commitment import request_commitment
from freehold.ledger.record.derived import noted_outcome
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, read_entry
from freehold.ledger.writing.log import Log

LATER = datetime(2027, 5, 24, 0, 0, 1, tzinfo=UTC)  # DAY, and 183 days
BODY = b'{"model":"gpt-4o","messages":[]}'
NEVER_S = 60.0


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Place:
    """A ledger's process, and a gateway or the control process at it."""

    root: Path
    log: Log
    service: LedgerService
    client: LedgerClient
    disk: FailingDisk

    async def admitted(self, call_id: str = "call-1", *, key: str = "key-1", allowed: bool = True) -> Admission:
        made = replace(call(call_id, body=BODY), key_id=key)
        admission = self.client.admit(made, decision(allowed=allowed), targets=TARGETS, snapshot_version=1)
        await admission.durable()
        return admission

    async def closed(self, call_id: str = "call-1", *, key: str = "key-1") -> int:
        """A call that is over, and published; the index of its admission."""
        admission = await self.admitted(call_id, key=key)
        self.client.conclude(admission, outcome(call_id))
        await self.settled()
        return (await admission.durable()).index

    async def settled(self) -> None:
        """All that was said before is on record, and published."""
        await self.client.record_act("test.done", subject="s", operator="o")
        await self.client.publish()

    async def receipt(self, index: int, key: str = "key-1") -> dict[str, object]:
        found: dict[str, object] = json.loads(await self.client.receipt(at(index), key=key, form="json"))
        return found

    def acts(self) -> list[tuple[str, str, str]]:
        entries = [read_entry(data) for _, data in self.log.entries(0)]
        acts = [entry for entry in entries if isinstance(entry, ActEntry) and entry.act != "test.done"]
        return [(entry.act, entry.subject, entry.operator) for entry in acts]

    @property
    def day(self) -> str:
        """Of the first entry."""
        entry = read_entry(next(data for _, data in self.log.entries(0)))
        assert entry is not None
        return entry.at[:10]


def at(index: int, origin: str = ORIGIN) -> LedgerPosition:
    return LedgerPosition(origin=origin, index=index)


@asynccontextmanager
async def ledger(
    root: Path, *, clock: Clock | None = None, kept_days: int = 183, publish_s: float = NEVER_S
) -> AsyncIterator[Place]:
    """Nothing is published but by request."""
    disk = FailingDisk(error=errno.EIO)
    log = open_log(root, disk=disk)
    service = LedgerService(
        log,
        root / "s",
        publish_s=publish_s,
        salts_kept_days=kept_days,
        now_utc=clock or Clock(datetime(2026, 11, 22, 15, 0, tzinfo=UTC)),
    )
    await service.start()
    client = LedgerClient(root / "s", identity="gateway-1", admit_timeout_s=20.0, retry_s=0.001)
    await client.start()
    try:
        yield Place(root, log, service, client, disk)
    finally:
        disk.heal()
        await client.close()
        await service.close()


async def test_the_key_that_made_a_call_gets_its_receipt_with_the_salt(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        data = await place.client.receipt(at(index), key="key-1", form="json")
        checked = check_receipt(data, KEY.vkey)
        assert checked.admission is not None
        assert checked.outcome is not None
        assert checked.salt is not None
        assert request_commitment(checked.salt, BODY) == checked.admission.request


async def test_the_outcomes_position_names_the_same_receipt(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        assert await place.receipt(index + 1) == await place.receipt(index)


async def test_a_tlog_proof_is_of_the_very_entry_and_has_no_salt(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        salt = place.log.salts.find(place.day, index)
        assert salt is not None
        for position in (index, index + 1):
            text = await place.client.receipt(at(position), key="key-1", form="tlog-proof")
            assert text.startswith(b"c2sp.org/tlog-proof@")
            assert salt.hex().encode() not in text


async def test_no_other_key_can_tell_a_receipt_from_one_that_is_not_there(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        act = await place.client.record_act("test.done", subject="s", operator="o")
        pending = await place.admitted("call-2")
        wanted = [
            (at(index), "key-2"),
            (at(index + 1), "key-2"),
            (act, "key-1"),
            (await pending.durable(), "key-2"),
            (at(10**15), "key-1"),
            (at(index, "elsewhere.example/log"), "key-1"),
        ]
        for position, key in wanted:
            for form in ("json", "tlog-proof"):
                with pytest.raises(UnknownReceipt, match="there is no such receipt for this key") as refused:
                    await place.client.receipt(position, key=key, form=form)
                assert type(refused.value) is UnknownReceipt


async def test_a_call_that_is_not_published_yet_is_said_to_be_so_to_its_own_key(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        admission = await place.admitted()
        position = await admission.durable()
        with pytest.raises(ReceiptNotYet):
            await place.client.receipt(position, key="key-1", form="json")
        await place.client.publish()
        assert (await place.receipt(position.index))["outcome"] is None


async def test_a_refused_call_has_a_receipt(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        admission = await place.admitted(allowed=False)
        await place.client.publish()
        receipt = await place.receipt((await admission.durable()).index)
        assert "outcome" not in receipt
        assert "salt" in receipt


async def test_only_so_many_receipts_wait_at_once(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        channel: Channel[FromLedger, ToLedger] = await connect(tmp_path / "s", FromLedger)
        channel.post(Hello("gateway-2", ()))
        assert isinstance(await channel.receive(), Welcome)
        for ask in range(200):
            channel.post(AskReceipt(ask, at(index), "key-1", "json"))
        answers = [await channel.receive() for _ in range(200)]
        assert all(isinstance(answer, Given | NotGiven) for answer in answers)
        refused = [answer.why for answer in answers if isinstance(answer, NotGiven)]
        assert refused
        assert set(refused) == {Lack.BUSY}
        assert await place.receipt(index)
        channel.close()


async def test_a_forgotten_call_has_no_salt_any_more_and_the_act_is_in_its_receipt(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index, neighbour = await place.closed("call-1"), await place.closed("call-2")
        salt = place.log.salts.find(place.day, index)
        act = await place.client.forget_call("call-1", index, operator="op-1")
        assert salt is not None
        assert salt not in (tmp_path / "salts" / place.day).read_bytes()
        assert place.log.salts.find(place.day, neighbour) is not None
        assert place.acts() == [("call.forget", "call-1", "op-1")]
        await place.client.publish()
        for data in (
            await place.client.receipt(at(index), key="key-1", form="json"),
            receipt_for(tmp_path / "ledger", ORIGIN, index),
        ):
            checked = check_receipt(data, KEY.vkey)
            assert checked.salt is None
            assert checked.erasure is not None
            assert (checked.erasure.act, checked.erasure.subject) == ("call.forget", "call-1")
        erasure = check_receipt(receipt_for(tmp_path / "ledger", ORIGIN, act.index), KEY.vkey).act
        assert erasure is not None
        assert erasure.subject == "call-1"


async def test_what_is_forgotten_twice_is_on_record_once(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        first = await place.client.forget_call("call-1", index, operator="op-1")
        assert await place.client.forget_call("call-1", index, operator="op-2") == first
        assert len(place.acts()) == 1


async def test_the_act_is_known_after_a_restart_even_if_nobody_had_noted_it(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        first = await place.client.forget_call("call-1", index, operator="op-1")
    (tmp_path / "ledger" / "erasures").unlink()
    async with ledger(tmp_path) as place:
        assert await place.client.forget_call("call-1", index, operator="op-1") == first
        assert "erasure" in await place.receipt(index)


async def test_what_is_no_admission_cannot_be_forgotten(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        for wrong, name in ((index + 1, "call-1"), (index, "call-2"), (999, "call-1")):
            with pytest.raises(NotFound, match=f"entry {wrong} is not the admission of {name}"):
                await place.client.forget_call(name, wrong, operator="op-1")
        assert place.acts() == []


async def test_a_call_whose_days_file_is_gone_can_be_forgotten_on_record(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        (tmp_path / "salts" / place.day).unlink()
        await place.client.forget_call("call-1", index, operator="op-1")
        await place.client.publish()
        assert "erasure" in await place.receipt(index)


async def test_a_damaged_days_file_is_not_passed_for_an_erasure(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 11, 22, 15, 0, tzinfo=UTC))
    async with ledger(tmp_path, clock=clock) as place:
        indexes = [await place.closed(f"call-{number}") for number in range(4)]
        file = tmp_path / "salts" / DAY
        data = bytearray(file.read_bytes())
        data[40:48] = (10**9).to_bytes(8, "big")  # the second one's index
        file.write_bytes(data)
        with pytest.raises(VerificationFailed, match="is damaged") as refused:
            await place.client.forget_call("call-1", indexes[1], operator="op-1")
        assert f"forget --day {DAY}" in refused.value.advice
        assert place.acts() == []
        await place.client.forget_call("call-2", indexes[2], operator="op-1")  # which is where it was

        clock.now = datetime(2026, 11, 23, tzinfo=UTC)
        act = await place.client.forget_day(DAY, operator="op-1")
        assert not file.exists()
        assert await place.client.forget_day(DAY, operator="op-2") == act
        await place.client.publish()
        assert check_receipt(json.dumps(await place.receipt(indexes[1])).encode(), KEY.vkey).erasure is not None


async def test_a_day_that_is_not_over_or_has_no_salts_cannot_be_forgotten(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        await place.closed()
        with pytest.raises(NotFound, match="is not over"):
            await place.client.forget_day(DAY, operator="op-1")
        with pytest.raises(NotFound, match="no salts of 2026-01-01 are kept"):
            await place.client.forget_day("2026-01-01", operator="op-1")


async def test_a_disk_that_fails_puts_forgetting_off(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
        place.disk.fail_after(0, times=3)
        await place.client.forget_call("call-1", index, operator="op-1")
        assert place.log.salts.find(DAY, index) is None
        assert place.acts() == [("call.forget", "call-1", "op-1")]


async def test_salts_are_kept_for_so_many_days_and_no_longer(tmp_path: Path) -> None:
    clock = Clock(LATER.replace(day=23))
    log = open_log(tmp_path)
    append(log, [admission_bytes(), outcome_bytes(0)])
    log.close()
    async with ledger(tmp_path, clock=clock) as place:
        await place.service.expire()
        assert place.log.salts.find(DAY, 0) == salt_of(0)
    clock.now = LATER.replace(day=25)
    async with ledger(tmp_path, clock=clock) as place:
        await place.service.expire()
        assert not (tmp_path / "salts" / DAY).exists()
        assert place.acts() == [("salts.expire", DAY, "ledger")]
        await place.client.publish()
        assert check_receipt(receipt_for(tmp_path / "ledger", ORIGIN, 0), KEY.vkey).erasure is not None
        await place.service.expire()
        assert len(place.acts()) == 1


async def test_calls_of_a_day_that_was_forgotten_before_they_were_made_keep_their_salts(tmp_path: Path) -> None:
    """The clock was set back: their day was over once, and its salts destroyed."""
    log = open_log(tmp_path)
    append(log, [admission_bytes(), outcome_bytes(0)])
    log.close()
    clock = Clock(LATER.replace(day=25))
    async with ledger(tmp_path, clock=clock) as place:
        await place.service.expire()
        append(place.log, [admission_bytes(call_id="call-2")])
        second = place.log.size - 1
        await place.client.publish()
        assert "erasure" not in json.loads(receipt_for(tmp_path / "ledger", ORIGIN, second))
    clock.now = LATER.replace(day=23)
    async with ledger(tmp_path, clock=clock) as place:
        assert place.log.salts.find(DAY, second) is not None
        clock.now = LATER.replace(day=25)
        await place.service.expire()
        assert place.log.salts.find(DAY, second) is None
        assert place.acts() == [("salts.expire", DAY, "ledger")] * 2
        await place.client.publish()
        indexes = [
            check_receipt(receipt_for(tmp_path / "ledger", ORIGIN, index), KEY.vkey).erasure_index
            for index in (0, second)
        ]
        assert indexes[0] is not None
        assert indexes[1] is not None
        assert indexes[0] < second < indexes[1]


async def test_salts_are_kept_for_ever_where_that_is_wanted(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, [admission_bytes(), outcome_bytes(0)])
    log.close()
    async with ledger(tmp_path, clock=Clock(datetime(2060, 1, 1, tzinfo=UTC)), kept_days=0) as place:
        await place.service.expire()
        assert place.log.salts.find(DAY, 0) == salt_of(0)


async def test_a_days_salts_that_cannot_be_overwritten_stay_due(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, [admission_bytes(), outcome_bytes(0)])
    log.close()
    clock = Clock(datetime(2026, 11, 23, tzinfo=UTC))
    async with ledger(tmp_path, clock=clock) as place:
        clock.now = LATER.replace(day=25)
        place.disk.fail_after(0, times=1)
        with pytest.raises(LedgerFault, match="cannot be overwritten"):
            await place.service.expire()
        assert place.acts() == []
        await place.service.expire()
        assert place.acts() == [("salts.expire", DAY, "ledger")]


async def test_a_day_that_was_destroyed_by_a_process_that_died_is_recorded_by_the_next(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, [admission_bytes(), outcome_bytes(0)])
    log.salts.destroy(DAY)
    log.close()
    async with ledger(tmp_path, clock=Clock(LATER.replace(day=25))) as place:
        await place.service.expire()
        assert place.acts() == [("salts.expire", DAY, "ledger")]
        assert not (tmp_path / "salts" / DAY).exists()


async def test_where_outcomes_lie_is_noted_and_known_without_reading_on(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        first = await place.admitted("call-1")
        for number in range(2, 40):
            await place.closed(f"call-{number}")
        place.client.conclude(first, outcome("call-1"))
        await place.settled()
        position = await first.durable()
        noted = noted_outcome(tmp_path / "ledger", position.index)
        assert noted == place.log.size - 2
        assert (await place.receipt(position.index))["outcome"] is not None


async def test_outcomes_that_a_dead_writer_had_not_noted_are_noted_by_the_next(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, [admission_bytes("a"), act_bytes(), outcome_bytes(0, "a")])
    log.close()
    async with ledger(tmp_path) as place:
        await place.client.publish()
        assert noted_outcome(tmp_path / "ledger", 0) == 2
        assert place.log.published_size == 3


async def test_a_wrong_note_is_not_believed(tmp_path: Path) -> None:
    async with ledger(tmp_path) as place:
        index, other = await place.closed("call-1"), await place.closed("call-2")
        file = tmp_path / "ledger" / "outcomes"
        data = bytearray(file.read_bytes())
        data[8 * index : 8 * index + 8] = (other + 1).to_bytes(8, "big")
        file.write_bytes(data)
        outcome_of = (await place.receipt(index))["outcome"]
        assert isinstance(outcome_of, dict)
        assert outcome_of["index"] == index + 1


@pytest.mark.parametrize("turns", range(0, 40, 4))
async def test_a_process_that_stops_in_the_middle_hangs_nowhere(tmp_path: Path, turns: int) -> None:
    async with ledger(tmp_path) as place:
        index = await place.closed()
    service = LedgerService(open_log(tmp_path), tmp_path / "s")
    await service.start()
    channel: Channel[FromLedger, ToLedger] = await connect(tmp_path / "s", FromLedger)
    channel.post(Hello("control", ()))
    assert isinstance(await channel.receive(), Welcome)
    channel.post(ForgetCall("act-9", "op-1", "call-1", index))
    for _ in range(turns):
        await asyncio.sleep(0)
    await service.close()
    channel.close()
    async with ledger(tmp_path) as place:
        await place.client.forget_call("call-1", index, operator="op-1")
        assert place.acts() == [("call.forget", "call-1", "op-1")]
        assert place.log.salts.find(place.day, index) is None


def test_an_admission_has_the_day_of_its_salt() -> None:
    entry = read_entry(admission_bytes())
    assert isinstance(entry, AdmissionEntry)
    assert entry.at[:10] == DAY
