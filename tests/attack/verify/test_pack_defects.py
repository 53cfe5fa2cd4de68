# SPDX-License-Identifier: Apache-2.0
"""Evidence packs with a defect do not hold, and ``freehold-verify pack`` says which; the sound one does."""

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.attack.verify.pack_assets import PACKS, assets
from tests.ledger_builder import KEY
from tests.pack_builder import SIGNER, STRANGER

from freehold.verify.main import main

OTHER_NAME = "expected letters, digits, '.', '_' and '-' below plain folders"
NO_PACK = "this is no evidence pack"
NOT_THIS_ACT = "proof/receipt.json is not of an act evidence.pack"
OF_ANOTHER = "proof/receipt.json is of another pack"
TWICE = "twice, or as a file and a folder"
NOT_SHOWN = "does not show that the one of 4 entries goes on from it"
BY_OTHER_TOOLS = {"compressed", "a-bomb"}  # what they are depends on who compresses
REASONS = {
    "cut-off-in-a-file": "cut off in the file that begins at byte 0",
    "cut-off-before-the-directory": "the pack is cut off: ",
    "cut-off-at-the-end": "the pack is cut off: 3 bytes are missing",
    "bytes-behind-the-end": "4 bytes lie behind the end",
    "a-second-pack-behind-it": "bytes lie behind the end",
    "bytes-before-the-beginning": NO_PACK,
    "with-a-comment": "says more than a pack does",
    "a-byte-changed": "'index.html' in the pack is damaged",
    "flagged-as-encrypted": "is encrypted",
    "sizes-behind-the-data": "says its size, or more, in another place",
    "with-a-date": "has a date, flags or a version",
    "a-link-in-the-directory": "'index.html' in the pack is no plain file",
    "the-directory-lists-less": "the pack's directory does not list 'proof/consistency/3.txt'",
    "no-zip-at-all": NO_PACK,
    "empty": NO_PACK,
    "compressed": "is compressed",
    "a-bomb": "is compressed",
    "a-folder-in-it": OTHER_NAME,
    "a-path-that-leads-out": OTHER_NAME,
    "an-absolute-path": OTHER_NAME,
    "a-path-with-backslashes": OTHER_NAME,
    "a-name-with-a-newline": OTHER_NAME,
    "a-name-twice": TWICE,
    "a-name-twice-but-for-case": TWICE,
    "a-file-that-is-a-folder": TWICE,
    "a-tar": NO_PACK,
    "a-file-changed": "'index.html' was changed",
    "a-file-added": "files that its manifest does not list, such as 'reports/more.html'",
    "a-file-missing": "lacks 1 files of its manifest, such as 'asserted/answers.toml'",
    "a-proof-added": "a proof that nothing in it needs",
    "a-receipt-added": "does not list, such as 'receipts/1.json'",
    "receipts-swapped": "'receipts/0.json' was changed",
    "no-manifest": "the pack has no manifest.json",
    "no-signature": "the pack has no proof/manifest.sigstore.json",
    "no-receipt": "the pack has no proof/receipt.json",
    "no-proof-of-one-history": NOT_SHOWN,
    "signature-of-another-pack": "the signature is over another manifest",
    "receipt-of-another-pack": OF_ANOTHER,
    "receipt-of-another-log": NOT_THIS_ACT,
    "manifest-changed": "the signature is over another manifest",
    "manifest-with-a-name-twice": "manifest.json is no manifest",
    "manifest-with-a-field-more": "manifest.json is no manifest",
    "manifest-of-a-later-form": "expected 'freehold/pack/v1'",
    "signature-is-no-json": "the pack's signature is none",
    "signed-by-a-stranger": "the manifest is not signed by the key",
    "a-stranger-s-key-in-it": "keys/vault.pem is not the key that the manifest names",
    "signed-by-a-stranger-throughout": OF_ANOTHER,
    "another-key-on-record": OF_ANOTHER,
    "another-manifest-on-record": OF_ANOTHER,
    "another-subject-on-record": OF_ANOTHER,
    "another-act-on-record": NOT_THIS_ACT,
    "listed-twice": "manifest.json lists a file twice",
    "of-another-origin": NOT_THIS_ACT,
    "reports-of-another-root": NOT_SHOWN,
    "reports-of-a-larger-tree": NOT_SHOWN,
    "reports-of-no-root": "names no root",
    "another-scorecard": "is not the scorecard on record",
    "a-receipt-of-another-history": NOT_SHOWN,
    "a-receipt-under-another-name": "receipts/1.json is the receipt of entry 2",
    "a-receipt-that-is-none": "receipts/2.json: ",
    "a-head-that-nobody-signed": "ledger/checkpoint: ",
    "a-key-that-is-none": "holds no public key",
}


def _verify(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = main(["pack", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)["pack"]


@pytest.mark.parametrize("defect", sorted(REASONS))
def test_a_pack_with_a_defect_does_not_hold(defect: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = _verify(capsys, PACKS / f"{defect}.zip", "--vkey", KEY.vkey)
    assert (code, told["holds"]) == (1, False)
    assert REASONS[defect] in told["error"]["message"]


def test_its_sound_twin_holds_by_its_key_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for signer, code in ((SIGNER, 0), (STRANGER, 1)):
        (tmp_path / "key.pem").write_bytes(signer.verifier.pem)
        arguments = (PACKS / "sound.zip", "--vkey", KEY.vkey, "--key", tmp_path / "key.pem")
        assert _verify(capsys, *arguments)[0] == code


def test_the_folder_that_a_sound_one_is_unpacked_into_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(PACKS / "sound.zip") as archive:
        archive.extractall(tmp_path)
        modes = {stat.S_IMODE(one.external_attr >> 16) for one in archive.infolist()}
    assert modes == {0o644}
    code, told = _verify(capsys, tmp_path, "--vkey", KEY.vkey)
    assert (code, any("its unpacked folder" in line for line in told["not_proved"])) == (0, True)
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").symlink_to(tmp_path / "manifest.json")
    code, told = _verify(capsys, tmp_path, "--vkey", KEY.vkey)
    assert (code, "'index.html' is no plain file" in told["error"]["message"]) == (1, True)


def test_every_asset_is_tried_and_is_what_its_recipe_makes() -> None:
    found = {path.stem: path.read_bytes() for path in PACKS.iterdir()}
    assert found.keys() == REASONS.keys() | {"sound"}
    made = {name.removesuffix(".zip"): content for name, content in assets().items()}
    assert [name for name in found if name not in BY_OTHER_TOOLS and found[name] != made[name]] == []
