# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with a log's files is named: which file, where in it, what belongs there and what is there."""

import base64
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, FailingDisk, admission_bytes, append, open_log, outcome_bytes, write_log

from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.check.fsck import Difference, TreeReport, check_tree
from freehold.ledger.check.surroundings import Surroundings, check_surroundings
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.ledger.tree.merkle import leaf_hash
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.repairing import repair

SIZE = 600
ENTRIES = [f'{{"n":{index},"of":"the log"}}'.encode() for index in range(SIZE)]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 600 entries whose earlier, narrower forms are kept: it was published at 590 as well."""
    root = tmp_path_factory.mktemp("log")
    log = open_log(root, disk=FailingDisk())
    append(log, ENTRIES[:590])
    log.publish()
    append(log, ENTRIES[590:])
    log.publish()
    log.close()
    return root


@pytest.fixture
def log(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original / "ledger", tmp_path / "ledger")


def checked(log: Path) -> TreeReport:
    return check_tree(log, KEY.vkey)


def around(log: Path) -> Surroundings:
    return check_surroundings(log, log.parent / "salts", size=SIZE, minimum_index=0)


def change(path: Path, edit: Callable[[bytearray], object]) -> None:
    data = bytearray(path.read_bytes())
    edit(data)
    path.write_bytes(data)


def flip(at: int) -> Callable[[bytearray], object]:
    def edit(data: bytearray) -> None:
        data[at] ^= 1

    return edit


def first(report: TreeReport) -> Difference:
    return report.differences[0]


def test_a_whole_log_has_no_difference(log: Path) -> None:
    report = checked(log)
    assert (report.differences, report.size, report.bundles, report.tiles) == ((), SIZE, 3, 4)
    assert report.partials == 2  # of 590 entries, a bundle and a tile
    assert report.entries_hold
    found = around(log)
    assert (found.differences, found.notes, found.written_to) == ([], [], False)


def test_an_empty_log_has_no_difference(tmp_path: Path) -> None:
    report = checked(write_log(tmp_path, []))
    assert (report.differences, report.size, report.entries_hold) == ((), 0, True)


def test_a_changed_entry_is_told_from_its_hash(log: Path) -> None:
    change(log / "tile/entries/001", flip(5))
    report = checked(log)
    assert first(report).file == "tile/0/001"
    assert (first(report).entry, first(report).hash_index, first(report).offset_bytes) == (256, 0, 0)
    assert first(report).found == leaf_hash(ENTRIES[256]).hex()
    assert first(report).blame == "entry"
    assert not first(report).derivable
    assert [difference.file for difference in report.differences] == ["tile/0/001", "tile/1/000.p/2", "checkpoint"]


def test_a_changed_hash_is_told_from_its_entry(log: Path) -> None:
    change(log / "tile/0/001", flip(32 * 17 + 3))
    report = checked(log)
    assert (first(report).file, first(report).hash_index, first(report).entry) == ("tile/0/001", 17, 256 + 17)
    assert first(report).expected == leaf_hash(ENTRIES[273]).hex()
    assert first(report).offset_bytes == 32 * 17 + 3
    assert first(report).blame == "hash"
    assert first(report).derivable
    assert len(report.differences) == 1
    assert report.entries_hold
    assert str(first(report)).startswith(f"tile/0/001, byte {32 * 17 + 3}, hash 17, entry 273: expected ")


@pytest.mark.parametrize(
    ("path", "at", "hash_index"), [("tile/1/000.p/2", 40, 1), ("tile/0/002.p/78", 0, 0), ("tile/0/002.p/88", 33, 1)]
)
def test_a_changed_tile_of_any_level_and_width_is_named(log: Path, path: str, at: int, hash_index: int) -> None:
    change(log / path, flip(at))
    report = checked(log)
    assert [(one.file, one.hash_index, one.derivable) for one in report.differences] == [(path, hash_index, True)]


def test_a_narrower_bundle_that_differs_is_named_by_its_byte(log: Path) -> None:
    change(log / "tile/entries/002.p/78", flip(9))
    report = checked(log)
    assert [(one.file, one.offset_bytes, one.derivable) for one in report.differences] == [
        ("tile/entries/002.p/78", 9, True)
    ]


@pytest.mark.parametrize("path", ["tile/0/000", "tile/1/000.p/2", "tile/0/002.p/88"])
def test_a_missing_tile_is_named(log: Path, path: str) -> None:
    (log / path).unlink()
    report = checked(log)
    assert [(one.file, one.found, one.derivable) for one in report.differences] == [(path, "no readable file", True)]


def test_a_missing_bundle_is_named_and_the_rest_is_still_looked_at(log: Path) -> None:
    (log / "tile/entries/001").unlink()
    change(log / "tile/0/002.p/88", flip(0))
    report = checked(log)
    assert [(one.file, one.entry) for one in report.differences] == [
        ("tile/entries/001", 256),
        ("tile/0/002.p/88", 512),
    ]
    assert not any(one.derivable for one in report.differences)
    assert (report.derived_root, report.entries_hold) == (report.root, False)


def test_a_bundle_and_its_tile_both_missing_end_the_derivation(log: Path) -> None:
    (log / "tile/entries/001").unlink()
    (log / "tile/0/001").unlink()
    report = checked(log)
    assert report.derived_root is None
    assert first(report).file == "tile/entries/001"


def test_a_truncated_bundle_says_how_far_it_is_whole(log: Path) -> None:
    whole = sum(2 + len(entry) for entry in ENTRIES[:100])
    change(log / "tile/entries/000", lambda data: data.__delitem__(slice(whole + 7, None)))
    report = checked(log)
    assert (first(report).file, first(report).offset_bytes, first(report).entry) == ("tile/entries/000", whole, 100)
    assert (first(report).expected, first(report).found) == ("256 entries", "100 whole ones and 7 bytes of another")


def test_an_entry_too_many_is_a_width_that_is_wrong(log: Path) -> None:
    change(log / "tile/entries/000", lambda data: data.extend(b"\0\1x"))
    assert (first(checked(log)).file, first(checked(log)).found) == ("tile/entries/000", "257 entries")


@pytest.mark.parametrize(("path", "size"), [("tile/0/000", 8191), ("tile/0/000", 8224), ("tile/0/002.p/88", 0)])
def test_a_tile_of_the_wrong_length_is_named(log: Path, path: str, size: int) -> None:
    change(log / path, lambda data: data.__setitem__(slice(None), (data + bytes(32))[:size]))
    expected = 8192 if path == "tile/0/000" else 88 * 32
    assert [(one.file, one.expected, one.found) for one in checked(log).differences] == [
        (path, f"{expected} bytes", f"{size} bytes")
    ]


def test_two_entries_swapped_are_both_named(log: Path) -> None:
    swapped = [*ENTRIES[:3], ENTRIES[4], ENTRIES[3], *ENTRIES[5:256]]
    (log / "tile/entries/000").write_bytes(b"".join(len(e).to_bytes(2, "big") + e for e in swapped))
    report = checked(log)
    assert (first(report).file, first(report).entry, first(report).blame) == ("tile/0/000", 3, "entry")


def test_a_root_that_the_key_signed_for_other_entries_is_named(log: Path) -> None:
    forged = sign_checkpoint(Checkpoint(origin=KEY.name, size=SIZE, root=bytes(32)), KEY)
    (log / "checkpoint").write_bytes(forged)
    report = checked(log)
    assert (first(report).file, first(report).found) == ("checkpoint", f"root {bytes(32).hex()}")
    assert not report.entries_hold


def test_a_checkpoint_of_another_key_is_nothing_to_compare_with(log: Path) -> None:
    change(log / "checkpoint", flip(-10))
    with pytest.raises(VerificationFailed):
        checked(log)


def test_no_log_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="no readable log"):
        checked(tmp_path)


def test_a_cosigned_checkpoint_is_of_this_tree(log: Path) -> None:
    files = LedgerFiles(log)
    older = Checkpoint(origin=KEY.name, size=590, root=files.edge(590).root)
    (log / "checkpoint.cosigned").write_bytes(sign_checkpoint(older, KEY))
    assert not checked(log).differences
    forged = Checkpoint(origin=KEY.name, size=590, root=base64.b64decode("A" * 43 + "="))
    (log / "checkpoint.cosigned").write_bytes(sign_checkpoint(forged, KEY))
    assert [one.file for one in checked(log).differences] == ["checkpoint.cosigned"]
    ahead = Checkpoint(origin=KEY.name, size=601, root=bytes(32))
    (log / "checkpoint.cosigned").write_bytes(sign_checkpoint(ahead, KEY))
    assert [one.expected for one in checked(log).differences] == ["a size of at most 600"]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/003",
        "tile/0/000x",
        "tile/entries/002.p/89",
        "tile/entries/x000/000",
        "tile/2/000.p/1",
        "tile/readme",
        "tile/0/000.p/256",
        "tile/entries/002.p/088",
    ],
)
def test_a_file_that_is_no_part_of_the_log_is_named(log: Path, path: str) -> None:
    (log / path).parent.mkdir(parents=True, exist_ok=True)
    (log / path).write_bytes(b"x")
    assert path in [difference.file for difference in around(log).differences]


def test_a_strangers_file_beside_the_tree_is_a_note(log: Path) -> None:
    (log / "notes.txt").write_bytes(b"x")
    assert [note.partition(" ")[0] for note in around(log).notes] == ["notes.txt"]


def test_entries_that_no_checkpoint_covers_yet_are_counted(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "copy")
    home = tmp_path / "copy/ledger/home"
    home.write_bytes(f"{home.parent.stat().st_ino} {os.statvfs(home.parent).f_fsid:x}\n".encode())
    log = open_log(tmp_path / "copy", disk=FailingDisk())
    append(log, [b'{"n":1}'] * 3)
    found = around(tmp_path / "copy/ledger")
    assert (found.unpublished, found.written_to, found.differences) == (3, True, [])
    log.close()


@pytest.mark.parametrize(
    "damage",
    [
        ["tile/0/000"],
        ["tile/1/000.p/2"],
        ["tile/0/002.p/78", "tile/entries/002.p/78", "tile/0/001"],
    ],
)
def test_what_can_be_derived_is_written_as_it_was(log: Path, damage: list[str]) -> None:
    before = {path: (log / path).read_bytes() for path in damage}
    for path in damage:
        change(log / path, flip(1))
    assert sorted(repair(log, KEY.vkey, Disk())) == sorted(damage)
    assert {path: (log / path).read_bytes() for path in damage} == before
    assert not checked(log).differences
    assert not (log / "tile.new").exists()


def test_a_missing_tile_is_derived_and_a_tree_that_holds_is_left_alone(log: Path) -> None:
    (log / "tile/0/001").unlink()
    assert repair(log, KEY.vkey, Disk()) == ["tile/0/001"]
    assert repair(log, KEY.vkey, Disk()) == []


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/entries/002.p/88", "checkpoint.cosigned"])
def test_nothing_is_derived_from_entries_that_are_damaged(log: Path, path: str) -> None:
    damaged = bytes(8192)
    (log / "tile/0/001").write_bytes(damaged)
    (log / path).write_bytes(b"\0\1x")
    repaired = repair(log, KEY.vkey, Disk())
    if path == "checkpoint.cosigned":
        assert repaired == ["tile/0/001"]
        assert [one.file for one in checked(log).differences] == [path]
    else:
        assert (repaired, (log / "tile/0/001").read_bytes()) == ([], damaged)


def test_more_damage_than_is_told_at_once_is_all_repaired(tmp_path: Path) -> None:
    directory = write_log(tmp_path, [b"%d" % index for index in range(256 * 130)])
    for tile in (directory / "tile/0").glob("*"):
        tile.write_bytes(bytes(8192))
    report = checked(directory)
    assert (len(report.differences), report.untold) == (100, 30)
    assert len(repair(directory, KEY.vkey, FailingDisk())) == 130
    assert not checked(directory).differences


def test_a_log_that_is_being_written_is_not_repaired(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    with pytest.raises(EstateError, match="another process writes the log"):
        repair(tmp_path / "ledger", KEY.vkey, Disk())
    log.close()


def test_a_journal_that_says_something_else_than_the_tree_is_named(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    append(log, [b'{"n":1}'])
    journal = (tmp_path / "ledger/journal").read_bytes()
    log.publish()
    log.close()
    (tmp_path / "ledger/journal").write_bytes(journal)
    same = check_surroundings(tmp_path / "ledger", tmp_path / "salts", size=1, minimum_index=0)
    assert same.differences == []
    other = open_log(tmp_path / "other", disk=FailingDisk())
    append(other, [b'{"n":2}'])
    (tmp_path / "ledger/journal").write_bytes((tmp_path / "other/ledger/journal").read_bytes())
    other.close()
    found = check_surroundings(tmp_path / "ledger", tmp_path / "salts", size=1, minimum_index=0)
    assert [(one.file, one.found) for one in found.differences] == [("journal", "another entry 0")]


def test_salts_stand_in_the_order_of_the_log(tmp_path: Path) -> None:
    entries = [admission_bytes("call-1"), outcome_bytes(0), admission_bytes("call-2")]
    write_log(tmp_path, entries)
    day = next((tmp_path / "salts").iterdir())
    assert check_surroundings(tmp_path / "ledger", tmp_path / "salts", size=3, minimum_index=0).differences == []
    records = day.read_bytes()
    day.write_bytes(records[40:] + records[:40])
    found = check_surroundings(tmp_path / "ledger", tmp_path / "salts", size=3, minimum_index=0)
    assert [(one.file, one.offset_bytes) for one in found.differences] == [(f"salts/{day.name}", 40)]
    day.write_bytes(bytes(80))
    assert check_surroundings(tmp_path / "ledger", tmp_path / "salts", size=3, minimum_index=0).differences == []
