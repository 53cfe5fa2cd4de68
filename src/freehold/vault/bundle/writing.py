# SPDX-License-Identifier: Apache-2.0
"""Writes an OCI image layout, as a tar or as a folder: whole, or not at all. Never over what is there.

Blobs are hashed while they are copied, and must be what they are listed as.
"""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from freehold.errors import VaultError
from freehold.vault.bundle.layout import INDEX, LAYOUT, MARK, blob_name
from freehold.vault.bundle.tar import BLOCK_BYTES, END, header_of, padding
from freehold.vault.hashing import Counted, Progress, copy_hashing
from freehold.vault.landing import copy_new_file, differs
from freehold.vault.sources import Stream
from freehold.vault.store import disk_faults, free_bytes

_ROOM_BYTES = 2**20  # for what is rounded up


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeBlob:
    """A file that goes into a bundle."""

    digest: str
    size_bytes: int
    open: Callable[[], AbstractContextManager[Stream]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """All that lies in a layout."""

    index: bytes
    small: Mapping[str, bytes]  # by digest
    large: Sequence[LargeBlob]

    @property
    def size_bytes(self) -> int:
        """As it lies in a tar, headers included."""
        sizes = [len(MARK), len(self.index), *map(len, self.small.values()), *(blob.size_bytes for blob in self.large)]
        return sum(size + len(padding(size)) + BLOCK_BYTES for size in sizes) + len(END)


def write_layout(packed: Packed, target: Path, progress: Progress, *, as_folder: bool) -> None:
    """Write it to ``target``. Raises VaultError, also where there is something already, and VerificationFailed."""
    with disk_faults(f"write {target}"):
        require_free(target, as_folder=as_folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        free, wanted = free_bytes(target.parent), packed.size_bytes + _ROOM_BYTES
        if free < wanted:
            raise VaultError(f"{target} needs {wanted} bytes, and {target.parent} has {free} free")
        counted = Counted(progress, sum(blob.size_bytes for blob in packed.large))
        if as_folder:
            _write_folder(packed, target, counted)
        else:
            _write_archive(packed, target, counted)


def require_free(target: Path, *, as_folder: bool) -> None:
    """Raises VaultError where something lies already."""
    empty_folder = as_folder and target.is_dir() and not any(target.iterdir())
    if os.path.lexists(target) and not empty_folder:
        raise VaultError(f"{target} is there already", hint="Name a new file, or an empty folder.")


def _write_archive(packed: Packed, target: Path, counted: Counted) -> None:
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb", buffering=0) as small, draft.open("r+b", buffering=0) as large:
            _fill_archive(packed, small.fileno(), large.fileno(), counted)
            os.fchmod(small.fileno(), 0o644)
            os.fsync(small.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)


def _fill_archive(packed: Packed, small_fd: int, large_fd: int, counted: Counted) -> None:
    """Two descriptors, because what copies large blobs may have its own go past the page cache."""
    at = 0

    def put(content: bytes) -> None:
        nonlocal at
        written = 0
        while written < len(content):
            written += os.pwrite(small_fd, content[written:], at + written)
        at += len(content)

    small = {blob_name(digest): content for digest, content in packed.small.items()}
    for name, content in ((LAYOUT, MARK), (INDEX, packed.index), *sorted(small.items())):
        put(header_of(name, len(content)) + content + padding(len(content)))
    for blob in sorted(packed.large, key=lambda blob: blob.digest):
        put(header_of(blob_name(blob.digest), blob.size_bytes))
        with blob.open() as stream:
            _require(blob, copy_hashing(stream.file, stream.fd, large_fd, blob.size_bytes, counted, at_bytes=at))
        at += blob.size_bytes
        put(padding(blob.size_bytes))
        counted.next(blob.size_bytes)
    put(END)


def _write_folder(packed: Packed, target: Path, counted: Counted) -> None:
    """The index last: without it a folder is no layout, however it came to an end."""
    made: list[Path] = []
    try:
        for folder in (target, target / "blobs", target / "blobs" / "sha256"):
            if not folder.is_dir():
                folder.mkdir()
                made.append(folder)
        for blob in sorted(packed.large, key=lambda blob: blob.digest):
            made.append(target / blob_name(blob.digest))
            with blob.open() as stream:
                _require(blob, copy_new_file(stream, made[-1], counted))
            made[-1].chmod(0o444)
            counted.next(blob.size_bytes)
        small = {blob_name(digest): content for digest, content in packed.small.items()}
        for name, content in (*sorted(small.items()), (LAYOUT, MARK), (INDEX, packed.index)):
            made.append(target / name)
            _write_small(made[-1], content)
    except BaseException:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        raise


def _write_small(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o444)


def _require(blob: LargeBlob, found: str) -> None:
    if found != blob.digest:
        raise differs("a file that goes into the bundle", blob.digest, found)
