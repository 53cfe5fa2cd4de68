# SPDX-License-Identifier: Apache-2.0
"""Verify a whole log: derive the tree again from the entries, compare every tile and the root, count what is there.

Needs the log's files and its public key. What the entries say of calls is counted, not judged: a call without outcome
is reported, a hash that differs is a failure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from freehold.contract.record import Ending
from freehold.errors import VerificationFailed
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, OutcomeEntry, read_entry
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import join_entries
from freehold.ledger.tree.checkpoint import open_checkpoint
from freehold.ledger.tree.growth import Edge
from freehold.ledger.tree.layout import TILE_WIDTH
from freehold.ledger.tree.merkle import leaf_hash, root_of
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing.note import parse_vkey


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """A log whose hashes and signature hold, and what its entries say.

    ``admissions`` are the allowed ones, ``refusals`` the others. Where every call is closed, ``admissions`` is the sum
    of ``outcomes`` and the last four are 0.
    """

    origin: str
    size: int
    root: str  # hex
    admissions: int
    refusals: int
    outcomes: dict[Ending, int]
    acts: int
    without_outcome: int
    with_two_outcomes: int
    stray_outcomes: int  # they close no allowed admission before them
    unknown: int  # entries of a kind or version that this release does not know


def verify_ledger(directory: Path, vkey: str) -> LedgerReport:
    """Raises VerificationFailed with what was expected and what was found, EstateError if there is no log."""
    files = LedgerFiles(directory)
    checkpoint = open_checkpoint(files.checkpoint(), parse_vkey(vkey))
    census = _Census()
    hashes: list[bytes] = []
    unfinished: list[tuple[bytes, ...]] = []
    full_tiles: list[bytes] = []
    for index in range(-(-checkpoint.size // TILE_WIDTH)):
        entries = files.bundle(index, layout.width_at(0, index, checkpoint.size))
        _compare_bundle(files, index, entries)
        for entry in entries:
            census.count(entry)
        hashes = [leaf_hash(entry) for entry in entries]
        _compare_tile(files, 0, index, hashes)
        if len(hashes) == TILE_WIDTH:
            full_tiles.append(root_of(hashes))
            hashes = []
    unfinished.append(tuple(hashes))
    while full_tiles:
        full_tiles, rest = _compare_level(files, len(unfinished), full_tiles)
        unfinished.append(rest)
    found = Edge(size=checkpoint.size, hashes=tuple(unfinished)).root
    if found != checkpoint.root:
        raise VerificationFailed(
            f"the {checkpoint.size} entries have root {found.hex()}, the checkpoint says {checkpoint.root.hex()}"
        )
    return census.report(checkpoint.origin, checkpoint.size, found)


@dataclass(slots=True)
class _Census:
    """Counts, as the entries go by in order."""

    index: int = 0
    open: dict[int, str] = field(default_factory=dict)  # id of the call, by the index of its admission
    closed: set[int] = field(default_factory=set)
    doubled: set[int] = field(default_factory=set)
    outcomes: dict[Ending, int] = field(default_factory=lambda: dict.fromkeys(Ending, 0))
    admissions: int = 0
    refusals: int = 0
    acts: int = 0
    stray: int = 0
    unknown: int = 0

    def count(self, data: bytes) -> None:
        match read_entry(data):
            case AdmissionEntry(effect="allow", call=call_id):
                self.admissions += 1
                self.open[self.index] = call_id
            case AdmissionEntry():
                self.refusals += 1
            case OutcomeEntry() as outcome:
                self.outcomes[outcome.ending] += 1
                self._close(outcome)
            case ActEntry():
                self.acts += 1
            case None:
                self.unknown += 1
        self.index += 1

    def report(self, origin: str, size: int, root: bytes) -> LedgerReport:
        return LedgerReport(
            origin=origin,
            size=size,
            root=root.hex(),
            admissions=self.admissions,
            refusals=self.refusals,
            outcomes=self.outcomes,
            acts=self.acts,
            without_outcome=len(self.open),
            with_two_outcomes=len(self.doubled),
            stray_outcomes=self.stray,
            unknown=self.unknown,
        )

    def _close(self, outcome: OutcomeEntry) -> None:
        if self.open.get(outcome.admission) == outcome.call:
            del self.open[outcome.admission]
            self.closed.add(outcome.admission)
        elif outcome.admission in self.closed:
            self.doubled.add(outcome.admission)
        else:
            self.stray += 1


def _compare_level(files: LedgerFiles, level: int, hashes: Sequence[bytes]) -> tuple[list[bytes], tuple[bytes, ...]]:
    """Check the tiles of one level; the hashes of its full tiles, and those in its unfinished one."""
    rows = [hashes[at : at + TILE_WIDTH] for at in range(0, len(hashes), TILE_WIDTH)]
    for index, row in enumerate(rows):
        _compare_tile(files, level, index, row)
    full = [root_of(row) for row in rows if len(row) == TILE_WIDTH]
    return full, tuple(hashes[len(full) * TILE_WIDTH :])


def _compare_tile(files: LedgerFiles, level: int, index: int, expected: Sequence[bytes]) -> None:
    found = files.tile(level, index, len(expected))
    for at, (want, have) in enumerate(zip(expected, found, strict=True)):
        if want != have:
            path = layout.tile_path(level, index, len(expected))
            raise VerificationFailed(f"{path}, hash {at}: expected {want.hex()} from the entries, found {have.hex()}")
    _compare_partials(files, layout.tile_path(level, index), len(expected), lambda width: b"".join(expected[:width]))


def _compare_bundle(files: LedgerFiles, index: int, entries: Sequence[bytes]) -> None:
    _compare_partials(files, layout.bundle_path(index), len(entries), lambda width: join_entries(entries[:width]))


def _compare_partials(files: LedgerFiles, full: str, width: int, expected: Callable[[int], bytes]) -> None:
    """Narrower forms of a tile or bundle, kept for earlier checkpoints, must say the same as far as they go."""
    for narrower, path, found in files.partials(full):
        if narrower <= width and found != expected(narrower):
            raise VerificationFailed(f"{path} differs from the entries: expected their first {narrower}, as in {full}")
