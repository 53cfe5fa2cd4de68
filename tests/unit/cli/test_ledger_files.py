# SPDX-License-Identifier: Apache-2.0
"""fsck and export as an operator types them, of an estate that is down."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from tests.ledger_builder import act_bytes, admission_bytes, outcome_bytes

from freehold.contract.estate import Estate
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.writing.log import Log, NewEntry
from freehold.signing.keys import load_signer
from freehold.verify.log import verify as check_log

Run = Callable[..., Result]


@pytest.fixture
def written(estate: Estate) -> Estate:
    """Its ledger has 300 acts."""
    log = Log(estate.ledger, salts=estate.salts, signer=load_signer(str(estate.ledger_key)))
    log.append([NewEntry(act_bytes(f"act-{index}")) for index in range(300)], "2026-11-22")
    log.publish()
    log.close()
    return estate


def damage(estate: Estate, path: str) -> None:
    file = estate.ledger / path
    file.write_bytes(file.read_bytes().replace(b"act-7", b"act-8") if "entries" in path else bytes(file.stat().st_size))


def test_a_ledger_that_contradicts_itself_is_not_said_to_hold(run: Run, estate: Estate) -> None:
    log = Log(estate.ledger, salts=estate.salts, signer=load_signer(str(estate.ledger_key)))
    closed_twice = [NewEntry(admission_bytes(), bytes(32)), NewEntry(outcome_bytes(0)), NewEntry(outcome_bytes(0))]
    log.append(closed_twice, "2026-11-22")
    log.publish()
    log.close()
    told = run("ledger", "verify", "--estate", estate.directory)
    assert told.exit_code == 1
    assert told.stdout.startswith("The ledger does NOT hold")
    assert "1 outcomes close no call" in told.stderr


def test_outcomes_of_calls_that_were_pruned_are_told_apart(run: Run, estate: Estate) -> None:
    log = Log(estate.ledger, salts=estate.salts, signer=load_signer(str(estate.ledger_key)))
    acts = [NewEntry(act_bytes(f"act-{index}")) for index in range(300)]
    log.append([NewEntry(admission_bytes(), bytes(32)), *acts, NewEntry(outcome_bytes(0))], "2026-11-22")
    log.publish()
    log.close()
    (estate.ledger / "minimum-index").write_text("270\n")
    shown = run("ledger", "verify", "--estate", estate.directory).stdout
    assert [line.split() for line in shown.splitlines() if "of these" in line] == [["of", "these", "pruned", "1"]]
    verdict = check_log(Namespace(log=str(estate.ledger), policy=None, vkey=str(estate.ledger_vkey)))
    assert "calls allowed: 0 (1 complete; of calls that were pruned: 1)" in " ".join(verdict.proved)
    assert "what the entries before 256 said, which were pruned" in verdict.not_proved


def test_files_that_hold_are_said_to(run: Run, written: Estate) -> None:
    told = run("ledger", "fsck", "--estate", written.directory)
    assert told.exit_code == 0
    assert "every tile is what the entries lead to" in told.stdout
    report = json.loads(run("ledger", "fsck", "--estate", written.directory, "--json").stdout)["fsck"]
    assert (report["holds"], report["size"], report["differences"], report["notes"]) == (True, 300, [], [])


def test_the_first_difference_is_named_and_the_exit_code_says_so(run: Run, written: Estate) -> None:
    damage(written, "tile/0/000")
    told = run("ledger", "fsck", "--estate", written.directory)
    assert told.exit_code == 1
    assert "  tile/0/000, byte 0, hash 0, entry 0: expected " in told.stdout
    assert "fsck --repair" in told.stderr
    report = json.loads(run("ledger", "fsck", "--estate", written.directory, "--json").stdout)["fsck"]
    assert (report["holds"], report["differences"][0]["file"], report["differences"][0]["blame"]) == (
        False,
        "tile/0/000",
        "hash",
    )


def test_a_tile_is_repaired_and_an_entry_is_not(run: Run, written: Estate) -> None:
    damage(written, "tile/0/000")
    repaired = run("ledger", "fsck", "--repair", "--estate", written.directory)
    assert (repaired.exit_code, "Written anew: tile/0/000" in repaired.stdout) == (0, True)
    damage(written, "tile/entries/000")
    told = run("ledger", "fsck", "--repair", "--estate", written.directory)
    assert told.exit_code == 1
    assert "entry 7 is not what was logged" in told.stdout


def test_an_export_verifies_without_the_estate(run: Run, written: Estate, tmp_path: Path) -> None:
    told = run("ledger", "export", tmp_path / "copy", "--estate", written.directory, "--json")
    exported = json.loads(told.stdout)["export"]
    assert (exported["size"], exported["cosigned"], exported["sha256"]) == (300, False, "")
    assert verify_ledger(tmp_path / "copy", (tmp_path / "copy/ledger.vkey").read_text().strip()).acts == 300
    again = run("ledger", "export", tmp_path / "copy", "--estate", written.directory)
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)


def test_a_bound_that_is_neither_index_nor_time_is_a_misspelling(run: Run, written: Estate) -> None:
    assert run("ledger", "prune", "--before", "tomorrow", "--estate", written.directory).exit_code == 2
