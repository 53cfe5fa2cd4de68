# SPDX-License-Identifier: Apache-2.0
"""freehold-verify on a machine that has Python, ``cryptography`` and the source of Freehold, and nothing else of it."""

import subprocess
from pathlib import Path

import pytest
from tests.bare import bare_python

GOLDENS = Path(__file__).parents[2] / "golden"
GOLDEN = GOLDENS / "v0.1" / "ledger"
PACK = GOLDENS / "pack" / "v1"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bare_python(tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["receipt", "call.receipt.json", "--vkey", "ledger.vkey"], 0),
        (["receipt", "outcome.tlog-proof", "--vkey", "ledger.vkey"], 0),
        (["checkpoint", "ledger/checkpoint", "--vkey", "ledger.vkey"], 0),
        (["consistency", "ledger/checkpoint", "ledger/checkpoint", "--vkey", "ledger.vkey"], 0),
        (["log", "ledger", "--vkey", "ledger.vkey"], 0),
        (["pack", str(PACK / "pack.zip"), "--vkey", str(PACK / "ledger.vkey")], 0),
        (["pack", "ledger/checkpoint", "--vkey", "ledger.vkey"], 1),
        (["receipt", "ledger/checkpoint", "--vkey", "ledger.vkey"], 1),
        (["receipt", "not-there", "--vkey", "ledger.vkey"], 2),
    ],
)
def test_it_runs_with_cryptography_alone(python: Path, arguments: list[str], code: int) -> None:
    command: list[str | Path] = [python, "-I", "-m", "freehold.verify.main", *arguments]
    done = subprocess.run(command, cwd=GOLDEN, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr


def test_there_is_nothing_else_to_import(python: Path) -> None:
    for module in ("msgspec", "click", "aiohttp", "pip", "pytest"):
        done = subprocess.run([python, "-I", "-c", f"import {module}"], capture_output=True, check=False)
        assert done.returncode == 1
