# SPDX-License-Identifier: Apache-2.0
"""The signed head of a log, c2sp.org/tlog-checkpoint@v1.0.0. Pure. A checkpoint of another origin is refused."""

import base64
import binascii
from dataclasses import dataclass

from freehold.errors import VerificationFailed
from freehold.signing.note import Signer, Verifier, open_note, parse_note, sign_note


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree head. ``root`` is 32 bytes; ``extensions`` are lines without their newline."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """The checkpoint as a note with the log's signature."""
    lines = (
        checkpoint.origin,
        str(checkpoint.size),
        base64.b64encode(checkpoint.root).decode(),
        *checkpoint.extensions,
    )
    return sign_note("".join(f"{line}\n" for line in lines), signer)


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """The checkpoint, once its signature and origin hold. Raises VerificationFailed."""
    checkpoint = _parse(open_note(note, [verifier]).text)
    if checkpoint.origin != verifier.name:
        raise VerificationFailed(f"the checkpoint is of {checkpoint.origin!r}, expected {verifier.name!r}")
    return checkpoint


def read_unverified(note: bytes) -> Checkpoint:
    """What a checkpoint claims, for finding one's way in files; its signature is not checked."""
    return _parse(parse_note(note).text)


def _parse(text: str) -> Checkpoint:
    """§Note text, lines 1 to 4."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise VerificationFailed("the checkpoint has fewer than three lines, or an empty one")
    origin, size, encoded_root, *extensions = lines
    if not (size.isascii() and size.isdigit()) or (size[0] == "0" and size != "0") or len(size) > 20:
        raise VerificationFailed(f"the checkpoint's size is {size[:40]!r}, expected a decimal number")
    try:
        root = base64.b64decode(encoded_root, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise VerificationFailed("the checkpoint's root is not base64") from exc
    if len(root) != 32 or base64.b64encode(root).decode() != encoded_root:
        raise VerificationFailed(f"the checkpoint's root has {len(root)} bytes, expected 32 in canonical base64")
    return Checkpoint(origin=origin, size=int(size), root=root, extensions=tuple(extensions))
