# SPDX-License-Identifier: Apache-2.0
"""A file that grows by synced appends and forgets an append that failed. The journal and the salts are two."""

import os
from pathlib import Path

from freehold.ledger.writing.disk import Disk


class GrowingFile:
    """``size_bytes`` counts what is surely on disk; anything after that is cut before the next append."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._descriptor = disk.open_append(path)
        self._torn = False
        self._unsynced_bytes = 0
        self.size_bytes = os.fstat(self._descriptor).st_size

    def append(self, data: bytes) -> None:
        """On disk when this returns, gone when it raises OSError (at the latest before the next append)."""
        self.write(data)
        self.sync()

    def write(self, data: bytes) -> None:
        """Append, but not yet surely on disk: ``sync`` must follow. Raises OSError."""
        self._mend()
        self._torn = True
        self._disk.append(self._descriptor, data)
        self._unsynced_bytes = len(data)

    def sync(self) -> None:
        """Make what was written sure. Raises OSError."""
        self._disk.sync(self._descriptor)
        self._torn = False
        self.size_bytes += self._unsynced_bytes

    def cut(self, size_bytes: int) -> None:
        """Forget all after the first ``size_bytes``. Raises OSError, and then does it before the next append."""
        self.size_bytes = size_bytes
        self._torn = True
        self._mend()

    def read(self) -> bytes:
        return os.pread(self._descriptor, self.size_bytes, 0)

    def close(self) -> None:
        os.close(self._descriptor)

    def _mend(self) -> None:
        if self._torn:
            self._disk.cut(self._descriptor, self.size_bytes)
            self._torn = False
