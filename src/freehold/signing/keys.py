# SPDX-License-Identifier: Apache-2.0
"""Private keys by URI. Today ``file:PATH`` or a bare path; other schemes are refused by name, never guessed.

A key file holds one line in the text form of Go's note package: ``PRIVATE+KEY+NAME+ID+BASE64``, mode 0600.
"""

import base64
import os
import re
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from freehold.errors import EstateError, VerificationFailed
from freehold.signing.note import ED25519, Signer, check_name, format_vkey, key_id, split_key

_PREFIX = "PRIVATE+KEY+"
_MAX_KEY_FILE_BYTES = 4096
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


class FileKey:
    """An Ed25519 key held in memory, read from a file."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.name = name
        self.vkey = format_vkey(name, self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def load_signer(uri: str) -> Signer:
    """The key behind a URI. Raises EstateError."""
    scheme = _SCHEME.match(uri)
    if scheme and scheme[1] != "file":
        raise EstateError(f"no key can be read from {scheme[1]}:", hint="Name the key as file:PATH.")
    path = Path(uri.removeprefix("file:"))
    return _parse(_read_private(path), path)


def create_file_key(path: Path, name: str) -> Signer:
    """Make a key and its file, which must not exist yet; on disk when this returns. Raises EstateError."""
    try:
        check_name(name)
    except VerificationFailed as exc:
        raise EstateError(exc.message, hint="Choose a name such as example.org/ledger.") from exc
    seed = os.urandom(32)
    signer = FileKey(name, seed)
    number = key_id(name, _public(seed)).hex()
    line = f"{_PREFIX}{name}+{number}+{base64.b64encode(bytes([ED25519]) + seed).decode()}\n"
    try:
        _write_new(path, line.encode())
    except FileExistsError as exc:
        raise EstateError(
            f"there is a key at {path} already", hint="Move it away first; it may still be needed."
        ) from exc
    except OSError as exc:
        raise EstateError(f"the key file {path} cannot be written", hint="Check its directory and the disk.") from exc
    return signer


def _read_private(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            text = file.read(_MAX_KEY_FILE_BYTES)
    except OSError as exc:
        raise EstateError(
            f"the key file {path} cannot be read", hint="'freehold init' makes an estate's keys."
        ) from exc
    if mode & 0o077:
        raise EstateError(f"the key file {path} has mode {mode:04o}, expected 0600", hint=f"Run: chmod 600 {path}")
    return text.decode("utf-8", errors="replace")


def _parse(text: str, path: Path) -> FileKey:
    line = text.removesuffix("\n")
    try:
        name, number, seed = split_key(line.removeprefix(_PREFIX))
    except VerificationFailed as exc:
        raise _malformed(path) from exc
    if not line.startswith(_PREFIX) or number != key_id(name, _public(seed)):
        raise _malformed(path)
    return FileKey(name, seed)


def _malformed(path: Path) -> EstateError:
    return EstateError(f"{path} holds no Ed25519 note key", hint="Expected one line: PRIVATE+KEY+NAME+ID+BASE64.")


def _public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
