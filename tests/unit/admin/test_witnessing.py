# SPDX-License-Identifier: Apache-2.0
"""What the control process makes of what witnesses say: alarms, and the age of cosignatures."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.ledger_builder import act_bytes, append
from tests.unit.admin.conftest import NOW_UNIX, FakeLedger
from tests.witness_builder import AT_UNIX, WITNESS_KEY, text_of

from freehold.admin.alarms import read_witness_records
from freehold.admin.doctor import Finding
from freehold.admin.interface import Parts
from freehold.admin.operations import Asker, Operations
from freehold.admin.permits import standing_permit
from freehold.admin.requests import ClearAlarm, Forget, Nothing
from freehold.contract.estate import Estate
from freehold.contract.grant import Errand, Place
from freehold.errors import EgressDenied, LedgerFull, LedgerUnavailable, NotFound
from freehold.ledger.writing.log import Log
from freehold.settings import GrantSection, read_settings
from freehold.signing.cosignature import cosign
from freehold.signing.keys import load_signer
from freehold.witness.asking.exchange import Alarm, AlarmKind

ROLLBACK = Alarm(kind=AlarmKind.ROLLBACK, seen_size=9, own_size=5, seen=b"a signed note", proved=True)
ASKER = Asker(id="op_1", progress=lambda _: None)
TABLES = f"""
[grant.theirs]
for = "witness"
hosts = ["w.example"]

