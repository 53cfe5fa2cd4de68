# SPDX-License-Identifier: Apache-2.0
"""RFC 6962 §2.1: the Merkle tree hash, inclusion and consistency proofs, and how to check them. Pure.

Proofs are made from a ``Subtree``: a function that gives the hash of any *perfect* subtree, by height and index. The
verifying half follows RFC 9162 §2.1.3.2 and §2.1.4.2, whose algorithms need nothing but the numbers and the hashes.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from freehold.ledger.tree.layout import HASH_BYTES

_begin_node = hashlib.sha256(b"\x01").copy  # OpenSSL copies a hash that is begun in less time than it begins one
EMPTY_ROOT = hashlib.sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""``subtree(height, index)``: the hash over entries ``index << height`` to ``(index + 1) << height``."""


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The hash of a tree over these leaf hashes; over equal perfect subtrees just as well. At least one."""
    return root_of_row(b"".join(hashes))


def root_of_row(row: bytes) -> bytes:
    """The same over hashes that lie one behind the other, as in a tile. Raises IndexError where there is none."""
    if not row:
        raise IndexError("a tree without leaves has no row to begin with")
    while len(row) > HASH_BYTES:
        pairs = len(row) // (2 * HASH_BYTES) * (2 * HASH_BYTES)
        nodes = []
        for at in range(0, pairs, 2 * HASH_BYTES):
            node = _begin_node()
            node.update(row[at : at + 2 * HASH_BYTES])
            nodes.append(node.digest())
        row = b"".join(nodes) + row[pairs:]
    return row


def root(size: int, subtree: Subtree) -> bytes:
    """The hash of the whole tree of ``size`` entries."""
    return range_hash(0, size, subtree) if size else EMPTY_ROOT


def range_hash(start: int, end: int, subtree: Subtree) -> bytes:
    """MTH(D[start:end]), for ranges that occur in a tree: a power of two >= the length divides the start."""
    length = end - start
    if length & (length - 1) == 0:
        height = length.bit_length() - 1
        return subtree(height, start >> height)
    middle = start + _split(length)
    return node_hash(range_hash(start, middle, subtree), range_hash(middle, end, subtree))


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH(index, D[size]): the sibling hashes from the leaf to the root (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} entries has no entry {index}")
    start, end = 0, size
    siblings = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return [range_hash(left, right, subtree) for left, right in reversed(siblings)]


def consistency_proof(old_size: int, size: int, subtree: Subtree) -> list[bytes]:
    """PROOF(old_size, D[size]) (RFC 6962 §2.1.2). Empty where the sizes are equal or the old tree was empty."""
    if not 0 <= old_size <= size:
        raise ValueError(f"a tree of {size} entries was never {old_size} long")
    if old_size in {0, size}:
        return []
    start, end = 0, size
    siblings = []
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    if start:
        siblings.append((start, end))  # the old tree's right edge; where it is the whole old tree its root is known
    return [range_hash(left, right, subtree) for left, right in reversed(siblings)]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that a proof leads to, or None if it has the wrong length (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return None
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return found if last == 0 else None


def is_consistent(old_size: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the old tree is a prefix of the new one (RFC 9162 §2.1.4.2)."""
    if not 0 <= old_size <= size:
        return False
    if old_size == 0:  # every tree goes on from the empty one
        return not proof and old_root == EMPTY_ROOT and (size > 0 or new_root == EMPTY_ROOT)
    if old_size == size:
        return not proof and old_root == new_root
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _split(length: int) -> int:
    """The largest power of two smaller than ``length``."""
    return 1 << ((length - 1).bit_length() - 1)
