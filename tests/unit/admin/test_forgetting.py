# SPDX-License-Identifier: Apache-2.0
"""What people wrote is kept where it can be erased, and nowhere else; salts are destroyed by the ledger's process."""

import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.ledger_builder import TARGETS, call, decision, outcome
from tests.unit.admin.conftest import NOW_UNIX, FakeLedger, Steps

from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.requests import (
    CreateKey,
    CreateOperator,
    Forget,
    IssueDirective,
    ListDirectives,
    Nothing,
    RestoreTarget,
    WithdrawTarget,
)
from freehold.contract.estate import Estate
from freehold.errors import InvalidRequest, LedgerFull, LedgerUnavailable, NotFound
from freehold.ledger.client import LedgerClient
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.record.derived import erasing_acts
from freehold.ledger.writing.log import Log
from freehold.settings import read_settings
from freehold.signing.keys import load_signer

NAME = "Ada Lovelace of accounting"
SOURCE = "https://example.org/orders/17"


@pytest.fixture
async def up(operations: Operations) -> Operations:
    await operations.start()
    return operations


def bytes_of(estate: Estate) -> bytes:
    """Of the database, and of what lies beside it."""
    return b"".join(path.read_bytes() for path in sorted(estate.state.parent.glob(f"{estate.state.name}*")))


def salt_of(estate: Estate, subject: str) -> bytes | None:
    with closing(sqlite3.connect(estate.state)) as connection:
        row = connection.execute("SELECT salt FROM text_salt WHERE subject = ?", (subject,)).fetchone()
    return row[0] if row else None


async def written(operations: Operations, kind: str, steps: Steps) -> str:
    """Have somebody's words kept; what they are about."""
    asker = steps.asker()
    match kind:
        case "key":
            return str((await operations.keyring.create_key(CreateKey(label=NAME), asker.id))["key"]["id"])  # type: ignore[index]
        case "operator":
            made = await operations.keyring.create_operator(CreateOperator(label=NAME), asker.id)
            return str(made["operator"]["id"])  # type: ignore[index]
        case "directive":
            request = IssueDirective(kind="provider", name="mistral", reason=NAME, source=SOURCE, tells=True)
            issued = await operations.directing.issue(request, "local")
            return str(issued["directive"]["id"])  # type: ignore[index]
        case _:
            await operations.deciding.withdraw(WithdrawTarget(name="local", reason=NAME), "local")
            return "local"


KINDS = {"key": "label", "operator": "label", "directive": "reason", "target": "reason"}


@pytest.mark.parametrize("kind", KINDS)
async def test_the_ledger_has_a_salted_digest_of_what_people_wrote(
    up: Operations, estate: Estate, ledger: FakeLedger, steps: Steps, kind: str
) -> None:
    subject = await written(up, kind, steps)
    digests = ledger.acts[-1][3]
    salt = salt_of(estate, subject)
    assert salt is not None
    assert len(salt) == 32
    assert digests[KINDS[kind]] == f"sha256:{hashlib.sha256(salt + NAME.encode()).hexdigest()}"
    assert NAME not in json.dumps(ledger.acts)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_people_wrote_can_be_erased_and_nothing_of_it_stays(
    up: Operations, estate: Estate, ledger: FakeLedger, steps: Steps, kind: str
) -> None:
    subject = await written(up, kind, steps)
    salt = salt_of(estate, subject)
    assert salt is not None
    assert NAME.encode() in bytes_of(estate)
    assert await up.forgetting.forget(Forget(text=subject), "op_1") == {"forgotten": {"text": subject}}
    assert NAME.encode() not in bytes_of(estate)
    assert salt not in bytes_of(estate)
    assert ledger.acts[-1] == ("text.forget", subject, "op_1", {})
    shown = [
        await up.keyring.list_keys(Nothing(), "local"),
        await up.keyring.list_operators(Nothing(), "local"),
        await up.directing.list_directives(ListDirectives(), "local"),
        await up.deciding.list_targets(Nothing(), "local"),
    ]
    assert NAME not in str(shown)
    assert subject in str(shown)
    with pytest.raises(NotFound, match="nothing is kept in words"):
        await up.forgetting.forget(Forget(text=subject), "op_1")


async def test_a_reason_that_callers_were_told_is_told_no_more(up: Operations, steps: Steps) -> None:
    subject = await written(up, "directive", steps)
    assert up.withdrawals.held.told[subject] == NAME
    await up.forgetting.forget(Forget(text=subject), "op_1")
    assert up.withdrawals.held.told[subject] == ""


async def test_an_erasure_that_the_ledger_could_not_take_is_recorded_once_it_can(
    up: Operations, estate: Estate, ledger: FakeLedger, steps: Steps
) -> None:
    subject = await written(up, "key", steps)
    ledger.fault = LedgerFull("the disk is full")
    with pytest.raises(LedgerUnavailable, match="is erased, but that is not on record yet"):
        await up.forgetting.forget(Forget(text=subject), "op_1")
    assert NAME.encode() not in bytes_of(estate)
    ledger.fault = None
    await up.withdrawals.pay()
    assert ledger.acts[-1][:2] == ("text.forget", subject)


async def test_the_words_of_a_target_that_was_restored_are_gone_with_their_salt(
    up: Operations, estate: Estate, steps: Steps
) -> None:
    subject = await written(up, "target", steps)
    await up.deciding.restore(RestoreTarget(name=subject), "local")
    assert salt_of(estate, subject) is None
    with pytest.raises(NotFound):
        await up.forgetting.forget(Forget(text=subject), "op_1")


