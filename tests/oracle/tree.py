# SPDX-License-Identifier: Apache-2.0
"""RFC 6962 §2.1, written down as its definitions stand there: slow, recursive, and beyond doubt.

Proofs are checked by running the definitions of PATH and SUBPROOF backwards, and not by the loops of RFC 9162 that the
product uses. Lists of hashes are ordered as the RFC has them, from the leaf up.
"""

import hashlib
from collections.abc import Sequence

from tests.oracle.refused import Refused

EMPTY = hashlib.sha256(b"").digest()


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n]), over leaf hashes (§2.1)."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return node(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) (§2.1.1)."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n]), 0 < m <= n (§2.1.2)."""
    return _subproof(m, leaves, whole=True)


def root_by_path(m: int, n: int, leaf_hash: bytes, hashes: Sequence[bytes]) -> bytes:
    """MTH(D[n]), if ``hashes`` were PATH(m, D[n]) and D[m] hashed to ``leaf_hash``."""
    if not 0 <= m < n:
        raise Refused(f"a tree of {n} leaves has no leaf {m}")
    if n == 1:
        if hashes:
            raise Refused("the path is too long")
        return leaf_hash
    if not hashes:
        raise Refused("the path is too short")
    *below, sibling = hashes
    k = largest_power_below(n)
    if m < k:
        return node(root_by_path(m, k, leaf_hash, below), sibling)
    return node(sibling, root_by_path(m - k, n - k, leaf_hash, below))


def check_consistency(m: int, old_root: bytes, n: int, new_root: bytes, hashes: Sequence[bytes]) -> None:
    """Raises Refused unless ``hashes`` show that the tree of m leaves is the beginning of the tree of n."""
    if m == 0 <= n:  # every tree begins with the empty one: no proof is needed, none is defined
        roots = EMPTY, new_root if n else EMPTY
        spare = list(hashes)
    elif 0 < m <= n:
        roots, spare = _roots_by_subproof(m, n, hashes, old_root, whole=True), []
    else:
        raise Refused(f"a tree of {n} leaves was never {m} long")
    if spare or roots != (old_root, new_root):
        raise Refused("the proof does not lead from one root to the other")


def largest_power_below(n: int) -> int:
    """The k of the RFC: the largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def _subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def _roots_by_subproof(m: int, n: int, hashes: Sequence[bytes], known: bytes, *, whole: bool) -> tuple[bytes, bytes]:
    """The roots of D[m] and D[n], if ``hashes`` were SUBPROOF(m, D[n], whole); ``known`` is MTH(D[m]) where whole."""
    if m == n:
        if len(hashes) != (0 if whole else 1):
            raise Refused("the proof has the wrong length")
        root = known if whole else hashes[0]
        return root, root
    if not hashes:
        raise Refused("the proof is too short")
    *below, sibling = hashes
    k = largest_power_below(n)
    if m <= k:
        old, new = _roots_by_subproof(m, k, below, known, whole=whole)
        return old, node(new, sibling)
    old, new = _roots_by_subproof(m - k, n - k, below, known, whole=False)
    return node(sibling, old), node(sibling, new)
