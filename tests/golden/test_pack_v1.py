# SPDX-License-Identifier: Apache-2.0
"""An evidence pack of form 1 proves for ever what it proved. ``make_pack_v1`` says what is in it."""

import json
from pathlib import Path

import pytest

from freehold.verify.form.archive import read_archive
from freehold.verify.main import main

GOLDEN = Path(__file__).parent / "pack" / "v1"


def test_it_proves_what_it_proved(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["pack", str(GOLDEN / "pack.zip"), "--policy", str(GOLDEN / "trust.policy"), "--json"])
    told = json.loads(capsys.readouterr().out)["pack"]
    assert code == 0, told
    once = json.loads((GOLDEN / "told.json").read_text())["pack"]
    words = {"proved", "asserted", "not_proved"}  # may be put better
    assert {name: value for name, value in told.items() if name not in words} == {
        name: value for name, value in once.items() if name not in words
    }
    assert [len(told[name]) for name in sorted(words)] == [len(once[name]) for name in sorted(words)]


def test_it_has_what_it_had(capsys: pytest.CaptureFixture[str]) -> None:
    trust = ["--vkey", str(GOLDEN / "ledger.vkey"), "--key", str(GOLDEN / "vault.pem")]
    assert main(["pack", str(GOLDEN / "pack.zip"), *trust]) == 0
    said = capsys.readouterr().out
    assert "these scorecards of drills are those on record: drills/drill_0123456789ab.json" in said
    assert "that these scorecards are those on record: drills/drill_ffffffffffff.json" in said
    assert "asserted/answers.toml: what people said" in said
    assert "given/exposure.sarif" in said
    assert len(read_archive((GOLDEN / "pack.zip").read_bytes())) == 17
