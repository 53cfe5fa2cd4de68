# SPDX-License-Identifier: Apache-2.0
"""Tar files, as far as a bundle has them: read strictly, and written so that the same content gives the same bytes.

Read are POSIX and GNU headers of files and folders, with extended headers that say no more than a path or a size.
Links, devices, pipes, sparse files, names that are there twice and whatever lies behind the end refuse the whole.
Nothing is unpacked here, and no size is believed that the file does not have.
"""

import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from freehold.errors import VaultError

BLOCK_BYTES: Final = 512

_MAX_MEMBERS = 50_000
_MAX_EXTENDED_BYTES = 64 * 2**10
_MAX_TAIL_BYTES = 2**20  # zeros, up to the record that the writer's tool fills
_FILE, _FOLDER = (b"0", b"\0"), b"5"
_EXTENDED, _EXTENDED_FOR_ALL = b"x", b"g"
_NEVER: Mapping[bytes, str] = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
    b"L": "a name in GNU's own way",
    b"K": "a link in GNU's own way",
}
_RECORD = re.compile(rb"([1-9][0-9]{0,6}) ([^=\n]+)=")
_OCTAL = re.compile(rb" *([0-7]{1,11})[ \0]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in the archive: where its bytes begin, and how many there are."""

    offset: int
    size_bytes: int


def header_of(name: str, size_bytes: int) -> bytes:
    """The header of a file that everybody may read: no owner, no time."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size_bytes, 0o444
    return info.tobuf(tarfile.PAX_FORMAT)


def padding(size_bytes: int) -> bytes:
    """What follows a file of this size."""
    return bytes(-size_bytes % BLOCK_BYTES)


END: Final = bytes(2 * BLOCK_BYTES)


def read_members(file: IO[bytes], size_bytes: int, place: str) -> dict[str, Member]:
    """The files of an archive by their names, without reading them. Raises VaultError."""
    members: dict[str, Member] = {}
    for number, (header, member) in enumerate(_headers(file, size_bytes, place)):
        if number >= _MAX_MEMBERS:
            raise VaultError(f"{place} has more than {_MAX_MEMBERS} members: this is no bundle")
        name = _plain(header.name, place)
        if header.kind == _FOLDER:
            continue
        if name in members:
            raise VaultError(f"{place} has {name!r} twice: nobody can say which is meant")
        members[name] = member
    return members


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    name: str
    kind: bytes


def _headers(file: IO[bytes], total_bytes: int, place: str) -> Iterator[tuple[_Header, Member]]:
    at, said = 0, dict[str, str]()
    while True:
        file.seek(at)
        block = file.read(BLOCK_BYTES)
        if len(block) < BLOCK_BYTES:
            raise VaultError(f"{place} is cut short: it has no end", hint="Copy it again, and compare its size.")
        if not any(block):
            _require_end(file, total_bytes, place)
            return
        kind, size_bytes = _checked(block, place), _number(block[124:136], place)
        begin = at + BLOCK_BYTES
        if kind in (_EXTENDED, _EXTENDED_FOR_ALL):
            said = _extended(file, size_bytes, place) if kind == _EXTENDED else _nothing(file, size_bytes, place)
        else:
            name, size_bytes = said.pop("path", "") or _name(block, place), _size(said, size_bytes, place)
            said = {}
            if kind == _FOLDER and size_bytes:
                raise VaultError(f"{place} has a folder with content, {name[:200]!r}")
            if begin + size_bytes > total_bytes:
                missing = begin + size_bytes - total_bytes
                raise VaultError(
                    f"{place} is cut short: {missing} bytes of {name[:200]!r} are missing",
                    hint="Copy it again, and compare its size.",
                )
            yield _Header(name=name, kind=kind), Member(offset=begin, size_bytes=size_bytes)
        at = begin + size_bytes + len(padding(size_bytes))


def _checked(block: bytes, place: str) -> bytes:
    """The kind of a member. Raises VaultError for a header that is damaged, and for what no bundle has."""
    stated = _number(block[148:156], place)
    if sum(block[:148]) + sum(block[156:]) + 8 * ord(" ") != stated or block[257:262] != b"ustar":
        raise VaultError(f"{place} is damaged, or no tar file", hint="Copy it again, and compare its size.")
    kind = block[156:157]
    if kind not in (*_FILE, _FOLDER, _EXTENDED, _EXTENDED_FOR_ALL):
        what = _NEVER.get(kind, f"a member of the kind {kind!r}")
        raise VaultError(f"{place} has {what}, {_name(block, place)[:200]!r}: no bundle has any")
    return kind


def _name(block: bytes, place: str) -> str:
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[262:263] == b"\0" else b""  # GNU keeps times there
    return _text(prefix + b"/" + name if prefix else name, place)


def _text(content: bytes, place: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        raise VaultError(f"{place} has a name that is not UTF-8") from exc


def _number(field: bytes, place: str) -> int:
    if field[0] == 0x80:  # GNU's way for what is too large for octal digits
        return int.from_bytes(field[1:], "big")
    matched = _OCTAL.fullmatch(field)
    if matched is None:
        raise VaultError(f"{place} is damaged, or no tar file", hint="Copy it again, and compare its size.")
    return int(matched[1], 8)


def _size(said: Mapping[str, str], size_bytes: int, place: str) -> int:
    if "size" not in said:
        return size_bytes
    if not re.fullmatch(r"[0-9]{1,18}", said["size"]):
        raise VaultError(f"{place} has a size that is no number")
    return int(said["size"])


def _extended(file: IO[bytes], size_bytes: int, place: str) -> dict[str, str]:
    """What an extended header says of the member behind it (POSIX.1-2001, pax, "pax Extended Header")."""
    content, said, at = _read_extended(file, size_bytes, place), dict[str, str](), 0
    while at < len(content):
        matched = _RECORD.match(content, at)
        end = at + int(matched[1]) if matched else 0
        if matched is None or end > len(content) or content[end - 1 : end] != b"\n" or matched.end() > end:
            raise VaultError(f"{place} has an extended header that is damaged")
        key = _text(matched[2], place)
        if key.startswith("GNU.sparse") or key in ("linkpath", "hdrcharset") or key in said:
            raise VaultError(f"{place} has an extended header with {key[:80]!r}: no bundle has any")
        said[key] = _text(content[matched.end() : end - 1], place) if key in ("path", "size") else ""
        at = end
    return {key: value for key, value in said.items() if key in ("path", "size")}


def _nothing(file: IO[bytes], size_bytes: int, place: str) -> dict[str, str]:
    """A header for all members, which may say when and by whom, and no more."""
    if _extended(file, size_bytes, place):
        raise VaultError(f"{place} has one path or size for all of its members")
    return {}


def _read_extended(file: IO[bytes], size_bytes: int, place: str) -> bytes:
    if size_bytes > _MAX_EXTENDED_BYTES:
        raise VaultError(
            f"{place} has an extended header of {size_bytes} bytes, expected at most {_MAX_EXTENDED_BYTES}"
        )
    content = file.read(size_bytes)
    if len(content) < size_bytes:
        raise VaultError(f"{place} is cut short: it has no end", hint="Copy it again, and compare its size.")
    return content


def _plain(name: str, place: str) -> str:
    """A name without what tools put before and behind it. Raises VaultError if it leads elsewhere."""
    plain = name.removeprefix("./").rstrip("/") if name not in (".", "./") else "."
    if name.startswith("/") or ".." in Path(plain).parts or "\\" in name or "\0" in name or not plain.isprintable():
        raise VaultError(f"{place} has {name[:200]!r}, which leads out of it")
    return plain


def _require_end(file: IO[bytes], total_bytes: int, place: str) -> None:
    tail_bytes = total_bytes - file.tell()
    if tail_bytes < BLOCK_BYTES:
        raise VaultError(f"{place} is cut short: it has no end", hint="Copy it again, and compare its size.")
    if tail_bytes > _MAX_TAIL_BYTES or any(file.read(tail_bytes)):
        raise VaultError(f"{place} goes on behind its end: there is more in it than it lists")
