# SPDX-License-Identifier: Apache-2.0
"""What every ``Ledger`` does: the client of a real process's service, and the fake that others test with."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.ledger_builder import TARGETS, FailingDisk, call, decision, open_log, outcome

from freehold.contract.record import Ending
from freehold.errors import LedgerFull, NotFound, UnknownReceipt
from freehold.ledger.client import LedgerClient
from freehold.ledger.fake import FakeLedger
from freehold.ledger.interface import Ledger
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, Entry, OutcomeEntry, read_entry


@dataclass(frozen=True)
class Case:
    """A ledger, what is in it, and how to make its disk full."""

    ledger: Ledger
    entries: Callable[[], list[bytes]]
    fill: Callable[[], None]
    empty: Callable[[], None]

    def records(self) -> list[Entry | None]:
        return [read_entry(data) for data in self.entries()]


@asynccontextmanager
async def _real(root: Path) -> AsyncIterator[Case]:
    disk = FailingDisk(error=28)
    log = open_log(root, disk=disk)
    service = LedgerService(log, root / "ledger.sock")
    await service.start()
    client = LedgerClient(root / "ledger.sock", identity="gateway-1", retry_s=0.01)
    await client.start()
    try:
        yield Case(
            client,
            entries=lambda: [data for _, data in log.entries(0)],
            fill=lambda: disk.fail_after(0, times=10**6),
            empty=disk.heal,
        )
    finally:
        disk.heal()
        await client.close()
        await service.close()


@asynccontextmanager
async def _fake(root: Path) -> AsyncIterator[Case]:
    fake = FakeLedger()
    await fake.start()

    def fill() -> None:
        fake.fault = LedgerFull("the disk is full")

    def empty() -> None:
        fake.fault = None

    yield Case(fake, entries=lambda: fake.entries, fill=fill, empty=empty)
    await fake.close()


@pytest.fixture(params=[_real, _fake], ids=["client", "fake"])
async def case(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Case]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(request.param(tmp_path))


async def _settle(case: Case) -> None:
    """Everything said before this is on record: entries keep their order."""
    await case.ledger.record_act("test.done", subject="s", operator="o")


async def test_an_admission_is_on_record_before_durable_returns(case: Case) -> None:
    admission = case.ledger.admit(call(), decision(), targets=TARGETS, snapshot_version=7)
    position = await admission.durable()
    record = case.records()[position.index]
    assert isinstance(record, AdmissionEntry)
    assert (record.call, record.effect, record.snapshot) == ("call-1", "allow", 7)


async def test_positions_count_from_0_and_name_the_log(case: Case) -> None:
    first = case.ledger.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
    second = case.ledger.admit(call("b"), decision(), targets=TARGETS, snapshot_version=1)
    assert [(await first.durable()).index, (await second.durable()).index] == [0, 1]
    assert str(await second.durable()).endswith("/ledger/1")


async def test_an_outcome_closes_its_admission(case: Case) -> None:
    admission = case.ledger.admit(call(), decision(), targets=TARGETS, snapshot_version=1)
    position = await admission.durable()
    case.ledger.conclude(admission, outcome())
    await _settle(case)
    records = [record for record in case.records() if isinstance(record, OutcomeEntry)]
    assert [(record.admission, record.ending) for record in records] == [(position.index, Ending.COMPLETE)]


async def test_a_call_that_ends_before_its_admission_is_durable_is_closed_too(case: Case) -> None:
    admission = case.ledger.admit(call(), decision(), targets=TARGETS, snapshot_version=1)
    case.ledger.conclude(admission, outcome(ending=Ending.CANCELLED))
    await admission.durable()
    await _settle(case)
    assert [type(record) for record in case.records()] == [AdmissionEntry, OutcomeEntry, ActEntry]


async def test_a_second_outcome_changes_nothing(case: Case) -> None:
    admission = case.ledger.admit(call(), decision(), targets=TARGETS, snapshot_version=1)
    await admission.durable()
    case.ledger.conclude(admission, outcome(ending=Ending.CANCELLED))
    case.ledger.conclude(admission, outcome())
    await _settle(case)
    endings = [record.ending for record in case.records() if isinstance(record, OutcomeEntry)]
    assert endings == [Ending.CANCELLED]


async def test_a_refusal_is_complete_in_itself(case: Case) -> None:
    admission = case.ledger.admit(call(), decision(allowed=False), targets=TARGETS, snapshot_version=1)
    case.ledger.conclude(admission, outcome())
    await admission.durable()
    case.ledger.conclude(admission, outcome())
    await _settle(case)
    assert [type(record) for record in case.records()] == [AdmissionEntry, ActEntry]
    assert (await case.ledger.status()).open_admissions == 0


async def test_commitments_of_two_calls_with_the_same_bytes_differ(case: Case) -> None:
    first = case.ledger.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
    second = case.ledger.admit(call("b"), decision(), targets=TARGETS, snapshot_version=1)
    await second.durable()
    requests = {record.request for record in case.records() if isinstance(record, AdmissionEntry)}
    answers = {first.answer_commitment().hexdigest(), second.answer_commitment().hexdigest()}
    assert (len(requests), len(answers)) == (2, 2)


async def test_content_is_in_no_entry(case: Case) -> None:
    secret = call(asked="please tell me about Ada", body=b"please tell me about Ada")
    await case.ledger.admit(secret, decision(), targets=TARGETS, snapshot_version=1).durable()
    assert b"Ada" not in b"".join(case.entries())


async def test_a_full_disk_refuses_admissions_and_leaves_none_open(case: Case) -> None:
    before = case.ledger.admit(call("before"), decision(), targets=TARGETS, snapshot_version=1)
    await before.durable()
    case.fill()
    refused = case.ledger.admit(call("refused"), decision(), targets=TARGETS, snapshot_version=1)
    case.ledger.conclude(refused, outcome("refused"))
    with pytest.raises(LedgerFull):
        await refused.durable()
    case.empty()
    case.ledger.conclude(before, outcome("before"))
    after = case.ledger.admit(call("after"), decision(allowed=False), targets=TARGETS, snapshot_version=1)
    await after.durable()
    await _settle(case)
    calls = [record.call for record in case.records() if isinstance(record, AdmissionEntry | OutcomeEntry)]
    assert calls == ["before", "before", "after"]
    assert (await case.ledger.status()).open_admissions == 0


async def test_an_act_is_on_record_when_it_returns(case: Case) -> None:
    position = await case.ledger.record_act(
        "key.create", subject="key-1", operator="op-1", digests={"services": "sha256:00ff"}
    )
    record = case.records()[position.index]
    assert isinstance(record, ActEntry)
    assert (record.act, record.subject, record.operator, record.digests) == (
        "key.create",
        "key-1",
        "op-1",
        {"services": "sha256:00ff"},
    )


async def test_an_act_with_free_text_is_a_bug_of_the_caller(case: Case) -> None:
    with pytest.raises(ValueError, match="no id"):
        await case.ledger.record_act("operator.create", subject="Ada Lovelace", operator="op-1")


async def test_publishing_covers_what_was_acknowledged(case: Case) -> None:
    await case.ledger.record_act("key.create", subject="key-1", operator="op-1")
    head = await case.ledger.publish()
    status = await case.ledger.status()
    assert (head.size, status.size, status.published_size) == (1, 1, 1)
    assert head.origin == status.origin


async def test_a_call_is_forgotten_on_record_and_once(case: Case) -> None:
    admission = case.ledger.admit(call(), decision(), targets=TARGETS, snapshot_version=1)
    position = await admission.durable()
    act = await case.ledger.forget_call("call-1", position.index, operator="op-1")
    assert await case.ledger.forget_call("call-1", position.index, operator="op-2") == act
    record = case.records()[act.index]
    assert isinstance(record, ActEntry)
    assert (record.act, record.subject, record.operator) == ("call.forget", "call-1", "op-1")


async def test_what_is_no_admission_of_the_call_is_not_forgotten(case: Case) -> None:
    admission = case.ledger.admit(call(), decision(), targets=TARGETS, snapshot_version=1)
    position = await admission.durable()
    for name, index in (("call-2", position.index), ("call-1", 99)):
        with pytest.raises(NotFound):
            await case.ledger.forget_call(name, index, operator="op-1")


async def test_a_day_that_is_not_over_is_not_forgotten(case: Case) -> None:
    with pytest.raises(NotFound, match="is not over"):
        await case.ledger.forget_day("9999-01-01", operator="op-1")


async def test_a_receipt_is_for_the_key_that_made_the_call(case: Case) -> None:
    admission = case.ledger.admit(call(), decision(), targets=TARGETS, snapshot_version=1)
    position = await admission.durable()
    await case.ledger.publish()
    assert b"call-1" in await case.ledger.receipt(position, key="key-1", form="json")
    strange = replace(position, origin="elsewhere.example/log")
    for place, key in ((position, "key-2"), (strange, "key-1"), (replace(position, index=99), "key-1")):
        with pytest.raises(UnknownReceipt, match="there is no such receipt for this key"):
            await case.ledger.receipt(place, key=key, form="json")