[witness.w]
vkey = "{WITNESS_KEY.vkey}"
url = "https://w.example"
"""


@pytest.fixture
def witnessed(estate: Estate, parts: Parts) -> Operations:
    """The operations of an estate that names a witness."""
    with estate.settings.open("a", encoding="utf-8") as file:
        file.write(TABLES)
    return Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX, recorded_within_s=0.05)


@pytest.fixture
def log(estate: Estate) -> Callable[[int], bytes]:
    """Makes a log of so many entries; its checkpoint."""

    def make(entries: int) -> bytes:
        log = Log(estate.ledger, salts=estate.salts, signer=load_signer(str(estate.ledger_key)))
        append(log, [act_bytes(f"act-{index}") for index in range(entries)])
        note = log.publish()
        log.close()
        return note

    return make


async def test_an_alarm_stands_first_is_owed_to_the_ledger_and_fails_the_doctor(
    witnessed: Operations, ledger: FakeLedger
) -> None:
    await witnessed.start()
    await witnessed.witnessing.alarmed("w", ROLLBACK)
    await witnessed.withdrawals.pay()
    status = (await witnessed.status(Nothing(), ASKER))["status"]
    assert isinstance(status, dict)
    assert next(iter(status)) == "alarms"
    (alarm,) = status["alarms"]
    assert (alarm["kind"], alarm["seen_size"], alarm["proved"], alarm["seen"]) == ("rollback", 9, True, "a signed note")
    (act,) = [act for act in ledger.acts if act[0] == "witness.alarm"]
    assert act[1] == alarm["id"]
    assert act[3]["evidence"].startswith("sha256:")
    checks = (await witnessed.doctor(Nothing(), ASKER))["checks"]
    assert isinstance(checks, list)
    assert (checks[0].name, checks[0].finding) == ("witness", Finding.FAIL)
    assert alarm["id"] in checks[0].advice


async def test_the_same_alarm_again_is_one_and_learns_what_is_proved(
    witnessed: Operations, ledger: FakeLedger, parts: Parts
) -> None:
    await witnessed.start()
    await witnessed.witnessing.alarmed("w", replace(ROLLBACK, seen=b"", proved=False))
    await witnessed.witnessing.alarmed("w", ROLLBACK)
    await witnessed.witnessing.alarmed("w", replace(ROLLBACK, seen=b"", proved=False))
    await witnessed.witnessing.alarmed("w", replace(ROLLBACK, kind=AlarmKind.SPLIT_VIEW))
    await witnessed.withdrawals.pay()
    alarms = read_witness_records(parts.estate.state).alarms
    assert [(alarm.kind, alarm.proved) for alarm in alarms] == [("rollback", True), ("split_view", True)]
    assert len([act for act in ledger.acts if act[0] == "witness.alarm"]) == 2


async def test_an_alarm_is_kept_while_the_ledger_is_full(witnessed: Operations, ledger: FakeLedger) -> None:
    await witnessed.start()
    ledger.fault = LedgerFull("full")
    await witnessed.witnessing.alarmed("w", ROLLBACK)
    assert len(witnessed.witnessing.standing()) == 1
    ledger.fault = None
    await witnessed.withdrawals.pay()
    assert [act[0] for act in ledger.acts] == ["witness.alarm"]


async def test_a_person_clears_it_and_the_reason_can_be_erased(
    witnessed: Operations, ledger: FakeLedger, parts: Parts
) -> None:
    await witnessed.start()
    await witnessed.witnessing.alarmed("w", ROLLBACK)
    (alarm,) = witnessed.witnessing.standing()
    request = ClearAlarm(id=str(alarm["id"]), reason="restored on purpose")
    cleared = (await witnessed.witnessing.clear(request, "op_1"))["alarm"]
    assert isinstance(cleared, dict)
    assert (cleared["state"], cleared["cleared_by"], cleared["reason"]) == ("cleared", "op_1", "restored on purpose")
    assert witnessed.witnessing.standing() == []
    assert [act[0] for act in ledger.acts] == ["witness.alarm", "witness.clear"]
    assert all("restored on purpose" not in str(act) for act in ledger.acts)
    with pytest.raises(NotFound, match="no alarm"):
        await witnessed.witnessing.clear(request, "op_1")
    await witnessed.forgetting.forget(Forget(text=request.id), "op_1")
    records = read_witness_records(parts.estate.state)
    assert (records.reasons, len(records.alarms)) == ({}, 1)


async def test_one_that_comes_again_after_it_was_cleared_is_a_new_one(witnessed: Operations) -> None:
    await witnessed.start()
    await witnessed.witnessing.alarmed("w", ROLLBACK)
    (first,) = witnessed.witnessing.standing()
    await witnessed.witnessing.clear(ClearAlarm(id=str(first["id"]), reason="known"), "op_1")
    await witnessed.witnessing.alarmed("w", ROLLBACK)
    (second,) = witnessed.witnessing.standing()
    assert second["id"] != first["id"]


async def test_what_a_witness_cosigned_last_is_remembered_with_its_age(
    witnessed: Operations, parts: Parts, log: Callable[[int], bytes]
) -> None:
    log(12)
    await witnessed.witnessing.cosigned("w", 10, int(NOW_UNIX) - 90)
    (row,) = _rows(witnessed)
    assert (row["size"], row["age_s"], row["lag"], row["problem"]) == (10, 90, 2, "")
    await witnessed.witnessing.failed("w", "nobody is there")
    assert _rows(witnessed)[0]["problem"] == "nobody is there"
    await witnessed.witnessing.cosigned("w", 12, int(NOW_UNIX))
    assert _rows(witnessed)[0]["problem"] == ""
    assert read_witness_records(parts.estate.state).seen["w"].size == 12


async def test_a_witness_whose_clock_is_ahead_is_told_of(witnessed: Operations) -> None:
    await witnessed.witnessing.cosigned("w", 10, int(NOW_UNIX) + 3600)
    (row,) = _rows(witnessed)
    assert row["age_s"] == 0
    assert "3600 s ahead" in str(row["problem"])


async def test_the_age_of_the_newest_cosigned_checkpoint_is_told(
    witnessed: Operations, parts: Parts, log: Callable[[int], bytes]
) -> None:
    assert witnessed.witnessing.view()["cosigned"] is None
    note = log(12)
    path = parts.estate.ledger / "checkpoint.cosigned"
    path.write_bytes(note + cosign(text_of(note), WITNESS_KEY, AT_UNIX - 60).encode())
    assert witnessed.witnessing.view()["cosigned"] == {
        "size": 12,
        "at": "2026-11-18T11:05:40Z",
        "age_s": int(NOW_UNIX) - AT_UNIX + 60,
        "lag": 0,
    }
    path.write_bytes(note)
    assert witnessed.witnessing.view()["cosigned"] is None, "nobody has signed that"


async def test_an_estate_with_neither_witness_nor_anchor_says_so(operations: Operations, estate: Estate) -> None:
    assert "could not be seen" in str(operations.witnessing.view()["rollback_unseen"])
    (check,) = operations.witnessing.checks()
    assert (check.name, check.finding) == ("witness", Finding.WARN)


async def test_a_witness_or_an_anchor_is_enough(witnessed: Operations, parts: Parts, estate: Estate) -> None:
    assert witnessed.witnessing.view()["rollback_unseen"] == ""
    text = estate.settings.read_text().partition("[grant.theirs]")[0].replace("[ledger]", '[ledger]\nanchor = "/a/b"')
    estate.settings.write_text(text)
    anchored = Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX)
    assert anchored.witnessing.view()["rollback_unseen"] == ""


async def test_a_sealed_estate_asks_nobody_and_says_so(estate: Estate, parts: Parts) -> None:
    with estate.settings.open("a", encoding="utf-8") as file:
        file.write(TABLES)
    sealed = Operations(replace(parts, sealed=True), read_settings(estate.settings), now_unix=lambda: NOW_UNIX)
    await sealed.witnessing.run()  # returns at once
    assert "sealed" in str(_rows(sealed)[0]["problem"])


async def test_a_cosigned_checkpoint_is_handed_to_the_ledger(witnessed: Operations, ledger: FakeLedger) -> None:
    await witnessed.witnessing.take(b"a note")
    assert ledger.cosigned == ["a note"]
    ledger.fault = LedgerUnavailable("away")
    with pytest.raises(LedgerUnavailable):
        await witnessed.witnessing.take(b"another")


def test_a_standing_permit_goes_by_the_grants_of_the_moment() -> None:
    grant = GrantSection(purpose="witness", hosts=["w.example"], allow_private=True)
    grants = {"theirs": grant, "pip": GrantSection(purpose="import", hosts=["i.example"])}
    permit = standing_permit(lambda: grants, "witness")
    there = Errand(contacted=frozenset({Place("w.example")}))
    assert permit(there).private == {Place("w.example")}
    with pytest.raises(EgressDenied, match=r"i\.example:443 is not granted"):
        permit(Errand(contacted=frozenset({Place("i.example")})))
    del grants["theirs"]
    with pytest.raises(EgressDenied):
        permit(there)


async def test_a_change_of_witnesses_waits_for_the_next_start(witnessed: Operations, estate: Estate) -> None:
    await witnessed.start()
    estate.settings.write_text(estate.settings.read_text().replace("https://w.example", "https://w.example/more"))
    answer = (await witnessed.reload(Nothing(), ASKER))["reload"]
    assert isinstance(answer, dict)
    assert answer["after_restart"] == ["[witness.w]"]


def _rows(operations: Operations) -> list[dict[str, object]]:
    rows = operations.witnessing.view()["witnesses"]
    assert isinstance(rows, list)
    return rows
