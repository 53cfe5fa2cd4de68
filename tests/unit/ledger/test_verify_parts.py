# SPDX-License-Identifier: Apache-2.0
"""Whole logs in parts: pruned ones, cosigned ones, and long ones that two processes verify."""

import threading
from pathlib import Path

import pytest
from tests.ledger_builder import (
    KEY,
    ORIGIN,
    act_bytes,
    admission_bytes,
    append,
    open_log,
    outcome_bytes,
    write_log,
)

from freehold.errors import Uncheckable, VerificationFailed
from freehold.ledger.check import verify
from freehold.ledger.check.trust import parse_policy
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.signing.cosignature import cosign
from freehold.signing.keys import FileKey
from freehold.signing.note import KeyKind

WITNESS = FileKey("witness.example/w1", bytes(32), KeyKind.ED25519_COSIGNATURE)
POLICY = parse_policy(f"log {KEY.vkey}\nwitness w1 {WITNESS.vkey}\nquorum w1\n".encode())
ENTRIES = [admission_bytes("a"), *[act_bytes(f"act-{number}") for number in range(520)], outcome_bytes(0, "a")]


def prune(ledger: Path, minimum: int) -> Path:
    (ledger / layout.MINIMUM_INDEX).write_text(f"{minimum}\n")
    for path in sorted((ledger / "tile").rglob("*")):
        resource = layout.read_path(str(path.relative_to(ledger)))
        if path.is_file() and resource and resource.end_index <= minimum:
            path.unlink()
    return ledger


def cosigned(note: bytes) -> bytes:
    text = note.decode().rpartition("\n\n")[0] + "\n"
    return note + cosign(text, WITNESS, 1_795_000_000).encode()


@pytest.mark.parametrize("minimum", [1, 256, 300, 512, 522])
def test_a_pruned_log_is_verified_from_its_minimum_index_on(tmp_path: Path, minimum: int) -> None:
    ledger = prune(write_log(tmp_path, ENTRIES), minimum)
    report = verify_ledger(ledger, KEY.vkey)
    assert (report.size, report.minimum_index) == (522, minimum)
    kept_all = minimum < 256
    assert (report.admissions, report.outcomes_of_pruned, report.stray_outcomes) == (kept_all, not kept_all, 0)


def test_a_hash_that_stands_for_pruned_entries_is_verified_by_the_root(tmp_path: Path) -> None:
    ledger = prune(write_log(tmp_path, ENTRIES), 256)
    path = ledger / "tile" / "1" / "000.p" / "2"
    path.write_bytes(bytes(32) + path.read_bytes()[32:])
    with pytest.raises(VerificationFailed, match="522 entries have root"):
        verify_ledger(ledger, KEY.vkey)


def test_more_missing_than_the_minimum_index_says_is_damage(tmp_path: Path) -> None:
    ledger = prune(write_log(tmp_path, ENTRIES), 512)
    (ledger / layout.MINIMUM_INDEX).write_text("300\n")
    with pytest.raises(VerificationFailed, match="tile/entries/001 is missing"):
        verify_ledger(ledger, KEY.vkey)
    (ledger / layout.MINIMUM_INDEX).write_text("523\n")
    with pytest.raises(VerificationFailed, match="beyond its 522 entries"):
        verify_ledger(ledger, KEY.vkey)


def test_a_log_may_be_longer_than_what_witnesses_have_seen(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, ENTRIES[:400])
    log.publish()
    ledger = tmp_path / "ledger"
    (ledger / layout.COSIGNED).write_bytes(cosigned((ledger / "checkpoint").read_bytes()))
    append(log, ENTRIES[400:])
    log.publish()
    log.close()
    report = verify_ledger(ledger, POLICY)
    assert (report.size, report.cosigned_size, report.witnesses) == (522, 400, ("w1",))
    (ledger / "checkpoint").write_bytes(cosigned((ledger / "checkpoint").read_bytes()))
    assert verify_ledger(ledger, POLICY).cosigned_size == 522
    assert verify_ledger(ledger, KEY.vkey).cosigned_size == 0


def test_a_cosigned_checkpoint_of_another_history_is_refused_whatever_is_asked_for(tmp_path: Path) -> None:
    ledger = write_log(tmp_path, ENTRIES)
    for size, match in ((400, "the first 400 entries have root"), (523, "expected this log at 522 or fewer")):
        forked = sign_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=bytes(32)), KEY)
        (ledger / layout.COSIGNED).write_bytes(cosigned(forked))
        for trust in (POLICY, KEY.vkey):
            with pytest.raises(VerificationFailed, match=match):
                verify_ledger(ledger, trust)


def test_what_witnesses_saw_of_a_pruned_log_may_be_past_checking(tmp_path: Path) -> None:
    ledger = write_log(tmp_path, ENTRIES)
    older = sign_checkpoint(Checkpoint(origin=ORIGIN, size=100, root=bytes(32)), KEY)
    (ledger / layout.COSIGNED).write_bytes(cosigned(older))
    prune(ledger, 512)
    with pytest.raises(Uncheckable, match="is of 100 entries, and those are pruned"):
        verify_ledger(ledger, POLICY)


def test_two_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = write_log(tmp_path, [*ENTRIES, *ENTRIES, *ENTRIES])
    monkeypatch.setattr(verify, "_STRETCH_BUNDLES", 1)
    alone = verify_ledger(ledger, KEY.vkey)
    monkeypatch.setattr(verify, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert verify_ledger(ledger, KEY.vkey) == alone
    path = ledger / "tile" / "entries" / "002"
    path.write_bytes(path.read_bytes().replace(b"act-", b"cat-", 1))
    with pytest.raises(VerificationFailed, match="tile/0/002, hash 0"):
        verify_ledger(ledger, KEY.vkey)
