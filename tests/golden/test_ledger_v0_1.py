# SPDX-License-Identifier: Apache-2.0
"""A ledger that release 0.1 wrote is read, verified, proved and continued by every later release."""

import shutil
from pathlib import Path

import pytest

from freehold.contract.record import Ending
from freehold.errors import NotAtHome
from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.check.receipt import check_receipt, check_tlog_proof
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.record.entry import OutcomeEntry, read_entry
from freehold.ledger.writing.copies import Migration
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.log import Log, NewEntry
from freehold.ledger.writing.salts import Salts
from freehold.signing.keys import FileKey
from freehold.signing.note import parse_vkey

GOLDEN = Path(__file__).parent / "v0.1" / "ledger"
ORIGIN = "estate.example/ledger"
KEY = FileKey(ORIGIN, bytes(range(32)))
VKEY = (GOLDEN / "ledger.vkey").read_text().strip()


def test_a_ledger_of_release_0_1_verifies() -> None:
    report = verify_ledger(GOLDEN / "ledger", VKEY)
    assert (report.size, report.admissions, report.refusals, report.acts, report.unknown) == (263, 3, 1, 257, 0)
    assert (report.outcomes[Ending.COMPLETE], report.outcomes[Ending.CANCELLED], report.without_outcome) == (1, 1, 1)
    assert report.root == "2da58f80efdea2fcc08cf0ff747cfd5e374199e03e79cee6952cd6a6d6ac272c"


@pytest.mark.parametrize(("name", "index"), [("call", 0), ("open", 262), ("refusal", 4), ("act", 2)])
def test_receipts_of_release_0_1_check_and_are_made_the_same_way(name: str, index: int) -> None:
    receipt = (GOLDEN / f"{name}.receipt.json").read_bytes()
    assert check_receipt(receipt, VKEY).position.index == index
    assert receipt_for(GOLDEN / "ledger", ORIGIN, index) == receipt


def test_a_tlog_proof_of_release_0_1_checks_and_is_made_the_same_way() -> None:
    proof = (GOLDEN / "outcome.tlog-proof").read_text()
    assert b'"call":"call-a"' in check_tlog_proof(proof, VKEY)
    assert tlog_proof_for(GOLDEN / "ledger", ORIGIN, 261) == proof


def test_a_ledger_of_release_0_1_is_continued_from_its_journal(tmp_path: Path) -> None:
    """Once it is adopted: that release did not note where a log belongs."""
    shutil.copytree(GOLDEN / "ledger", tmp_path / "ledger")
    shutil.copytree(GOLDEN / "salts", tmp_path / "salts")
    with pytest.raises(NotAtHome) as away:
        Log(tmp_path / "ledger", salts=tmp_path / "salts", signer=KEY)
    copy = Migration(tmp_path / "ledger", parse_vkey(VKEY), away=away.value)
    assert copy.adopt(lambda *_: b"adopted", seen={}, unwitnessed=True) == 265
    copy.close()
    log = Log(tmp_path / "ledger", salts=tmp_path / "salts", signer=KEY)
    assert (log.published_size, log.size, log.low_water()) == (263, 266, 262)
    last_outcome = read_entry(dict(log.entries(263))[263])
    assert isinstance(last_outcome, OutcomeEntry)
    assert (last_outcome.admission, last_outcome.ending) == (262, Ending.LOST)
    assert log.append([NewEntry(b"of a later release")], "2030-01-01") == 266
    log.publish()
    log.close()
    assert verify_ledger(tmp_path / "ledger", VKEY).without_outcome == 0


def test_salts_of_release_0_1_are_found() -> None:
    assert Salts(GOLDEN / "salts", Disk()).find("2026-11-22", 1) == (1).to_bytes(32, "big")
