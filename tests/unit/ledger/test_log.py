# SPDX-License-Identifier: Apache-2.0
"""The write path: killed, failing and full at every operation on the disk."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.ledger_builder import (
    DAY,
    KEY,
    Dead,
    FailingDisk,
    act_bytes,
    admission_bytes,
    append,
    open_log,
    outcome_bytes,
    salt_of,
    write_log,
)

from freehold.errors import EstateError, LedgerFull, LedgerUnavailable, VerificationFailed
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.log import Log
from freehold.ledger.writing.salts import Salts

ENTRIES = [admission_bytes(f"call-{number}") for number in range(600)]
ENTRIES[3:5] = [act_bytes(f"act-{number}") for number in (3, 4)]  # a group without salts
STEPS = (3, 2, 0, 252, 1, 0, 2)  # sizes of groups; 0 publishes


def _run(log: Log, acknowledged: list[bytes]) -> None:
    """All steps that are not done yet."""
    done = 0
    for step in STEPS:
        group = ENTRIES[done : done + step]
        done += step
        if step == 0:
            log.publish()
        elif done > len(acknowledged):
            assert append(log, group) == len(acknowledged)
            acknowledged.extend(group)


def _check(root: Path, acknowledged: Sequence[bytes], *, more: int = 0) -> None:
    """The log holds what was acknowledged, where it was said to be, and at most ``more`` after it."""
    log = open_log(root, disk=FailingDisk())
    try:
        found = [data for _, data in log.entries(0)]
        assert found[: len(acknowledged)] == list(acknowledged)
        assert len(found) <= len(acknowledged) + more
        log.publish()
        salts = Salts(root / "salts", Disk())
        kept = [index for index, data in enumerate(acknowledged) if b'"kind":"admission"' in data]
        assert all(salts.find(DAY, index) == salt_of(index) for index in kept[::13] + kept[-3:])
        assert salts.find(DAY, len(found)) is None
        assert append(log, [b"next"]) == len(found)
        log.publish()
    finally:
        log.close()
    assert verify_ledger(root / "ledger", KEY.vkey).size == len(found) + 1


def _operations(root: Path) -> int:
    disk = FailingDisk()
    log = open_log(root, disk=disk)
    _run(log, [])
    log.close()
    return disk.operations


def _spread(count: int) -> list[float]:
    return [number / count for number in range(count)]


@pytest.mark.parametrize("share", _spread(8))
def test_killed_at_every_operation_it_opens_with_all_that_was_acknowledged(tmp_path: Path, share: float) -> None:
    operations = _operations(tmp_path / "whole")
    for at in range(int(share * operations), int((share + 1 / 8) * operations)):
        root = tmp_path / str(at)
        acknowledged: list[bytes] = []
        with pytest.raises(Dead), ExitStack() as stack:
            _run(stack.enter_context(closing(open_log(root, disk=FailingDisk(at)))), acknowledged)
        _check(root, acknowledged, more=300)


@pytest.mark.parametrize("share", _spread(8))
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_an_operation_that_fails_loses_nothing_and_may_be_tried_again(tmp_path: Path, share: float, error: int) -> None:
    operations = _operations(tmp_path / "whole")
    for at in range(int(share * operations), int((share + 1 / 8) * operations)):
        root = tmp_path / str(at)
        disk = FailingDisk(at, error=error)
        acknowledged: list[bytes] = []
        log: Log | None = None
        for _ in range(3):
            try:
                log = log or open_log(root, disk=disk)
                _run(log, acknowledged)
                break
            except LedgerFull:
                continue
        assert log is not None
        log.close()
        _check(root, acknowledged)


def test_a_disk_that_stays_full_refuses_until_space_returns(tmp_path: Path) -> None:
    disk = FailingDisk(error=errno.ENOSPC)
    log = open_log(tmp_path, disk=disk)
    append(log, ENTRIES[:5])
    disk.fail_after(0, times=1000)
    for _ in range(3):
        with pytest.raises(LedgerFull, match="journal cannot be written: the disk is full"):
            append(log, ENTRIES[5:10])
        with pytest.raises(LedgerFull, match="tiles cannot be written"):
            log.publish()
    disk.heal()
    assert append(log, ENTRIES[5:10]) == 5
    log.close()
    _check(tmp_path, ENTRIES[:10])


def test_an_error_that_is_not_of_the_disk_s_space_is_not_called_full(tmp_path: Path) -> None:
    disk = FailingDisk(error=errno.EROFS)
    log = open_log(tmp_path, disk=disk)
    disk.fail_after(0)
    with pytest.raises(LedgerUnavailable, match=f"errno {errno.EROFS}"):
        append(log, ENTRIES[:1])
    log.close()


def test_there_is_one_writer(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(EstateError, match="another process writes the log"):
        open_log(tmp_path)
    log.close()
    open_log(tmp_path).close()


def test_the_reserve_is_kept_from_admissions(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path)
    log = open_log(tmp_path, reserve_bytes=2 * free.f_bavail * free.f_frsize)
    assert not log.has_room
    assert append(log, [outcome_bytes(0)]) == 0
    log.close()


def test_an_empty_log_has_a_checkpoint_from_the_start(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    assert verify_ledger(tmp_path / "ledger", KEY.vkey).size == 0


def test_a_full_tile_takes_the_place_of_its_partial_forms(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for first in range(0, 300, 50):
        append(log, ENTRIES[first : first + 50])
        log.publish()
    log.close()
    tiles = {str(path.relative_to(tmp_path / "ledger" / "tile")) for path in (tmp_path / "ledger" / "tile").rglob("*")}
    assert not any(path.startswith(("0/000.p", "entries/000.p")) for path in tiles)
    assert {"0/000", "0/001.p/44", "1/000.p/1", "entries/000", "entries/001.p/44"} <= tiles


def test_the_low_water_mark_is_kept_and_its_loss_is_harmless(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    assert log.low_water() == 0
    log.set_low_water(123)
    assert log.low_water() == 123
    (tmp_path / "ledger" / "low-water").write_text("garbage")
    assert log.low_water() == 0
    log.close()


def test_a_log_whose_tiles_do_not_fit_its_checkpoint_is_not_continued(tmp_path: Path) -> None:
    ledger = write_log(tmp_path, ENTRIES[:10])
    tile = ledger / "tile" / "0" / "000.p" / "10"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    with pytest.raises(VerificationFailed, match=r"have root .* expected"):
        open_log(tmp_path)


def test_a_log_without_its_checkpoint_is_not_begun_again(tmp_path: Path) -> None:
    ledger = write_log(tmp_path, ENTRIES[:10])
    (ledger / "checkpoint").unlink()
    with pytest.raises(VerificationFailed, match="tiles and no checkpoint"):
        open_log(tmp_path)


def test_a_journal_that_begins_after_the_checkpoint_is_not_continued(tmp_path: Path) -> None:
    write_log(tmp_path / "a", ENTRIES[:10])
    log = open_log(tmp_path / "a")
    append(log, ENTRIES[10:12])
    log.close()
    write_log(tmp_path / "b", ENTRIES[:5])
    (tmp_path / "a" / "ledger" / "journal").rename(tmp_path / "b" / "ledger" / "journal")
    with pytest.raises(VerificationFailed, match="goes on at entry 10, expected 5"):
        open_log(tmp_path / "b")


def test_readers_follow_a_log_that_is_being_written(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for first in range(0, 300, 60):
        append(log, ENTRIES[first : first + 60])
        log.publish()
        assert verify_ledger(tmp_path / "ledger", KEY.vkey).size == first + 60
    assert LedgerFiles(tmp_path / "ledger").entry(299, 300) == ENTRIES[299]
    log.close()


_CHILD = """
import sys
from pathlib import Path
from threading import Thread
from tests.ledger_builder import admission_bytes, append, open_log

log = open_log(Path(sys.argv[1]))

def publish():
    while True:
        log.publish()

Thread(target=publish, daemon=True).start()
while True:
    first = log.size
    append(log, [admission_bytes(f"call-{number}") for number in range(first, first + 7)])
    print(first + 7, flush=True)
"""


@pytest.mark.parametrize("groups", [1, 5, 20, 60])
def test_a_writer_killed_at_full_speed_has_lost_nothing(tmp_path: Path, groups: int) -> None:
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
        )
        assert child.stdout
        lines = [child.stdout.readline() for _ in range(groups)]
        child.send_signal(signal.SIGKILL)
        lines.extend(child.stdout.readlines())
        child.wait()
        child.stdout.close()
        size = int([line for line in lines if line.endswith(b"\n")][-1])
        log = open_log(tmp_path)
        found = list(log.entries(0))
        log.close()
        assert len(found) >= size
        assert all(data == admission_bytes(f"call-{index}") for index, data in found)
    open_log(tmp_path).close()
    assert verify_ledger(tmp_path / "ledger", KEY.vkey).unknown == 0


def test_the_steps_of_these_tests_touch_the_disk_often_enough(tmp_path: Path) -> None:
    assert _operations(tmp_path) > 50
