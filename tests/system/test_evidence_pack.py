# SPDX-License-Identifier: Apache-2.0
"""A pack of an estate with two providers, a witness and a june-2026 drill behind it, verified on a bare machine.

FREEHOLD_KEEP_PACK=DIR keeps the pack and the keys, for whoever wants to look at it as a person would.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.bare import bare_python
from tests.simulator.server import Simulator
from tests.system import foreign
from tests.system.estates import Estate
from tests.system.waiting import LONG_S
from tests.system.wire import CHAT, chat, post
from tests.system.witnesses import WitnessProcess, have_witness

TARGETS = ("openai/sim-tool", "anthropic/sim-tool")
ENGINE = '\n[target.local]\nengine = "llamacpp"\nmodel = "smollm2-135m-instruct"\n'
GIVEN = ("--by", "A. Weber", "--source", "contract with the utility, 2026-03-01")


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an auditor has: a bare interpreter, and later the pack and keys that came by another way."""
    return tmp_path_factory.mktemp("auditor")


@pytest.fixture(scope="module")
def packed(
    estate: Estate, running_simulator: Simulator, auditor: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """What the command told of the pack that now lies at the auditor's."""
    house = tmp_path_factory.mktemp("packed")
    own, witness = Estate(house / "estate"), WitnessProcess(house / "witness", "witness.example/paris")
    try:
        foreign.found(own, running_simulator, foreign.OPENAI, foreign.ANTHROPIC)
        own.take_vault_of(estate)
        foreign.serve(own, "support", *TARGETS, settings=('data_class = "public"', "rto_s = 20"))
        path = own.files / "freehold.toml"
        text = path.read_text(encoding="utf-8").replace(', "anthropic.sim-tool"]', ', "anthropic.sim-tool", "local"]')
        path.write_text(text + ENGINE)
        witness.watch(own)
        witness.serve()
        have_witness(own, "paris", witness.vkey, witness.url)
        own.up()
        own.run("evidence", "answer", "SOV-8.q4", "3", *GIVEN)
        own.run("drill", "run", "june-2026", "--requests", "24")
        forgotten = post(own, CHAT, chat(model="support"))
        own.run("ledger", "forget", forgotten.headers["freehold-receipt"])
        findings = house / "exposure.sarif"
        findings.write_text("{}")
        told = own.ask("evidence", "pack", auditor / "evidence.zip", "--with", findings)["pack"]
        shutil.copy(own.vkey, auditor / "ledger.vkey")
        shutil.copy(own.files / "keys" / "vault.pem", auditor)
        policy = f"log {own.vkey.read_text().strip()}\nwitness paris {witness.vkey}\nquorum paris\n"
        (auditor / "trust.policy").write_text(policy)
        if keep := os.environ.get("FREEHOLD_KEEP_PACK"):
            shutil.copytree(auditor, keep, dirs_exist_ok=True)
        yield told
    finally:
        witness.end()
        own.destroy()


def verify(auditor: Path, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    python = auditor / "bare" / "bin" / "python"
    if not python.exists():
        bare_python(auditor / "bare")
    command: list[str | Path] = [python, "-I", "-m", "freehold.verify.main", "pack", *arguments, "--json"]
    done = subprocess.run(
        command, cwd=auditor, capture_output=True, text=True, timeout=LONG_S, check=False, env={"PATH": os.defpath}
    )
    assert "Traceback" not in done.stderr
    told: dict[str, Any] = json.loads(done.stdout)["pack"]
    return done.returncode, told


def test_it_holds_on_a_bare_machine_for_who_asks_for_the_witness(packed: dict[str, Any], auditor: Path) -> None:
    assert packed["cosigned"] is True
    code, told = verify(auditor, "evidence.zip", "--policy", "trust.policy", "--key", "vault.pem")
    assert (code, told["holds"]) == (0, True), told
    assert [mark["witness"] for mark in told["cosignatures"]] == ["paris"]
    assert told["id"] == packed["id"]
    assert (len(told["scorecards"]["recorded"]), told["scorecards"]["unrecorded"]) == (1, [])
    assert told["receipts"]["calls"] >= 3
    assert told["given"] == ["given/exposure.sarif"]
    assert any("answers: 1, by A. Weber" in line for line in told["asserted"])


def test_a_byte_or_another_key_and_it_does_not(packed: dict[str, Any], auditor: Path, tool_estate: Estate) -> None:
    whole = (auditor / "evidence.zip").read_bytes()
    at = len(whole) // 2
    (auditor / "changed.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    shutil.copy(tool_estate.vkey, auditor / "other.vkey")
    for arguments in (("changed.zip", "--vkey", "ledger.vkey"), ("evidence.zip", "--vkey", "other.vkey")):
        code, told = verify(auditor, *arguments)
        assert (code, told["holds"]) == (1, False)


def test_unpacked_by_a_tool_that_everybody_has_it_can_be_read(packed: dict[str, Any], auditor: Path) -> None:
    folder = auditor / "unpacked"
    shutil.unpack_archive(auditor / "evidence.zip", folder)
    assert verify(auditor, folder, "--policy", "trust.policy")[0] == 0
    index = (folder / "index.html").read_text(encoding="utf-8")
    for said in ("june-2026", "paris", "The drills", packed["id"]):
        assert said in index
    assert (folder / "reports" / "csf.pdf").read_bytes().startswith(b"%PDF-1.7")
    plan = (folder / "reports" / "dora" / "exit-openai.md").read_text(encoding="utf-8")
    assert "june-2026" in plan.replace("\\", "")
