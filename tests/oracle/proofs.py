# SPDX-License-Identifier: Apache-2.0
"""Proofs of inclusion as text, from C2SP's tlog-proof, judged under a policy from C2SP's tlog-policy."""

from dataclasses import dataclass

from tests.oracle.notes import Head, decimal, unbase64
from tests.oracle.policies import Policy, accept
from tests.oracle.refused import Refused
from tests.oracle.tree import leaf, root_by_path


@dataclass(frozen=True)
class Proof:
    extra: bytes
    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def read_proof(data: bytes) -> Proof:
    """§Format."""
    head, empty, checkpoint = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if lines[0] != b"c2sp.org/tlog-proof@v1" or not empty:
        raise Refused("no proof")
    at = 1
    extra = b""
    if at < len(lines) and lines[at].startswith(b"extra "):
        extra = unbase64(lines[at].removeprefix(b"extra "))
        at += 1
    if at == len(lines) or not lines[at].startswith(b"index "):
        raise Refused("no index")
    index = decimal(lines[at].removeprefix(b"index "))
    hashes = tuple(unbase64(line) for line in lines[at + 1 :])
    if any(len(one) != 32 for one in hashes):
        raise Refused("a hash that is not 32 bytes long")
    return Proof(extra, index, hashes, checkpoint)


def check_proof(proof: Proof, entry: bytes, policy: Policy) -> Head:
    """§Verifying a tlog proof. Raises Refused."""
    head = accept(policy, proof.checkpoint)
    if root_by_path(proof.index, head.size, leaf(entry), proof.hashes) != head.root:
        raise Refused("the proof does not lead to the root")
    return head
