# SPDX-License-Identifier: Apache-2.0
"""A file that grows by synced appends and forgets an append that failed. The journal and the salts are two."""

import os
from pathlib import Path

from freehold.ledger.disk import Disk


class GrowingFile:
    """``size_bytes`` counts what is surely on disk; anything after that is cut before the next append."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._descriptor = disk.open_append(path)
        self._torn = False
        self.size_bytes = os.fstat(self._descriptor).st_size

    def append(self, data: bytes) -> None:
        """On disk when this returns, gone when it raises OSError (at the latest before the next append)."""
        self._mend()
        self._torn = True
        self._disk.append(self._descriptor, data)
        self._disk.sync(self._descriptor)
        self._torn = False
        self.size_bytes += len(data)

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
