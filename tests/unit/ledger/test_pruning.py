# SPDX-License-Identifier: Apache-2.0
"""What may be pruned, what goes, and that all that stays is as provable as before."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.ledger_builder import (
    AT,
    KEY,
    Dead,
    FailingDisk,
    act_bytes,
    admission_bytes,
    append,
    open_log,
    outcome_bytes,
)

from freehold.errors import EstateError, LedgerUnavailable, Pruned
from freehold.ledger.check.fsck import check_tree
from freehold.ledger.check.issuing import receipt_for
from freehold.ledger.check.receipt import check_receipt
from freehold.ledger.check.surroundings import check_surroundings
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.client import LedgerClient
from freehold.ledger.keeper.pruning import Judge, Retention
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.ledger.tree.layout import resources_of
from freehold.ledger.tree.merkle import consistency_proof, is_consistent, root
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.log import Log

SIZE = 700
POLICY = Retention(days=30)
LATER = AT + timedelta(days=31)


class MortalDisk(FailingDisk):
    """Taking a file away is an operation, too."""

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)


def entries() -> list[bytes]:
    """Calls that are closed, one after the other."""
    rows: list[bytes] = []
    while len(rows) < SIZE:
        rows += [admission_bytes(f"call-{len(rows)}"), outcome_bytes(len(rows), f"call-{len(rows)}")]
    return rows


def written(root: Path, disk: FailingDisk | None = None) -> Log:
    log = open_log(root, disk=disk or FailingDisk())
    append(log, entries())
    log.publish()
    return log


def judge(log: Log, retention: Retention = POLICY) -> Judge:
    return Judge(log, retention)


def pruned_to(log: Log, index: int) -> None:
    judging = judge(log)
    judging.carry_out(judging.plan(index, low_water=SIZE, now_utc=LATER))


def tree_files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in (directory / "tile").rglob("*") if path.is_file()}


@pytest.mark.parametrize("index", [0, 1, 255, 256, 300, 511, 512, 700])
def test_exactly_what_ends_at_or_before_the_index_goes(tmp_path: Path, index: int) -> None:
    log = written(tmp_path)
    pruned_to(log, index)
    assert tree_files(log.directory) == {resource.path for resource in resources_of(SIZE, index)}
    report = verify_ledger(log.directory, KEY.vkey)
    assert report.minimum_index == LedgerFiles(log.directory).minimum_index() == index
    assert report.stray_outcomes == 0
    tree = check_tree(log.directory, KEY.vkey)
    assert (tree.differences, tree.entries_hold, tree.minimum_index) == ((), True, index)
    log.close()


def test_tiles_of_every_level_go_and_the_tree_still_has_its_root(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    for start in range(0, 66_560, 16_640):
        append(log, [act_bytes(f"act-{index}") for index in range(start, start + 16_640)])
        log.publish()
    before = LedgerFiles(log.directory).edge(66_560).root
    pruned_to_all = judge(log)
    pruned_to_all.carry_out(pruned_to_all.plan(66_000, low_water=66_560, now_utc=LATER))
    assert not (log.directory / "tile/1/000").exists()
    assert (log.directory / "tile/2/000.p/1").exists()
    assert tree_files(log.directory) == {resource.path for resource in resources_of(66_560, 66_000)}
    tree = check_tree(log.directory, KEY.vkey)
    assert (tree.differences, tree.derived_root) == ((), before)
    log.close()


def test_what_stays_is_proved_as_before_and_what_went_says_so(tmp_path: Path) -> None:
    log = written(tmp_path)
    pruned_to(log, 600)
    receipt = receipt_for(log.directory, KEY.name, 600)
    assert check_receipt(receipt, KEY.vkey).outcome_index == 601
    with pytest.raises(Pruned, match=r"tile/entries/000 was pruned: the log has its entries from 600 on"):
        receipt_for(log.directory, KEY.name, 10)
    files = LedgerFiles(log.directory)
    subtree = files.subtree(SIZE)
    for older in (600, 650, 699):
        proof = consistency_proof(older, SIZE, subtree)
        assert is_consistent(older, root(older, subtree), SIZE, root(SIZE, subtree), proof)
    assert [index for index, _ in files.entries(0, SIZE)] == list(range(512, SIZE))
    log.close()


def test_a_log_goes_on_and_is_opened_again_after_a_prune(tmp_path: Path) -> None:
    log = written(tmp_path)
    pruned_to(log, 600)
    append(log, [act_bytes(f"act-{index}") for index in range(400)])
    log.publish()
    log.close()
    log = open_log(tmp_path, disk=FailingDisk())
    assert log.size == SIZE + 400
    assert verify_ledger(log.directory, KEY.vkey).acts == 400
    pruned_to(log, 650)
    assert not check_tree(log.directory, KEY.vkey).differences
    log.close()


def test_without_a_stated_policy_nothing_may_go(tmp_path: Path) -> None:
    log = written(tmp_path)
    with pytest.raises(EstateError, match="no retention policy") as refused:
        judge(log, Retention()).plan(300, low_water=SIZE, now_utc=LATER)
    assert "prune_after_days" in refused.value.advice
    log.close()


@pytest.mark.parametrize(
    ("retention", "low_water", "now_utc", "why", "most"),
    [
        (POLICY, SIZE, AT + timedelta(days=29), "entry 0 is not 30 days old", "--before 0"),
        (POLICY, 298, LATER, "the call admitted at entry 298 is still open", "--before 298"),
        (Retention(days=30, cosigned=True), SIZE, LATER, "cosigned the log's first 0 entries only", "--before 0"),
    ],
)
def test_what_is_to_be_kept_is_refused_with_what_may_go(  # noqa: PLR0917 - the table's columns
    tmp_path: Path, retention: Retention, low_water: int, now_utc: datetime, why: str, most: str
) -> None:
    log = written(tmp_path)
    with pytest.raises(EstateError, match=why) as refused:
        judge(log, retention).plan(300, low_water=low_water, now_utc=now_utc)
    assert most in refused.value.advice
    with pytest.raises(EstateError, match="has 700 entries"):
        judge(log).plan(701, low_water=SIZE, now_utc=LATER)
    log.close()


def test_what_witnesses_have_cosigned_may_go(tmp_path: Path) -> None:
    log = written(tmp_path)
    older = Checkpoint(origin=KEY.name, size=512, root=LedgerFiles(log.directory).edge(512).root)
    (log.directory / "checkpoint.cosigned").write_bytes(sign_checkpoint(older, KEY))
    cosigned = judge(log, Retention(days=30, cosigned=True))
    assert cosigned.plan(512, low_water=SIZE, now_utc=LATER).files == 4
    with pytest.raises(EstateError, match="first 512 entries only"):
        cosigned.plan(513, low_water=SIZE, now_utc=LATER)
    log.close()


def test_an_instant_stands_for_the_first_entry_that_is_not_before_it(tmp_path: Path) -> None:
    log = written(tmp_path)
    assert judge(log).plan(AT, low_water=SIZE, now_utc=LATER).before == 0
    after = judge(log).plan(AT + timedelta(microseconds=1), low_water=SIZE, now_utc=LATER)
    assert (after.before, after.minimum_index, after.files) == (SIZE, SIZE, 4)
    assert after.root == LedgerFiles(log.directory).edge(SIZE).root.hex()
    log.close()


def test_an_entry_that_names_no_time_is_never_old_enough(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    append(log, [act_bytes(), b'{"kind":"of-tomorrow","v":2}', *([act_bytes()] * 300)])
    log.publish()
    with pytest.raises(EstateError, match="entry 1 is not 30 days old"):
        judge(log).plan(256, low_water=302, now_utc=LATER)
    log.close()


def test_a_prune_that_was_killed_anywhere_is_whole_after_the_next(tmp_path: Path) -> None:
    written(tmp_path / "original").close()
    deaths = 0
    while True:
        root = tmp_path / f"{deaths}"
        shutil.copytree(tmp_path / "original", root)
        at_home(root)
        disk = MortalDisk()
        log = open_log(root, disk=disk)
        disk.fail_after(deaths)
        try:
            pruned_to(log, 520)
        except Dead:
            pass
        else:
            log.close()
            break
        finally:
            disk.heal()
        log.close()
        deaths += 1
        _look_at(root)
        log = open_log(root, disk=FailingDisk())
        pruned_to(log, 520)
        assert tree_files(log.directory) == {resource.path for resource in resources_of(SIZE, 520)}
        append(log, [act_bytes()])
        log.publish()
        _look_at(root)
        log.close()
    assert deaths > 6


def test_a_prune_that_was_cut_short_is_told_as_such(tmp_path: Path) -> None:
    log = written(tmp_path)
    bundle = (log.directory / "tile/entries/001").read_bytes()
    pruned_to(log, 520)
    (log.directory / "tile/entries/001").write_bytes(bundle)
    found = check_surroundings(log.directory, tmp_path / "salts", size=SIZE, minimum_index=520)
    assert [note.partition(" ")[0] for note in found.notes] == ["tile/entries/001"]
    assert judge(log).plan(520, low_water=SIZE, now_utc=LATER).files == 1
    pruned_to(log, 520)
    assert not (log.directory / "tile/entries/001").exists()
    log.close()


def test_a_minimum_index_that_is_damaged_takes_nothing_away(tmp_path: Path) -> None:
    written(tmp_path).close()
    (tmp_path / "ledger/minimum-index").write_bytes(b"700\n")
    log = open_log(tmp_path, disk=FailingDisk())
    assert (log.directory / "tile/entries/000").exists()
    assert judge(log).plan(0, low_water=SIZE, now_utc=LATER).files == 0
    log.close()


@asynccontextmanager
async def _asking(root: Path, retention: Retention, *, disk: FailingDisk | None = None) -> AsyncIterator[LedgerClient]:
    log = open_log(root, disk=disk or FailingDisk())
    service = LedgerService(log, root / "s", publish_s=0.001, retention=retention, now_utc=lambda: LATER)
    await service.start()
    client = LedgerClient(root / "s", identity="control-1")
    await client.start()
    try:
        yield client
    finally:
        await client.close()
        await service.close()


async def test_the_ledgers_process_prunes_when_it_is_asked(tmp_path: Path) -> None:
    written(tmp_path).close()
    async with _asking(tmp_path, POLICY) as client:
        plan = await client.prune(600, dry_run=True)
        assert (plan.was, plan.minimum_index, plan.files) == (0, 600, 4)
        assert (tmp_path / "ledger/tile/entries/000").exists()
        assert await client.prune(600, dry_run=False) == plan
        assert not (tmp_path / "ledger/tile/entries/000").exists()
        assert (await client.prune(datetime(2020, 1, 1, tzinfo=UTC), dry_run=True)).files == 0
        with pytest.raises(EstateError, match="has 700 entries"):
            await client.prune(701, dry_run=True)


async def test_a_call_that_is_open_holds_what_comes_before_it(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    append(log, [admission_bytes("open"), *entries()])
    log.publish()
    log.close()
    async with _asking(tmp_path, POLICY) as client:
        with pytest.raises(EstateError, match="admitted at entry 0 is still open"):
            await client.prune(300, dry_run=True)


async def test_a_disk_that_fails_is_a_fault_and_no_refusal(tmp_path: Path) -> None:
    written(tmp_path).close()
    disk = MortalDisk()
    async with _asking(tmp_path, POLICY, disk=disk) as client:
        await client.publish()
        disk.error = 5
        disk.fail_after(0, times=100)
        with pytest.raises(LedgerUnavailable, match="could not be pruned to its end"):
            await client.prune(600, dry_run=False)
        disk.heal()
        assert (await client.prune(600, dry_run=False)).minimum_index == 600


def _look_at(root: Path) -> None:
    tree = check_tree(root / "ledger", KEY.vkey)
    assert not tree.differences
    assert not check_surroundings(
        root / "ledger", root / "salts", size=tree.size, minimum_index=tree.minimum_index
    ).differences


def at_home(root: Path) -> None:
    """Let a copy pass for the log itself."""
    directory = root / "ledger"
    state = f"{directory.stat().st_ino} {os.statvfs(directory).f_fsid:x}\n"
    (directory / "home").write_text(state)
