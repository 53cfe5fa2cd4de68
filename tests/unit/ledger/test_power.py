# SPDX-License-Identifier: Apache-2.0
"""The power fails, or the process is killed, at every operation of the write path: what was acknowledged is there.

The same holds to an order of syncs and renames that is read off a trace. Writers that were sabotaged show that both
can tell: each must go red.
"""

import errno
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from tests.ledger_builder import DAY, KEY, FailingDisk, act_bytes, admission_bytes, append, outcome_bytes, salt_of
from tests.power import KEPT, LOST, Chance, Dead, PowerDisk, chances, path_of

from freehold.errors import FreeholdError, LedgerFull
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.tree import layout
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.ledger.tree.growth import Edge
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.home import make_home
from freehold.ledger.writing.log import Log
from freehold.ledger.writing.salts import Salts

ENTRIES = [outcome_bytes(0) for number in range(300)]
ENTRIES[:3] = [admission_bytes(f"call-{number}") for number in range(3)]
ENTRIES[3] = act_bytes("act-3")
ENTRIES[255:] = [admission_bytes(f"call-{number}") for number in range(255, 300)]
STEPS = (3, 2, 0, 252, 1, 0, 2)  # sizes of groups; 0 publishes
NEVER_S = 10**6


class Lost(AssertionError):
    """Something that was promised is not there."""


def _open(root: Path, disk: Disk, kind: type[Log] = Log, *, sync_after_s: float = 0.0) -> Log:
    return kind(root / "ledger", salts=root / "salts", signer=KEY, sync_after_s=sync_after_s, disk=disk)


def _run(log: Log, disk: PowerDisk, promised: list[int]) -> None:
    """All steps. ``promised``: how many entries are acknowledged, how many are published."""
    for step in STEPS:
        if step == 0:
            log.publish()
            promised[1] = promised[0]
            disk.trace.append(("published", ""))
        else:
            append(log, ENTRIES[promised[0] : promised[0] + step])
            promised[0] += step
            disk.trace.append(("acknowledged", ""))


def _killed(root: Path, at: int, kind: type[Log], power: type[PowerDisk]) -> tuple[PowerDisk, list[int]]:
    """A writer that dies at an operation; what it had promised."""
    root.mkdir(parents=True)
    disk, promised = power(root, at), [0, 0]
    with suppress(Dead):
        log = _open(root, disk, kind)
        try:
            _run(log, disk, promised)
        finally:
            log.close()
    return disk, promised


def _ends(root: Path, at: int, kind: type[Log] = Log, power: type[PowerDisk] = PowerDisk) -> Iterator[None]:
    """Every end that the death at one operation may have, each checked."""
    disk, promised = _killed(root / "run", at, kind, power)
    ends: list[Chance] = [LOST, KEPT, chances(at), chances(at + 10**6), chances(at + 2 * 10**6)]
    for number, chance in enumerate(ends):
        disk.power_cut(root / str(number), chance)
        _require_promised(root / str(number), promised)
        yield
    _require_promised(root / "run", promised)


def _require_promised(root: Path, promised: Sequence[int]) -> None:
    """It opens, holds what was promised and at most one group more, and goes on."""
    acknowledged, published = promised
    ledger = root / "ledger"
    if (ledger / "checkpoint").exists():
        _require(what="its home", there=(ledger / "home").exists())
        make_home(ledger, FailingDisk())  # what is laid out is a copy, and is not to be taken for one
    try:
        log = _open(root, FailingDisk())
    except FreeholdError as exc:
        raise Lost(f"the log does not open: {exc.message}") from exc
    try:
        found = [data for _, data in log.entries(0)]
        _require(what="an acknowledged entry", there=found[:acknowledged] == ENTRIES[:acknowledged])
        _require(what="no more than was asked for", there=found == ENTRIES[: len(found)])
        _require(what="a published checkpoint", there=log.published_size >= published)
        salts = Salts(root / "salts", Disk())
        kept = [index for index, data in enumerate(found[:acknowledged]) if b'"kind":"admission"' in data]
        _require(what="a salt", there=all(salts.find(DAY, index) == salt_of(index) for index in kept))
        append(log, [b"next"])
        log.publish()
    finally:
        log.close()
    _require(what="the log", there=verify_ledger(ledger, KEY.vkey).size == len(found) + 1)


def _require(*, what: str, there: bool) -> None:
    if not there:
        raise Lost(f"{what} is missing")


def _operations(root: Path, kind: type[Log] = Log, power: type[PowerDisk] = PowerDisk) -> int:
    disk, _ = _killed(root, -1, kind, power)
    return disk.operations


@pytest.mark.parametrize("share", range(8))
def test_a_power_cut_at_any_operation_takes_nothing_that_was_promised(tmp_path: Path, share: int) -> None:
    for at in range(1 + share, _operations(tmp_path / "whole") + 1, 8):
        root = tmp_path / str(at)
        assert len(list(_ends(root, at))) == 5
        shutil.rmtree(root)


