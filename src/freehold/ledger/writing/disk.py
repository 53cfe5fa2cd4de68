# SPDX-License-Identifier: Apache-2.0
"""Every operation by which the ledger changes the disk, in one place, so that each can be made to fail in a test.

It decides nothing: what is written when, and what a failure means, is its callers' affair.
"""

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_SYNCS_AT_ONCE = 4


class Disk:
    """The real one. Raises OSError as it comes."""

    def __init__(self) -> None:
        self._sure: set[Path] = set()  # directories whose names are on disk

    def open_append(self, path: Path) -> int:
        """A descriptor that reads anywhere and writes at the end. The file is made if need be, 0600."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def append(self, descriptor: int, data: bytes) -> None:
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, memoryview(data)[written:])

    def overwrite(self, path: Path, data: bytes, offset: int) -> None:
        """Replace bytes in place; not synced."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, data, offset)
        finally:
            os.close(descriptor)

    def sync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def cut(self, descriptor: int, size_bytes: int) -> None:
        os.ftruncate(descriptor, size_bytes)

    def write_whole(self, path: Path, data: bytes) -> None:
        """A new file with this content, on disk when this returns; not yet under a name that anyone reads."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            self.append(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def write_all(self, files: Iterable[tuple[Path, bytes]]) -> None:
        """Files as ``write_whole`` makes them, side by side: syncs that meet take a disk little longer than one."""
        with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
            for written in [pool.submit(self.write_whole, path, data) for path, data in files]:
                written.result()

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def make_directory(self, path: Path) -> None:
        """The directory and those above it, each on disk when this returns.

        One that is there, below one that was asked for before, may be the work of a process that was killed before it
        synced it: that is made up for, once.
        """
        if path in self._sure and path.is_dir():
            return
        there = path.is_dir()
        if not there or not self._sure.isdisjoint(path.parents):
            self.make_directory(path.parent)
            if not there:
                self.add_directory(path)
            self.sync_directory(path.parent)
        self._sure.add(path)

    def add_directory(self, path: Path) -> None:
        path.mkdir(exist_ok=True)

    def sync_directory(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def remove_directory(self, path: Path) -> None:
        """With what is in it, as far as that can be done: what stays does no harm."""
        shutil.rmtree(path, ignore_errors=True)

    def free_bytes(self, path: Path) -> int:
        """What an ordinary user may still write."""
        state = os.statvfs(path)
        return state.f_bavail * state.f_frsize
