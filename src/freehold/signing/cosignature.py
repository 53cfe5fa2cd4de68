# SPDX-License-Identifier: Apache-2.0
"""Cosignatures of checkpoints, c2sp.org/tlog-cosignature: Ed25519 (0x04) and ML-DSA-44 (0x06). Pure: takes no clock.

A cosignature says that, as of its time, this was the largest tree of the log that the witness had seen, and that it was
consistent with all the smaller ones. Timestamps are shown, not judged. Cosignatures of subtrees are not made or read.
"""

import base64
import binascii
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from freehold.errors import VerificationFailed
from freehold.signing.note import KeyKind, Signer, open_vkey, signature_line

_KINDS = (KeyKind.ED25519_COSIGNATURE, KeyKind.ML_DSA_44_COSIGNATURE)
_TIME = struct.Struct(">Q")
_MAX_TIME = 2**63 - 1  # §Format
_SIGNATURE_BYTES = {KeyKind.ED25519_COSIGNATURE: 64, KeyKind.ML_DSA_44_COSIGNATURE: 2420}
_MAX_NAME_BYTES = 255  # §ML-DSA-44 signed message


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigner:
    """A witness's public key and the name that it signs for."""

    name: str
    key_id: bytes
    kind: KeyKind
    public_key: bytes

    def verified_at(self, note_text: str, signature: bytes) -> int | None:
        """When the witness cosigned this checkpoint, in Unix seconds; None if the signature does not hold.

        ``note_text`` ends in a newline; ``signature`` is without the key id. 0 is a time: that of an ML-DSA-44
        cosigner who does not say that the tree was the largest one seen.
        """
        if len(signature) != _TIME.size + _SIGNATURE_BYTES[self.kind]:
            return None
        (at_unix,) = _TIME.unpack_from(signature)
        message = None if at_unix > _MAX_TIME else _message(self, note_text, at_unix)
        if message is None:
            return None
        try:
            self._verify(signature[_TIME.size :], message)
        except InvalidSignature:
            return None
        return int(at_unix)

    def _verify(self, signature: bytes, message: bytes) -> None:
        if self.kind is KeyKind.ML_DSA_44_COSIGNATURE:
            MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        else:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)


def parse_cosigner(vkey: str) -> Cosigner:
    """Read a witness's verifier key, of type 0x04 or 0x06. Raises VerificationFailed."""
    key = open_vkey(vkey, *_KINDS)
    return Cosigner(name=key.name, key_id=key.key_id, kind=KeyKind(key.kind), public_key=key.key)


def cosign(note_text: str, key: Signer, at_unix: int) -> str:
    """A cosignature as a line of the note, with its newline. The caller has checked that the tree is consistent.

    Raises VerificationFailed if the text is no checkpoint that such a key can sign.
    """
    cosigner = parse_cosigner(key.vkey)
    message = _message(cosigner, note_text, at_unix) if 0 <= at_unix <= _MAX_TIME else None
    if message is None or _tree_head(note_text) is None:
        raise VerificationFailed(f"{key.name} cannot cosign this: expected a checkpoint and a time after 1970")
    return signature_line(cosigner.name, cosigner.key_id, _TIME.pack(at_unix) + key.sign(message))


def _message(cosigner: Cosigner, note_text: str, at_unix: int) -> bytes | None:
    if cosigner.kind is KeyKind.ED25519_COSIGNATURE:  # §Ed25519 signed message
        return f"cosignature/v1\ntime {at_unix}\n{note_text}".encode()
    head = _tree_head(note_text)
    name = cosigner.name.encode()
    if head is None or len(name) > _MAX_NAME_BYTES:
        return None
    origin, size, root = head
    return b"".join(  # §ML-DSA-44 signed message
        (
            b"subtree/v1\n\0",
            bytes([len(name)]) + name,
            _TIME.pack(at_unix),
            bytes([len(origin)]) + origin,
            _TIME.pack(0),
            _TIME.pack(size),
            root,
        )
    )


def _tree_head(note_text: str) -> tuple[bytes, int, bytes] | None:
    """Origin, size and root of a checkpoint's text; None if it has none that fit the signed message."""
    origin, _, rest = note_text.partition("\n")
    size, _, rest = rest.partition("\n")
    encoded_root, newline, _ = rest.partition("\n")
    if not newline or not 0 < len(origin.encode()) <= _MAX_NAME_BYTES:
        return None
    if not (size.isascii() and size.isdigit()) or len(size) > 20 or size != str(int(size)) or int(size) >= 2**64:
        return None
    try:
        root = base64.b64decode(encoded_root, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(root) != 32 or base64.b64encode(root).decode() != encoded_root:
        return None
    return origin.encode(), int(size), root
