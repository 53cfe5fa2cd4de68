# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.ledger.tree.layout import bundle_path, tile_path, tiles_of, width_at


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (67, "067"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067"), (10**6, "x001/x000/000")],
)
def test_an_index_is_spread_over_directories_of_a_thousand(index: int, path: str) -> None:
    assert tile_path(3, index) == f"tile/3/{path}"
    assert bundle_path(index, 5) == f"tile/entries/{path}.p/5"


@pytest.mark.parametrize("width", [0, 257, -1])
def test_no_tile_is_empty_or_wider_than_256(width: int) -> None:
    with pytest.raises(ValueError, match="1 to 256 wide"):
        tile_path(0, 0, width)


def test_the_tree_of_70000_entries_has_the_tiles_of_the_specification() -> None:
    widths = [(level, width) for level, _, width in tiles_of(70_000)]
    assert widths.count((0, 256)) == 273
    assert [entry for entry in widths if entry != (0, 256)] == [(0, 112), (1, 256), (1, 17), (2, 1)]


def test_a_tree_of_256_has_one_full_tile_and_one_of_width_1_above() -> None:
    assert list(tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(st.integers(1, 300_000))
def test_the_tiles_of_a_level_hold_as_many_hashes_as_the_level_has(size: int) -> None:
    totals: dict[int, int] = {}
    for level, index, width in tiles_of(size):
        totals[level] = totals.get(level, 0) + width
        assert width == width_at(level, index, size)
    assert all(total == size >> (8 * level) for level, total in totals.items())
