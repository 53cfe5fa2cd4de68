# SPDX-License-Identifier: Apache-2.0
"""A ledger that release 0.2 wrote is read, verified, proved, witnessed and continued by every later release.

``make_ledger_v0_2`` says what is in it. The oracle, which shares no line with the product, reads it alike.
"""

import json
import shutil
from pathlib import Path

import pytest
from tests.oracle.notes import open_note, read_key
from tests.oracle.policies import accept, read_policy
from tests.oracle.proofs import check_proof, read_proof
from tests.oracle.receipts import check_receipt as check_by_oracle
from tests.oracle.receipts import commitment
from tests.oracle.tiles import read_log

from freehold.contract.record import Ending
from freehold.errors import NotAtHome, Pruned
from freehold.ledger.check.contents import Contents, check_contents
from freehold.ledger.check.fsck import check_tree
from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.check.receipt import check_receipt, open_tlog_proof
from freehold.ledger.check.trust import parse_policy
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.home import make_home
from freehold.ledger.writing.log import Log, NewEntry
from freehold.ledger.writing.salts import Salts
from freehold.signing.keys import FileKey
from freehold.verify.main import main as freehold_verify

GOLDEN = Path(__file__).parent / "v0.2" / "ledger"
ORIGIN = "estate.example/ledger"
KEY = FileKey(ORIGIN, bytes(range(32)))
VKEY = (GOLDEN / "ledger.vkey").read_text().strip()
WITNESSED = (GOLDEN / "trust.policy").read_bytes()
ALONE = f"log {VKEY}\nquorum none\n".encode()
POSITIONS = {
    name: int(index) for name, index in (line.split() for line in (GOLDEN / "positions").read_text().splitlines())
}
ROOT = "7ee5d9552c863b93109fa245d5e50043e484268fd2929f8b9bf5b8fa065c0f54"
CLOSED = sorted(set(POSITIONS) - {"call-open"})


def receipt(name: str) -> bytes:
    return (GOLDEN / f"{name}.receipt.json").read_bytes()


def test_a_ledger_of_release_0_2_verifies_under_its_witnesses() -> None:
    report = verify_ledger(GOLDEN / "ledger", parse_policy(WITNESSED))
    assert (report.size, report.cosigned_size, report.witnesses) == (528, 524, ("paris", "rome"))
    assert (report.admissions, report.refusals, report.acts, report.unknown) == (7, 1, 514, 0)
    assert report.outcomes == {
        Ending.COMPLETE: 3,
        Ending.CONTINUED: 1,
        Ending.CANCELLED: 1,
        Ending.FAILED: 1,
        Ending.LOST: 0,
    }
    assert (report.without_outcome, report.with_two_outcomes, report.stray_outcomes) == (1, 0, 0)
    assert report.root == ROOT
    assert check_tree(GOLDEN / "ledger", VKEY).differences == ()


def test_a_pruned_ledger_of_release_0_2_verifies_from_its_minimum_index_on() -> None:
    report = verify_ledger(GOLDEN / "pruned", parse_policy(WITNESSED))
    assert (report.size, report.minimum_index, report.cosigned_size) == (529, 300, 524)
    assert (report.without_outcome, report.stray_outcomes, report.unknown) == (1, 0, 0)
    assert check_tree(GOLDEN / "pruned", VKEY).differences == ()
    for name in CLOSED:
        index = POSITIONS[name]
        if index >= 300:
            assert receipt_for(GOLDEN / "pruned", ORIGIN, index) == receipt(name)
    with pytest.raises(Pruned):
        receipt_for(GOLDEN / "pruned", ORIGIN, POSITIONS["call-old"])


@pytest.mark.parametrize("name", sorted(POSITIONS))
def test_receipts_of_release_0_2_check_and_are_made_the_same_way(name: str) -> None:
    checked = check_receipt(receipt(name), VKEY)
    assert checked.position.index == POSITIONS[name]
    assert (checked.erasure is not None) == (name == "call-forgotten")
    assert receipt_for(GOLDEN / "ledger", ORIGIN, POSITIONS[name]) == receipt(name)


@pytest.mark.parametrize("name", CLOSED)
def test_receipts_of_closed_calls_are_witnessed(name: str) -> None:
    checked = check_receipt(receipt(name), parse_policy(WITNESSED))
    assert [mark.witness for mark in checked.checkpoints[0].cosignatures] == ["paris", "rome"]


