# SPDX-License-Identifier: Apache-2.0
"""Tiles derived from leaves are those that a writer makes, from wherever one goes on."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger_builder import write_log

from freehold.ledger.tree import layout
from freehold.ledger.tree.derivation import Derivation
from freehold.ledger.tree.growth import Edge, grow
from freehold.ledger.tree.merkle import leaf_hash
from freehold.ledger.tree.store import LedgerFiles

SIZES = st.integers(0, 3) | st.integers(250, 260) | st.integers(500, 520) | st.integers(65_500, 65_800)


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % index) for index in range(size)]


def derived(derivation: Derivation, rest: list[bytes]) -> dict[tuple[int, int], bytes]:
    tiles = [tile for at in range(0, len(rest), 256) for tile in derivation.add(rest[at : at + 256])]
    return {(tile.level, tile.index): b"".join(tile.hashes) for tile in (*tiles, *derivation.unfinished())}


@settings(deadline=None, max_examples=15)
@given(size=SIZES)
def test_every_tile_of_the_tree_is_derived_as_a_writer_writes_it(size: int) -> None:
    growth = grow(Edge(), [b"%d" % index for index in range(size)])
    written = dict(growth.files)
    derivation = Derivation()
    tiles = derived(derivation, leaves(size))
    assert set(tiles) == {(level, index) for level, index, _ in layout.tiles_of(size)}
    for level, index, width in layout.tiles_of(size):
        assert tiles[level, index] == written[layout.tile_path(level, index, width)]
    assert derivation.root == growth.edge.root


@pytest.mark.parametrize("minimum", [0, 1, 255, 256, 257, 511, 512, 600])
def test_it_goes_on_from_what_a_prune_leaves(tmp_path: Path, minimum: int) -> None:
    files = LedgerFiles(write_log(tmp_path, [b"%d" % index for index in range(600)]))
    derivation = Derivation(files.kept_edge(600, minimum))
    derived(derivation, leaves(600)[minimum // 256 * 256 :])
    assert derivation.root == files.edge(600).root


def test_only_the_last_bundle_may_be_narrow() -> None:
    derivation = Derivation()
    derivation.add(leaves(5))
    with pytest.raises(ValueError, match="a narrower one is the last"):
        derivation.add(leaves(1))
    with pytest.raises(ValueError, match="full bundles"):
        Derivation(Edge(size=5))
