# SPDX-License-Identifier: Apache-2.0
"""Copies of a log: they can tell that they are copies, follow the log, and become it only when nobody knows better."""

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, FailingDisk, act_bytes, append, open_log, outcome_bytes, write_log

from freehold.errors import EstateError, LedgerFull, NotAtHome, VerificationFailed
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.anchor import require_newest
from freehold.ledger.writing.copies import Migration, Mirror
from freehold.ledger.writing.log import Log
from freehold.signing.keys import FileKey
from freehold.signing.note import parse_vkey

VERIFIER = parse_vkey(KEY.vkey)
ENTRIES = [outcome_bytes(index) for index in range(700)]
AWAY = NotAtHome("it is a copy")


def _log(root: Path, *, anchor: Path | None = None) -> Log:
    return Log(root / "ledger", salts=root / "salts", signer=KEY, anchor=anchor, disk=FailingDisk())


def _write(root: Path, entries: list[bytes], *, anchor: Path | None = None) -> Path:
    log = _log(root, anchor=anchor)
    append(log, entries)
    log.publish()
    log.close()
    return root / "ledger"


def _copy(source: Path, root: Path) -> Path:
    return shutil.copytree(source.parent, root) / "ledger"


def _migration(directory: Path, *, anchor: Path | None = None) -> Migration:
    return Migration(directory, VERIFIER, away=AWAY, anchor=anchor, disk=FailingDisk())


def _adopt(
    directory: Path,
    *,
    seen: Mapping[str, int | None] | None = None,
    unwitnessed: bool = False,
    anchor: Path | None = None,
) -> int:
    copy = _migration(directory, anchor=anchor)
    try:
        return copy.adopt(_act, seen=seen or {}, unwitnessed=unwitnessed)
    finally:
        copy.close()


def _act(at_utc: datetime, checkpoint: bytes) -> bytes:
    assert checkpoint
    return act_bytes("adopted")


def test_a_copy_does_not_open_as_the_log(tmp_path: Path) -> None:
    ledger = _write(tmp_path / "a", ENTRIES[:5])
    copy = _copy(ledger, tmp_path / "b")
    with pytest.raises(NotAtHome, match="is a copy"):
        _log(tmp_path / "b")
    with pytest.raises(NotAtHome, match="is a copy"):
        require_newest(copy, VERIFIER, "")
    _log(tmp_path / "a").close()


def test_a_log_without_a_note_of_its_home_may_be_a_copy(tmp_path: Path) -> None:
    ledger = _write(tmp_path, ENTRIES[:5])
    (ledger / "home").unlink()
    with pytest.raises(NotAtHome, match="no note of its home"):
        _log(tmp_path)


def test_a_log_that_was_moved_on_its_file_system_is_at_home(tmp_path: Path) -> None:
    _write(tmp_path / "a", ENTRIES[:5])
    (tmp_path / "a").rename(tmp_path / "b")
    _log(tmp_path / "b").close()


def test_an_adopted_copy_is_the_log_and_says_so_in_its_next_entry(tmp_path: Path) -> None:
    copy = _copy(_write(tmp_path / "a", ENTRIES[:5]), tmp_path / "b")
    assert _adopt(copy, unwitnessed=True) == 5
    log = _log(tmp_path / "b")
    assert log.entry(5) == act_bytes("adopted")
    log.publish()
    log.close()
    assert verify_ledger(copy, KEY.vkey).size == 6


def test_what_a_copy_had_acknowledged_and_not_published_comes_before_its_adoption(tmp_path: Path) -> None:
    _write(tmp_path / "a", ENTRIES[:5])
    log = _log(tmp_path / "a")
    append(log, ENTRIES[5:8])
    copy = _copy(tmp_path / "a" / "ledger", tmp_path / "b")
    log.close()
    assert _adopt(copy, unwitnessed=True) == 8
    log = _log(tmp_path / "b")
    assert [data for _, data in log.entries(0)] == [*ENTRIES[:8], act_bytes("adopted")]
    log.close()


@pytest.mark.parametrize("unwitnessed", [False, True])
def test_a_copy_that_a_witness_has_seen_more_than_is_not_adopted(tmp_path: Path, *, unwitnessed: bool) -> None:
    copy = _copy(_write(tmp_path / "a", ENTRIES[:5]), tmp_path / "b")
    with pytest.raises(VerificationFailed, match="this copy has 5 entries signed, and far has seen 6"):
        _adopt(copy, seen={"near": 5, "far": 6}, unwitnessed=unwitnessed)
    with pytest.raises(NotAtHome):
        _log(tmp_path / "b")