def test_what_a_killed_writer_left_unsynced_is_sure_once_the_log_is_open_again(tmp_path: Path) -> None:
    """For it may be acknowledged then: whoever asks again for an admission is told where it is."""
    for at in range(1, _operations(tmp_path / "whole") + 1):
        root = tmp_path / str(at)
        first, promised = _killed(root / "run", at, Log, PowerDisk)
        second = _Reopened(first)
        log = _open(root / "run", second)
        found = log.size
        second.power_cut(root / "cut", LOST)
        log.publish()
        log.close()
        second.power_cut(root / "later", LOST)
        _require_promised(root / "cut", (found, promised[1]))
        _require_promised(root / "later", (found, found))


class _Reopened(PowerDisk):
    """The disk of a process that comes after one that was killed."""

    def __init__(self, before: PowerDisk) -> None:
        super().__init__(before._root)
        self._top = before._top


class CheckpointFirst(Log):
    def _integrate(self, edge: Edge, files: Sequence[tuple[str, bytes]]) -> bytes:
        note = sign_checkpoint(Checkpoint(origin=self.origin, size=edge.size, root=edge.root), self._signer)
        for some in ([(layout.CHECKPOINT, note)], files):
            for directory in self._place(some):
                self._disk.sync_directory(directory)
        return note


class NoTemporaryFile(Log):
    def _place(self, files: Sequence[tuple[str, bytes]]) -> set[Path]:
        targets = [(self._directory / path, content) for path, content in files]
        for target, content in targets:
            self._disk.make_directory(target.parent)
            self._disk.write_whole(target, content)
        return {target.parent for target, _ in targets}


class TrimmedBeforePublished(Log):
    def _integrate(self, edge: Edge, files: Sequence[tuple[str, bytes]]) -> bytes:
        if edge.size:
            self._journal.trim(edge.size)
        return super()._integrate(edge, files)


class NothingSynced(PowerDisk):
    """Entries are acknowledged before they are on disk."""

    def sync(self, descriptor: int) -> None:
        self._step()


class SaltsUnsynced(PowerDisk):
    def sync(self, descriptor: int) -> None:
        if "/salts/" in path_of(descriptor):
            self._step()
        else:
            super().sync(descriptor)


class NoDirectorySynced(PowerDisk):
    def sync_directory(self, path: Path) -> None:
        self._step()


class TilesUnsynced(PowerDisk):
    def _sync_whole(self, node: object) -> None:
        pass


SABOTAGED = [
    (CheckpointFirst, PowerDisk),
    (NoTemporaryFile, PowerDisk),
    (TrimmedBeforePublished, PowerDisk),
    (Log, NothingSynced),
    (Log, SaltsUnsynced),
    (Log, NoDirectorySynced),
    (Log, TilesUnsynced),
]


@pytest.mark.parametrize(("kind", "power"), SABOTAGED)
def test_a_writer_that_was_sabotaged_is_found_out(tmp_path: Path, kind: type[Log], power: type[PowerDisk]) -> None:
    with pytest.raises(Lost):
        _die_everywhere(tmp_path, kind, power)


def _die_everywhere(tmp_path: Path, kind: type[Log], power: type[PowerDisk]) -> None:
    for at in range(1, _operations(tmp_path / "whole", kind, power) + 1):
        assert len(list(_ends(tmp_path / str(at), at, kind, power))) == 5


class Order:
    """What must come before what, whatever the disk is: a kill keeps the page cache and a power cut does not."""

    def __init__(self) -> None:
        self._unsynced: set[str] = set()  # files that were appended to
        self._unnamed: dict[str, str] = {}  # directories to be synced, and the file that was put in place there last
        self._unpublished = False  # entries after the checkpoint
        self._headed = False  # the checkpoint after all entries

    def require(self, trace: Sequence[tuple[str, str]]) -> None:
        for what, path in trace:
            getattr(self, what)(path)

    def append(self, path: str) -> None:
        self._unsynced.add(path)
        if path == "ledger/journal":
            self._unpublished, self._headed = True, False

    def sync(self, path: str) -> None:
        self._unsynced.discard(path)
        if self._unnamed.pop(path, "") == "ledger/checkpoint":
            self._unpublished = False

    def write(self, path: str) -> None:
        _require(what=f"a temporary file for {path}", there=path.startswith("ledger/tile.new"))

    def rename(self, path: str) -> None:
        if path == "ledger/checkpoint":
            _require(what="a sync of a tile's directory before the checkpoint", there=not self._unnamed)
            self._headed = True
        elif path.startswith("ledger/tile/"):
            _require(what="a tile before its checkpoint", there=not self._headed)
        self._unnamed[path.rpartition("/")[0]] = path

    def cut(self, path: str) -> None:
        _require(what="a checkpoint before the journal is cut", there=path != "ledger/journal" or not self._unpublished)

    def acknowledged(self, path: str) -> None:
        _require(what="a sync before the acknowledgement", there=not self._unsynced)

    def published(self, path: str) -> None:
        _require(what="a sync after the checkpoint", there=not self._unnamed)


