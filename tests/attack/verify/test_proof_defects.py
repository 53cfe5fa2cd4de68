# SPDX-License-Identifier: Apache-2.0
"""Consistency proofs with a defect prove nothing, and ``freehold-verify`` says so; their twins do."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.attack.verify.proof_assets import ASSETS, KEY, NEWER, OLDER, assets, checkpoint

from freehold.verify.main import main

SHOWS_NOTHING = "the proof does not show that"
UNREADABLE = "this is no consistency proof"
REASONS = {
    "hash-changed": SHOWS_NOTHING,
    "hash-missing": SHOWS_NOTHING,
    "hash-too-many": SHOWS_NOTHING,
    "hash-of-31-bytes": "not made of at most 63 hashes of 32 bytes",
    "hashes-in-another-order": SHOWS_NOTHING,
    "empty": SHOWS_NOTHING,
    "of-another-older-size": SHOWS_NOTHING,
    "of-another-newer-size": SHOWS_NOTHING,
    "of-another-log": SHOWS_NOTHING,
    "more-hashes-than-a-tree-is-high": "not made of at most 63 hashes of 32 bytes",
    "json-a-list": UNREADABLE,
    "json-cut-off": UNREADABLE,
    "json-of-another-name": UNREADABLE,
    "json-with-a-name-twice": UNREADABLE,
    "json-with-a-number": UNREADABLE,
    "not-ascii": UNREADABLE,
    "not-base64": UNREADABLE,
    "spaces-in-a-hash": UNREADABLE,
    "checkpoint-behind-it": UNREADABLE,
}
SOUND = {"sound", "sound-json"}


def _verify(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    for size in (OLDER, NEWER):
        (folder / str(size)).write_bytes(checkpoint(size))
    heads = [str(folder / str(size)) for size in (OLDER, NEWER)]
    code = main(["consistency", *heads, "--proof", str(ASSETS / f"{name}.proof"), "--vkey", KEY.vkey, "--json"])
    return code, json.loads(capsys.readouterr().out)["consistency"]


@pytest.mark.parametrize("defect", sorted(REASONS))
def test_a_proof_with_a_defect_proves_nothing(defect: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = _verify(defect, tmp_path, capsys)
    assert code == 1
    assert REASONS[defect] in told["error"]["message"]


@pytest.mark.parametrize("name", sorted(SOUND))
def test_its_sound_twin_holds(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _verify(name, tmp_path, capsys)[0] == 0


def test_every_asset_is_tried_and_is_what_its_recipe_makes() -> None:
    found = {path.name: path.read_bytes() for path in ASSETS.iterdir()}
    assert {name.removesuffix(".proof") for name in found} == REASONS.keys() | SOUND
    assert found == assets()
