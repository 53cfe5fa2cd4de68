# SPDX-License-Identifier: Apache-2.0
import errno
from pathlib import Path

import pytest
from tests.ledger_builder import FailingDisk, salt_of

from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.salts import Salts

DAY = "2026-11-22"


def _salts(path: Path, count: int = 10) -> Salts:
    salts = Salts(path / "salts", Disk())
    salts.write(DAY, [(index, salt_of(index)) for index in range(0, 3 * count, 3)])
    salts.sync()
    return salts


def test_a_salt_is_found_by_day_and_index(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    assert [salts.find(DAY, index) for index in (0, 3, 27)] == [salt_of(0), salt_of(3), salt_of(27)]
    assert salts.find(DAY, 4) is None
    assert salts.find(DAY, 30) is None
    assert salts.find("2026-11-23", 3) is None


def test_an_erased_salt_is_gone_and_its_neighbours_stay(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    assert salts.erase(DAY, 3)
    assert salts.find(DAY, 3) is None
    assert not salts.erase(DAY, 3)
    assert salt_of(3) not in (tmp_path / "salts" / DAY).read_bytes()
    assert (salts.find(DAY, 0), salts.find(DAY, 6)) == (salt_of(0), salt_of(6))


def test_salts_of_admissions_that_never_got_in_are_forgotten(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    salts.write("2026-11-23", [(40, salt_of(40))])
    salts.sync()
    salts.close()
    reopened = Salts(tmp_path / "salts", Disk())
    reopened.cut(9)
    assert reopened.find(DAY, 6) == salt_of(6)
    assert reopened.find(DAY, 9) is None
    assert (tmp_path / "salts" / "2026-11-23").stat().st_size == 0


def test_a_torn_record_is_cut(tmp_path: Path) -> None:
    _salts(tmp_path).close()
    with (tmp_path / "salts" / DAY).open("ab") as file:
        file.write(b"torn")
    reopened = Salts(tmp_path / "salts", Disk())
    reopened.cut(1000)
    reopened.write(DAY, [(30, salt_of(30))])
    reopened.sync()
    assert reopened.find(DAY, 30) == salt_of(30)


def test_what_a_failed_append_left_is_taken_back(tmp_path: Path) -> None:
    disk = FailingDisk(error=errno.ENOSPC)
    salts = Salts(tmp_path / "salts", disk)
    salts.write(DAY, [(0, salt_of(0))])
    salts.sync()
    disk.fail_after(0)
    with pytest.raises(OSError, match="No space"):
        salts.write(DAY, [(1, salt_of(1))])
    salts.forget(1)
    salts.write(DAY, [(1, salt_of(2))])
    salts.sync()
    assert salts.find(DAY, 1) == salt_of(2)


def test_taking_back_a_group_without_salts_leaves_those_before_it(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    salts.forget(28)
    assert salts.find(DAY, 27) == salt_of(27)


def test_salts_are_for_their_owner_alone(tmp_path: Path) -> None:
    _salts(tmp_path)
    assert (tmp_path / "salts" / DAY).stat().st_mode & 0o077 == 0


def test_files_that_are_not_days_are_left_alone(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    (tmp_path / "salts" / "README").write_text("why these files are here " * 10)
    salts.cut(0)
    assert (tmp_path / "salts" / "README").read_text().startswith("why")
