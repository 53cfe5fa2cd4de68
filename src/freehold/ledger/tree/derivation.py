# SPDX-License-Identifier: Apache-2.0
"""What the hash tiles of a tree must hold, derived from its leaves as they go by in order. Pure.

It keeps one unfinished tile a level and nothing else, so a log of any length takes the same memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from freehold.ledger.tree.growth import Edge
from freehold.ledger.tree.layout import TILE_HEIGHT, TILE_WIDTH
from freehold.ledger.tree.merkle import root_of


@dataclass(frozen=True, slots=True)
class DerivedTile:
    """One hash tile as it must be."""

    level: int
    index: int
    hashes: tuple[bytes, ...]


class Derivation:
    """Goes on from ``edge``, which is that of an empty tree, or of one whose size is a multiple of 256."""

    def __init__(self, edge: Edge | None = None) -> None:
        edge = edge or Edge()
        if edge.size % TILE_WIDTH:
            raise ValueError(f"a derivation goes on from full bundles, not from entry {edge.size}")
        self._size = edge.size
        self._rows = [list(row) for row in edge.hashes]

    def add(self, leaves: Sequence[bytes]) -> list[DerivedTile]:
        """Take the leaf hashes of the next bundle; the tiles that are full with them, lowest level first.

        Only the last bundle may have fewer than 256.
        """
        if self._size % TILE_WIDTH or len(leaves) > TILE_WIDTH:
            raise ValueError("leaves are added a bundle at a time, and a narrower one is the last")
        self._size += len(leaves)
        full: list[DerivedTile] = []
        added = leaves
        while added:
            level = len(full)
            if level == len(self._rows):
                self._rows.append([])
            row = self._rows[level]
            row.extend(added)
            if len(row) < TILE_WIDTH:
                break
            full.append(DerivedTile(level, self._index(level) - 1, tuple(row)))
            added = [root_of(row)]
            row.clear()
        return full

    def unfinished(self) -> list[DerivedTile]:
        """The partial tiles at the right edge, lowest level first."""
        return [DerivedTile(level, self._index(level), tuple(row)) for level, row in enumerate(self._rows) if row]

    @property
    def edge(self) -> Edge:
        """The right edge of the tree so far, without entries."""
        return Edge(size=self._size, hashes=tuple(tuple(row) for row in self._rows))

    @property
    def root(self) -> bytes:
        """The hash of the tree so far."""
        return self.edge.root

    def _index(self, level: int) -> int:
        """How many tiles of a level are full."""
        return self._size >> (TILE_HEIGHT * (level + 1))
