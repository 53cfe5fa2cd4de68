# SPDX-License-Identifier: Apache-2.0
"""The signed note, c2sp.org/signed-note@v1.0.0, with Ed25519 keys. Pure: no file, no clock, no private key at rest.

Signatures of other types are carried along and never counted here; ``cosignature`` counts those of witnesses.
"""

import base64
import binascii
import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from freehold.errors import VerificationFailed

_MAX_SIGNATURES = 100  # §Format: at least 16 must be accepted
_SIGNATURE_START = "\N{EM DASH} "


class KeyKind(IntEnum):
    """What a key signs, and how (§Signature types): those that are used here."""

    ED25519 = 0x01  # notes
    ED25519_COSIGNATURE = 0x04  # checkpoints, with the time
    ML_DSA_44_COSIGNATURE = 0x06  # checkpoints, with the time and the name

    @property
    def public_key_bytes(self) -> int:
        return 1312 if self is KeyKind.ML_DSA_44_COSIGNATURE else 32


class Signer(Protocol):
    """A private key that signs for a name. ``sign`` gives the bare signature; the vkey says of which kind."""

    @property
    def name(self) -> str: ...

    @property
    def vkey(self) -> str: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A public key and the name that it signs for. ``public_key`` is 32 bytes."""

    name: str
    key_id: bytes
    public_key: bytes

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line. ``signature`` is without the key id."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note taken apart, nothing about it proved yet. ``text`` ends in a newline."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyText:
    """``NAME+ID+BASE64`` taken apart, as a verifier key or a private key has it. ``key`` is without its kind."""

    name: str
    key_id: bytes
    kind: int
    key: bytes


def key_id(name: str, public_key: bytes, kind: KeyKind = KeyKind.ED25519) -> bytes:
    """The 4 bytes by which a signature names its key (§Signatures)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:4]


def format_vkey(name: str, public_key: bytes, kind: KeyKind = KeyKind.ED25519) -> str:
    """The verifier key as text (§Verifier keys)."""
    check_name(name)
    return f"{name}+{key_id(name, public_key, kind).hex()}+{base64.b64encode(bytes([kind]) + public_key).decode()}"


def parse_vkey(vkey: str) -> Verifier:
    """Read a verifier key of type Ed25519. Raises VerificationFailed."""
    key = open_vkey(vkey, KeyKind.ED25519)
    return Verifier(name=key.name, key_id=key.key_id, public_key=key.key)


def open_vkey(vkey: str, *kinds: KeyKind) -> KeyText:
    """Read a verifier key of one of these kinds; its id fits. Raises VerificationFailed."""
    key = split_key(vkey)
    expected = " or ".join(f"0x{kind:02x} ({kind.name.replace('_', ' ')})" for kind in kinds)
    if key.kind not in kinds:
        raise VerificationFailed(f"the key {key.name} is of type 0x{key.kind:02x}, expected {expected}")
    kind = KeyKind(key.kind)
    if len(key.key) != kind.public_key_bytes:
        raise VerificationFailed(f"the key {key.name} has {len(key.key)} bytes, expected {kind.public_key_bytes}")
    expected_id = key_id(key.name, key.key, kind)
    if key.key_id != expected_id:
        raise VerificationFailed(f"the key {key.name} has id {key.key_id.hex()}, expected {expected_id.hex()}")
    return key


def split_key(text: str) -> KeyText:
    """Take ``NAME+ID+BASE64`` apart; neither the id nor the size of the key is checked. Raises VerificationFailed."""
    name, _, rest = text.partition("+")
    hex_id, _, encoded = rest.partition("+")
    check_name(name)
    if len(hex_id) != 8 or set(hex_id) - set("0123456789abcdef"):
        raise VerificationFailed(f"the key of {name} has no id of 8 hex digits: expected NAME+ID+BASE64")
    raw = _decode(encoded, f"the key of {name}")
    if not raw:
        raise VerificationFailed(f"the key of {name} is empty: expected NAME+ID+BASE64")
    return KeyText(name=name, key_id=bytes.fromhex(hex_id), kind=raw[0], key=raw[1:])


def check_name(name: str) -> None:
    """Refuse what cannot be a key's name (§Format). Raises VerificationFailed."""
    if not name or any(ch == "+" or ch < " " or ch.isspace() or unicodedata.category(ch) == "Cs" for ch in name):
        raise VerificationFailed(
            f"{name!r} cannot name a key: it is empty or holds a space, a plus or a control character"
        )


def sign_note(text: str, signer: Signer) -> bytes:
    """The note with one signature. ``text`` must end in a newline."""
    _check_text(text)
    line = signature_line(signer.name, parse_vkey(signer.vkey).key_id, signer.sign(text.encode()))
    return f"{text}\n{line}".encode()


def signature_line(name: str, number: bytes, signature: bytes) -> str:
    """One signature as a note has it, with its newline. ``number`` is the key's id."""
    return f"{_SIGNATURE_START}{name} {base64.b64encode(number + signature).decode()}\n"


def parse_signature_line(line: str) -> Signature:
    """One signature, given without its newline. Raises VerificationFailed."""
    name, _, encoded = line.removeprefix(_SIGNATURE_START).partition(" ")
    if not line.startswith(_SIGNATURE_START) or not encoded:
        raise VerificationFailed(f"a line after the empty line is no signature: {line[:80]!r}")
    check_name(name)
    blob = _decode(encoded, f"the signature of {name}")
    if len(blob) < 5:
        raise VerificationFailed(f"the signature of {name} has {len(blob)} bytes, expected a key id and a signature")
    return Signature(name=name, key_id=blob[:4], signature=blob[4:])


def parse_note(note: bytes) -> Note:
    """Take a note apart; its signatures are not checked. Raises VerificationFailed."""
    try:
        whole = note.decode()
    except UnicodeDecodeError as exc:
        raise VerificationFailed("the note is not UTF-8") from exc
    body, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise VerificationFailed("the note has no signatures: expected a text, an empty line and signature lines")
    text = body + "\n"
    _check_text(whole)
    signature_lines = lines[:-1].split("\n")
    if len(signature_lines) > _MAX_SIGNATURES:
        raise VerificationFailed(f"the note has {len(signature_lines)} signatures, expected at most {_MAX_SIGNATURES}")
    return Note(text=text, signatures=tuple(parse_signature_line(line) for line in signature_lines))


def open_note(note: bytes, verifiers: Iterable[Verifier]) -> Note:
    """The note, once a known key's signature holds and none is broken. Raises VerificationFailed (§Signatures)."""
    parsed = parse_note(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    verified = False
    for signature in parsed.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None:
            continue
        if not verifier.verifies(parsed.text.encode(), signature.signature):
            raise VerificationFailed(f"the signature of {verifier.name}+{verifier.key_id.hex()} does not fit the text")
        verified = True
    if not verified:
        expected = ", ".join(f"{name}+{number.hex()}" for name, number in known)
        found = ", ".join(f"{line.name}+{line.key_id.hex()}" for line in parsed.signatures)
        raise VerificationFailed(f"the note is not signed by a known key: expected {expected}, found {found}")
    return parsed


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(ch < " " and ch != "\n" for ch in text):
        raise VerificationFailed("the note does not end in a newline or holds a control character")


def _decode(encoded: str, what: str) -> bytes:
    """Strict base64: only the one spelling that encoding the bytes again gives."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise VerificationFailed(f"{what} is not base64") from exc
    if base64.b64encode(raw).decode() != encoded:
        raise VerificationFailed(f"{what} is not canonical base64")
    return raw
