# SPDX-License-Identifier: Apache-2.0
"""age around a stream: what is written comes out encrypted, what is read was decrypted, neither is ever held whole."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyrage
from pyrage import x25519

from freehold.egress.age import Unreadable, read_identities
from freehold.errors import EstateError

_MARK = b"age-encryption.org/"
_CHUNK_BYTES = 2**20


def recipient(text: str) -> x25519.Recipient:
    """Whom to encrypt to, as age writes it. Raises EstateError."""
    try:
        return x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise EstateError(
            f"{text[:80]!r} is no recipient of age", hint="It begins with age1; 'age-keygen' shows that of a new key."
        ) from None


@contextmanager
def encrypting(file: BinaryIO, recipients: Sequence[x25519.Recipient]) -> Iterator[BinaryIO]:
    """A file to write to; it is all in ``file`` when the block ends. Raises EstateError."""
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1, "backup-age") as aside:
        working = aside.submit(_encrypt, reading, file, recipients)
        try:
            with os.fdopen(writing, "wb") as plain:
                yield plain
        except BrokenPipeError:
            working.result()  # says why
            raise
        working.result()


@contextmanager
def decrypting(file: BinaryIO, identity: Path | None) -> Iterator[BinaryIO]:
    """A file to read what was encrypted from, or ``file`` itself where nothing was. Raises EstateError.

    ``identity``: the file of age-keygen that has the key.
    """
    encrypted = file.read(len(_MARK)) == _MARK
    file.seek(0)
    if not encrypted:
        yield file
        return
    keys = _keys(identity)
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1, "restore-age") as aside:
        working = aside.submit(_decrypt, file, writing, keys)
        with os.fdopen(reading, "rb") as plain:
            if not plain.peek(1):
                working.result()  # says why there is nothing
            yield plain
            while plain.read(_CHUNK_BYTES):  # age vouches for the end of a file only when it gets there
                pass
        working.result()


def _encrypt(reading: int, file: BinaryIO, recipients: Sequence[x25519.Recipient]) -> None:
    try:
        with os.fdopen(reading, "rb") as plain:
            pyrage.encrypt_io(plain, file, list(recipients))
    except (pyrage.EncryptError, OSError) as exc:
        raise EstateError("the backup cannot be encrypted and written", hint="Check the space on its disk.") from exc


def _decrypt(file: BinaryIO, writing: int, keys: Sequence[x25519.Identity]) -> None:
    try:
        with os.fdopen(writing, "wb") as plain:
            pyrage.decrypt_io(file, plain, list(keys))
    except pyrage.DecryptError as exc:
        raise EstateError("the backup is not encrypted to that key", hint="Name another with --identity.") from exc
    except OSError as exc:
        raise EstateError("the encrypted backup is damaged or cut short", hint="Nothing was restored.") from exc


def _keys(identity: Path | None) -> list[x25519.Identity]:
    if identity is None:
        raise EstateError("the backup is encrypted", hint="Say where its key is: --identity FILE, as of age-keygen.")
    try:
        return read_identities(identity)
    except (Unreadable, OSError) as exc:
        what = str(exc) if isinstance(exc, Unreadable) else "cannot be read"
        raise EstateError(f"{identity} {what}", hint="It is the file that 'age-keygen' wrote.") from exc
