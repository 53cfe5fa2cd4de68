# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import KEY, ORIGIN, act_bytes, write_log

from freehold.errors import VerificationFailed
from freehold.ledger.tree.checkpoint import open_checkpoint
from freehold.ledger.tree.merkle import inclusion_proof
from freehold.ledger.tree.proof import TlogProof, check_inclusion, parse_proof, write_proof
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing.note import parse_vkey

VERIFIER = parse_vkey(KEY.vkey)
ENTRIES = [act_bytes(f"act-{number}") for number in range(300)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> LedgerFiles:
    return LedgerFiles(write_log(tmp_path_factory.mktemp("log"), ENTRIES))


def _proof(files: LedgerFiles, index: int, extra: bytes = b"") -> TlogProof:
    hashes = tuple(inclusion_proof(index, len(ENTRIES), files.subtree(len(ENTRIES))))
    return TlogProof(index=index, hashes=hashes, checkpoint=files.checkpoint(), extra=extra)


def _text(files: LedgerFiles) -> str:
    return write_proof(_proof(files, 7, b"extra"))


@pytest.mark.parametrize("index", [0, 1, 255, 256, 299])
def test_a_proof_from_tiles_holds_and_survives_its_text(files: LedgerFiles, index: int) -> None:
    proof = parse_proof(write_proof(_proof(files, index, ENTRIES[index])))
    assert proof == _proof(files, index, ENTRIES[index])
    check_inclusion(proof, ENTRIES[index], open_checkpoint(proof.checkpoint, VERIFIER))


def test_the_text_is_laid_out_as_the_specification_has_it(files: LedgerFiles) -> None:
    lines = _text(files).split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 7"]
    assert lines.index("") == 3 + 9
    assert lines[3 + 9 + 1 : 3 + 9 + 3] == [ORIGIN, "300"]


def test_a_proof_does_not_hold_for_another_entry(files: LedgerFiles) -> None:
    proof = _proof(files, 7)
    with pytest.raises(VerificationFailed, match="entry 7 is not in the tree of 300 entries: expected root"):
        check_inclusion(proof, ENTRIES[8], open_checkpoint(proof.checkpoint, VERIFIER))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2", "this is no proof"),
        ("index 7", "index 07", "names no index"),
        ("index 7", "index -7", "names no index"),
        ("index 7", "index ²", "names no index"),
        ("index 7\n", "", "names no index"),
        ("ZXh0cmE=", "ZXh0cmE", "not base64"),
        ("ZXh0cmE=", "ZXh0cmF=", "not canonical base64"),
        ("index 7\n", "index 7\nAAAA\n", "not 32 bytes"),
        ("index 7\n", "index 7\n" + ("A" * 43 + "=\n") * 64, "at most 63"),
        ("\n\n", "\n", "this is no proof|not base64|names no index"),
    ],
)
def test_a_text_that_is_no_proof_is_refused(files: LedgerFiles, old: str, new: str, match: str) -> None:
    with pytest.raises(VerificationFailed, match=match):
        parse_proof(_text(files).replace(old, new))


@given(st.text(max_size=200))
def test_arbitrary_text_is_refused_and_nothing_else(text: str) -> None:
    for candidate in (text, f"c2sp.org/tlog-proof@v1\n{text}", f"c2sp.org/tlog-proof@v1\nindex 1\n{text}\n\n{text}"):
        try:
            proof = parse_proof(candidate)
        except VerificationFailed:
            continue
        with pytest.raises(VerificationFailed):
            open_checkpoint(proof.checkpoint, VERIFIER)


def test_a_missing_tile_is_named(tmp_path: Path) -> None:
    files = LedgerFiles(write_log(tmp_path, ENTRIES[:3]))
    (tmp_path / "ledger" / "tile" / "0" / "000.p" / "3").unlink()
    with pytest.raises(VerificationFailed, match=r"tile/0/000\.p/3 is missing"):
        inclusion_proof(0, 3, files.subtree(3))