def test_the_order_of_syncs_and_renames_is_kept(tmp_path: Path) -> None:
    disk, promised = _killed(tmp_path / "run", -1, Log, PowerDisk)
    assert promised == [260, 258]
    assert {what for what, _ in disk.trace} == {"append", "sync", "write", "rename", "cut", "acknowledged", "published"}
    Order().require(disk.trace)


@pytest.mark.parametrize(
    ("kind", "power"), [pair for pair in SABOTAGED if pair[1] in (PowerDisk, NothingSynced, SaltsUnsynced)]
)
def test_the_trace_of_a_sabotaged_writer_is_out_of_order(
    tmp_path: Path, kind: type[Log], power: type[PowerDisk]
) -> None:
    disk, _ = _killed(tmp_path / "run", -1, kind, power)
    with pytest.raises(Lost):
        Order().require(disk.trace)


class TestRelaxed:
    """Acknowledged before it is synced: a killed process loses nothing, a power cut what was not synced yet."""

    def test_a_power_cut_takes_an_end_of_the_log_and_leaves_it_consistent(self, tmp_path: Path) -> None:
        for seed in range(60):
            root = tmp_path / str(seed)
            root.mkdir()
            (root / "run").mkdir()
            disk = PowerDisk(root / "run")
            log, synced, acknowledged = self._written(root / "run", disk)
            disk.power_cut(root / "cut", (LOST, KEPT)[seed] if seed < 2 else chances(seed))
            _end(log)
            ledger = root / "cut" / "ledger"
            make_home(ledger, FailingDisk())
            reopened = _open(root / "cut", FailingDisk())
            found = [data for _, data in reopened.entries(0)]
            reopened.close()
            assert synced <= len(found) <= acknowledged
            assert found == ENTRIES[: len(found)]

    def test_a_kill_takes_nothing(self, tmp_path: Path) -> None:
        disk = PowerDisk(tmp_path)
        log, _, acknowledged = self._written(tmp_path, disk)
        _end(log)
        _require_promised(tmp_path, (acknowledged, 0))

    def test_what_a_disk_failed_to_sync_is_written_again_and_nothing_is_acknowledged_before(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "run").mkdir()
        disk = _ForgetsWhatItFailedToSync(tmp_path / "run")
        log, _, acknowledged = self._written(tmp_path / "run", disk)
        disk.failing = True
        with pytest.raises(LedgerFull):
            log.sync()
        with pytest.raises(LedgerFull, match="could not sync"):
            append(log, ENTRIES[acknowledged : acknowledged + 1])
        disk.failing = False
        log.sync()
        append(log, ENTRIES[acknowledged : acknowledged + 1])
        log.sync()
        disk.power_cut(tmp_path / "cut", LOST)
        _end(log)
        _require_promised(tmp_path / "cut", (acknowledged + 1, 0))

    def test_a_close_syncs_what_was_acknowledged(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        disk = PowerDisk(tmp_path / "run")
        log, _, acknowledged = self._written(tmp_path / "run", disk)
        log.close()
        disk.power_cut(tmp_path / "cut", LOST)
        _require_promised(tmp_path / "cut", (acknowledged, 0))

    def test_a_publication_leaves_no_salt_behind(self, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        disk = PowerDisk(tmp_path / "run")
        log, _, acknowledged = self._written(tmp_path / "run", disk)
        log.publish()
        disk.power_cut(tmp_path / "cut", LOST)
        _end(log)
        _require_promised(tmp_path / "cut", (acknowledged, acknowledged))

    @staticmethod
    def _written(root: Path, disk: PowerDisk) -> tuple[Log, int, int]:
        """A log; how much of it was synced, and how much was acknowledged."""
        log = _open(root, disk, sync_after_s=NEVER_S)
        append(log, ENTRIES[:3])
        log.sync()
        for first in range(3, 9, 2):
            append(log, ENTRIES[first : first + 2])
        return log, 3, 9


class _ForgetsWhatItFailedToSync(PowerDisk):
    """As kernels do: pages that could not be written are called clean, and the next sync succeeds without them."""

    failing = False

    def sync(self, descriptor: int) -> None:
        if self.failing:
            self.forget_unsynced(descriptor)
            raise OSError(errno.EIO, "it failed")
        super().sync(descriptor)


def _end(log: Log) -> None:
    """Let go of the log's files and its thread, as the end of a process does; nothing is synced."""
    log.sync_after_s = 0.0
    log._closing.set()
    log._unsynced.set()
    log._syncing.join()
    log.close()
