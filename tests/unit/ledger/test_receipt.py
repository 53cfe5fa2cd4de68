# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest
from tests.ledger_builder import (
    AT,
    DAY,
    KEY,
    ORIGIN,
    act_bytes,
    admission_bytes,
    append,
    open_log,
    outcome_bytes,
    write_log,
)

from freehold.contract.record import Ending
from freehold.errors import EstateError, VerificationFailed
from freehold.ledger import compose
from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.check.receipt import check_receipt, check_tlog_proof
from freehold.signing.keys import FileKey

ENTRIES = [
    admission_bytes("a"),
    admission_bytes("b"),
    act_bytes(),
    outcome_bytes(1, "b", Ending.CANCELLED),
    admission_bytes("refused", allowed=False),
    *(act_bytes(f"act-{number}") for number in range(260)),
    outcome_bytes(0, "a"),
    admission_bytes("open"),
]
LAST = len(ENTRIES) - 2


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_log(tmp_path_factory.mktemp("log"), ENTRIES)


def test_a_receipt_holds_the_admission_and_its_outcome(ledger: Path) -> None:
    checked = check_receipt(receipt_for(ledger, ORIGIN, 0), KEY.vkey)
    assert str(checked.position) == f"{ORIGIN}/0"
    assert checked.admission
    assert checked.outcome
    assert (checked.admission.call, checked.outcome.call, checked.outcome_index) == ("a", "a", LAST)
    assert checked.tree_size == len(ENTRIES)


def test_the_receipt_of_an_outcome_is_that_of_its_admission(ledger: Path) -> None:
    assert receipt_for(ledger, ORIGIN, LAST) == receipt_for(ledger, ORIGIN, 0)


def test_a_receipt_without_an_outcome_yet_says_so(ledger: Path) -> None:
    receipt = receipt_for(ledger, ORIGIN, LAST + 1)
    assert json.loads(receipt)["outcome"] is None
    assert check_receipt(receipt, KEY.vkey).outcome is None


def test_the_receipt_of_a_refusal_expects_no_outcome(ledger: Path) -> None:
    receipt = receipt_for(ledger, ORIGIN, 4)
    assert "outcome" not in json.loads(receipt)
    admission = check_receipt(receipt, KEY.vkey).admission
    assert admission
    assert admission.effect == "refuse"


def test_the_receipt_of_an_act(ledger: Path) -> None:
    checked = check_receipt(receipt_for(ledger, ORIGIN, 2), KEY.vkey)
    assert checked.act
    assert (checked.act.act, checked.position.index) == ("key.create", 2)


def test_an_outcome_that_is_published_later_is_in_the_next_receipt(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, [admission_bytes("a")])
    log.publish()
    assert check_receipt(receipt_for(tmp_path / "ledger", ORIGIN, 0), KEY.vkey).outcome is None
    append(log, [outcome_bytes(0, "a")])
    with pytest.raises(EstateError, match="entry 1 is not in the published log, which has 1 entries"):
        receipt_for(tmp_path / "ledger", ORIGIN, 1)
    log.publish()
    log.close()
    assert check_receipt(receipt_for(tmp_path / "ledger", ORIGIN, 0), KEY.vkey).outcome_index == 1


def test_a_tlog_proof_carries_its_entry(ledger: Path) -> None:
    assert check_tlog_proof(tlog_proof_for(ledger, ORIGIN, 3), KEY.vkey) == ENTRIES[3]


def test_a_receipt_of_another_log_is_not_looked_for_here(ledger: Path) -> None:
    with pytest.raises(EstateError, match=r"is 'estate\.example/ledger', not 'other\.example/ledger'"):
        receipt_for(ledger, "other.example/ledger", 0)


def test_an_act_that_is_before_a_call_has_not_erased_it(tmp_path: Path) -> None:
    erasing = compose.act(id="act-1", kind="salts.expire", subject=DAY, operator="ledger", digests={}, at_utc=AT)
    ledger = write_log(tmp_path, [erasing, admission_bytes("a")])
    receipt = json.loads(receipt_for(ledger, ORIGIN, 1))
    assert "erasure" not in receipt
    receipt["erasure"] = json.loads(receipt_for(ledger, ORIGIN, 0))["act"]
    with pytest.raises(VerificationFailed, match="the erasure at 0 is before its call, at 1"):
        check_receipt(json.dumps(receipt).encode(), KEY.vkey)


def test_where_there_is_no_log_nothing_is_proved(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="no readable log"):
        receipt_for(tmp_path, ORIGIN, 0)


def test_a_receipt_needs_the_right_key(ledger: Path) -> None:
    with pytest.raises(VerificationFailed, match="not signed by a known key"):
        check_receipt(receipt_for(ledger, ORIGIN, 0), FileKey(ORIGIN, bytes(32)).vkey)


def test_every_byte_of_a_receipt_s_facts_counts(ledger: Path) -> None:
    receipt = receipt_for(ledger, ORIGIN, 0)
    for at in range(0, len(receipt), 7):
        changed = receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1 :]
        try:
            checked = check_receipt(changed, KEY.vkey)
        except VerificationFailed:
            continue
        assert checked == check_receipt(receipt, KEY.vkey)
