# SPDX-License-Identifier: Apache-2.0
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.ledger.tree import layout
from freehold.ledger.tree.growth import Edge, grow
from freehold.ledger.tree.merkle import EMPTY_ROOT, leaf_hash, root_of


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Edge().root == EMPTY_ROOT


@settings(max_examples=30)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_growing_in_steps_writes_the_tiles_and_the_root_of_the_whole(steps: list[int]) -> None:
    edge, files = Edge(), dict[str, bytes]()
    for step in steps:
        growth = grow(edge, [str(edge.size + number).encode() for number in range(step)])
        edge = growth.edge
        files.update(growth.files)
    leaves = [leaf_hash(str(number).encode()) for number in range(edge.size)]
    assert edge.root == root_of(leaves)
    for level, index, width in layout.tiles_of(edge.size):
        span = 256**level
        first = index * 256 * span
        expected = [root_of(leaves[first + at * span : first + (at + 1) * span]) for at in range(width)]
        assert files[layout.tile_path(level, index, width)] == b"".join(expected)


def test_a_full_file_is_written_once() -> None:
    first = grow(Edge(), [b"x"] * 256)
    second = grow(first.edge, [b"y"])
    assert {path for path, _ in first.files} == {"tile/entries/000", "tile/0/000", "tile/1/000.p/1"}
    assert {path for path, _ in second.files} == {"tile/entries/001.p/1", "tile/0/001.p/1"}