async def test_a_scorecard_can_be_erased(up: Operations, estate: Estate, ledger: FakeLedger) -> None:
    estate.drills.mkdir()
    for ending in (".json", ".html"):
        (estate.drills / f"drill_0123456789ab{ending}").write_text(NAME)
    await up.forgetting.forget(Forget(text="drill_0123456789ab"), "op_1")
    assert list(estate.drills.iterdir()) == []
    assert ledger.acts[-1] == ("text.forget", "drill_0123456789ab", "op_1", {})
    with pytest.raises(NotFound, match="there is no drill"):
        await up.forgetting.forget(Forget(text="drill_0123456789ab"), "op_1")


@pytest.mark.parametrize("subject", ["nobody", "key_000000000000", "dir_000000000000", "../state", "local"])
async def test_where_nothing_was_written_nothing_is_erased(up: Operations, ledger: FakeLedger, subject: str) -> None:
    with pytest.raises(NotFound, match="nothing is kept in words"):
        await up.forgetting.forget(Forget(text=subject), "op_1")
    assert ledger.acts == []


async def test_exactly_one_thing_is_named(up: Operations) -> None:
    for request in (Forget(), Forget(call="call-1", text="local"), Forget(day="2026-11-22", position="a/1")):
        with pytest.raises(InvalidRequest, match="exactly one"):
            await up.forgetting.forget(request, "op_1")


@pytest.fixture
async def kept(estate: Estate, parts: Parts) -> AsyncIterator[tuple[Operations, LedgerClient]]:
    """Operations over a real ledger."""
    log = Log(estate.ledger, salts=estate.salts, signer=load_signer(str(estate.ledger_key)))
    service = LedgerService(log, estate.ledger_socket)
    await service.start()
    client = LedgerClient(estate.ledger_socket, identity="control", retry_s=0.001)
    await client.start()
    operations = Operations(
        replace(parts, ledger=client), read_settings(estate.settings), now_unix=lambda: NOW_UNIX, recorded_within_s=20.0
    )
    await operations.start()
    try:
        yield operations, client
    finally:
        await client.close()
        await service.close()


async def called(client: LedgerClient, call_id: str) -> int:
    admission = client.admit(call(call_id), decision(), targets=TARGETS, snapshot_version=1)
    position = await admission.durable()
    client.conclude(admission, outcome(call_id))
    await client.record_act("test.done", subject="s", operator="o")
    return position.index


def salts_in(estate: Estate) -> int:
    """How many salts there are."""
    records = b"".join(path.read_bytes() for path in estate.salts.iterdir())
    return sum(any(records[at + 8 : at + 40]) for at in range(0, len(records), 40))


async def test_a_call_is_forgotten_by_its_id_or_by_either_position(
    kept: tuple[Operations, LedgerClient], estate: Estate
) -> None:
    operations, client = kept
    now_ms = int(datetime.now().timestamp() * 1000)  # noqa: DTZ005 - the timestamp is the same everywhere
    names = [f"call_{now_ms + drift:012x}{number:016x}" for number, drift in enumerate((0, 10**9, -(10**9)))]
    indexes = [await called(client, name) for name in names]
    origin = (await client.publish()).origin
    asked: list[dict[str, Any]] = [
        {"call": names[0]},
        {"position": f"{origin}/{indexes[1]}"},
        {"position": f"{origin}/{indexes[2] + 1}"},
    ]
    for number, request in enumerate(asked):
        answer = (await operations.forgetting.forget(Forget(**request), "op_1"))["forgotten"]
        assert isinstance(answer, dict)
        assert (answer["call"], answer["kind"]) == (names[number], "call.forget")
        assert answer["admission"] == f"{origin}/{indexes[number]}"
        assert salts_in(estate) == 2 - number
    assert set(erasing_acts(estate.ledger)) == set(names)


async def test_a_call_is_found_by_any_id_wherever_it_lies(kept: tuple[Operations, LedgerClient]) -> None:
    operations, client = kept
    odd = ["plain", "call_ffffffffffff0000000000000000", "call_0000000000000000000000000000"]
    for name in odd:
        await called(client, name)
    for name in odd:
        answer = (await operations.forgetting.forget(Forget(call=name), "op_1"))["forgotten"]
        assert isinstance(answer, dict)
        assert answer["call"] == name


async def test_what_is_no_call_of_this_ledger_is_not_found(kept: tuple[Operations, LedgerClient]) -> None:
    operations, client = kept
    act = await client.record_act("test.done", subject="s", operator="o")
    for request in (
        Forget(call="call-9"),
        Forget(position=str(act)),
        Forget(position=f"{act.origin}/999"),
        Forget(position=f"elsewhere.example/log/{act.index}"),
    ):
        with pytest.raises(NotFound, match="the ledger has no call"):
            await operations.forgetting.forget(request, "op_1")


async def test_a_ledger_that_says_nothing_is_waited_for_only_so_long(
    operations: Operations, parts: Parts, ledger: FakeLedger
) -> None:
    ledger.silent = True
    with pytest.raises(LedgerUnavailable, match="did not erase and record it in time"):
        await operations.forgetting.forget(Forget(day="2026-01-01"), "op_1")
