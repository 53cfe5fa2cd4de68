# SPDX-License-Identifier: Apache-2.0
"""A pack's archive: a ZIP file that can be written in one way only. Pure.

Any tool opens it; this reader takes no other. Nothing is compressed, encrypted, dated or commented, no file is a link,
and the directory lists exactly what lies there, in its order. So an archive cannot unfold into more than it is, and no
two tools can see two packs in one file. Numbers in comments are sections of PKWARE's APPNOTE.TXT 6.3.10.
"""

import re
import stat
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

from freehold.errors import VerificationFailed

MAX_FILES: Final = 20_000
MAX_ARCHIVE_BYTES: Final = 1 << 29  # far below what needs ZIP64
_MAX_NAME_CHARACTERS = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*\Z")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")  # 4.3.7
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")  # 4.3.12
_END = struct.Struct("<4sHHHHIIH")  # 4.3.16
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION = 20  # 4.4.3.2: folders
_UNIX = 3 << 8  # 4.4.2.2: who wrote it says modes as Unix does
_MODE = (stat.S_IFREG | 0o644) << 16
_DAY = (1 << 5) | 1  # 1 January 1980, the first that there is: a pack's time is in its manifest
_ENCRYPTED, _SIZES_BEHIND = 1, 1 << 3  # 4.4.4


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, in their order. Raises ValueError for what no archive has."""
    places = _Places()
    written, directory = bytearray(), bytearray()
    for name, content in files.items():
        if problem := places.problem_of(name):
            raise ValueError(problem)
        directory += _central(name, content, len(written))
        written += _local(name, content) + content
    whole = bytes(written + _closed(bytes(directory), len(files), len(written)))
    if len(files) > MAX_FILES or len(whole) > MAX_ARCHIVE_BYTES:
        raise ValueError(f"a pack has at most {MAX_FILES} files and {MAX_ARCHIVE_BYTES} bytes")
    return whole


def read_archive(data: bytes) -> dict[str, bytes]:
    """Every file by its name, in their order. Raises VerificationFailed, which names the defect."""
    if not data.startswith(_LOCAL_MARK):
        raise VerificationFailed("this is no evidence pack: a pack is a ZIP file that begins with its first file")
    places, files, directory, at = _Places(), dict[str, bytes](), bytearray(), 0
    while data.startswith(_LOCAL_MARK, at):
        name, content = _file(data, at)
        if problem := places.problem_of(name):
            raise VerificationFailed(problem)
        if len(files) == MAX_FILES:
            raise VerificationFailed(f"the pack has more than {MAX_FILES} files")
        files[name] = content
        directory += _central(name, content, at)
        at += _LOCAL.size + len(name) + len(content)
    _require_same(data[at:], _closed(bytes(directory), len(files), at), tuple(files))
    return files


class _Places:
    """Names that are taken, as a file system that does not tell a from A takes them."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def problem_of(self, name: str) -> str:
        """Why a file cannot have this name; empty, and the name is taken, if it can."""
        if len(name) > _MAX_NAME_CHARACTERS or not _NAME.match(name):
            return (
                f"the pack names a file {name[:80]!r}: expected letters, digits, '.', '_' and '-' below plain folders"
            )
        place = name.lower()
        above = {place[: match.start()] for match in re.finditer("/", place)}
        if place in self._files | self._folders or above & self._files:
            return f"the pack has {name!r} twice, or as a file and a folder"
        self._files.add(place)
        self._folders |= above
        return ""


def _local(name: str, content: bytes) -> bytes:
    size = len(content)
    head = _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, 0, _DAY, zlib.crc32(content), size, size, len(name), 0)
    return head + name.encode("ascii")


def _central(name: str, content: bytes, offset: int) -> bytes:
    size, crc = len(content), zlib.crc32(content)
    maker = _UNIX | _VERSION
    numbers = (maker, _VERSION, 0, 0, 0, _DAY, crc, size, size, len(name), 0, 0, 0, 0, _MODE, offset)
    return _CENTRAL.pack(_CENTRAL_MARK, *numbers) + name.encode("ascii")


def _closed(directory: bytes, files: int, offset: int) -> bytes:
    return directory + _END.pack(_END_MARK, 0, 0, files, files, len(directory), offset, 0)


def _file(data: bytes, at: int) -> tuple[str, bytes]:
    """The file that lies at ``at``. Its header must be the one that would be written for it."""
    start = at + _LOCAL.size
    if start > len(data):
        raise _cut(at)
    _, _, flags, method, _, _, crc, packed, size, named, extra = _LOCAL.unpack_from(data, at)
    name = data[start : start + named].decode("ascii", errors="backslashreplace")
    if flags & _ENCRYPTED:
        raise VerificationFailed(f"{name[:80]!r} in the pack is encrypted: a pack is not")
    if method:
        raise VerificationFailed(
            f"{name[:80]!r} in the pack is compressed: a pack is not, so that it holds what it weighs"
        )
    if flags & _SIZES_BEHIND or extra or packed != size:
        raise VerificationFailed(f"{name[:80]!r} in the pack says its size, or more, in another place than a pack does")
    content = data[start + named : start + named + size]
    if len(content) != size:
        raise _cut(at)
    if zlib.crc32(content) != crc:
        raise VerificationFailed(f"{name[:80]!r} in the pack is damaged: its bytes do not fit their checksum")
    if _NAME.match(name) and data[at : start + named] != _local(name, content):
        raise VerificationFailed(f"{name[:80]!r} in the pack has a date, flags or a version that no pack has")
    return name, content


def _require_same(found: bytes, expected: bytes, names: Iterable[str]) -> None:
    """The rest of an archive must be the directory of what lay before it."""
    if found == expected:
        return
    if expected.startswith(found):
        raise VerificationFailed(f"the pack is cut off: {len(expected) - len(found)} bytes are missing at its end")
    if found.startswith(expected):
        raise VerificationFailed(f"{len(found) - len(expected)} bytes lie behind the end of the pack")
    at = 0
    for name in names:
        listed = found[at : at + _CENTRAL.size + len(name)]
        if listed != expected[at : at + len(listed)]:
            raise VerificationFailed(_told_listing(name, listed))
        at += len(listed)
    raise VerificationFailed("the pack's directory lists other files than lie in it, or says more than a pack does")


def _told_listing(name: str, listed: bytes) -> str:
    if len(listed) >= _CENTRAL.size and listed[_CENTRAL.size :] == name.encode("ascii"):
        mode = _CENTRAL.unpack_from(listed)[15] >> 16
        if stat.S_IFMT(mode) != stat.S_IFREG:
            return f"{name!r} in the pack is no plain file: a pack has no links, folders or devices"
    return f"the pack's directory does not list {name!r} as it lies there"


def _cut(at: int) -> VerificationFailed:
    return VerificationFailed(f"the pack is cut off in the file that begins at byte {at}")
