# SPDX-License-Identifier: Apache-2.0
"""The form of a backup: a tar of the estate's files, closed by a list of what must have come before it.

    freehold-backup     first: the number of this form
    PATH ...            the estate's files, by their paths in its directory
    contents.json       last: the path, size, mode and SHA-256 of each; a backup without it is cut short

The list is about damage. It is not signed: whoever can write a backup has the estate's keys, and could sign it.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from freehold.errors import EstateError

MARK: Final = "freehold-backup"
FORM: Final = b"1\n"
CONTENTS: Final = "contents.json"
MAX_CONTENTS_BYTES: Final = 256 * 2**20
_MAX_PATH_CHARACTERS = 1024
_UNSAFE = re.compile(r"[\0-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file. ``mode``: the permission bits."""

    path: str
    size_bytes: Annotated[int, Meta(ge=0)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    mode: Annotated[int, Meta(ge=0, le=0o777)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """``entries``: how many of the ledger's a checkpoint in it covers. ``models``: whether their weights are in it."""

    origin: str
    entries: int
    models: bool
    made_at: str
    files: tuple[Item, ...]


_CONTENTS_DECODER: Final = msgspec.json.Decoder(Contents)


def encode(contents: Contents) -> bytes:
    """As it stands in the tar."""
    return msgspec.json.format(msgspec.json.encode(contents), indent=1) + b"\n"


def decode(data: bytes) -> Contents:
    """Raises EstateError."""
    try:
        return _CONTENTS_DECODER.decode(data)
    except msgspec.DecodeError as exc:
        raise EstateError(f"the backup's {CONTENTS} is malformed: {exc}") from exc


def require_path(path: str) -> str:
    """A path that stays below the directory it is joined to, spelt in one way. Raises EstateError."""
    parts = path.split("/")
    if not path or len(path) > _MAX_PATH_CHARACTERS or _UNSAFE.search(path) or {"", ".", ".."} & set(parts):
        raise EstateError(f"the backup names a file {path[:200]!r}, which no backup does")
    return path