def test_a_copy_that_nobody_can_speak_for_is_adopted_only_by_its_operator_s_word(tmp_path: Path) -> None:
    copy = _copy(_write(tmp_path / "a", ENTRIES[:5]), tmp_path / "b")
    with pytest.raises(VerificationFailed, match="neither a witness nor an anchor"):
        _adopt(copy)
    with pytest.raises(VerificationFailed, match="far did not answer"):
        _adopt(copy, seen={"near": 5, "far": None})
    assert _adopt(copy, seen={"near": 5, "far": None}, unwitnessed=True) == 5


def test_a_witness_that_has_seen_no_more_is_enough(tmp_path: Path) -> None:
    copy = _copy(_write(tmp_path / "a", ENTRIES[:5]), tmp_path / "b")
    assert _adopt(copy, seen={"near": 5}) == 5


def test_an_adoption_that_is_cut_short_leaves_a_copy(tmp_path: Path) -> None:
    ledger = _write(tmp_path / "a", ENTRIES[:5])
    for at in range(1, 10**3):
        copy = _copy(ledger, tmp_path / str(at))
        disk = FailingDisk(at, error=28)
        migration = Migration(copy, VERIFIER, away=AWAY, disk=disk)
        try:
            migration.adopt(_act, seen={"near": 5})
        except LedgerFull:
            migration.close()
            if (copy / "home").read_bytes() == (ledger / "home").read_bytes():
                with pytest.raises(NotAtHome):
                    _log(tmp_path / str(at))
            else:  # only its directory could not be synced any more
                assert act_bytes("adopted") in (copy / "journal").read_bytes()
        else:
            migration.close()
            break
    assert at > 3
    _log(tmp_path / str(at)).close()


