# SPDX-License-Identifier: Apache-2.0
"""The command as an auditor calls it. That defects are refused is tried with the assets of tests/attack."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ledger_builder import (
    AT,
    KEY,
    ORIGIN,
    TARGETS,
    act_bytes,
    append,
    call,
    decision,
    open_log,
    outcome,
    outcome_bytes,
    write_log,
)

from freehold.ledger import compose
from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.record.commitment import answer_commitment, request_commitment
from freehold.signing.cosignature import cosign
from freehold.signing.keys import FileKey
from freehold.signing.note import KeyKind
from freehold.verify.main import main, run

SALT = bytes(range(32))
REQUEST, ANSWER = b'{"model":"gpt-4o"}', b"data: [DONE]\n\n"
WITNESS = FileKey("witness.example/w1", bytes(32), KeyKind.ED25519_COSIGNATURE)
POLICY = f"log {KEY.vkey}\nwitness w1 {WITNESS.vkey}\nquorum w1\n"
ADMISSION = compose.admission(
    call(),
    decision(),
    targets=TARGETS,
    snapshot_version=1,
    request_commitment=request_commitment(SALT, REQUEST),
    at_utc=AT,
)
OUTCOME = compose.outcome(
    replace(outcome(), answer=answer_commitment(SALT, ANSWER), answer_bytes=len(ANSWER)), 0, at_utc=AT
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an auditor has on the desk."""
    folder = tmp_path_factory.mktemp("desk")
    log = open_log(folder)
    append(log, [ADMISSION])
    log.publish()
    shutil.copy(folder / "ledger" / "checkpoint", folder / "older")
    append(log, [act_bytes(), OUTCOME])
    log.publish()
    log.close()
    newest = (folder / "ledger" / "checkpoint").read_bytes()
    text = newest.decode().rpartition("\n\n")[0] + "\n"
    (folder / "cosigned").write_bytes(newest + cosign(text, WITNESS, 1_795_000_000).encode())
    contents = {
        "receipt.json": receipt_for(folder / "ledger", ORIGIN, 0, salt=SALT),
        "unsalted.json": receipt_for(folder / "ledger", ORIGIN, 0),
        "outcome.tlog-proof": tlog_proof_for(folder / "ledger", ORIGIN, 2).encode(),
        "request": REQUEST,
        "answer": ANSWER,
        "policy": POLICY.encode(),
        "without-log": b"quorum none\n",
        "vkey": f"{KEY.vkey}\n".encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def verify(desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def verified(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = main([*arguments, "--json"])
        (told,) = json.loads(capsys.readouterr().out).values()
        assert told["holds"] is {0: True, 1: False, 2: None}[code]
        return code, told

    monkeypatch.chdir(desk)
    return verified


def test_a_receipt_holds_and_says_what_it_does_not_prove(verify: Any) -> None:
    code, told = verify("receipt", "receipt.json", "--vkey", "vkey")
    assert code == 0
    assert (told["origin"], told["index"], told["tree_size"]) == (ORIGIN, 0, 3)
    assert told["indexes"] == {"admission": 0, "outcome": 2}
    assert told["outcome"]["ending"] == "complete"
    assert any("no witness was asked for" in line for line in told["not_proved"])
    assert any("what the request was" in line for line in told["not_proved"])


def test_a_receipt_is_for_exactly_this_request_and_this_answer(verify: Any) -> None:
    both = ("--request", "request", "--answer", "answer")
    code, told = verify("receipt", "receipt.json", "--vkey", "vkey", *both)
    assert (code, told["contents"]) == (0, {"request": True, "answer": True})
    assert verify("receipt", "unsalted.json", "--vkey", "vkey", *both, "--salt", SALT.hex())[0] == 0
    assert verify("receipt", "unsalted.json", "--vkey", "vkey", *both)[0] == 2
    assert verify("receipt", "receipt.json", "--vkey", "vkey", "--request", "answer")[0] == 1
    assert verify("receipt", "receipt.json", "--vkey", "vkey", "--answer", "request")[0] == 1


def test_a_tlog_proof_holds_for_the_entry_in_it_or_beside_it(verify: Any, desk: Path, tmp_path: Path) -> None:
    code, told = verify("receipt", "outcome.tlog-proof", "--vkey", KEY.vkey, "--answer", "answer", "--salt", SALT.hex())
    assert (code, told["index"], told["contents"]["answer"]) == (0, 2, True)
    lines = (desk / "outcome.tlog-proof").read_text().split("\n")
    bare = tmp_path / "bare"
    bare.write_text("\n".join([lines[0], *lines[2:]]))
    entry = tmp_path / "entry"
    entry.write_bytes(OUTCOME)
    assert verify("receipt", str(bare), "--vkey", "vkey")[0] == 1
    assert verify("receipt", str(bare), "--vkey", "vkey", "--entry", str(entry))[0] == 0
    assert verify("receipt", "receipt.json", "--vkey", "vkey", "--entry", str(entry))[0] == 2


def test_a_checkpoint_holds_once_the_quorum_has_cosigned_it(verify: Any) -> None:
    code, told = verify("checkpoint", "cosigned", "--policy", "policy")
    assert code == 0
    assert [mark["witness"] for mark in told["cosignatures"]] == ["w1"]
    assert told["cosignatures"][0]["at"] == "2026-11-18T11:06:40Z"
    code, told = verify("checkpoint", "ledger/checkpoint", "--policy", "policy")
    assert code == 1
    assert "expected w1, found nobody" in told["error"]["message"]


def test_the_newer_of_two_checkpoints_goes_on_from_the_older(verify: Any, tmp_path: Path) -> None:
    pair = ("older", "ledger/checkpoint", "--vkey", "vkey")
    code, told = verify("consistency", *pair, "--log", "ledger")
    assert code == 0
    (tmp_path / "proof").write_text(json.dumps({"consistency": told["consistency"]}))
    assert verify("consistency", *pair, "--proof", str(tmp_path / "proof"))[0] == 0
    assert verify("consistency", *pair)[0] == 2
    assert verify("consistency", "ledger/checkpoint", "older", "--vkey", "vkey", "--log", "ledger")[0] == 1


def test_a_log_holds_from_its_directory_and_from_a_tar(verify: Any, desk: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "log.tar", "w") as tar:
        tar.add(desk / "ledger", ".")
    told = [verify("log", log, "--vkey", "vkey") for log in ("ledger", str(tmp_path / "log.tar"))]
    assert told[0] == told[1]
    assert (told[0][1]["size"], told[0][1]["admissions"], told[0][1]["acts"]) == (3, 1, 1)


def test_a_log_whose_record_contradicts_itself_does_not_hold(verify: Any, tmp_path: Path) -> None:
    ledger = write_log(tmp_path, [act_bytes(), outcome_bytes(0)])
    code, told = verify("log", str(ledger), "--vkey", "vkey")
    assert code == 1
    assert "1 outcomes close no call" in told["error"]["message"]


def test_a_log_without_the_witnesses_that_are_asked_for_does_not_hold(verify: Any, desk: Path) -> None:
    assert verify("log", "ledger", "--policy", "policy")[0] == 1
    shutil.copy(desk / "cosigned", desk / "ledger" / "checkpoint.cosigned")
    code, told = verify("log", "ledger", "--policy", "policy")
    (desk / "ledger" / "checkpoint.cosigned").unlink()
    assert (code, told["cosigned_size"], told["witnesses"]) == (0, 3, ["w1"])


def test_whom_to_trust_is_for_the_verifier_to_say(verify: Any) -> None:
    assert verify("receipt", "receipt.json")[1]["error"]["code"] == "trust_invalid"
    assert verify("receipt", "receipt.json", "--policy", "vkey")[1]["error"]["code"] == "trust_invalid"
    assert verify("receipt", "receipt.json", "--policy", "without-log")[1]["error"]["code"] == "trust_invalid"
    assert verify("receipt", "receipt.json", "--policy", "without-log", "--vkey", "vkey")[0] == 0
    assert verify("checkpoint", "cosigned", "--policy", "policy", "--vkey", "vkey")[0] == 2
    assert verify("receipt", "receipt.json", "--vkey", FileKey(ORIGIN, bytes(32)).vkey)[0] == 1


@pytest.mark.parametrize("subject", ["receipt", "checkpoint", "log"])
def test_what_cannot_be_read_is_neither_proved_nor_disproved(verify: Any, subject: str) -> None:
    assert verify(subject, "not-there", "--vkey", "vkey")[0] == 2


def test_what_is_no_receipt_does_not_hold(verify: Any) -> None:
    for name in ("request", "answer", "vkey", "older"):
        assert verify("receipt", name, "--vkey", "vkey")[0] == 1


@pytest.mark.parametrize("arguments", [[], ["receipt"], ["packs", "x"], ["receipt", "x", "--vkeys", "y"]])
def test_a_command_that_is_not_understood_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_standard_input_is_read(verify: Any, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((desk / "receipt.json").read_bytes())))
    assert verify("receipt", "-", "--vkey", "vkey")[0] == 0


def test_a_person_is_told_in_plain_words(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(desk)
    assert main(["receipt", "receipt.json", "--vkey", "vkey"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("The receipt holds.\n\nProved:\n")
    assert "\nNot proved:\n" in told
    assert main(["receipt", "request", "--vkey", "vkey"]) == 1
    refused = capsys.readouterr()
    assert refused.out == "The receipt does NOT hold.\n"
    assert refused.err.startswith("freehold-verify: this is no receipt")


def test_nothing_in_an_entry_can_steer_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    act = act_bytes().replace(b'"subject":"key-1"', b'"subject":"\\u001b[2J\\u202e"')
    ledger = write_log(tmp_path, [act.replace(b"\\u202e", "\u202e".encode())])
    (tmp_path / "receipt").write_bytes(receipt_for(ledger, ORIGIN, 0))
    assert main(["receipt", str(tmp_path / "receipt"), "--vkey", KEY.vkey]) == 0
    told = capsys.readouterr().out
    assert "\\x1b[2J\\u202e" in told
    assert told.isascii()


def test_the_command_is_an_entry_point() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "freehold.verify.main", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("freehold-verify ")


@pytest.mark.parametrize(("vkey", "code"), [(KEY.vkey, 0), (FileKey(ORIGIN, bytes(32)).vkey, 1)])
def test_the_exit_code_is_the_finding_although_nobody_reads_it(desk: Path, vkey: str, code: int) -> None:
    command = [sys.executable, "-m", "freehold.verify.main", "receipt", str(desk / "receipt.json"), "--vkey", vkey]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as verifier:
        assert verifier.stdout is not None
        assert verifier.stderr is not None
        verifier.stdout.close()
        assert "Traceback" not in verifier.stderr.read()
    assert verifier.returncode == code


def test_a_finding_that_cannot_be_written_is_neither_yes_nor_no(desk: Path) -> None:
    command = [sys.executable, "-m", "freehold.verify.main", "receipt", str(desk / "receipt.json"), "--vkey", KEY.vkey]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "freehold-verify: what was found cannot be written: No space left on device\n",
    )


def test_the_exit_code_is_the_finding_although_there_is_nowhere_to_write_it(desk: Path) -> None:
    command = f"'{sys.executable}' -m freehold.verify.main receipt '{desk / 'receipt.json'}' --vkey '{KEY.vkey}' >&-"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bug_of_the_verifier_does_not_look_like_a_defect_of_what_it_checks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["freehold-verify", "receipt", "a\0b", "--vkey", KEY.vkey])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 2
    assert "this is a bug of freehold-verify" in capsys.readouterr().err


def test_the_installed_command_is_this_one() -> None:
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    scripts = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts["freehold-verify"] == f"{run.__module__}:{run.__name__}"
