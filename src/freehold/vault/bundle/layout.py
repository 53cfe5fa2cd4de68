# SPDX-License-Identifier: Apache-2.0
"""A bundle's files where they lie: an OCI image layout (image-spec v1.1, image-layout.md), as a tar or as a folder.

Knows names and sizes; what the files are is for others to find out. Whatever a layout of this kind has no place for
refuses the whole: nobody would vouch for it.
"""

import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from freehold.errors import VaultError
from freehold.vault.bundle.tar import Member, read_members
from freehold.vault.sources import Stream, open_file

LAYOUT: Final = "oci-layout"
INDEX: Final = "index.json"
MARK: Final = b'{"imageLayoutVersion":"1.0.0"}'

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
_FOLDERS = frozenset({"blobs", "blobs/sha256", "ingest"})  # the last is where `oras` writes, and leaves empty
_MAX_FILES = 50_000


def blob_name(digest: str) -> str:
    """Where a blob lies in a layout."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One bundle, open for reading. ``blobs``: sizes by digest."""

    place: str  # for a person
    blobs: Mapping[str, int]
    open_name: Callable[[str], AbstractContextManager[Stream]]

    def open_blob(self, digest: str) -> AbstractContextManager[Stream]:
        return self.open_name(blob_name(digest))

    def read(self, name: str, limit_bytes: int) -> bytes:
        """A small file whole. Raises VaultError for one over the limit."""
        with self.open_name(name) as stream:
            content = stream.file.read(limit_bytes + 1) if stream.size_bytes <= limit_bytes else b""
            size_bytes = stream.size_bytes
        if size_bytes > limit_bytes:
            raise VaultError(f"{self.place}: {name} has {size_bytes} bytes; at most {limit_bytes} are read")
        return content


@contextmanager
def open_layout(path: Path) -> Iterator[Layout]:
    """Open a bundle. Raises VaultError for what is none, and OSError for a disk that fails."""
    if path.is_dir():
        yield _of_folder(path)
        return
    with open_file(path) as stream:
        yield _of_archive(stream, str(path))


def _of_archive(stream: Stream, place: str) -> Layout:
    members = read_members(stream.file, stream.size_bytes, place)

    @contextmanager
    def open_name(name: str) -> Iterator[Stream]:
        if name not in members:
            raise VaultError(f"{place} has no {name}")
        member = members[name]
        slice_ = io.BufferedReader(_Slice(stream.file, member), buffer_size=2**20)
        yield Stream(file=slice_, size_bytes=member.size_bytes)

    sizes = {name: member.size_bytes for name, member in members.items()}
    return Layout(place=place, blobs=_blobs(sizes, place), open_name=open_name)


def _of_folder(folder: Path) -> Layout:
    @contextmanager
    def open_name(name: str) -> Iterator[Stream]:
        with open_file(folder / name, follow=False) as stream:
            yield stream

    return Layout(place=str(folder), blobs=_blobs(dict(_walk(folder)), str(folder)), open_name=open_name)


def _blobs(sizes: Mapping[str, int], place: str) -> dict[str, int]:
    for name in (LAYOUT, INDEX):
        if name not in sizes:
            raise VaultError(
                f"{place} is no bundle: it has no {name}", hint="'freehold vault bundle export FILE' makes one."
            )
    blobs = {}
    for name, size_bytes in sizes.items():
        if matched := _BLOB.fullmatch(name):
            blobs[f"sha256:{matched[1]}"] = size_bytes
        elif name not in (LAYOUT, INDEX):
            raise VaultError(
                f"{place} has {name[:200]!r}, which is no part of a bundle", hint="Take it out, or export anew."
            )
    return blobs


def _walk(folder: Path) -> Iterator[tuple[str, int]]:
    waiting, seen = [folder], 0
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                seen += 1
                name = os.path.relpath(entry.path, folder)
                if seen > _MAX_FILES:
                    raise VaultError(f"{folder} has more than {_MAX_FILES} files: this is no bundle")
                if entry.is_dir(follow_symlinks=False) and name in _FOLDERS:
                    waiting.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield name, entry.stat(follow_symlinks=False).st_size
                else:
                    raise VaultError(f"{folder} has {name!r}, which is a link, or no file or folder that a bundle has")


class _Slice(io.RawIOBase):
    """A part of a file, from which others read as well."""

    def __init__(self, file: IO[bytes], member: Member) -> None:
        self._fd = file.fileno()
        self._at = member.offset
        self._end = member.offset + member.size_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what it is called with
        view = memoryview(buffer)[: self._end - self._at]
        read = os.preadv(self._fd, [view], self._at) if view else 0
        self._at += read
        return read
