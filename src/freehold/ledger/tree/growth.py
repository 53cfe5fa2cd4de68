# SPDX-License-Identifier: Apache-2.0
"""What changes in a tiled log when entries are added: which files to write, and the new right edge. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import join_entries
from freehold.ledger.tree.layout import TILE_WIDTH
from freehold.ledger.tree.merkle import EMPTY_ROOT, leaf_hash, node_hash, root_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The unfinished right side of a tree: all that is needed to add to it.

    ``hashes[level]`` are those of the partial tile at that level, ``entries`` those of the partial bundle; either is
    empty where the last tile is full.
    """

    size: int = 0
    hashes: tuple[tuple[bytes, ...], ...] = ()
    entries: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The tree's hash: perfect subtrees, folded from the smallest, rightmost one to the left."""
        folded = b""
        for row in self.hashes:
            end, width = len(row), 1
            while end:
                if end & width:
                    subtree = root_of(row[end - width : end])
                    folded = node_hash(subtree, folded) if folded else subtree
                    end -= width
                width *= 2
        return folded or EMPTY_ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """``files`` to write, path and content; full ones make their partial forms superfluous."""

    edge: Edge
    files: tuple[tuple[str, bytes], ...]


def grow(edge: Edge, entries: Sequence[bytes]) -> Growth:
    """Add entries at the right. The files are new, or wider forms of a partial one; none that exists changes."""
    files = [
        (layout.bundle_path(index, len(chunk)), join_entries(chunk))
        for index, chunk in _chunks([*edge.entries, *entries], edge.size // TILE_WIDTH)
    ]
    rows: list[tuple[bytes, ...]] = []
    added = [leaf_hash(entry) for entry in entries]
    while added or len(rows) < len(edge.hashes):
        level = len(rows)
        row = [*(edge.hashes[level] if level < len(edge.hashes) else ()), *added]
        tiles = list(_chunks(row, (edge.size >> (layout.TILE_HEIGHT * level)) // TILE_WIDTH))
        if added:
            files.extend((layout.tile_path(level, index, len(chunk)), b"".join(chunk)) for index, chunk in tiles)
        added = [root_of(chunk) for _, chunk in tiles if len(chunk) == TILE_WIDTH]
        rows.append(_unfinished(row))
    grown = Edge(size=edge.size + len(entries), hashes=tuple(rows), entries=_unfinished([*edge.entries, *entries]))
    return Growth(edge=grown, files=tuple(files))


def _chunks(row: Sequence[bytes], first_index: int) -> Iterator[tuple[int, Sequence[bytes]]]:
    for at in range(0, len(row), TILE_WIDTH):
        yield first_index + at // TILE_WIDTH, row[at : at + TILE_WIDTH]


def _unfinished(row: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(row[len(row) // TILE_WIDTH * TILE_WIDTH :])
