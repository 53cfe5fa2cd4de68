# SPDX-License-Identifier: Apache-2.0
"""What a newcomer does: ``git clone``, ``make up``, ``make up`` again, ``make down``."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.system import processes
from tests.system.estates import Estate
from tests.system.waiting import LONG_S
from tests.system.wire import CHAT, chat, post

GIT = shutil.which("git") or "git"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("newcomer") / "freehold"
    subprocess.run([GIT, "clone", "--quiet", "--no-local", REPOSITORY, folder], check=True, timeout=LONG_S)
    yield folder
    if (folder / ".venv" / "bin" / "freehold").exists():
        make(folder, "down", Estate(folder / "estate"))
    processes.kill(processes.of_estate(folder / "estate"))


def make(folder: Path, target: str, house: Estate) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("FREEHOLD_", "VIRTUAL_ENV"))
    }
    command = ["make", "--no-print-directory", target, f"PORT={house.port}", f"ADMIN_PORT={house.admin_port}"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(3600)
def test_a_newcomer_has_an_answer_a_verified_receipt_and_a_key_that_is_shown_once(clone: Path) -> None:
    house = Estate(clone / "estate")
    first = make(clone, "up", house)
    (house.key,) = set(re.findall(r"fh_[A-Za-z0-9_-]{40,}", first))
    assert house.base_url in first
    assert "curl " in first
    for vendor in ("OpenAI", "Anthropic", "Mistral", "gpt-", "claude-"):
        assert vendor in first
    assert re.search(r"receipt.*(verif|check)|(verif|check).*receipt", first, re.IGNORECASE)
    assert post(house, CHAT, chat(model="gpt-4o")).status == 200
    second = make(clone, "up", house)
    assert "fh_" not in second
    assert house.base_url in second
    make(clone, "down", house)
    assert not processes.of_estate(house.directory)
    status = subprocess.run([GIT, "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert status.stdout == "", "making leaves the repository as it was"
