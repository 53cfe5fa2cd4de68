# SPDX-License-Identifier: Apache-2.0
import errno
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger_builder import FailingDisk

from freehold.ledger.record.derived import erasing_acts, noted_outcome
from freehold.ledger.writing.derived import Erasures, Outcomes
from freehold.ledger.writing.disk import Disk


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=st.lists(st.dictionaries(st.integers(0, 3000), st.integers(1, 2**40)), max_size=4))
def test_the_newest_note_of_each_outcome_is_found(tmp_path: Path, groups: list[dict[int, int]]) -> None:
    (tmp_path / "outcomes").unlink(missing_ok=True)
    outcomes, expected = Outcomes(tmp_path, Disk()), {}
    for group in groups:
        outcomes.note(group.items())
        expected.update(group)
    for admission in {*expected, 0, 1, 511, 512, 3001}:
        assert noted_outcome(tmp_path, admission) == expected.get(admission, 0)


def test_nothing_is_known_of_a_log_that_has_no_notes(tmp_path: Path) -> None:
    assert noted_outcome(tmp_path, 0) == 0
    assert erasing_acts(tmp_path) == {}


def test_a_torn_note_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "outcomes").write_bytes(b"\x00" * 7)
    assert noted_outcome(tmp_path, 0) == 0


def test_the_first_act_that_destroyed_something_is_the_one(tmp_path: Path) -> None:
    erasures = Erasures(tmp_path, Disk())
    erasures.note({"call-1": 7, "2026-11-22": 9})
    erasures.note({"call-1": 7, "2026-11-22": 12})
    assert erasing_acts(tmp_path) == {"call-1": (7,), "2026-11-22": (9, 12)}
    assert Erasures(tmp_path, Disk()).get("2026-11-22") == 9


@pytest.mark.parametrize(("admission", "act"), [(0, 9), (8, 9), (10, 12), (13, None)])
def test_an_act_destroyed_nothing_that_came_behind_it(tmp_path: Path, admission: int, act: int | None) -> None:
    erasures = Erasures(tmp_path, Disk())
    erasures.note({"2026-11-22": 9})
    erasures.note({"2026-11-22": 12})
    assert erasures.get("2026-11-22", behind=admission) == act


def test_a_note_that_could_not_be_written_is_written_again(tmp_path: Path) -> None:
    disk = FailingDisk(error=errno.ENOSPC)
    erasures = Erasures(tmp_path, disk)
    disk.fail_after(0)
    with pytest.raises(OSError, match="No space"):
        erasures.note({"call-1": 7})
    erasures.note({"call-1": 7})
    assert erasing_acts(tmp_path)["call-1"] == (7,)


def test_lines_that_are_none_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "erasures").write_text("call-1 7\ncall-2 x\n\ncall-3\ncall-4 1 2\nca")
    assert erasing_acts(tmp_path) == {"call-1": (7,)}
