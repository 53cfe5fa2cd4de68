# SPDX-License-Identifier: Apache-2.0
"""Every operation by which the ledger changes the disk, in one place, so that each can be made to fail in a test.

It decides nothing: what is written when, and what a failure means, is its callers' affair.
"""

import os
from pathlib import Path


class Disk:
    """The real one. Raises OSError as it comes."""

    def open_append(self, path: Path) -> int:
        """A descriptor that reads anywhere and writes at the end. The file is made if need be, 0600."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def append(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

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

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def make_directory(self, path: Path) -> None:
        """The directory and those above it, each on disk when this returns."""
        if path.is_dir():
            return
        self.make_directory(path.parent)
        path.mkdir(exist_ok=True)
        self.sync_directory(path.parent)

    def sync_directory(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def free_bytes(self, path: Path) -> int:
        """What an ordinary user may still write."""
        state = os.statvfs(path)
        return state.f_bavail * state.f_frsize
