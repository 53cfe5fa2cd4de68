# SPDX-License-Identifier: Apache-2.0
"""freehold evidence pack, where it must not even begin. That a pack holds is tried on estates that run."""

from pathlib import Path

from tests.unit.cli.conftest import Run

from freehold.contract.estate import Estate


def files(estate: Estate) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in estate.directory.rglob("*") if path.is_file()}


def test_nothing_is_replaced_and_nothing_put_on_record_where_the_path_is_taken(run: Run, estate: Estate) -> None:
    before = files(estate)
    shown = run("evidence", "pack", estate.settings, "--estate", estate.directory)
    assert (shown.exit_code, "is there already" in shown.stderr) == (1, True)
    assert files(estate) == before


def test_what_is_not_there_cannot_be_put_in(run: Run, estate: Estate, tmp_path: Path) -> None:
    target = tmp_path / "pack.zip"
    shown = run("evidence", "pack", target, "--with", tmp_path / "gone.sarif", "--estate", estate.directory)
    assert (shown.exit_code, target.exists()) == (2, False)


def test_a_profile_that_there_is_not_ends_it_before_anything_is_on_record(
    run: Run, estate: Estate, tmp_path: Path
) -> None:
    target = tmp_path / "pack.zip"
    shown = run("evidence", "pack", target, "--profile", "none", "--estate", estate.directory)
    assert (shown.exit_code, "calculator-2026-06" in shown.stderr, target.exists()) == (1, True, False)
    assert not (estate.ledger / "checkpoint").exists()


def test_what_is_no_estate_has_no_evidence(run: Run, tmp_path: Path) -> None:
    assert run("evidence", "pack", tmp_path / "pack.zip", "--estate", tmp_path).exit_code == 1
