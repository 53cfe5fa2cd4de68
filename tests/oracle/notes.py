# SPDX-License-Identifier: Apache-2.0
"""Signed notes, checkpoints and cosignatures, from C2SP's signed-note, tlog-checkpoint and tlog-cosignature.

Works on bytes, as the texts do. Of ``cryptography`` it takes the two signature algorithms and nothing else.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from tests.oracle.refused import Refused

KEY_BYTES = {0x01: 32, 0x04: 32, 0x06: 1312}
_DASH = "— ".encode()


@dataclass(frozen=True)
class Key:
    """A verifier key. ``kind`` is the signature type identifier byte."""

    name: bytes
    key_id: bytes
    kind: int
    public: bytes


@dataclass(frozen=True)
class Line:
    name: bytes
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Head:
    """The text of a checkpoint."""

    origin: bytes
    size: int
    root: bytes
    extensions: tuple[bytes, ...]


def read_key(vkey: str) -> Key:
    """signed-note §Verifier keys; the key ID is the one that all three types compute alike."""
    parts = vkey.encode().split(b"+", 2)
    if len(parts) != 3:
        raise Refused("a vkey has three parts")
    name, hex_id, encoded = parts
    _check_name(name)
    raw = unbase64(encoded)
    if not raw or KEY_BYTES.get(raw[0]) != len(raw) - 1:
        raise Refused("the key is of no known type, or of another length")
    key_id = hashlib.sha256(name + b"\n" + raw).digest()[:4]
    if hex_id != key_id.hex().encode():
        raise Refused("the key ID is not that of the key")
    return Key(name, key_id, raw[0], raw[1:])


def split(note: bytes) -> tuple[bytes, list[Line]]:
    """signed-note §Format: the text with its final newline, and the signature lines."""
    try:
        note.decode("utf-8", "strict")
    except UnicodeDecodeError as exc:
        raise Refused("not UTF-8") from exc
    if any(octet < 0x20 and octet != 0x0A for octet in note):
        raise Refused("a control character")
    at = note.rfind(b"\n\n")
    if at < 0 or not note.endswith(b"\n"):
        raise Refused("no empty line, or no newline at the end")
    return note[: at + 1], [_read_line(line) for line in note[at + 2 : -1].split(b"\n")]


def open_note(note: bytes, keys: Iterable[Key]) -> tuple[bytes, dict[Key, int]]:
    """The text, and each key whose signature holds with its timestamp: 0 where its type has none.

    §Signatures: unknown keys are ignored; a known key whose signature does not verify condemns the note, and so does
    the absence of any.
    """
    text, lines = split(note)
    known = {(key.name, key.key_id): key for key in keys}
    verified: dict[Key, int] = {}
    for line in lines:
        key = known.get((line.name, line.key_id))
        if key is not None:
            verified[key] = verify(key, text, line.signature)
    if not verified:
        raise Refused("no signature of a known key")
    return text, verified


def verify(key: Key, text: bytes, signature: bytes) -> int:
    """The timestamp of a signature that holds, 0 where its type has none. Raises Refused."""
    if key.kind == 0x01:
        _verify_ed25519(key.public, text, signature)
        return 0
    if len(signature) < 8:
        raise Refused("no timestamp")
    (timestamp,) = struct.unpack(">Q", signature[:8])
    if timestamp > 2**63 - 1:  # tlog-cosignature §Format
        raise Refused("the timestamp is out of range")
    head = read_head(text)
    if key.kind == 0x04:  # §Ed25519 signed message
        message = b"cosignature/v1\ntime %d\n" % timestamp + text
        _verify_ed25519(key.public, message, signature[8:])
        return int(timestamp)
    message = cosigned_message(key.name, timestamp, head)
    try:
        MLDSA44PublicKey.from_public_bytes(key.public).verify(signature[8:], message)
    except (InvalidSignature, ValueError) as exc:
        raise Refused("the ML-DSA-44 signature does not hold") from exc
    return int(timestamp)


def cosigned_message(cosigner: bytes, timestamp: int, head: Head) -> bytes:
    """tlog-cosignature §ML-DSA-44 signed message, for a checkpoint: start is 0."""
    if not (1 <= len(cosigner) <= 255 and 1 <= len(head.origin) <= 255):
        raise Refused("a name longer than the message has room for")
    return b"".join(
        (
            b"subtree/v1\n\x00",
            struct.pack(">B", len(cosigner)),
            cosigner,
            struct.pack(">Q", timestamp),
            struct.pack(">B", len(head.origin)),
            head.origin,
            struct.pack(">QQ", 0, head.size),
            head.root,
        )
    )


def read_head(text: bytes) -> Head:
    """tlog-checkpoint §Note text."""
    if not text.endswith(b"\n"):
        raise Refused("the text does not end in a newline")
    lines = text[:-1].split(b"\n")
    if len(lines) < 3 or b"" in lines:
        raise Refused("fewer than three lines, or an empty one")
    root = unbase64(lines[2])
    if len(root) != 32:
        raise Refused("the root is not 32 bytes long")
    return Head(lines[0], decimal(lines[1]), root, tuple(lines[3:]))


def decimal(digits: bytes) -> int:
    """ASCII decimal without leading zeroes, as all of these texts write numbers."""
    if not digits or set(digits) - set(b"0123456789") or (digits[0] == ord("0") and digits != b"0"):
        raise Refused(f"{digits[:20]!r} is no number")
    return int(digits[:40])


def unbase64(encoded: bytes) -> bytes:
    """RFC 4648 §4, and of the encodings of the same bytes only the one."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error as exc:
        raise Refused("not base64") from exc
    if base64.b64encode(raw) != encoded:
        raise Refused("not the canonical base64")
    return raw


def _read_line(line: bytes) -> Line:
    parts = line.removeprefix(_DASH).split(b" ")
    if not line.startswith(_DASH) or len(parts) != 2:
        raise Refused("a line that is no signature")
    _check_name(parts[0])
    raw = unbase64(parts[1])
    if len(raw) < 5:
        raise Refused("a signature without key ID, or with nothing else")
    return Line(parts[0], raw[:4], raw[4:])


def _check_name(name: bytes) -> None:
    text = name.decode("utf-8", "replace")
    if not text or "+" in text or any(character.isspace() for character in text):
        raise Refused("no name for a key")


def _verify_ed25519(public: bytes, message: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature as exc:
        raise Refused("the Ed25519 signature does not hold") from exc
