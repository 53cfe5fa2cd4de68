# SPDX-License-Identifier: Apache-2.0
"""Verify a whole log: derive the tree again from the entries, compare every tile and the root, count what is there.

Needs the log's files, or an export of them, and whom to trust. A pruned log is verified from its minimum index on, and
the hashes that stand for what was pruned by the root that they lead to. What the entries say of calls is counted, not
judged: a call without outcome is reported, a hash that differs is a failure.

A long log is verified in stretches by two processes. Neither keeps more of it than one stretch.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from freehold.contract.record import Ending
from freehold.errors import EstateError, Uncheckable, VerificationFailed
from freehold.ledger.check.census import Census
from freehold.ledger.check.trust import TrustedCheckpoint, TrustPolicy, trust_in
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import join_entries
from freehold.ledger.tree.growth import Edge
from freehold.ledger.tree.layout import TILE_HEIGHT, TILE_WIDTH
from freehold.ledger.tree.merkle import leaf_hash, root, root_of
from freehold.ledger.tree.store import LedgerFiles

_STRETCH_BUNDLES = 64  # 16,384 entries
_PROCESSES = 2
_AHEAD = 2 * _PROCESSES  # stretches that are under way or wait to be joined
_WORTH_PROCESSES = 4 * _STRETCH_BUNDLES * TILE_WIDTH  # entries


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """A log whose hashes and signature hold, and what its entries say.

    ``admissions`` are the allowed ones, ``refusals`` the others. Where every call is closed and nothing was pruned,
    ``admissions`` is the sum of ``outcomes`` and the last five are 0.
    """

    origin: str
    size: int
    root: str  # hex
    minimum_index: int  # the log has its entries from here on; 0 unless it was pruned
    cosigned_size: int  # of the newest tree that the quorum has cosigned; 0 where the policy asks for no witness
    witnesses: tuple[str, ...]  # of the policy, that have cosigned that tree
    admissions: int
    refusals: int
    outcomes: dict[Ending, int]
    acts: int
    without_outcome: int
    with_two_outcomes: int
    stray_outcomes: int  # they close no allowed admission before them
    outcomes_of_pruned: int  # their admissions are before the first entry that is there
    unknown: int  # entries of a kind or version that this release does not know


def verify_ledger(directory: Path, trust: TrustPolicy | str) -> LedgerReport:
    """Raises VerificationFailed with what was expected and what was found, EstateError if there is no log."""
    policy = trust_in(trust)
    files = LedgerFiles(directory)
    cosigned = files.cosigned_checkpoint()  # before the newest, so that it is not newer
    note = files.checkpoint()
    newest = policy.open_signed(note)
    size, minimum = newest.checkpoint.size, files.minimum_index()
    if minimum > size:
        raise VerificationFailed(f"the log's minimum index is {minimum}, beyond its {size} entries")
    tree = _Tree(files, files.kept_edge(size, minimum), size)
    census = Census(start=minimum // TILE_WIDTH * TILE_WIDTH)
    for stretch in _stretches(directory, size, minimum):
        census.join(stretch.census)
        tree.add(stretch)
    found = tree.finish()
    if found != newest.checkpoint.root:
        raise VerificationFailed(
            f"the {size} entries have root {found.hex()}, the checkpoint says {newest.checkpoint.root.hex()}"
        )
    witnessed = _witnessed(policy, files, note, cosigned)
    return _report(census, newest, witnessed, minimum)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some bundles, verified: the roots of the full ones, the leaf hashes of the one that is not, the count."""

    full: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    census: Census


def verify_stretch(directory: Path, first: int, end: int, size: int) -> Stretch:
    """Verify bundles ``first`` to ``end`` of a log of ``size`` entries, with their tiles. Raises VerificationFailed."""
    files = LedgerFiles(directory)
    census = Census(start=first * TILE_WIDTH)
    full: list[bytes] = []
    leaves: list[bytes] = []
    for index in range(first, end):
        entries = files.bundle(index, layout.width_at(0, index, size))
        _compare_bundle(files, index, entries)
        for entry in entries:
            census.count(entry)
        leaves = [leaf_hash(entry) for entry in entries]
        _compare_tile(files, 0, index, leaves)
        if len(leaves) == TILE_WIDTH:
            full.append(root_of(leaves))
            leaves = []
    return Stretch(full=tuple(full), leaves=tuple(leaves), census=census)


