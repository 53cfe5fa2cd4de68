# SPDX-License-Identifier: Apache-2.0
"""Private keys by URI. Today ``file:PATH`` or a bare path; other schemes are refused by name, never guessed.

A key file holds one line in the text form of Go's note package: ``PRIVATE+KEY+NAME+ID+BASE64``, mode 0600. A log's
key is of type Ed25519 (0x01); a witness's is of a cosignature's type, so that neither can be taken for the other.
"""

import base64
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from freehold.errors import EstateError, VerificationFailed
from freehold.signing.files import key_path, read_private, write_new_key
from freehold.signing.note import KeyKind, Signer, check_name, format_vkey, open_vkey, split_key

_PREFIX = "PRIVATE+KEY+"
_SEED_BYTES = 32  # of every kind
_COSIGNATURES = (KeyKind.ED25519_COSIGNATURE, KeyKind.ML_DSA_44_COSIGNATURE)


class FileKey:
    """A key held in memory, read from a file."""

    def __init__(self, name: str, seed: bytes, kind: KeyKind = KeyKind.ED25519) -> None:
        self._key = _private_key(seed, kind)
        self.name = name
        self.vkey = format_vkey(name, self._key.public_key().public_bytes_raw(), kind)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def load_signer(uri: str) -> Signer:
    """The log's key behind a URI. Raises EstateError."""
    return _load(uri, (KeyKind.ED25519,))


def load_cosigner(uri: str) -> Signer:
    """The witness's key behind a URI, of type Ed25519 (0x04) or ML-DSA-44 (0x06). Raises EstateError."""
    return _load(uri, _COSIGNATURES)


def _load(uri: str, kinds: Sequence[KeyKind]) -> FileKey:
    path = key_path(uri)
    return _parse(read_private(path).decode(errors="replace"), path, kinds)


def create_file_key(path: Path, name: str, kind: KeyKind = KeyKind.ED25519) -> Signer:
    """Make a key and its file, which must not exist yet; on disk when this returns. Raises EstateError."""
    try:
        check_name(name)
    except VerificationFailed as exc:
        raise EstateError(exc.message, hint="Choose a name such as example.org/ledger.") from exc
    seed = os.urandom(_SEED_BYTES)
    signer = FileKey(name, seed, kind)
    number = open_vkey(signer.vkey, kind).key_id.hex()
    line = f"{_PREFIX}{name}+{number}+{base64.b64encode(bytes([kind]) + seed).decode()}\n"
    write_new_key(path, line.encode())
    return signer


def _parse(text: str, path: Path, kinds: Sequence[KeyKind]) -> FileKey:
    line = text.removesuffix("\n")
    try:
        private = split_key(line.removeprefix(_PREFIX))
    except VerificationFailed as exc:
        raise _malformed(path, kinds) from exc
    if not line.startswith(_PREFIX) or private.kind not in kinds or len(private.key) != _SEED_BYTES:
        raise _malformed(path, kinds)
    kind = KeyKind(private.kind)
    key = FileKey(private.name, private.key, kind)
    if private.key_id != open_vkey(key.vkey, kind).key_id:
        raise _malformed(path, kinds)
    return key


def _malformed(path: Path, kinds: Sequence[KeyKind]) -> EstateError:
    expected = "Ed25519 note key" if KeyKind.ED25519 in kinds else "key of a witness (type 0x04 or 0x06)"
    return EstateError(f"{path} holds no {expected}", hint="Expected one line: PRIVATE+KEY+NAME+ID+BASE64.")


def _private_key(seed: bytes, kind: KeyKind) -> Ed25519PrivateKey | MLDSA44PrivateKey:
    if kind is KeyKind.ML_DSA_44_COSIGNATURE:
        return MLDSA44PrivateKey.from_seed_bytes(seed)
    return Ed25519PrivateKey.from_private_bytes(seed)
