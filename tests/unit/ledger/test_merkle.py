# SPDX-License-Identifier: Apache-2.0
"""The tree, against RFC 6962's definitions written down naively and the known answers of its first implementation."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.ledger.tree import merkle
from freehold.ledger.tree.merkle import Subtree

LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PROOF_6_OF_8 = [  # of the consistency of sizes 6 and 8, as published with the leaves above
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def mth(entries: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, as it is written there."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = half(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1."""
    if len(entries) == 1:
        return []
    k = half(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = half(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole=whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], whole=False), mth(entries[:k])]


def half(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def subtree_of(entries: Sequence[bytes]) -> Subtree:
    return lambda height, index: mth(entries[index << height : (index + 1) << height])


def numbered(size: int) -> list[bytes]:
    return [str(number).encode() for number in range(size)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_known_ones(size: int) -> None:
    assert merkle.root(size, subtree_of(LEAVES)).hex() == ROOTS[size]


def test_a_consistency_proof_is_the_known_one() -> None:
    proof = merkle.consistency_proof(6, 8, subtree_of(LEAVES))
    assert [node.hex() for node in proof] == PROOF_6_OF_8
    assert merkle.is_consistent(6, bytes.fromhex(ROOTS[6]), 8, bytes.fromhex(ROOTS[8]), proof)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=300))
def test_a_row_of_hashes_folds_to_the_naive_root(entries: list[bytes]) -> None:
    assert merkle.root_of([merkle.leaf_hash(entry) for entry in entries]) == mth(entries)


def test_no_leaves_are_no_row() -> None:
    with pytest.raises(IndexError):
        merkle.root_of([])
    with pytest.raises(IndexError):
        merkle.root_of_row(b"")


@given(st.data(), st.integers(1, 200))
def test_inclusion_proofs_are_the_naive_ones_and_lead_to_the_root(data: st.DataObject, size: int) -> None:
    entries = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, subtree_of(entries))
    assert proof == path(index, entries)
    assert merkle.root_from_inclusion(merkle.leaf_hash(entries[index]), index, size, proof) == mth(entries)


@given(st.data(), st.integers(1, 200))
def test_consistency_proofs_are_the_naive_ones_and_hold(data: st.DataObject, size: int) -> None:
    entries = numbered(size)
    old = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(old, size, subtree_of(entries))
    assert proof == subproof(old, entries, whole=True)
    assert merkle.is_consistent(old, mth(entries[:old]), size, mth(entries), proof)


@given(st.data(), st.integers(1, 60))
def test_an_inclusion_proof_holds_for_no_other_entry_place_or_hash(data: st.DataObject, size: int) -> None:
    entries = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size + 3))
    proof = path(index, entries)
    leaf = merkle.leaf_hash(entries[index])
    assert merkle.root_from_inclusion(merkle.leaf_hash(b"x"), index, size, proof) != mth(entries)
    if other != index:
        assert merkle.root_from_inclusion(leaf, other, size, proof) != mth(entries)
    assert merkle.root_from_inclusion(leaf, index, size, [*proof, bytes(32)]) != mth(entries)
    if proof:
        assert merkle.root_from_inclusion(leaf, index, size, proof[:-1]) != mth(entries)


@given(st.data(), st.integers(2, 60))
def test_a_consistency_proof_does_not_hold_for_a_rewritten_past(data: st.DataObject, size: int) -> None:
    entries = numbered(size)
    old = data.draw(st.integers(1, size - 1))
    proof = subproof(old, entries, whole=True)
    rewritten = [b"x", *entries[1:]]
    assert not merkle.is_consistent(old, mth(rewritten[:old]), size, mth(entries), proof)
    assert not merkle.is_consistent(old, mth(entries[:old]), size, mth(rewritten), proof)
    assert not merkle.is_consistent(old, mth(entries[:old]), size, mth(entries), [*proof, bytes(32)])
    assert not merkle.is_consistent(old, mth(entries[:old]), size, mth(entries), proof[:-1])


def test_every_log_is_consistent_with_the_empty_one_and_with_itself() -> None:
    root = mth(LEAVES)
    assert merkle.is_consistent(0, merkle.EMPTY_ROOT, 8, root, [])
    assert merkle.is_consistent(8, root, 8, root, [])
    assert not merkle.is_consistent(9, root, 8, root, [])


def test_there_is_no_proof_of_what_is_not_in_the_tree() -> None:
    with pytest.raises(ValueError, match="no entry 8"):
        merkle.inclusion_proof(8, 8, subtree_of(LEAVES))
    with pytest.raises(ValueError, match="never 9 long"):
        merkle.consistency_proof(9, 8, subtree_of(LEAVES))
