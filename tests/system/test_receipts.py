# SPDX-License-Identifier: Apache-2.0
"""Receipts: whoever has one and the public key can check it, with nothing else of the estate."""

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.system import records
from tests.system.estates import FREEHOLD, Estate
from tests.system.waiting import LONG_S
from tests.system.wire import CHAT, COMPLETIONS, MESSAGES, RESPONSES, Answer, chat, post

SAMPLES = 32  # of the characters that are changed; each check is a process of its own
Check = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.fixture
def check(estate: Estate, tmp_path: Path) -> Check:
    """Checks a receipt in a folder that has nothing but it and the public key."""
    bare = tmp_path / "auditor"
    bare.mkdir()
    shutil.copy(estate.vkey, bare / "ledger.vkey")
    environment = {"PATH": os.defpath, "HOME": str(bare)}

    def run(receipt: Path) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [FREEHOLD, "ledger", "receipt", "--check", receipt, "--vkey", bare / "ledger.vkey"]
        return subprocess.run(
            command, cwd=bare, env=environment, capture_output=True, text=True, timeout=LONG_S, check=False
        )

    return run


def take(estate: Estate, name: str, folder: Path) -> Path:
    """Have a receipt written to a file."""
    file = folder / "receipt"
    estate.run("ledger", "receipt", name, "--out", file)
    return file


CALLS: dict[str, Callable[[Estate], Answer]] = {
    "chat": lambda estate: post(estate, CHAT, chat()),
    "chat-streamed": lambda estate: post(estate, CHAT, chat(stream=True)),
    "completion": lambda estate: post(estate, COMPLETIONS, {"model": "default", "prompt": "One,", "max_tokens": 2}),
    "responses": lambda estate: post(estate, RESPONSES, {"model": "gpt-5", "input": "hi", "max_output_tokens": 16}),
    "messages": lambda estate: post(estate, MESSAGES, chat()),
    "messages-streamed": lambda estate: post(estate, MESSAGES, chat(stream=True)),
    "count-tokens": lambda estate: post(estate, f"{MESSAGES}/count_tokens", chat()),
    "mistral": lambda estate: post(estate, CHAT, chat(random_seed=1)),
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_receipt_of_any_call_checks_with_the_public_key_alone(
    estate: Estate, check: Check, tmp_path: Path, kind: str
) -> None:
    answer = CALLS[kind](estate)
    assert answer.status == 200, answer
    record = records.call(estate, answer.headers["x-request-id"])
    receipt = take(estate, answer.headers["freehold-receipt"], tmp_path)
    done = check(receipt)
    assert done.returncode == 0, done.stderr
    said = receipt.read_text(encoding="utf-8")
    assert record.outcomes[0]["answer"] in said, "the receipt holds the answer's commitment"
    assert record.outcomes[0]["answer_bytes"] == len(answer.body)


def test_a_refused_call_has_a_receipt(estate: Estate, check: Check, tmp_path: Path) -> None:
    key = refused_key(estate)
    answer = post(estate, CHAT, chat(), key=key)
    assert answer.status == 403
    receipt = take(estate, answer.headers["freehold-receipt"], tmp_path)
    assert check(receipt).returncode == 0
    assert answer.headers["freehold-decision"] in receipt.read_text(encoding="utf-8")


def test_an_administrative_act_has_a_receipt(estate: Estate, check: Check, tmp_path: Path) -> None:
    kinds = [entry["kind"] for entry in records.entries(estate)]
    origin = (estate.directory / "ledger" / "checkpoint").read_text(encoding="utf-8").splitlines()[0]
    assert check(take(estate, f"{origin}/{kinds.index('act')}", tmp_path)).returncode == 0


def test_no_character_of_a_receipt_can_be_changed(estate: Estate, check: Check, tmp_path: Path) -> None:
    answer = post(estate, CHAT, chat())
    records.call(estate, answer.headers["x-request-id"])
    whole = take(estate, answer.headers["freehold-receipt"], tmp_path).read_bytes()

    def survives(position: int) -> bool:
        changed = tmp_path / f"changed-{position}"
        other = b"B" if whole[position : position + 1] == b"A" else b"A"
        changed.write_bytes(whole[:position] + other + whole[position + 1 :])
        return check(changed).returncode == 0

    positions = sorted({len(whole) * sample // SAMPLES for sample in range(SAMPLES)} | {len(whole) - 2})
    with ThreadPoolExecutor(2) as pool:
        survived = [position for position, held in zip(positions, pool.map(survives, positions), strict=True) if held]
    assert survived == [], [whole[max(0, position - 40) : position + 20] for position in survived]


def test_a_receipt_does_not_check_with_another_estates_key(estate: Estate, tool_estate: Estate, tmp_path: Path) -> None:
    answer = post(estate, CHAT, chat())
    receipt = take(estate, answer.headers["freehold-receipt"], tmp_path)
    command: list[str | Path] = [FREEHOLD, "ledger", "receipt", "--check", receipt, "--vkey", tool_estate.vkey]
    assert subprocess.run(command, capture_output=True, timeout=LONG_S, check=False).returncode == 1


def test_a_receipt_for_nothing_is_refused(estate: Estate) -> None:
    origin = (estate.directory / "ledger" / "checkpoint").read_text(encoding="utf-8").splitlines()[0]
    for name in (f"{origin}/99999999", f"{origin}/-1", f"{origin}/x", "elsewhere.example/log/0", "nonsense"):
        done = estate.attempt("ledger", "receipt", name)
        assert done.returncode in {1, 2}
        assert "Traceback" not in done.stderr


def test_neither_ledger_nor_receipt_holds_what_was_said_or_how_to_check_it(estate: Estate, tmp_path: Path) -> None:
    """The salt stays with the estate: without it nobody can try words against a commitment."""
    secret = "the-lighthouse-is-in-Brest"
    answer = post(estate, CHAT, chat(f"Repeat: {secret}", user="ada-lovelace", max_tokens=24))
    records.call(estate, answer.headers["x-request-id"])
    receipt = take(estate, answer.headers["freehold-receipt"], tmp_path).read_bytes()
    kept = [path for path in (estate.directory / "ledger").rglob("*") if path.is_file()]
    for content in (receipt, *(path.read_bytes() for path in kept)):
        assert secret.encode() not in content
        assert b"ada-lovelace" not in content
        assert b'"salt"' not in content
    assert any((estate.directory / "salts").iterdir())


def test_the_whole_log_verifies_and_a_changed_one_does_not(estate: Estate, tmp_path: Path) -> None:
    assert estate.attempt("ledger", "verify").returncode == 0
    copy = tmp_path / "copy"
    shutil.copytree(estate.directory, copy, ignore=shutil.ignore_patterns("vault", "run", "*.sock"), dirs_exist_ok=True)
    for folder in ("vault", "run"):
        (copy / folder).mkdir(exist_ok=True)
    bundle = max(
        (path for path in (copy / "ledger" / "tile" / "entries").rglob("*") if path.is_file()), key=os.path.getsize
    )
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.chmod(0o600)
    bundle.write_bytes(data)
    assert Estate(copy).attempt("ledger", "verify").returncode == 1


def refused_key(estate: Estate) -> str:
    """A key for no service that exists: made for one, which is then taken out again."""
    settings = estate.directory / "freehold.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + '\n[service.passing]\ntargets = ["local"]\n', encoding="utf-8")
    try:
        estate.run("reload")
        return str(estate.ask("key", "create", "--service", "passing")["key"]["secret"])
    finally:
        settings.write_text(text, encoding="utf-8")
        estate.run("reload")
