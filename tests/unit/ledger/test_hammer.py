# SPDX-License-Identifier: Apache-2.0
"""Monitors that tail a log while it is written, and a log that cheats them."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.ledger_builder import AT, KEY, FailingDisk, act_bytes, append, open_log
from tests.ledger_monitor import ROUNDS, Caught, Fetch, Monitor, write_at_random

from freehold.ledger.check.fsck import check_tree
from freehold.ledger.check.surroundings import check_surroundings
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.keeper.pruning import Judge, Retention
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.ledger.tree.growth import Edge, grow
from freehold.ledger.tree.store import LedgerFiles


def files_of(directory: Path) -> Fetch:
    def fetch(path: str) -> bytes | None:
        try:
            return (directory / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    return fetch


def forged(entries: list[bytes], size: int | None = None) -> dict[str, bytes]:
    """A log that the key's owner made of these entries, as it would be served."""
    growth = grow(Edge(), entries)
    checkpoint = Checkpoint(origin=KEY.name, size=size or len(entries), root=growth.edge.root)
    return {**dict(growth.files), "checkpoint": sign_checkpoint(checkpoint, KEY)}


def read_until(done: threading.Event, monitor: Monitor, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same every time
    while not done.is_set():
        monitor.poll()
        for index in chance.sample(range(len(monitor.entries)), min(3, len(monitor.entries))):
            monitor.prove(index)


def verify_until(done: threading.Event, directory: Path) -> None:
    while not done.is_set():
        verify_ledger(directory, KEY.vkey)
        tree = check_tree(directory, KEY.vkey)
        around = check_surroundings(directory, directory.parent / "salts", size=tree.size, minimum_index=0)
        assert [*tree.differences, *around.differences] == []


def test_readers_find_every_entry_and_every_proof_while_a_writer_writes(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    log.publish()
    done = threading.Event()
    monitors = [Monitor(files_of(log.directory), KEY.vkey) for _ in range(2)]
    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(read_until, done, monitor, seed) for seed, monitor in enumerate(monitors)]
        readers.append(threads.submit(verify_until, done, log.directory))
        try:
            write_at_random(log, ROUNDS, seed=1)
        finally:
            done.set()
    log.close()
    for reader in readers:
        reader.result()
    for monitor in monitors:
        monitor.patience = 0
        size = monitor.poll().size
        assert monitor.entries == [entry for _, entry in LedgerFiles(log.directory).entries(0, size)]


def test_a_fast_log_is_read_without_its_partial_bundles(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    monitor = Monitor(files_of(tmp_path / "ledger"), KEY.vkey, patience=3)
    for size in range(250, 1500, 250):
        append(log, [act_bytes(f"act-{size}-{index}") for index in range(250)])
        log.publish()
        monitor.poll()
    partial = [path for path in monitor.asked if path.startswith("tile/entries/") and ".p/" in path]
    assert not partial
    assert "tile/0/000.p/250" in monitor.asked
    for number in range(3):
        append(log, [act_bytes(f"slow-{number}")])
        log.publish()
        monitor.poll()
    assert len(monitor.entries) == 1253
    log.close()


def test_a_partial_form_that_is_gone_is_read_from_the_full_one(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    append(log, [act_bytes(f"act-{index}") for index in range(200)])
    log.publish()
    older = (tmp_path / "ledger/checkpoint").read_bytes()
    append(log, [act_bytes(f"act-{index}") for index in range(200, 300)])
    log.publish()
    log.close()
    fetch = files_of(tmp_path / "ledger")
    monitor = Monitor(lambda path: older if path == "checkpoint" else fetch(path), KEY.vkey)
    assert monitor.poll().size == 200
    assert monitor.asked[-2:] == ["tile/entries/000.p/200", "tile/entries/000"]
    assert len(monitor.entries) == 200


def test_a_monitor_that_is_up_to_date_follows_a_log_that_is_pruned(tmp_path: Path) -> None:
    log = open_log(tmp_path, disk=FailingDisk())
    append(log, [act_bytes(f"act-{index}") for index in range(600)])
    log.publish()
    monitor = Monitor(files_of(tmp_path / "ledger"), KEY.vkey)
    monitor.poll()
    judge = Judge(log, Retention(days=1))
    judge.carry_out(judge.plan(600, low_water=600, now_utc=AT.replace(year=2027)))
    append(log, [act_bytes(f"later-{index}") for index in range(100)])
    log.publish()
    assert monitor.poll().size == 700
    monitor.prove(650)
    with pytest.raises(Caught, match="does not serve tile/0/000"):
        monitor.prove(10)
    log.close()


ENTRIES = [b"%d" % index for index in range(300)]


@pytest.mark.parametrize(
    ("then", "caught"),
    [
        (forged(ENTRIES[:290]), "shrank from 300 to 290"),
        (forged([b"x", *ENTRIES[1:], b"300"]), "does not go on from"),
        (forged(ENTRIES[::-1]), "does not go on from"),
        (forged([*ENTRIES, b"300"]) | {"tile/entries/001.p/45": b""}, "does not hold 45 entries"),
        (forged([*ENTRIES, b"300"]) | {"tile/0/001.p/45": bytes(45 * 32)}, "does not go on from"),
        (
            forged([*ENTRIES, b"300"])
            | {
                "tile/entries/001.p/45": dict(forged([*ENTRIES[:256], b"x" * 3, *ENTRIES[257:], b"300"]))[
                    "tile/entries/001.p/45"
                ]
            },
            "says something else than before",
        ),
        (
            forged([*ENTRIES, b"300"])
            | {"tile/entries/001.p/45": dict(forged([*ENTRIES, b"301"]))["tile/entries/001.p/45"]},
            "do not lead to the root",
        ),
        ({key: value for key, value in forged([*ENTRIES, b"300"]).items() if "001.p" not in key}, "does not serve"),
    ],
)
def test_a_log_that_cheats_is_caught(then: dict[str, bytes], caught: str) -> None:
    served = forged(ENTRIES)
    monitor = Monitor(served.get, KEY.vkey, patience=0)
    monitor.poll()
    served.clear()
    served.update(then)
    with pytest.raises(Caught, match=caught):
        monitor.poll()
