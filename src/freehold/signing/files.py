# SPDX-License-Identifier: Apache-2.0
"""Files that keys lie in, named by URI: ``file:PATH`` or a bare path. Other schemes are refused by name, never guessed.

A private key's file is for its owner alone, and is never replaced.
"""

import os
import re
import stat
from pathlib import Path

from freehold.errors import EstateError

_MAX_KEY_FILE_BYTES = 2**16
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def key_path(uri: str, folder: Path = Path()) -> Path:
    """The file that a URI names; a relative path starts in ``folder``. Raises EstateError."""
    scheme = _SCHEME.match(uri)
    if scheme and scheme[1] != "file":
        raise EstateError(f"no key can be read from {scheme[1]}:", hint="Name the key as file:PATH.")
    return folder / uri.removeprefix("file:")


def read_private(path: Path) -> bytes:
    """A private key's file. Raises EstateError, also where others may read it."""
    content, mode = _read(path)
    if mode & 0o077:
        raise EstateError(f"the key file {path} has mode {mode:04o}, expected 0600", hint=f"Run: chmod 600 {path}")
    return content


def read_public(path: Path) -> bytes:
    """A public key's file. Raises EstateError."""
    return _read(path)[0]


def write_new_key(path: Path, content: bytes) -> None:
    """Make a private key's file, which must not exist yet; on disk when this returns. Raises EstateError."""
    try:
        _write_new(path, content)
    except FileExistsError as exc:
        raise EstateError(
            f"there is a key at {path} already", hint="Move it away first; it may still be needed."
        ) from exc
    except OSError as exc:
        raise EstateError(f"the key file {path} cannot be written", hint="Check its directory and the disk.") from exc


def _read(path: Path) -> tuple[bytes, int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_MAX_KEY_FILE_BYTES), stat.S_IMODE(os.fstat(descriptor).st_mode)
    except OSError as exc:
        raise EstateError(
            f"the key file {path} cannot be read", hint="'freehold init' makes an estate's keys."
        ) from exc


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
