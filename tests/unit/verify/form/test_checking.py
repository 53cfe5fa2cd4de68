# SPDX-License-Identifier: Apache-2.0
"""What a pack proves, to whom; and that its parts are those which the estate makes."""

import json
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, ORIGIN
from tests.pack_builder import ANSWERS, DRILL, SCORECARD, SIGNER, TRUST, Recipe, make_files

from freehold.errors import VerificationFailed
from freehold.ledger.check.trust import parse_policy
from freehold.signing.cosignature import cosign
from freehold.signing.keys import FileKey
from freehold.signing.note import KeyKind, parse_note
from freehold.vault.oms import read_bundle
from freehold.vault.oms.envelope import encoded_for_signing
from freehold.verify.form.archive import read_archive, write_archive
from freehold.verify.form.checking import check_pack
from freehold.verify.form.manifest import MANIFEST, RECEIPT, SIGNATURE, Kind, read_manifest, write_manifest
from freehold.verify.form.signature import read_signature

PARIS = FileKey("witness.paris.example/w1", b"\x01" * 32, KeyKind.ED25519_COSIGNATURE)
WITNESSED = parse_policy(f"log {KEY.vkey}\nwitness paris {PARIS.vkey}\nquorum paris\n".encode())


def test_a_pack_tells_what_was_proved_of_it(tmp_path: Path) -> None:
    checked = check_pack(make_files(tmp_path), TRUST, SIGNER.verifier)
    assert (checked.index, checked.act.operator, checked.head.checkpoint.size) == (3, "op-1", 4)
    assert (checked.calls, checked.acts) == (1, 1)
    assert (checked.recorded, checked.unrecorded) == ((f"drills/{DRILL}.json",), ())
    assert [(one.answers, one.people) for one in checked.statements] == [(1, ("A. Weber",))]
    assert checked.given == ()


def test_a_scorecard_without_its_act_and_what_was_made_elsewhere_prove_nothing(tmp_path: Path) -> None:
    other = {"drills/drill_ffffffffffff.json": (Kind.RECORD, SCORECARD), "given/found.sarif": (Kind.GIVEN, b"{}")}
    checked = check_pack(make_files(tmp_path, Recipe(files=other)), TRUST)
    assert checked.unrecorded == ("drills/drill_ffffffffffff.json",)
    assert checked.given == ("given/found.sarif",)


def test_no_file_can_be_changed_even_by_who_mends_the_archive(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    for name, content in files.items():
        at = len(content) // 2
        other = b"B" if content[at : at + 1] != b"B" else b"C"
        changed = files | {name: content[:at] + other + content[at + 1 :]}
        with pytest.raises(VerificationFailed):
            check_pack(read_archive(write_archive(changed)), TRUST)


@pytest.mark.parametrize("said", [b"\xff", b"[", b"answer = 1", b"answer = [1]"])
def test_answers_that_cannot_be_read_are_none(tmp_path: Path, said: bytes) -> None:
    checked = check_pack(make_files(tmp_path, Recipe(files={"asserted/answers.toml": (Kind.ASSERTED, said)})), TRUST)
    assert checked.statements[0].answers == 0


def test_one_head_has_to_be_witnessed_and_the_rest_is_shown_to_be_its_beginning(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    with pytest.raises(VerificationFailed, match="too few witnesses"):
        check_pack(files, WITNESSED)
    note = (tmp_path / "ledger" / "checkpoint").read_text()
    cosigned = note + cosign(parse_note(note.encode()).text, PARIS, 1_800_000_000)
    receipt = json.loads(files[RECEIPT])
    receipt["act"]["proof"] = receipt["act"]["proof"].replace(note, cosigned)
    checked = check_pack(files | {RECEIPT: json.dumps(receipt).encode()}, WITNESSED)
    assert [mark.witness for mark in checked.head.cosignatures] == ["paris"]


def test_the_signature_is_read_as_the_vault_reads_it(tmp_path: Path) -> None:
    data = make_files(tmp_path)[SIGNATURE]
    ours, theirs = read_signature(data), read_bundle(data)
    assert (ours.hint, ours.signature) == (theirs.hint, theirs.signature)
    assert ours.message == encoded_for_signing(theirs.payload)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    data = make_files(tmp_path)[MANIFEST]
    manifest = read_manifest(data)
    assert write_manifest(manifest) == data
    assert (manifest.origin, len(manifest.files)) == (ORIGIN, 8)
    assert next(file.size_bytes for file in manifest.files if file.kind is Kind.ASSERTED) == len(ANSWERS)