def _stretches(directory: Path, size: int, minimum: int) -> Iterator[Stretch]:
    """Every stretch of the log, verified, in order; side by side where that is worth the start of two processes."""
    end = -(-size // TILE_WIDTH)
    parts = (
        (directory, first, min(first + _STRETCH_BUNDLES, end), size)
        for first in range(minimum // TILE_WIDTH, end, _STRETCH_BUNDLES)
    )
    if size - minimum < _WORTH_PROCESSES or threading.active_count() > 1:  # a fork copies no other thread
        for part in parts:
            yield verify_stretch(*part)
        return
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("fork")) as processes:
        under_way = deque(processes.submit(verify_stretch, *part) for part in islice(parts, _AHEAD))
        try:
            while under_way:
                yield under_way.popleft().result()
                under_way.extend(processes.submit(verify_stretch, *part) for part in islice(parts, 1))
        except BrokenProcessPool as exc:
            raise EstateError("a process that verified the log was killed", hint="See whether memory ran out.") from exc
        finally:
            processes.shutdown(cancel_futures=True)


class _Tree:
    """The tiles above the entries' own, derived from full bundles as they come, and compared."""

    def __init__(self, files: LedgerFiles, edge: Edge, size: int) -> None:
        self._files = files
        self._size = size
        self._rows = [list(row) for row in edge.hashes[1:]]  # of level 1 and up; the edge ends with a full bundle
        self._full = [edge.size >> (TILE_HEIGHT * (level + 2)) for level in range(len(self._rows))]  # tiles so far
        self._leaves: tuple[bytes, ...] = ()

    def add(self, stretch: Stretch) -> None:
        for node in stretch.full:
            self._add(node)
        self._leaves = stretch.leaves

    def finish(self) -> bytes:
        """Compare the unfinished tiles; the root of the whole."""
        for level, row in enumerate(self._rows):
            if row:
                _compare_tile(self._files, level + 1, self._full[level], row)
        return Edge(size=self._size, hashes=(self._leaves, *map(tuple, self._rows))).root

    def _add(self, node: bytes) -> None:
        level = 0
        while True:
            if level == len(self._rows):
                self._rows.append([])
                self._full.append(0)
            row = self._rows[level]
            row.append(node)
            if len(row) < TILE_WIDTH:
                return
            _compare_tile(self._files, level + 1, self._full[level], row)
            node = root_of(row)
            row.clear()
            self._full[level] += 1
            level += 1


def _witnessed(
    policy: TrustPolicy, files: LedgerFiles, newest: bytes, cosigned: bytes | None
) -> TrustedCheckpoint | None:
    """The newest checkpoint that the quorum has cosigned, of this very tree. Raises VerificationFailed, Uncheckable."""
    if cosigned is not None:
        _require_same_tree(policy.open_signed(cosigned), policy.open_signed(newest), files)
    if not policy.asks_witnesses:
        return None
    try:
        return policy.open(newest)
    except VerificationFailed:
        if cosigned is None:
            raise
    return policy.open(cosigned)


def _require_same_tree(older: TrustedCheckpoint, newest: TrustedCheckpoint, files: LedgerFiles) -> None:
    """That the tiles, which have been verified, lead to the cosigned root as well."""
    wanted, size = older.checkpoint, newest.checkpoint.size
    if wanted.origin != newest.checkpoint.origin or wanted.size > size:
        raise VerificationFailed(
            f"{layout.COSIGNED} is of {wanted.origin!r} at {wanted.size} entries, expected this log at {size} or fewer"
        )
    if wanted.size < files.minimum_index():
        raise Uncheckable(
            f"{layout.COSIGNED} is of {wanted.size} entries, and those are pruned",
            hint="Verify a copy that was made before the pruning, or ask for a newer cosigned checkpoint.",
        )
    found = root(wanted.size, files.subtree(size))
    if found != wanted.root:
        raise VerificationFailed(
            f"the first {wanted.size} entries have root {found.hex()}, {layout.COSIGNED} says {wanted.root.hex()}"
        )


def _report(
    census: Census, newest: TrustedCheckpoint, witnessed: TrustedCheckpoint | None, minimum: int
) -> LedgerReport:
    of_pruned = sum(admission < census.start for admission, _ in census.left)
    return LedgerReport(
        origin=newest.checkpoint.origin,
        size=newest.checkpoint.size,
        root=newest.checkpoint.root.hex(),
        minimum_index=minimum,
        cosigned_size=witnessed.checkpoint.size if witnessed else 0,
        witnesses=tuple(cosignature.witness for cosignature in witnessed.cosignatures) if witnessed else (),
        admissions=census.admissions,
        refusals=census.refusals,
        outcomes=census.outcomes,
        acts=census.acts,
        without_outcome=len(census.open),
        with_two_outcomes=len(census.doubled),
        stray_outcomes=len(census.left) - of_pruned,
        outcomes_of_pruned=of_pruned,
        unknown=census.unknown,
    )


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
