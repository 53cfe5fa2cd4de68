# SPDX-License-Identifier: Apache-2.0
"""Unpacks a source archive: the tree of llama.cpp in it, and nothing else.

Only plain files and folders are written, each beneath the folder that was given, none executable, none twice. Whatever
an archive of source code does not need is refused: links, devices, paths that lead out, sizes beyond reason.
"""

import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from freehold.errors import EstateError, VerificationFailed
from freehold.vault.store import disk_faults

_INSIDE: Final = PurePosixPath("vendor/llama.cpp")  # where a package of Python bindings has it
_LISTS: Final = "CMakeLists.txt"
_LARGEST_TREE_BYTES: Final = 2**30
_LARGEST_FILE_BYTES: Final = 2**28
_MOST_FILES: Final = 50_000
_CHUNK_BYTES: Final = 2**20
_NOT_AN_ARCHIVE: Final = (tarfile.TarError, zlib.error, EOFError, UnicodeError, ValueError)


def require_digest(archive: Path, sha256: str) -> None:
    """Raises VerificationFailed unless the file has this SHA-256, in hex; EstateError if it cannot be read."""
    try:
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise EstateError(f"{archive} cannot be read: {os.strerror(exc.errno or 0)}") from exc
    if found != sha256:
        raise VerificationFailed(
            f"{archive.name} has sha256 {found}, and must have {sha256}",
            hint="Fetch it again. To build another source, whose code then runs on this host, name its --sha256.",
        )


def unpack(archive: Path, folder: Path) -> Path:
    """Write the tree of llama.cpp to a new ``folder``. Raises EstateError."""
    with disk_faults(f"unpack {archive.name} into {folder.parent}"):
        folder.mkdir()
        try:
            with tarfile.open(archive, "r:gz", encoding="utf-8", errors="strict") as opened:
                _unpack(opened, folder, archive.name)
        except _NOT_AN_ARCHIVE as exc:
            raise EstateError(f"{archive.name} is damaged, or is not a .tar.gz") from exc
    root = folder / _INSIDE if (folder / _INSIDE / _LISTS).is_file() else folder
    if not (root / _LISTS).is_file():
        raise EstateError(
            f"{archive.name} has no {_INSIDE / _LISTS} and no {_LISTS}: it is not the source of llama.cpp",
            hint="Name the source archive of llama-cpp-python, or of llama.cpp itself.",
        )
    return root


def _unpack(opened: tarfile.TarFile, folder: Path, name: str) -> None:
    size_bytes = 0
    for count, (member, place) in enumerate(_members(opened, name)):
        size_bytes += member.size
        if count >= _MOST_FILES or size_bytes > _LARGEST_TREE_BYTES or member.size > _LARGEST_FILE_BYTES:
            raise EstateError(f"{name} would unpack to more than any source of llama.cpp")
        _write(opened, member, folder / place, name)


def _members(opened: tarfile.TarFile, name: str) -> Iterator[tuple[tarfile.TarInfo, PurePosixPath]]:
    """The files, each with its place beneath the archive's one top folder. Folders are made as files need them."""
    for member in opened:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
            raise EstateError(f"{name} has a file {member.name[:200]!r}, whose path leads out of the archive")
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise EstateError(f"{name} has {member.name[:200]!r}, which is neither a plain file nor a folder")
        if len(path.parts) > 1 and ".git" not in path.parts:  # whose commit it is would be asked of another repository
            yield member, PurePosixPath(*path.parts[1:])


def _write(opened: tarfile.TarFile, member: tarfile.TarInfo, place: Path, name: str) -> None:
    stream = opened.extractfile(member)
    if stream is None:
        raise EstateError(f"{name} is damaged: {member.name[:200]!r} has no content")
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        with stream, place.open("xb") as file:
            while chunk := stream.read(_CHUNK_BYTES):
                file.write(chunk)
    except FileExistsError as exc:
        raise EstateError(f"{name} has {member.name[:200]!r} twice") from exc