def test_an_anchor_has_the_newest_checkpoint(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    ledger = _write(tmp_path / "a", ENTRIES[:5], anchor=anchor)
    assert anchor.read_bytes() == (ledger / "checkpoint").read_bytes()
    log = _log(tmp_path / "a", anchor=anchor)
    assert log.anchor
    assert log.anchor.size == 5
    log.close()


def test_a_log_that_was_put_back_is_seen_by_its_anchor(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    ledger = _write(tmp_path / "a", ENTRIES[:5], anchor=anchor)
    kept = _copy(ledger, tmp_path / "kept")
    _write(tmp_path / "a", ENTRIES[5:9], anchor=anchor)
    for path in sorted(ledger.iterdir()):  # into the same directory, as a backup is restored
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(kept, ledger, dirs_exist_ok=True)
    with pytest.raises(NotAtHome, match=r"was put back: it has 5 entries signed, and its anchor .* saw 9"):
        _log(tmp_path / "a", anchor=anchor)
    with pytest.raises(VerificationFailed, match="was put back"):
        _adopt(ledger, anchor=anchor, unwitnessed=True)


def test_a_log_that_is_gone_is_missed_by_its_anchor(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    ledger = _write(tmp_path / "a", ENTRIES[:5], anchor=anchor)
    shutil.rmtree(ledger)
    with pytest.raises(NotAtHome, match=r"there is no log, and its anchor .* saw 5 entries"):
        _log(tmp_path / "a", anchor=anchor)
    assert not (ledger / "checkpoint").exists()


def test_a_log_that_is_another_one_than_its_anchor_saw_is_not_continued(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    _write(tmp_path / "a", ENTRIES[:5], anchor=anchor)
    _write(tmp_path / "b", ENTRIES[5:20])
    with pytest.raises(NotAtHome, match="they differ"):
        _log(tmp_path / "b", anchor=anchor)


@pytest.mark.parametrize(("content", "said"), [(None, "there is no anchor"), (b"nonsense", "holds no checkpoint")])
def test_an_anchor_that_is_gone_or_damaged_stops_the_log(tmp_path: Path, content: bytes | None, said: str) -> None:
    anchor = tmp_path / "anchor"
    _write(tmp_path / "a", ENTRIES[:5], anchor=anchor)
    anchor.unlink() if content is None else anchor.write_bytes(content)
    with pytest.raises(NotAtHome, match=said):
        _log(tmp_path / "a", anchor=anchor)


def test_an_anchor_that_cannot_be_written_stops_nothing_and_catches_up(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    anchor = tmp_path / "away" / "anchor"
    log = _log(tmp_path / "a", anchor=anchor)
    (tmp_path / "away").rename(tmp_path / "unmounted")
    append(log, ENTRIES[:5])
    log.publish()
    assert log.anchor
    assert (log.published_size, log.anchor.size) == (5, 0)
    (tmp_path / "unmounted").rename(tmp_path / "away")
    append(log, ENTRIES[5:6])
    log.publish()
    assert log.anchor.size == 6
    log.close()


def test_an_adoption_begins_an_anchor_that_is_new(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    copy = _copy(_write(tmp_path / "a", ENTRIES[:5]), tmp_path / "b")
    assert _adopt(copy, unwitnessed=True, anchor=anchor) == 5
    _log(tmp_path / "b", anchor=anchor).close()


@pytest.mark.parametrize("steps", [[3], [3, 260], [255, 256, 700], [700]])
def test_a_mirror_follows_a_log_to_the_same_bytes(tmp_path: Path, steps: list[int]) -> None:
    log = _log(tmp_path / "a")
    mirror = Mirror(tmp_path / "mirror", VERIFIER, disk=FailingDisk())
    done = 0
    for step in steps:
        append(log, ENTRIES[done:step])
        log.publish()
        done = step
        assert mirror.follow(tmp_path / "a" / "ledger") == step
        assert mirror.follow(tmp_path / "a" / "ledger") == step
    log.close()
    mirror.close()
    assert verify_ledger(tmp_path / "mirror", KEY.vkey).size == steps[-1]
    assert (tmp_path / "mirror" / "checkpoint").read_bytes() == (tmp_path / "a" / "ledger" / "checkpoint").read_bytes()
    assert Mirror(tmp_path / "mirror", VERIFIER).size == steps[-1]


def test_a_mirror_of_a_fork_takes_nothing(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror", VERIFIER, disk=FailingDisk())
    mirror.follow(write_log(tmp_path / "a", ENTRIES[:5]))
    for size in (4, 5, 300):
        with pytest.raises(VerificationFailed, match="is not the log"):
            mirror.follow(write_log(tmp_path / str(size), ENTRIES[300 : 300 + size]))
    mirror.close()
    assert verify_ledger(tmp_path / "mirror", KEY.vkey).size == 5


def test_a_mirror_takes_no_entry_that_the_checkpoint_does_not_cover(tmp_path: Path) -> None:
    source = write_log(tmp_path / "a", ENTRIES[:300])
    bundle = source / "tile" / "entries" / "000"
    data = bytearray(bundle.read_bytes())
    data[100] ^= 1
    bundle.write_bytes(data)
    mirror = Mirror(tmp_path / "mirror", VERIFIER, disk=FailingDisk())
    with pytest.raises(VerificationFailed, match="is not the log"):
        mirror.follow(source)
    mirror.close()
    assert not list((tmp_path / "mirror").iterdir())


def test_a_mirror_of_another_log_takes_nothing(tmp_path: Path) -> None:
    source = write_log(tmp_path / "a", ENTRIES[:5])
    mirror = Mirror(tmp_path / "mirror", parse_vkey(FileKey("other.example/log", bytes(32)).vkey))
    with pytest.raises(VerificationFailed):
        mirror.follow(source)
    mirror.close()


def test_a_mirror_whose_disk_fails_is_consistent_and_goes_on(tmp_path: Path) -> None:
    source = write_log(tmp_path / "a", ENTRIES)
    whole = FailingDisk()
    mirror = Mirror(tmp_path / "whole", VERIFIER, disk=whole)
    mirror.follow(source)
    mirror.close()
    for at in range(2, whole.operations):
        directory = tmp_path / str(at)
        disk = FailingDisk(error=28)
        mirror = Mirror(directory, VERIFIER, disk=disk)
        disk.fail_after(at - disk.operations)
        with pytest.raises(LedgerFull):
            mirror.follow(source)
        assert mirror.follow(source) == len(ENTRIES)
        mirror.close()
        assert verify_ledger(directory, KEY.vkey).size == len(ENTRIES)


def test_a_copy_never_gives_up_what_it_acknowledged_and_the_other_does_not_have(tmp_path: Path) -> None:
    log = _log(tmp_path / "a")
    append(log, ENTRIES[:5])
    log.publish()
    append(log, ENTRIES[5:6])
    copy = _copy(tmp_path / "a" / "ledger", tmp_path / "b")
    log.publish()
    log.close()
    other = _copy(_write(tmp_path / "c", ENTRIES[:5]), tmp_path / "d")
    _adopt(other, unwitnessed=True)
    forked = _log(tmp_path / "d")
    forked.publish()
    forked.close()
    migration = _migration(copy)
    with pytest.raises(VerificationFailed, match="entry 5 was acknowledged here and is another one in"):
        migration.follow(other)
    assert migration.follow(tmp_path / "a" / "ledger") == 6
    migration.close()


def test_a_copy_is_held_by_one_process(tmp_path: Path) -> None:
    copy = _copy(_write(tmp_path / "a", ENTRIES[:5]), tmp_path / "b")
    migration = _migration(copy)
    with pytest.raises(EstateError, match="another process"):
        _migration(copy)
    migration.close()


def test_a_log_is_at_home_from_its_first_checkpoint_on(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    assert (tmp_path / "ledger" / "home").exists()
    assert LedgerFiles(tmp_path / "ledger").checkpoint()
    open_log(tmp_path).close()
