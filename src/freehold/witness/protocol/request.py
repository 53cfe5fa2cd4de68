# SPDX-License-Identifier: Apache-2.0
"""The body of an add-checkpoint request (c2sp.org/tlog-witness §add-checkpoint), both ways. Nothing in it is proved."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from freehold.errors import InvalidRequest, VerificationFailed
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified
from freehold.ledger.tree.layout import HASH_BYTES
from freehold.signing.note import Note, parse_note

MAX_PROOF_LINES = 63
MAX_BODY_BYTES = 256 * 1024  # the proof, and signatures of fifty post-quantum keys
MAX_SIZE = 2**63 - 1  # of a tree: what every implementation can count to


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A checkpoint, and a proof that it goes on from the tree of ``old_size`` entries."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


def write_request(old_size: int, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The body. ``checkpoint`` is the signed note."""
    lines = [f"old {old_size}", *(base64.b64encode(node).decode() for node in proof)]
    return "".join(f"{line}\n" for line in lines).encode() + b"\n" + checkpoint


def read_request(body: bytes) -> AddCheckpoint:
    """Take the body apart. Raises InvalidRequest."""
    head, separator, signed = body.partition(b"\n\n")
    if not separator:
        raise InvalidRequest("the body has no empty line before the checkpoint")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as exc:
        raise InvalidRequest("the lines before the checkpoint are not ASCII") from exc
    if len(lines) > MAX_PROOF_LINES:
        raise InvalidRequest(f"the proof has {len(lines)} lines, expected at most {MAX_PROOF_LINES}")
    old_size, proof = _read_old(first), tuple(map(_read_hash, lines))
    try:
        note, checkpoint = parse_note(signed), read_unverified(signed)
    except VerificationFailed as problem:
        raise InvalidRequest(problem.message) from problem
    if checkpoint.size > MAX_SIZE:
        raise InvalidRequest(f"the checkpoint's size is over {MAX_SIZE}")
    return AddCheckpoint(old_size=old_size, proof=proof, note=note, checkpoint=checkpoint)


def read_size(text: str) -> int | None:
    """A tree size in decimal, without leading zeroes; None for anything else."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or (text[0] == "0" and text != "0"):
        return None
    size = int(text)
    return size if size <= MAX_SIZE else None


def _read_old(line: str) -> int:
    size = read_size(line.removeprefix("old ")) if line.startswith("old ") else None
    if size is None:
        raise InvalidRequest(f"the first line is {line[:40]!r}, expected 'old' and a size")
    return size


def _read_hash(line: str) -> bytes:
    try:
        node = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise InvalidRequest("a line of the proof is not base64") from exc
    if len(node) != HASH_BYTES or base64.b64encode(node).decode() != line:
        raise InvalidRequest(f"a line of the proof is not {HASH_BYTES} bytes in canonical base64")
    return node
