# SPDX-License-Identifier: Apache-2.0
import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import KEY, ORIGIN, act_bytes, append, open_log

from freehold.errors import Uncheckable, VerificationFailed
from freehold.ledger.check.consistency import check_consistency, parse_consistency_proof
from freehold.ledger.check.trust import TrustedCheckpoint, trust_log
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.ledger.tree.merkle import EMPTY_ROOT
from freehold.ledger.tree.store import LedgerFiles

TRUST = trust_log(KEY.vkey)
SIZES = (1, 2, 255, 256, 257, 511, 600)
ENTRIES = [act_bytes(f"act-{number}") for number in range(600)]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log, with the checkpoint of each size beside it."""
    folder = tmp_path_factory.mktemp("log")
    log = open_log(folder)
    for size in SIZES:
        append(log, ENTRIES[log.size : size])
        log.publish()
        (folder / f"{size}").write_bytes((folder / "ledger" / "checkpoint").read_bytes())
    log.close()
    return folder


def at(folder: Path, size: int) -> TrustedCheckpoint:
    return TRUST.open((folder / f"{size}").read_bytes())


def signed(size: int, root: bytes) -> TrustedCheckpoint:
    return TRUST.open(sign_checkpoint(Checkpoint(origin=ORIGIN, size=size, root=root), KEY))


@pytest.mark.parametrize("older", SIZES)
@pytest.mark.parametrize("newer", SIZES)
def test_every_checkpoint_goes_on_from_every_older_one(ledger: Path, older: int, newer: int) -> None:
    files = LedgerFiles(ledger / "ledger")
    if older > newer:
        with pytest.raises(VerificationFailed, match="the second checkpoint is the older one"):
            check_consistency(at(ledger, older), at(ledger, newer), files)
        return
    proof = check_consistency(at(ledger, older), at(ledger, newer), files).proof
    assert check_consistency(at(ledger, older), at(ledger, newer), proof).proof == proof


def test_a_proof_with_a_hash_changed_or_missing_shows_nothing(ledger: Path) -> None:
    older, newer = at(ledger, 257), at(ledger, 600)
    proof = check_consistency(older, newer, LedgerFiles(ledger / "ledger")).proof
    for broken in (proof[1:], proof[:-1], (*proof, bytes(32)), (bytes(32), *proof[1:]), ()):
        with pytest.raises(VerificationFailed, match="the proof does not show"):
            check_consistency(older, newer, broken)


def test_a_history_that_was_changed_is_told(ledger: Path) -> None:
    files = LedgerFiles(ledger / "ledger")
    with pytest.raises(VerificationFailed, match="two histories: its first 256 entries"):
        check_consistency(signed(256, bytes(32)), at(ledger, 600), files)
    with pytest.raises(VerificationFailed, match="two histories"):
        check_consistency(signed(600, bytes(32)), at(ledger, 600), files)
    with pytest.raises(VerificationFailed, match="the log's files lead to root"):
        check_consistency(at(ledger, 256), signed(600, bytes(32)), files)


def test_without_a_proof_only_what_needs_none_is_shown(ledger: Path) -> None:
    newer = at(ledger, 600)
    assert check_consistency(newer, newer, None).proof == ()
    assert check_consistency(signed(0, EMPTY_ROOT), newer, None).proof == ()
    with pytest.raises(VerificationFailed, match="does not show"):
        check_consistency(signed(0, bytes(32)), newer, None)
    with pytest.raises(Uncheckable, match="there is no proof"):
        check_consistency(at(ledger, 1), newer, None)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_proof_is_read_from_lines_and_from_json(hashes: list[bytes]) -> None:
    lines = [base64.b64encode(node).decode() for node in hashes]
    assert parse_consistency_proof("\n".join(lines).encode()) == tuple(hashes)
    assert parse_consistency_proof(json.dumps({"consistency": lines}).encode()) == tuple(hashes)


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"hello", b"AA==", b"{", b'{"consistency":1}', b'{"consistency":[1]}', b"{}", (b"A" * 43 + b"=\n") * 64],
)
def test_what_is_no_proof_is_not_read_as_one(data: bytes) -> None:
    with pytest.raises(VerificationFailed, match=r"no consistency proof|is not made of at most 63 hashes"):
        parse_consistency_proof(data)
