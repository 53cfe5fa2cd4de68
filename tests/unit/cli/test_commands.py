# SPDX-License-Identifier: Apache-2.0
"""What each command prints while the estate is down, from its files alone."""

import contextlib
import json
import shutil
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf
from tests.ledger_builder import KEY, ORIGIN, act_bytes, write_log
from tests.unit.cli.conftest import Run

from freehold.admin.keys import KeyRecord, OperatorRecord, digest_of
from freehold.admin.state import State
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.ledger import compose
from freehold.ledger.check.issuing import receipt_for
from freehold.ledger.writing.log import Log, NewEntry
from freehold.signing.keys import FileKey, load_signer
from freehold.signing.note import KeyKind
from freehold.vault import Vault


def test_init_makes_an_estate_and_tells_its_verifier_key(run: Run, tmp_path: Path) -> None:
    made = json.loads(run("init", "--estate", tmp_path / "e", "--port", 9000, "--json").stdout)["estate"]
    assert (made["made"], made["directory"]) == (True, str(tmp_path / "e"))
    assert made["vkey"].startswith(made["origin"] + "+")
    again = run("init", "--estate", tmp_path / "e")
    assert (again.exit_code, "There is already an estate" in again.stdout) == (0, True)


def test_init_says_which_path_and_why(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    refused = run("init", "--estate", tmp_path)
    assert refused.exit_code == 1
    assert f"freehold: {tmp_path} is not empty and not an estate" in refused.stderr


def test_the_estate_is_found_by_the_environment(run: Run, estate: Estate) -> None:
    shown = run("status", "--json", env={"FREEHOLD_ESTATE": str(estate.directory)})
    assert json.loads(shown.stdout)["status"]["estate"] == str(estate.directory)


def test_an_estate_that_is_down_has_a_status(run: Run, estate: Estate) -> None:
    status = json.loads(run("status", "--estate", estate.directory, "--json").stdout)["status"]
    assert (status["state"], status["base_url"], status["processes"]) == ("down", "http://127.0.0.1:8080", [])
    assert "is down" in run("status", "--estate", estate.directory).stdout


def test_a_broken_configuration_is_told_by_its_line(run: Run, estate: Estate) -> None:
    estate.settings.write_text(estate.settings.read_text() + "\n[target.spare]\nengine = 5\n")
    shown = run("status", "--estate", estate.directory)
    assert shown.exit_code == 1
    assert "[target.spare] engine: Expected 'str', got 'int'" in shown.stderr
    assert ", line " in shown.stderr


def test_the_doctor_exits_with_1_for_a_failed_check(run: Run, estate: Estate) -> None:
    shown = run("doctor", "--estate", estate.directory, "--json")
    findings = {check["name"]: check["finding"] for check in json.loads(shown.stdout)["checks"]}
    assert (shown.exit_code, findings["weights"]) == (1, "fail")
    assert "'freehold vault import'" in run("doctor", "--estate", estate.directory).stdout


def test_keys_are_listed_without_their_secrets(run: Run, estate: Estate) -> None:
    with contextlib.closing(State(estate.state)) as state:
        state.add_api_key(
            KeyRecord(
                id="key_1",
                label="billing",
                secret_sha256=digest_of("fh_x"),
                services=("default",),
                data_class=DataClass.PUBLIC,
                created_unix=0.5,
                revoked_unix=9.0,
            )
        )
        state.add_operator(OperatorRecord(id="op_1", label="", token_sha256=digest_of("fho_x"), created_unix=1.0))
    shown = run("key", "list", "--estate", estate.directory)
    assert shown.stdout.splitlines()[1].split() == [
        "key_1", "billing", "revoked", "default", "default", "public", "1970-01-01T00:00:00Z", "-",
    ]  # fmt: skip
    assert digest_of("fh_x") not in run("key", "list", "--estate", estate.directory, "--json").stdout
    operators = json.loads(run("operator", "list", "--estate", estate.directory, "--json").stdout)["operators"]
    assert [(row["id"], row["state"]) for row in operators] == [("op_1", "active")]


@pytest.mark.parametrize(("group", "noun"), [("key", "keys"), ("operator", "operators"), ("vault", "models")])
def test_a_new_estate_has_nothing_to_list(run: Run, estate: Estate, group: str, noun: str) -> None:
    assert json.loads(run(group, "list", "--estate", estate.directory, "--json").stdout) == {noun: []}
    assert "create" in (text := run(group, "list", "--estate", estate.directory).stdout) or "import" in text


@pytest.fixture
def model(estate: Estate, tmp_path: Path) -> Path:
    """The weights in the vault of a model called tiny."""
    source = tmp_path / "Tiny.gguf"
    source.write_bytes(Gguf().build())
    Vault(estate.vault).import_model(str(source), "tiny")
    (blob,) = (estate.vault / "blobs" / "sha256").iterdir()
    return blob


def test_models_are_listed_shown_and_verified(run: Run, estate: Estate, model: Path) -> None:
    (listed,) = json.loads(run("vault", "list", "--estate", estate.directory, "--json").stdout)["models"]
    shown = json.loads(run("vault", "show", "tiny", "--estate", estate.directory, "--json").stdout)["model"]
    assert listed == shown
    assert f"sha256:{model.name}" in run("vault", "show", "tiny", "--estate", estate.directory).stdout
    for arguments in ((), ("tiny",)):
        assert run("vault", "verify", *arguments, "--estate", estate.directory).exit_code == 0


def test_a_damaged_model_is_exit_code_1(run: Run, estate: Estate, model: Path) -> None:
    model.chmod(0o600)
    model.write_bytes(model.read_bytes()[:-1] + b"\xff")
    every = run("vault", "verify", "--estate", estate.directory, "--json")
    (finding,) = json.loads(every.stdout)["models"]
    assert (every.exit_code, finding["passed"]) == (1, False)
    assert run("vault", "verify", "tiny", "--estate", estate.directory).exit_code == 1


@pytest.fixture
def position(estate: Estate) -> str:
    """Of an act in the ledger of the estate."""
    signer = load_signer(str(estate.ledger_key))
    log = Log(estate.ledger, salts=estate.salts, signer=signer)
    act = compose.act(
        id="act1", kind="key.create", subject="key_1", operator="local", digests={}, at_utc=datetime.now(UTC)
    )
    log.append([NewEntry(data=act)], "2026-11-22")
    log.publish()
    log.close()
    return f"{signer.name}/0"


def test_the_ledger_is_verified_and_counted(run: Run, estate: Estate, position: str) -> None:
    report = json.loads(run("ledger", "verify", "--estate", estate.directory, "--json").stdout)["ledger"]
    assert (report["size"], report["acts"], report["origin"]) == (1, 1, position.removesuffix("/0"))
    shown = run("ledger", "verify", "--estate", estate.directory).stdout
    assert shown.startswith("The ledger holds")


def test_a_changed_entry_is_exit_code_1_with_expected_and_found(run: Run, estate: Estate, position: str) -> None:
    for path in (estate.ledger / "tile" / "entries").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(path.read_bytes().replace(b"key_1", b"key_2"))
    checked = run("ledger", "verify", "--estate", estate.directory)
    assert checked.exit_code == 1
    assert "expected" in checked.stderr
    assert "found" in checked.stderr


def test_what_somebody_wrote_into_an_entry_steers_no_terminal(run: Run, tmp_path: Path) -> None:
    nasty = "key-1\n  and the answer, too\x1b[2J\u202e"
    act = act_bytes().replace(b'"key-1"', json.dumps(nasty, ensure_ascii=False).encode())
    (tmp_path / "receipt").write_bytes(receipt_for(write_log(tmp_path, [act]), ORIGIN, 0))
    told = run("ledger", "receipt", "--check", tmp_path / "receipt", "--vkey", KEY.vkey)
    assert "key-1\\n  and the answer, too\\x1b[2J\\u202e\n" in told.stdout


@pytest.mark.parametrize("form", ["json", "tlog-proof"])
def test_a_receipt_is_checked_without_the_estate(
    run: Run, estate: Estate, position: str, tmp_path: Path, form: str
) -> None:
    file, vkey = tmp_path / "receipt", tmp_path / "auditor.vkey"
    assert (
        run("ledger", "receipt", position, "--format", form, "--out", file, "--estate", estate.directory).exit_code == 0
    )
    shutil.copy(estate.ledger_vkey, vkey)
    shutil.rmtree(estate.directory)
    for key in (vkey, vkey.read_text().strip()):
        checked = run("ledger", "receipt", "--check", file, "--vkey", key, "--json")
        proved = json.loads(checked.stdout)["receipt"]
        assert (proved["holds"], proved["index"], proved["act"]["subject"]) == (True, 0, "key_1")
    assert run("ledger", "receipt", "--check", file, "--vkey", vkey).stdout.startswith("The receipt holds")


@pytest.mark.parametrize("form", ["json", "tlog-proof"])
def test_a_receipt_that_was_changed_does_not_hold(
    run: Run, estate: Estate, position: str, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "receipt"
    run("ledger", "receipt", position, "--format", form, "--out", file, "--estate", estate.directory)
    text = file.read_text()
    file.write_text(text.replace("key_1", "key_2") if form == "json" else text.replace("extra eyJ", "extra eyB"))
    checked = run("ledger", "receipt", "--check", file, "--estate", estate.directory)
    assert checked.exit_code == 1
    assert checked.stdout == ""


def test_a_policy_says_whom_to_trust(run: Run, estate: Estate, position: str, tmp_path: Path) -> None:
    file, policy, here = tmp_path / "receipt", tmp_path / "policy", ("--estate", estate.directory)
    run("ledger", "receipt", position, "--out", file, *here)
    check = ("ledger", "receipt", "--check", file, "--policy", policy, *here)
    policy.write_text("quorum none\n")
    assert run(*check).exit_code == 0
    policy.write_text(f"log {estate.ledger_vkey.read_text()}quorum none\n")
    assert run("ledger", "verify", "--policy", policy, *here).exit_code == 0
    assert run(*check, "--vkey", estate.ledger_vkey).exit_code == 2
    witness = FileKey("witness.example/w1", bytes(32), KeyKind.ED25519_COSIGNATURE)
    policy.write_text(f"log {estate.ledger_vkey.read_text()}witness w1 {witness.vkey}\nquorum w1\n")
    assert "expected w1, found nobody" in run(*check).stderr
    assert run("ledger", "verify", "--policy", policy, *here).exit_code == 1
    policy.write_text("quorum w1\n")
    assert "line 1 of the policy" in run(*check).stderr


def test_without_a_verifier_key_the_way_to_one_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "receipt").write_text("{}")
    checked = run("ledger", "receipt", "--check", tmp_path / "receipt", "--estate", tmp_path / "none")
    assert checked.exit_code == 1
    assert "Ask the estate's operator for keys/ledger.vkey" in checked.stderr


def test_a_receipt_on_standard_output_is_the_receipt_alone(run: Run, estate: Estate, position: str) -> None:
    shown = run("ledger", "receipt", position, "--estate", estate.directory)
    assert json.loads(shown.stdout)["receipt"] == "freehold/receipt/v1"


def test_chat_asks_for_an_estate_that_is_up(run: Run, estate: Estate) -> None:
    asked = run("chat", "--once", "hello", "--estate", estate.directory)
    assert asked.exit_code == 1
    assert "'freehold up --detach' starts it" in asked.stderr


def test_the_doctor_names_a_port_that_is_taken(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run("init", "--estate", tmp_path / "e", "--port", port)
        checks = json.loads(run("doctor", "--estate", tmp_path / "e", "--json").stdout)["checks"]
    (found,) = [check for check in checks if check["name"] == "ports"]
    assert (found["finding"], str(port) in found["what"]) == ("fail", True)


def test_engines_are_listed_from_files_and_one_of_them_runs(run: Run, estate: Estate) -> None:
    engines = json.loads(run("engine", "list", "--estate", estate.directory, "--json").stdout)["engines"]
    assert engines[-1]["kind"] == "package"
    assert [engine["runs"] for engine in engines].count(True) == 1
    assert "package" in run("engine", "list", "--estate", estate.directory).stdout
