# SPDX-License-Identifier: Apache-2.0
"""A file that grows by synced appends and forgets an append that failed. The journal and the salts are two."""

import os
from pathlib import Path

from freehold.ledger.writing.disk import Disk


class GrowingFile:
    """``size_bytes`` counts what was synced or accepted; anything after that is cut before the next append."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path
        self._descriptor = disk.open_append(path)
        self._torn = False
        self._written_bytes = 0  # by the last write, and not counted yet
        self._sync_failed = False
        self.size_bytes = os.fstat(self._descriptor).st_size
        self._sure_bytes = 0  # are on disk whatever happens

    def append(self, data: bytes) -> None:
        """On disk when this returns, gone when it raises OSError (at the latest before the next append)."""
        self.write(data)
        self.sync()

    def write(self, data: bytes) -> int:
        """Append, but not yet surely on disk: ``sync`` or ``accept`` must follow. Where it ends. Raises OSError."""
        if self._torn:
            self._mend()
        self._torn = True
        self._disk.append(self._descriptor, data)
        self._written_bytes = len(data)
        return self.size_bytes + self._written_bytes

    def accept(self) -> None:
        """Count what was written without syncing it: a process may die now, and the power may not."""
        self.size_bytes += self._written_bytes
        self._written_bytes = 0
        self._torn = False

    def sync(self) -> None:
        """Make what was written sure. Raises OSError."""
        if self._sync_failed:
            self._write_again()
        self._sync_failed = True
        self._disk.sync(self._descriptor)
        self._sync_failed = False
        self.accept()
        self._sure_bytes = self.size_bytes

    def cut(self, size_bytes: int) -> None:
        """Forget all after the first ``size_bytes``. Raises OSError, and then does it before the next append."""
        self.size_bytes = size_bytes
        self._sure_bytes = min(self._sure_bytes, size_bytes)
        self._written_bytes = 0
        self._mend()

    def read(self, start_bytes: int = 0) -> bytes:
        return os.pread(self._descriptor, self.size_bytes - start_bytes, start_bytes)

    def close(self) -> None:
        os.close(self._descriptor)

    def _mend(self) -> None:
        self._torn = True
        self._disk.cut(self._descriptor, self.size_bytes)
        self._torn = False

    def _write_again(self) -> None:
        """A kernel that could not write a page calls it clean, so that the next sync would succeed and mean nothing."""
        unsure_bytes = self.size_bytes + self._written_bytes - self._sure_bytes
        unsure = os.pread(self._descriptor, unsure_bytes, self._sure_bytes)
        self._disk.overwrite(self._path, unsure, self._sure_bytes)
