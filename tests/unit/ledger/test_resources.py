# SPDX-License-Identifier: Apache-2.0
"""A path of a tiled log can be read in one way, and written in one (tlog-tiles §Merkle Tree, §Pruning)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.ledger.tree.layout import Resource, read_path, resources_of


@given(level=st.none() | st.integers(0, 63), index=st.integers(0, 10**15), width=st.integers(1, 256))
def test_every_path_reads_back(level: int | None, index: int, width: int) -> None:
    resource = Resource(level=level, index=index, width=width)
    assert read_path(resource.path) == resource


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/x01/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/1/1",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/entries/000/../000",
        "tile/entries/..",
        "/tile/0/000",
        "tile//0/000",
        "tile/Entries/000",
        "tile/0/" + "x001/" * 9 + "000",
    ],
)
def test_no_other_path_is_read(path: str) -> None:
    assert read_path(path) is None


def test_the_example_of_the_format() -> None:
    assert read_path("tile/0/x001/x234/067") == Resource(level=0, index=1234067)


def test_a_tree_of_70000_has_the_tiles_that_the_format_counts() -> None:
    tiles = [resource for resource in resources_of(70_000) if resource.level is not None]
    counted = dict.fromkeys(((0, 256), (0, 112), (1, 256), (1, 17), (2, 1)), 0)
    for tile in tiles:
        counted[tile.level or 0, tile.width] += 1
    assert counted == {(0, 256): 273, (0, 112): 1, (1, 256): 1, (1, 17): 1, (2, 1): 1}


@pytest.mark.parametrize("minimum", [0, 255, 256, 65_535, 65_536, 66_000, 70_000])
def test_a_prune_leaves_exactly_what_ends_behind_the_minimum_index(minimum: int) -> None:
    left = set(resources_of(70_000, minimum))
    assert left == {resource for resource in resources_of(70_000) if resource.end_index > minimum}
