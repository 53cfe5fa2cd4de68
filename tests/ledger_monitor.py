# SPDX-License-Identifier: Apache-2.0
"""A monitor of somebody else's log, as c2sp.org/tlog-tiles would have it: reads what is served, and believes nothing.

It tails a log: each checkpoint must go on from the one before, and every entry is read once. While the log grows fast
it leaves partial bundles for later, and proves the checkpoint by the partial level 0 tile instead (§Log entries).
"""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.ledger_builder import act_bytes, append

from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import split_entries
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint
from freehold.ledger.tree.derivation import Derivation
from freehold.ledger.tree.layout import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, Resource
from freehold.ledger.tree.merkle import (
    EMPTY_ROOT,
    Subtree,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    leaf_hash,
    root_from_inclusion,
    root_of,
)
from freehold.ledger.writing.log import Log
from freehold.signing.note import Verifier, parse_vkey

FAST = 200  # entries per checkpoint
ROUNDS = int(os.environ.get("FREEHOLD_HAMMER", "60"))  # publications that a hammer makes

Fetch = Callable[[str], bytes | None]
"""The body of a path below the log's prefix, or None where the log has no such resource."""


def write_at_random(log: Log, rounds: int, seed: int) -> None:
    """What a monitor has to keep up with: so many publications, of nothing to several bundles."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    for _ in range(rounds):
        for _ in range(chance.randint(0, 3)):
            append(log, [act_bytes(f"act-{log.size + index}") for index in range(chance.choice((1, 2, 40, 255, 256)))])
        log.publish()


class Caught(AssertionError):
    """The log shows something that an honest one cannot."""


@dataclass(slots=True)
class Monitor:
    """``patience``: how many checkpoints long a bundle may stay unread because it is partial."""

    fetch: Fetch
    vkey: str
    patience: int = 3
    head: Checkpoint | None = None
    entries: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _derivation: Derivation = field(default_factory=Derivation)
    _waited: int = 0

    def poll(self) -> Checkpoint:
        """Take in the newest checkpoint, and the entries that it brings."""
        newest = self._checkpoint()
        size, before = newest.size, self.head.size if self.head else 0
        if size < before:
            raise Caught(f"the log shrank from {before} to {size}")
        self._require_consistent(newest)
        self._read_full_bundles(size)
        rest = size % TILE_WIDTH
        leaves = self._rest(size // TILE_WIDTH, rest, fast=size - before > FAST) if rest else []
        if self._root_with(leaves) != newest.root:
            raise Caught(f"the entries do not lead to the root of size {size}")
        self.head = newest
        return newest

    def prove(self, index: int) -> None:
        """That an entry that was read is in the tree, by an inclusion proof from served tiles."""
        assert self.head is not None
        proof = inclusion_proof(index, self.head.size, self._subtree(self.head.size))
        if root_from_inclusion(leaf_hash(self.entries[index]), index, self.head.size, proof) != self.head.root:
            raise Caught(f"entry {index} is not in the tree of size {self.head.size}")

    def _checkpoint(self) -> Checkpoint:
        note = self.fetch(layout.CHECKPOINT)
        if note is None:
            raise Caught("the log has no checkpoint")
        return open_checkpoint(note, self._verifier)

    def _require_consistent(self, newest: Checkpoint) -> None:
        old_size, old_root = (self.head.size, self.head.root) if self.head else (0, EMPTY_ROOT)
        proof = consistency_proof(old_size, newest.size, self._subtree(newest.size))
        if not is_consistent(old_size, old_root, newest.size, newest.root, proof):
            raise Caught(f"the tree of size {newest.size} does not go on from that of size {old_size}")

    def _read_full_bundles(self, size: int) -> None:
        for index in range(self._read_bundles, size // TILE_WIDTH):
            self._take(index, self._bundle(index, TILE_WIDTH))
            self._derivation.add([leaf_hash(entry) for entry in self.entries[index * TILE_WIDTH :][:TILE_WIDTH]])
            self._waited = 0

    def _rest(self, index: int, width: int, *, fast: bool) -> list[bytes]:
        """The leaf hashes of the partial bundle: from its entries, or while the log grows fast from the tile."""
        self._waited += 1
        if fast and self._waited < self.patience:
            return self._tile(0, index, width)
        self._waited = 0
        entries = self._bundle(index, width)
        self._take(index, entries)
        return [leaf_hash(entry) for entry in entries]

    def _take(self, bundle: int, entries: list[bytes]) -> None:
        known = self.entries[bundle * TILE_WIDTH :]
        if entries[: len(known)] != known:
            raise Caught(f"bundle {bundle} says something else than before")
        self.entries.extend(entries[len(known) :])

    def _root_with(self, leaves: list[bytes]) -> bytes:
        """The root of the full bundles so far and these leaves behind them."""
        whole = Derivation(self._derivation.edge)
        whole.add(leaves)
        return whole.root

    def _subtree(self, size: int) -> Subtree:
        tiles: dict[tuple[int, int], list[bytes]] = {}

        def hash_of(height: int, index: int) -> bytes:
            level, rest = divmod(height, TILE_HEIGHT)
            first = index << rest
            place = (level, first // TILE_WIDTH)
            if place not in tiles:
                tiles[place] = self._tile(*place, layout.width_at(*place, size))
            at = first % TILE_WIDTH
            return root_of(tiles[place][at : at + (1 << rest)])

        return hash_of

    def _tile(self, level: int, index: int, width: int) -> list[bytes]:
        data = self._get(Resource(level=level, index=index, width=width))
        if len(data) % HASH_BYTES or len(data) < width * HASH_BYTES:
            raise Caught(f"tile {index} of level {level} has {len(data)} bytes")
        return [data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]

    def _bundle(self, index: int, width: int) -> list[bytes]:
        entries = split_entries(self._get(Resource(level=None, index=index, width=width)))
        if entries is None or len(entries) < width:
            raise Caught(f"bundle {index} does not hold {width} entries")
        return entries[:width]

    def _get(self, resource: Resource) -> bytes:
        """The resource, or the full one where a partial one is gone (§Partial Tiles)."""
        for path in dict.fromkeys((resource.path, resource.full)):
            self.asked.append(path)
            data = self.fetch(path)
            if data is not None:
                return data
        raise Caught(f"the log does not serve {resource.path}")

    @property
    def _read_bundles(self) -> int:
        return self._derivation.edge.size // TILE_WIDTH

    @property
    def _verifier(self) -> Verifier:
        return parse_vkey(self.vkey)
