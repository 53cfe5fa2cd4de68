# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.errors import VerificationFailed
from freehold.ledger.writing import journal as module
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.journal import Journal

GROUPS = [[b"one", b"two"], [b"three"], [b"four", b"five", b"six"]]


def _write(path: Path, groups: list[list[bytes]]) -> list[int]:
    """Write a journal; where each frame ends."""
    journal = Journal(path, Disk())
    journal.replay(0)
    index, ends = 0, []
    for group in groups:
        journal.append(index, group)
        index += len(group)
        ends.append(path.stat().st_size)
    journal.close()
    return ends


def _replay(path: Path) -> list[tuple[int, bytes]]:
    journal = Journal(path, Disk())
    try:
        return journal.replay(0)
    finally:
        journal.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal")


def test_what_was_appended_is_replayed(tmp_path: Path) -> None:
    _write(tmp_path / "journal", GROUPS)
    assert _replay(tmp_path / "journal") == list(enumerate([b"one", b"two", b"three", b"four", b"five", b"six"]))


@given(data=st.data())
def test_a_tail_torn_anywhere_is_cut_to_whole_groups(folder: Path, data: st.DataObject) -> None:
    path = folder / "torn"
    path.unlink(missing_ok=True)
    ends = _write(path, GROUPS)
    at = data.draw(st.integers(0, ends[-1]))
    with path.open("r+b") as file:
        file.truncate(at)
    whole = sum(1 for end in ends if end <= at)
    assert [entry for _, entry in _replay(path)] == [entry for group in GROUPS[:whole] for entry in group]
    assert path.stat().st_size == ([0, *ends][whole])


@given(data=st.data())
def test_a_byte_changed_in_the_last_group_loses_that_group_only(folder: Path, data: st.DataObject) -> None:
    path = folder / "changed"
    path.unlink(missing_ok=True)
    ends = _write(path, GROUPS)
    at = data.draw(st.integers(ends[-2], ends[-1] - 1))
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    assert [index for index, _ in _replay(path)] == [0, 1, 2]


def test_damage_before_a_whole_group_is_no_torn_tail(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    ends = _write(path, GROUPS)
    content = bytearray(path.read_bytes())
    content[ends[0] + 25] ^= 1
    path.write_bytes(content)
    with pytest.raises(VerificationFailed, match=f"damaged at byte {ends[0]}: whole records follow at byte {ends[1]}"):
        _replay(path)


def test_a_group_is_taken_back_and_those_before_it_stay(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, Disk())
    journal.append(0, [b"one", b"two"])
    journal.append(2, [b"three"])
    journal.forget(3)
    journal.forget(2)
    journal.append(2, [b"other"])
    journal.close()
    assert _replay(path) == [(0, b"one"), (1, b"two"), (2, b"other")]


def test_a_journal_that_is_all_published_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, Disk())
    journal.append(0, [b"one"])
    journal.append(1, [b"two"])
    journal.trim(1)
    assert path.stat().st_size > 0
    journal.trim(2)
    assert path.stat().st_size == 0


def test_a_long_journal_is_rewritten_without_what_is_published(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, Disk())
    big = [b"x" * 65_000] * (module._REWRITE_BYTES // 65_000 + 1)
    journal.append(0, big)
    journal.append(len(big), [b"kept"])
    journal.trim(len(big))
    journal.append(len(big) + 1, [b"after"])
    assert path.stat().st_size < 100
    journal.close()
    assert _replay(path) == [(len(big), b"kept"), (len(big) + 1, b"after")]


def test_a_frame_that_was_begun_before_others_were_on_disk_does_not_speak_for_them(tmp_path: Path) -> None:
    """A power cut may take one of two frames that were written and not synced, and leave the later one."""
    path = tmp_path / "journal"
    journal = Journal(path, Disk())
    journal.replay(0)
    journal.append(0, [b"sure"])
    whole = [path.stat().st_size]
    for index in (1, 2):
        journal.append(index, [b"late %d" % index], sync=False)
        whole.append(path.stat().st_size)
    journal.close()
    data = bytearray(path.read_bytes())
    data[whole[1] - 1] ^= 1
    path.write_bytes(data)
    reopened = Journal(path, Disk())
    assert reopened.replay(0) == [(0, b"sure")]
    reopened.close()
    assert path.stat().st_size == whole[0]


def test_a_frame_that_was_begun_after_a_sync_shows_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, Disk())
    journal.replay(0)
    journal.append(0, [b"one"], sync=False)
    end = path.stat().st_size
    journal.append(1, [b"two"], sync=False)
    journal.sync()
    journal.append(2, [b"three"], sync=False)
    journal.close()
    data = bytearray(path.read_bytes())
    data[end + 30] ^= 1
    path.write_bytes(data)
    with pytest.raises(VerificationFailed, match="is damaged at byte"):
        Journal(path, Disk()).replay(0)


def test_what_is_published_may_be_torn(tmp_path: Path) -> None:
    """A trimmed journal that is written over from its start, and whose cut the power took, ends in old frames."""
    path = tmp_path / "journal"
    journal = Journal(path, Disk())
    journal.replay(0)
    for index in range(4):
        journal.append(index, [b"entry %d" % index])
    journal.close()
    data = bytearray(path.read_bytes())
    data[25] ^= 1
    path.write_bytes(data)
    reopened = Journal(path, Disk())
    assert reopened.replay(4) == []
    reopened.close()
