# SPDX-License-Identifier: Apache-2.0
"""Estates whose ledgers are witnessed, by each other and by whoever means them ill. Real processes throughout."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.system import records
from tests.system.conftest import NewEstate
from tests.system.estates import Estate
from tests.system.waiting import LONG_S, wait_for
from tests.system.wire import CHAT, chat, post
from tests.system.witnesses import WitnessProcess, have_witness, told_witness

# What each says to everything it is asked: a status, a type and a text.
MAD: Mapping[str, tuple[int, str, bytes]] = {
    "nonsense": (200, "text/plain", b"nonsense\n"),
    "empty": (200, "text/plain", b""),
    "broken": (500, "text/html", b"<html>"),
    "forgetful": (409, "text/x.tlog.size", b"0\n"),
    "beyond": (409, "text/x.tlog.size", b"12345678\n"),
    "unproved": (422, "text/plain", b""),
    "hanging": (200, "text/plain", b""),
}
HANGS, CLAIMS = "hanging", ("beyond", "unproved")
HANGING_S = 120.0  # longer than any call takes, and shorter than the one that hangs does
VERIFY = (sys.executable, "-m", "freehold.verify.main")


@pytest.fixture
def alice(tmp_path: Path) -> Iterator[WitnessProcess]:
    with ExitStack() as stack:
        witness = WitnessProcess(tmp_path / "witness-alice", "alice.example/w1")
        stack.callback(witness.end)
        yield witness


@pytest.fixture
def bob(tmp_path: Path) -> Iterator[WitnessProcess]:
    with ExitStack() as stack:
        witness = WitnessProcess(tmp_path / "witness-bob", "bob.example/w1", key_type="ml-dsa-44")
        stack.callback(witness.end)
        yield witness


def witnessing(estate: Estate) -> dict[str, Any]:
    found = estate.status()["witnessing"]
    assert isinstance(found, dict)
    return found


def size(estate: Estate, name: str = "checkpoint") -> int:
    try:
        return int((estate.files / "ledger" / name).read_text(encoding="utf-8").splitlines()[1])
    except FileNotFoundError:
        return -1


def all_cosigned(estate: Estate) -> bool:
    return size(estate, "checkpoint.cosigned") == size(estate)


def make_entries(estate: Estate, count: int = 2) -> None:
    for _ in range(count):
        estate.run("operator", "create")
    estate.run("ledger", "verify")
    wait_for(lambda: estate.status()["ledger"]["published_size"] == estate.status()["ledger"]["size"], "published")


def put_back(estate: Estate, backup: Path) -> None:
    """Every file as it was, in the directories that there are: what a restore in place does."""
    for kept in ("ledger", "salts"):
        directory = estate.files / kept
        for path in directory.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(backup / kept, directory, dirs_exist_ok=True)


def back_up(estate: Estate, backup: Path) -> None:
    for kept in ("ledger", "salts"):
        shutil.copytree(estate.files / kept, backup / kept)


def witnessed(new_estate: NewEstate, witness: WitnessProcess) -> Estate:
    """One that is up, with this one witness, which is up too."""
    estate = new_estate()
    witness.watch(estate)
    witness.serve()
    have_witness(estate, "alice", witness.vkey, witness.url)
    estate.up()
    return estate


def outgrow(estate: Estate, backup: Path, *, by: int) -> int:
    """Have the log grow beyond a backup of it, under cosignatures, and stop: its size at the end."""
    make_entries(estate, 1)
    estate.down()
    back_up(estate, backup)
    estate.up()
    make_entries(estate, by)
    wait_for(lambda: all_cosigned(estate), "cosigned")
    newest = size(estate)
    estate.down()
    return newest


def test_two_estates_witness_each_other(
    new_estate: NewEstate, alice: WitnessProcess, bob: WitnessProcess, tmp_path: Path
) -> None:
    of_alice, of_bob = new_estate(), new_estate()
    for witness, other in ((alice, of_bob), (bob, of_alice)):
        witness.watch(other)
        witness.serve()
    have_witness(of_alice, "bob", bob.vkey, bob.url)
    have_witness(of_bob, "alice", alice.vkey, alice.url)
    for estate in (of_alice, of_bob):
        estate.up()
        _a_call_is_proved_under_cosignatures(estate, tmp_path)
        (listed,) = estate.ask("witness", "list")["witnesses"]["witnesses"]
        assert (listed["lag"], listed["problem"]) == (0, "")
        assert [host["for"] for host in estate.ask("egress", "list")["hosts"]] == ["witness"]


def test_a_witness_that_is_killed_and_started_again_goes_on_where_it_was(
    new_estate: NewEstate, alice: WitnessProcess
) -> None:
    estate = witnessed(new_estate, alice)
    wait_for(lambda: all_cosigned(estate), "cosigned")
    alice.end(signal.SIGKILL)
    make_entries(estate)
    assert post(estate, CHAT, chat(max_tokens=1)).status == 200, "no call waits for a witness"
    wait_for(lambda: witnessing(estate)["witnesses"][0]["problem"], "the dead witness is told")
    assert not all_cosigned(estate)
    alice.serve()
    wait_for(lambda: all_cosigned(estate), "cosigned again")
    assert estate.status()["alarms"] == []


def test_an_old_backup_over_a_newer_log_is_noticed_and_stands_until_a_person_clears_it(
    new_estate: NewEstate, alice: WitnessProcess, tmp_path: Path
) -> None:
    estate = witnessed(new_estate, alice)
    newest = outgrow(estate, tmp_path / "backup", by=5)
    put_back(estate, tmp_path / "backup")
    estate.up()
    (alarm,) = wait_for(lambda: estate.status()["alarms"], "the alarm")
    assert (alarm["kind"], alarm["proved"], alarm["seen_size"]) == ("rollback", True, newest)
    assert alarm["seen"].splitlines()[1] == str(newest)
    assert estate.run("status").startswith("! ALARM"), "the first line"
    doctor = estate.attempt("doctor")
    assert doctor.returncode == 1
    assert doctor.stdout.startswith("fail  witness")
    estate.down()
    assert estate.run("status").startswith("! ALARM"), "while it is down, too"
    estate.up()
    estate.run("witness", "clear", alarm["id"], "--reason", "restored on purpose")
    cleared = next(one for one in estate.ask("witness", "list")["witnesses"]["alarms"] if one["id"] == alarm["id"])
    assert (cleared["state"], cleared["reason"]) == ("cleared", "restored on purpose")
    log = (estate.files / "ledger").rglob("*")
    assert not any(b"restored on purpose" in path.read_bytes() for path in log if path.is_file())


def test_a_split_view_is_refused_and_raises_the_alarm(
    new_estate: NewEstate, alice: WitnessProcess, tmp_path: Path
) -> None:
    estate = witnessed(new_estate, alice)
    seen = outgrow(estate, tmp_path / "backup", by=1)
    alice.end()
    put_back(estate, tmp_path / "backup")
    estate.up()
    make_entries(estate, 6)
    assert size(estate) > seen
    alice.serve()
    (alarm,) = wait_for(lambda: estate.status()["alarms"], "the alarm")
    assert (alarm["kind"], alarm["proved"], alarm["seen_size"]) == ("split_view", True, seen)
    acts = [entry.get("act") for entry in _entries_once_recorded(estate, "witness.alarm")]
    assert acts.count("witness.alarm") == 1


@pytest.fixture(scope="module")
def beset(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate all of whose witnesses are mad, each in a way of its own."""
    folder = tmp_path_factory.mktemp("beset")
    own = Estate(folder / "estate")
    with ExitStack() as stack:
        stack.callback(own.destroy)
        own.run("init")
        own.take_vault_of(estate)
        for name, answer in MAD.items():
            told, url = stack.enter_context(told_witness())
            told.hanging.set() if name == HANGS else told.say(*answer)
            have_witness(own, name, WitnessProcess(folder / name, f"{name}.example/w1").vkey, url)
        own.up()
        yield own


