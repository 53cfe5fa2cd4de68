# SPDX-License-Identifier: Apache-2.0
import errno
from pathlib import Path
from threading import Thread

import pytest
from tests.ledger_builder import FailingDisk, salt_of

from freehold.errors import VerificationFailed
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


def _damage(path: Path, position: int, index: int) -> None:
    data = bytearray((path / "salts" / DAY).read_bytes())
    data[40 * position : 40 * position + 8] = index.to_bytes(8, "big")
    (path / "salts" / DAY).write_bytes(data)


def test_a_damaged_record_costs_no_other_one_at_the_next_start(tmp_path: Path) -> None:
    _salts(tmp_path).close()
    _damage(tmp_path, 3, 10**12)
    reopened = Salts(tmp_path / "salts", Disk())
    reopened.cut(1000)
    kept = [index for index in range(0, 30, 3) if reopened.find(DAY, index) == salt_of(index)]
    assert kept == [index for index in range(0, 30, 3) if index != 9]


def test_zeros_that_a_power_cut_left_at_the_end_are_cut(tmp_path: Path) -> None:
    _salts(tmp_path).close()
    with (tmp_path / "salts" / DAY).open("ab") as file:
        file.write(bytes(40 * 3 + 7))
    reopened = Salts(tmp_path / "salts", Disk())
    reopened.cut(1000)
    assert (tmp_path / "salts" / DAY).stat().st_size == 400


def test_an_erased_salt_at_the_very_beginning_is_kept_as_erased(tmp_path: Path) -> None:
    salts = _salts(tmp_path, 1)
    salts.erase(DAY, 0)
    salts.cut(1000)
    assert (tmp_path / "salts" / DAY).stat().st_size == 40


def test_a_salt_is_erased_wherever_damage_has_hidden_it(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    _damage(tmp_path, 5, 1)
    assert salts.erase(DAY, 12)
    assert salts.erase(DAY, 1)
    assert salt_of(12) not in (tmp_path / "salts" / DAY).read_bytes()


def test_a_salt_that_may_be_anywhere_is_not_said_to_be_erased(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    _damage(tmp_path, 5, 1)
    with pytest.raises(VerificationFailed, match="index 1 stands after 12") as problem:
        salts.erase(DAY, 15)
    assert "forget --day 2026-11-22" in problem.value.advice


def test_a_file_that_is_whole_says_for_sure_that_a_salt_is_not_there(tmp_path: Path) -> None:
    assert not _salts(tmp_path).erase(DAY, 16)


def test_a_day_is_destroyed_and_then_removed_and_may_begin_anew(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    salts.destroy(DAY)
    assert set((tmp_path / "salts" / DAY).read_bytes()) == {0}
    assert (tmp_path / "salts" / DAY).stat().st_size == 400
    salts.remove(DAY)
    assert salts.days() == []
    salts.destroy(DAY)
    salts.write(DAY, [(40, salt_of(40))])
    salts.sync()
    assert salts.find(DAY, 40) == salt_of(40)


def test_the_salts_before_an_index_are_destroyed_and_those_behind_it_stay(tmp_path: Path) -> None:
    salts = _salts(tmp_path)
    kept = salts.newest(DAY)
    salts.destroy_before(DAY, kept)
    assert [index for index in range(kept + 1) if salts.find(DAY, index)] == [kept]
    salts.write(DAY, [(kept + 1, salt_of(kept + 1))])
    salts.sync()
    assert salts.find(DAY, kept + 1) == salt_of(kept + 1)
    assert salts.newest("2026-11-21") == -1


def test_a_day_is_destroyed_whole_however_many_salts_it_has(tmp_path: Path) -> None:
    salts = Salts(tmp_path / "salts", Disk())
    salts.write(DAY, [(index, salt_of(index + 1)) for index in range(40_000)])
    salts.sync()
    salts.destroy(DAY)
    assert not any((tmp_path / "salts" / DAY).read_bytes())


def test_what_cannot_be_overwritten_is_not_removed(tmp_path: Path) -> None:
    disk = FailingDisk(error=errno.EIO)
    salts = Salts(tmp_path / "salts", disk)
    salts.write(DAY, [(0, salt_of(1))])
    salts.sync()
    disk.fail_after(0)
    with pytest.raises(OSError, match="Input/output"):
        salts.destroy(DAY)
    assert salts.find(DAY, 0) == salt_of(1)


def test_salts_are_written_and_erased_at_the_same_time(tmp_path: Path) -> None:
    salts = _salts(tmp_path, 200)
    erasing = Thread(target=lambda: [salts.erase(DAY, index) for index in range(0, 600, 3)])
    erasing.start()
    for index in range(600, 800):
        salts.write(DAY, [(index, salt_of(index))])
        salts.sync()
    erasing.join()
    assert not any(salts.find(DAY, index) for index in range(0, 600, 3))
    assert all(salts.find(DAY, index) == salt_of(index) for index in range(600, 800))