@pytest.mark.parametrize(("name", "index"), [("call-whole", 0), ("call-whole.outcome", 1)])
def test_tlog_proofs_of_release_0_2_check_and_are_made_the_same_way(name: str, index: int) -> None:
    proof = (GOLDEN / f"{name}.tlog-proof").read_text()
    assert open_tlog_proof(proof, parse_policy(WITNESSED)).index == POSITIONS["call-whole"] + index
    assert tlog_proof_for(GOLDEN / "ledger", ORIGIN, POSITIONS["call-whole"] + index) == proof


def test_a_receipt_with_its_salt_is_for_exactly_this_request_and_this_answer() -> None:
    checked = check_receipt(receipt("call-whole.salted"), parse_policy(WITNESSED))
    said = Contents(request=(GOLDEN / "request.json").read_bytes(), answer=(GOLDEN / "answer.json").read_bytes())
    check_contents(said, salt=checked.salt, admission=checked.admission, outcome=checked.outcome)


def test_freehold_verify_says_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    trust = ["--policy", str(GOLDEN / "trust.policy"), "--json"]
    said = ["--request", str(GOLDEN / "request.json"), "--answer", str(GOLDEN / "answer.json")]
    for asked in (
        ["log", str(GOLDEN / "ledger")],
        ["log", str(GOLDEN / "pruned")],
        ["checkpoint", str(GOLDEN / "ledger" / "checkpoint.cosigned")],
        ["receipt", str(GOLDEN / "call-whole.salted.receipt.json"), *said],
        ["receipt", str(GOLDEN / "call-forgotten.receipt.json")],
        ["receipt", str(GOLDEN / "call-whole.tlog-proof")],
    ):
        assert freehold_verify([*asked, *trust]) == 0
        (told,) = json.loads(capsys.readouterr().out).values()
        assert told["holds"] is True


def test_the_oracle_reads_all_of_it_alike() -> None:
    log = read_log(GOLDEN / "ledger", [read_key(VKEY)])
    assert log.head.root.hex() == ROOT
    cosigned = (GOLDEN / "ledger" / "checkpoint.cosigned").read_bytes()
    assert accept(read_policy(WITNESSED), cosigned).size == 524
    assert len(open_note(cosigned, read_policy(WITNESSED).witnesses.values())[1]) == 2
    for name, index in POSITIONS.items():
        policy = read_policy(WITNESSED if name in CLOSED else ALONE)
        admission = check_by_oracle(receipt(name), policy)["admission"]
        assert json.loads(log.entries[index]) == admission
        assert admission["call"] == name
    proof = read_proof((GOLDEN / "call-whole.tlog-proof").read_bytes())
    assert check_proof(proof, log.entries[proof.index], read_policy(WITNESSED)).size == 524
    salt = bytes.fromhex(json.loads(receipt("call-whole.salted"))["salt"])
    admission = json.loads(log.entries[POSITIONS["call-whole"]])
    assert admission["request"] == commitment(salt, "request", (GOLDEN / "request.json").read_bytes())


def test_salts_of_release_0_2_are_found_but_for_the_one_that_was_forgotten() -> None:
    salts = Salts(GOLDEN / "salts", Disk())
    kept = {name for name, index in POSITIONS.items() if salts.find("2026-11-22", index)}
    assert kept == POSITIONS.keys() - {"call-forgotten"}


def test_a_copy_of_a_ledger_of_release_0_2_signs_nothing_until_it_is_at_home(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "ledger", tmp_path / "ledger")
    shutil.copytree(GOLDEN / "salts", tmp_path / "salts")
    with pytest.raises(NotAtHome):
        Log(tmp_path / "ledger", salts=tmp_path / "salts", signer=KEY)
    make_home(tmp_path / "ledger", Disk())
    log = Log(tmp_path / "ledger", salts=tmp_path / "salts", signer=KEY)
    assert (log.published_size, log.size) == (528, 530)
    assert log.append([NewEntry(b"of a later release")], "2030-01-01") == 530
    log.publish()
    log.close()
    report = verify_ledger(tmp_path / "ledger", parse_policy(WITNESSED))
    assert (report.size, report.acts, report.unknown, report.cosigned_size) == (531, 516, 1, 524)