def test_witnesses_that_are_mad_delay_no_call(beset: Estate) -> None:
    wait_for(lambda: all(row["problem"] for row in witnessing(beset)["witnesses"]), "every one was asked")
    began_s = time.monotonic()
    assert post(beset, CHAT, chat(max_tokens=1)).status == 200
    assert time.monotonic() - began_s < HANGING_S
    assert size(beset, "checkpoint.cosigned") == -1


@pytest.mark.parametrize("name", MAD)
def test_a_witness_that_is_mad_is_told_and_alarms_by_nothing_but_a_claim(beset: Estate, name: str) -> None:
    def problem() -> str:
        (row,) = [row for row in witnessing(beset)["witnesses"] if row["name"] == name]
        return str(row["problem"])

    told = wait_for(problem, f"{name} was asked")
    assert ("within 2 s" in told) is (name == HANGS)
    alarms = [alarm["witness"] for alarm in beset.status()["alarms"]]
    assert alarms.count(name) == (name in CLAIMS)


def test_a_sealed_estate_asks_nobody_and_says_so(new_estate: NewEstate, alice: WitnessProcess) -> None:
    estate = new_estate()
    with told_witness() as (told, url):
        have_witness(estate, "alice", alice.vkey, url)
        done = estate.attempt_up("--sealed")
        if done.returncode:
            pytest.skip(f"no sealed estate here: {done.stderr.splitlines()[0]}")
        make_entries(estate, 1)
        assert "sealed" in witnessing(estate)["witnesses"][0]["problem"]
        assert told.asked == 0


def test_an_estate_without_a_witness_says_that_a_rollback_could_not_be_seen(estate: Estate) -> None:
    assert "rollback" in witnessing(estate)["rollback_unseen"]
    assert "could not be seen" in estate.run("status")


def _entries_once_recorded(estate: Estate, act: str) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]] | None:
        there = records.entries(estate)
        return there if any(entry.get("act") == act for entry in there) else None

    return wait_for(found, f"{act} is on record")


def _a_call_is_proved_under_cosignatures(estate: Estate, folder: Path) -> None:
    answer = post(estate, CHAT, chat(max_tokens=2))
    assert answer.status == 200
    position = answer.headers["freehold-receipt"]
    assert records.call(estate, answer.headers["x-request-id"]).ending == "complete"  # so that nothing is to come
    wait_for(lambda: size(estate, "checkpoint.cosigned") == estate.status()["ledger"]["size"], "all is cosigned")
    policy, receipt = folder / "policy", folder / "receipt"
    policy.write_text(estate.run("witness", "policy"), encoding="utf-8")
    receipt.write_text(estate.run("ledger", "receipt", position), encoding="utf-8")
    checked = subprocess.run(
        [*VERIFY, "receipt", "--policy", policy, receipt], capture_output=True, text=True, check=False, timeout=LONG_S
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
