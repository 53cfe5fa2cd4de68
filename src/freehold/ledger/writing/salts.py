# SPDX-License-Identifier: Apache-2.0
"""The salts of the commitments, one file a day, outside the log: destroying a salt makes its commitments mean nothing.

A file is a row of fixed records, index (8 bytes, big-endian) and salt (32 bytes), in the order of the log. An erased
salt is all zeros. Nothing here is ever part of an entry, a tile or a receipt.
"""

import contextlib
import os
import re
import struct
from collections.abc import Sequence
from pathlib import Path

from freehold.ledger.record.commitment import SALT_BYTES
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.growing import GrowingFile

_RECORD = struct.Struct(f">Q{SALT_BYTES}s")
_ERASED = bytes(SALT_BYTES)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Salts:
    """The directory of salts. Only the log's writer appends; erasing in place is safe beside it."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        self._files: dict[str, GrowingFile] = {}
        self._last: tuple[int, GrowingFile, int] | None = None  # first index, file, its size before
        disk.make_directory(directory)

    def write(self, day: str, salts: Sequence[tuple[int, bytes]]) -> None:
        """Keep salts, by index, under a day (YYYY-MM-DD, UTC); ``sync`` must follow. Raises OSError, as it does."""
        file = self._file(day)
        self._last = salts[0][0], file, file.size_bytes
        file.write(b"".join([_RECORD.pack(index, salt) for index, salt in salts]))

    def sync(self) -> None:
        """What was written is on disk when this returns. May run in a thread of its own."""
        if self._last is not None:
            _, file, _ = self._last
            file.sync()

    def forget(self, index: int) -> None:
        """Take back the last ``write``, synced or not, if it was of ``index`` or later."""
        if self._last is not None and self._last[0] >= index:
            _, file, size_bytes = self._last
            with contextlib.suppress(OSError):  # the file cuts itself before its next append
                file.cut(size_bytes)

    def cut(self, index: int) -> None:
        """Forget the salts of admissions from ``index`` on, and a torn record: their admissions never got in."""
        for path in filter(_is_day, self._directory.iterdir()):
            descriptor = self._disk.open_append(path)
            try:
                keep = _position(descriptor, index) * _RECORD.size
                if keep < os.fstat(descriptor).st_size:
                    self._disk.cut(descriptor, keep)
            finally:
                os.close(descriptor)

    def find(self, day: str, index: int) -> bytes | None:
        """The salt of an admission, or None if it was erased or never kept."""
        found = self._read(day, index)
        return None if found == _ERASED else found

    def erase(self, day: str, index: int) -> bool:
        """Destroy one salt, on disk when this returns. False if there was none."""
        if self.find(day, index) is None:
            return False
        path = self._directory / day
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._disk.overwrite(path, _ERASED, _position(descriptor, index) * _RECORD.size + 8)
            self._disk.sync(descriptor)
        finally:
            os.close(descriptor)
        return True

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _file(self, day: str) -> GrowingFile:
        if day not in self._files:
            file = GrowingFile(self._disk, self._directory / day)
            self._disk.sync_directory(self._directory)  # it may be new
            if len(self._files) > 1:
                self._files.pop(min(self._files)).close()
            self._files[day] = file
        return self._files[day]

    def _read(self, day: str, index: int) -> bytes | None:
        try:
            descriptor = os.open(self._directory / day, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            record = os.pread(descriptor, _RECORD.size, _position(descriptor, index) * _RECORD.size)
        finally:
            os.close(descriptor)
        if len(record) < _RECORD.size:
            return None
        found, salt = _RECORD.unpack(record)
        return bytes(salt) if found == index else None


def _is_day(path: Path) -> bool:
    return _DAY.fullmatch(path.name) is not None


def _position(descriptor: int, index: int) -> int:
    """How many whole records stand before that of ``index``: a binary search."""
    low, high = 0, os.fstat(descriptor).st_size // _RECORD.size
    while low < high:
        middle = (low + high) // 2
        (found, _) = _RECORD.unpack(os.pread(descriptor, _RECORD.size, middle * _RECORD.size))
        if found < index:
            low = middle + 1
        else:
            high = middle
    return low
