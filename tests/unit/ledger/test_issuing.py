# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, ORIGIN, act_bytes, admission_bytes, append, open_log, outcome_bytes

from freehold.errors import VerificationFailed
from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.check.receipt import check_receipt, check_tlog_proof
from freehold.ledger.check.trust import parse_policy
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.signing.cosignature import cosign
from freehold.signing.keys import FileKey
from freehold.signing.note import KeyKind

WITNESS = FileKey("witness.example/w1", bytes(32), KeyKind.ED25519_COSIGNATURE)
POLICY = parse_policy(f"log {KEY.vkey}\nwitness w1 {WITNESS.vkey}\nquorum w1\n".encode())


def _cosign(ledger: Path, note: bytes | None = None) -> None:
    note = note or (ledger / layout.CHECKPOINT).read_bytes()
    text = note.decode().rpartition("\n\n")[0] + "\n"
    (ledger / layout.COSIGNED).write_bytes(note + cosign(text, WITNESS, 1_795_000_000).encode())


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Two entries that a witness has seen, and two that it has not."""
    log = open_log(tmp_path)
    append(log, [admission_bytes("a"), outcome_bytes(0, "a")])
    log.publish()
    _cosign(tmp_path / "ledger")
    append(log, [admission_bytes("b"), act_bytes()])
    log.publish()
    log.close()
    return tmp_path / "ledger"


def test_a_receipt_is_proved_under_what_witnesses_have_seen_where_that_covers_it(ledger: Path) -> None:
    seen = check_receipt(receipt_for(ledger, ORIGIN, 0), POLICY)
    assert (seen.tree_size, seen.outcome_index) == (2, 1)
    assert seen.checkpoints[0].cosignatures[0].witness == "w1"
    assert check_tlog_proof(tlog_proof_for(ledger, ORIGIN, 1), POLICY) == outcome_bytes(0, "a")


def test_an_entry_that_no_witness_has_seen_is_proved_by_the_log_alone(ledger: Path) -> None:
    receipt = receipt_for(ledger, ORIGIN, 2)
    assert check_receipt(receipt, KEY.vkey).tree_size == 4
    with pytest.raises(VerificationFailed, match="too few witnesses cosigned the checkpoint of size 4") as refusal:
        check_receipt(receipt, POLICY)
    assert "a little later" in refusal.value.advice


@pytest.mark.parametrize("size", [2, 3, 9])
def test_a_cosigned_checkpoint_of_another_history_proves_nothing_here(ledger: Path, size: int) -> None:
    _cosign(ledger, sign_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=bytes(32)), KEY))
    assert check_receipt(receipt_for(ledger, ORIGIN, 0), KEY.vkey).tree_size == 4


def test_a_cosigned_checkpoint_that_cannot_be_read_is_passed_over(ledger: Path) -> None:
    (ledger / layout.COSIGNED).write_bytes(b"half a no")
    assert check_receipt(receipt_for(ledger, ORIGIN, 0), KEY.vkey).tree_size == 4


def test_the_salt_is_in_the_receipt_where_it_was_given(ledger: Path) -> None:
    salt = bytes(range(32))
    assert check_receipt(receipt_for(ledger, ORIGIN, 0, salt=salt), KEY.vkey).salt == salt
    assert check_receipt(receipt_for(ledger, ORIGIN, 0), KEY.vkey).salt is None
