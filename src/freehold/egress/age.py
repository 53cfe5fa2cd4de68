# SPDX-License-Identifier: Apache-2.0
"""Secrets at rest, encrypted with age to the estate's own key in ``keys/age.key``. Dials nothing."""

import os
import stat
from pathlib import Path
from typing import Final

import pyrage
from pyrage import x25519

from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.files.whole import put_whole

SUFFIX: Final = ".age"
_MOST_BYTES: Final = 64 * 1024
_MARK: Final = "AGE-SECRET-KEY-"


class Unreadable(Exception):
    """A file that holds no secret. The message says what is wrong with it, and nothing of what is in it."""


def seal(estate: Estate, name: str, secret: str) -> Path:
    """Keep a secret in ``keys/NAME.age``, instead of one that was there. The key is made if there is none.

    Raises EstateError.
    """
    path = estate.keys / f"{name}{SUFFIX}"
    try:
        estate.keys.mkdir(mode=0o700, exist_ok=True)
        if not estate.age_key.exists():
            put_whole(estate.age_key, _new_identity())
        recipients = [identity.to_public() for identity in read_identities(estate.age_key)]
        put_whole(path, pyrage.encrypt(secret.encode(), recipients))
    except Unreadable as exc:
        raise EstateError(f"{estate.age_key} {exc}") from exc
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Check its directory, its owner and the disk.") from exc
    return path


def unseal(estate: Estate, sealed: bytes) -> bytes:
    """What was encrypted to the estate's key. Raises Unreadable."""
    try:
        identities = read_identities(estate.age_key)
    except OSError as exc:
        raise Unreadable("cannot be decrypted: the estate's keys/age.key is not there or not readable") from exc
    except Unreadable as exc:
        raise Unreadable(f"cannot be decrypted: the estate's keys/age.key {exc}") from exc
    try:
        return bytes(pyrage.decrypt(sealed, identities))
    except pyrage.DecryptError as exc:
        raise Unreadable("is not encrypted to the estate's keys/age.key") from exc


def read_identities(path: Path) -> list[x25519.Identity]:
    """The keys in a file, in the form of age-keygen: one a line, and comments. Raises OSError, Unreadable."""
    try:
        lines = read_private(path).decode().splitlines()
        found = [x25519.Identity.from_str(line.strip()) for line in lines if line.startswith(_MARK)]
    except (pyrage.IdentityError, UnicodeDecodeError):
        found = []  # the cause would quote the key
    if not found:
        raise Unreadable("holds no age identity")
    return found


def read_private(path: Path) -> bytes:
    """The content of a file that is for its owner alone. Raises OSError, Unreadable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise Unreadable("is not a file")
        if mode & 0o077:
            raise Unreadable(f"has mode {stat.S_IMODE(mode):04o}, and others may use it: chmod 600")
        content = os.read(descriptor, _MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MOST_BYTES:
        raise Unreadable(f"is longer than {_MOST_BYTES} bytes")
    return content


def _new_identity() -> bytes:
    identity = x25519.Identity.generate()
    return f"# public key: {identity.to_public()}\n{identity}\n".encode()
