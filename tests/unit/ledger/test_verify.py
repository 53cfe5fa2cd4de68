# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, ORIGIN, act_bytes, admission_bytes, append, open_log, outcome_bytes, write_log

from freehold.contract.record import Ending
from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.check.verify import verify_ledger
from freehold.signing.keys import FileKey

FILLING = [act_bytes(f"act-{number}") for number in range(256)]


def test_what_is_on_record_is_counted(tmp_path: Path) -> None:
    entries = [
        admission_bytes("a"),
        admission_bytes("b"),
        admission_bytes("c"),
        admission_bytes("refused", allowed=False),
        act_bytes(),
        outcome_bytes(0, "a"),
        outcome_bytes(1, "b", Ending.CANCELLED),
        outcome_bytes(1, "b", Ending.LOST),
        outcome_bytes(2, "another call"),
        outcome_bytes(3, "refused"),
        b'{"kind":"cosignature","v":1}',
    ]
    report = verify_ledger(write_log(tmp_path, entries), KEY.vkey)
    assert (report.origin, report.size, report.admissions, report.refusals, report.acts) == (ORIGIN, 11, 3, 1, 1)
    assert report.outcomes == {
        Ending.COMPLETE: 3,
        Ending.CONTINUED: 0,
        Ending.CANCELLED: 1,
        Ending.FAILED: 0,
        Ending.LOST: 1,
    }
    assert (report.without_outcome, report.with_two_outcomes, report.stray_outcomes, report.unknown) == (1, 1, 2, 1)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 513])
def test_a_log_of_any_size_verifies(tmp_path: Path, size: int) -> None:
    entries = [*FILLING, *FILLING, *FILLING][:size]
    assert verify_ledger(write_log(tmp_path, entries), KEY.vkey).size == size


def test_two_levels_of_full_tiles_verify(tmp_path: Path) -> None:
    report = verify_ledger(write_log(tmp_path, [b"x"] * (256 * 256 + 300)), KEY.vkey)
    assert report.unknown == report.size == 256 * 256 + 300
    assert (tmp_path / "ledger" / "tile" / "1" / "000").stat().st_size == 8192
    assert (tmp_path / "ledger" / "tile" / "2" / "000.p" / "1").stat().st_size == 32


def test_another_key_does_not_verify(tmp_path: Path) -> None:
    with pytest.raises(VerificationFailed, match="not signed by a known key"):
        verify_ledger(write_log(tmp_path, FILLING[:3]), FileKey(ORIGIN, bytes(32)).vkey)


def test_without_a_log_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="no readable log"):
        verify_ledger(tmp_path, KEY.vkey)


def test_entries_beyond_the_checkpoint_are_not_verified_yet(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    append(log, FILLING[:3])
    log.publish()
    append(log, FILLING[3:5])
    log.close()
    assert verify_ledger(tmp_path / "ledger", KEY.vkey).size == 3


def test_a_byte_changed_in_any_file_of_the_tree_is_found(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for first in range(0, 300, 100):
        append(log, [*FILLING, *FILLING][first : first + 100])
        log.publish()
    log.close()
    files = sorted(path for path in (tmp_path / "ledger").rglob("*") if path.is_file() and path.stat().st_size)
    files = [path for path in files if path.name not in {"journal", "low-water", "home"}]
    assert len(files) > 5
    for path in files:
        original = path.read_bytes()
        for at in (0, len(original) // 2, len(original) - 1):
            path.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1 :])
            with pytest.raises(VerificationFailed):
                verify_ledger(tmp_path / "ledger", KEY.vkey)
        path.write_bytes(original)
    verify_ledger(tmp_path / "ledger", KEY.vkey)


def test_a_tile_that_is_missing_is_named(tmp_path: Path) -> None:
    ledger = write_log(tmp_path, [*FILLING, *FILLING])
    (ledger / "tile" / "0" / "001").unlink()
    with pytest.raises(VerificationFailed, match="tile/0/001 is missing"):
        verify_ledger(ledger, KEY.vkey)


def test_a_log_is_verified_from_a_copy_of_its_published_files_alone(tmp_path: Path) -> None:
    ledger = write_log(tmp_path, FILLING)
    shutil.copytree(ledger / "tile", tmp_path / "copy" / "tile")
    shutil.copy(ledger / "checkpoint", tmp_path / "copy")
    assert verify_ledger(tmp_path / "copy", KEY.vkey).acts == 256


def test_an_auditor_s_process_needs_no_event_loop_and_no_other_folder() -> None:
    code = (
        "import sys, freehold.ledger.check.verify, freehold.ledger.check.receipt\n"
        "assert 'asyncio' not in sys.modules\n"
        "print(*sorted({name.split('.')[1] for name in sys.modules if name.startswith('freehold.')}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["contract", "errors", "ledger", "signing"]
