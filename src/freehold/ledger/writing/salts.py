# SPDX-License-Identifier: Apache-2.0
"""The salts of the commitments, one file a day, outside the log: destroying a salt makes its commitments mean nothing.

A file is a row of fixed records, index (8 bytes, big-endian) and salt (32 bytes), in the order of the log. An erased
salt is all zeros. Nothing here is ever part of an entry or a tile, and only the key that made a call is given its salt.
"""

import contextlib
import os
import re
import struct
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from freehold.errors import VerificationFailed
from freehold.ledger.record.commitment import SALT_BYTES
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.growing import GrowingFile

_RECORD = struct.Struct(f">Q{SALT_BYTES}s")
_INDEX_BYTES = _RECORD.size - SALT_BYTES
_ERASED = bytes(SALT_BYTES)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CHUNK_BYTES = _RECORD.size * 2**14


class Salts:
    """The directory of salts. Only the log's writer appends; to read and to erase is safe beside it, in any thread."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        self._lock = threading.Lock()  # protects _files, _last, and the bytes of files that are still written to
        self._files: dict[str, GrowingFile] = {}  # the newest that are written to
        self._last: tuple[int, GrowingFile, int] | None = None  # first index, file, its size before
        disk.make_directory(directory)

    def write(self, day: str, salts: Sequence[tuple[int, bytes]]) -> None:
        """Keep salts, by index, under a day (YYYY-MM-DD, UTC); ``sync`` must follow. Raises OSError, as it does."""
        with self._lock:
            file = self._files.get(day)
            if self._last is not None and file is not self._last[1]:
                self._last[1].sync()  # nobody will, once another day is the last
            file = file or self._open(day)
            self._last = salts[0][0], file, file.size_bytes
            file.write(b"".join([_RECORD.pack(index, salt) for index, salt in salts]))

    def sync(self) -> None:
        """What was written is on disk when this returns. May run in a thread of its own."""
        with self._lock:
            if self._last is not None:
                self._last[1].sync()

    def accept(self) -> None:
        """Count what was written without syncing it; ``sync`` must follow in time."""
        if self._last is not None:
            self._last[1].accept()

    def forget(self, index: int) -> None:
        """Take back the last ``write``, synced or not, if it was of ``index`` or later."""
        if self._last is not None and self._last[0] >= index:
            _, file, size_bytes = self._last
            with contextlib.suppress(OSError):  # the file cuts itself before its next append
                file.cut(size_bytes)

    def cut(self, index: int) -> None:
        """Forget the salts of admissions from ``index`` on, and what a crash left: their admissions never got in."""
        for day in self.days():
            descriptor = self._disk.open_append(self._directory / day)
            try:
                keep = _whole(descriptor, index) * _RECORD.size
                if keep < os.fstat(descriptor).st_size:
                    self._disk.cut(descriptor, keep)
                self._disk.sync(descriptor)  # a writer that was killed may have written it only
            finally:
                os.close(descriptor)
        self._disk.sync_directory(self._directory)

    def days(self) -> list[str]:
        """The days that have salts, oldest first."""
        return sorted(path.name for path in self._directory.iterdir() if _DAY.fullmatch(path.name))

    def find(self, day: str, index: int) -> bytes | None:
        """The salt of an admission, or None if it was erased or never kept. Raises OSError."""
        with self._reading(day) as descriptor:
            if descriptor is None or (position := _position(descriptor, index)) is None:
                return None
            _, salt = _record(descriptor, position)
        return None if salt == _ERASED else salt

    def erase(self, day: str, index: int) -> bool:
        """Destroy one salt, on disk when this returns. False if there was none.

        Raises OSError, and VerificationFailed where the file is so damaged that it may hold the salt anywhere.
        """
        with self._reading(day) as descriptor:
            if descriptor is None:
                return False
            position = _position(descriptor, index)
            if position is None:
                self._require_whole(day, descriptor)
                return False
            there = _record(descriptor, position)[1] != _ERASED
            with self._lock:
                self._disk.overwrite(self._directory / day, _ERASED, position * _RECORD.size + _INDEX_BYTES)
                self._disk.sync(descriptor)  # also of one that a crash may have left half erased
            return there

    def newest(self, day: str) -> int:
        """The highest index that a salt of a day is kept under, -1 where there is none. Raises OSError."""
        with self._reading(day) as descriptor:
            return -1 if descriptor is None else max((found for found, _ in _records(descriptor)), default=-1)

    def destroy(self, day: str) -> None:
        """Overwrite every salt of a day, on disk when this returns; the file stays, all zeros. Raises OSError."""
        self._let_go(day)
        with self._reading(day) as descriptor:
            if descriptor is None:
                return
            size_bytes = os.fstat(descriptor).st_size
            for at in range(0, size_bytes, _CHUNK_BYTES):
                zeros = bytes(min(_CHUNK_BYTES, size_bytes - at))
                self._disk.overwrite(self._directory / day, zeros, at)
            self._disk.sync(descriptor)

    def destroy_before(self, day: str, index: int) -> None:
        """Destroy the salts of a day's admissions before this one, on disk when this returns. Raises OSError."""
        with self._reading(day) as descriptor:
            if descriptor is None:
                return
            with self._lock:
                for place, (found, salt) in enumerate(_records(descriptor)):
                    if found < index and salt != _ERASED:
                        self._disk.overwrite(self._directory / day, _ERASED, place * _RECORD.size + _INDEX_BYTES)
                self._disk.sync(descriptor)

    def remove(self, day: str) -> None:
        """Take away the file of a day. Raises OSError."""
        self._let_go(day)
        self._disk.remove(self._directory / day)
        self._disk.sync_directory(self._directory)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _let_go(self, day: str) -> None:
        """Write to the file of a day no longer, until it is opened anew."""
        with self._lock:
            if file := self._files.pop(day, None):
                if self._last is not None and self._last[1] is file:
                    self._last = None
                file.close()

    def _open(self, day: str) -> GrowingFile:
        file = GrowingFile(self._disk, self._directory / day)
        self._disk.sync_directory(self._directory)  # it may be new
        if len(self._files) > 1:
            self._files.pop(min(self._files)).close()
        self._files[day] = file
        return file

    @contextlib.contextmanager
    def _reading(self, day: str) -> Iterator[int | None]:
        """A descriptor of a day's file, if there is one. Appends go on beside it, at the end."""
        try:
            descriptor = os.open(self._directory / day, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _require_whole(self, day: str, descriptor: int) -> None:
        before = -1
        for found, _ in _records(descriptor):
            if found <= before:
                raise VerificationFailed(
                    f"{self._directory / day} is damaged: index {found} stands after {before}, so that nobody can tell"
                    " whether it still holds the salt",
                    hint=f"'freehold ledger forget --day {day}' destroys every salt of that day.",
                )
            before = found


def _whole(descriptor: int, index: int) -> int:
    """How many records come before what an append that was not acknowledged left at the end.

    That is told from the end: damage further ahead must not cost the salts behind it.
    """
    count = os.fstat(descriptor).st_size // _RECORD.size
    while count:
        last, _ = _record(descriptor, count - 1)
        before = _record(descriptor, count - 2)[0] if count > 1 else -1
        if before < last < index:
            break
        count -= 1
    return count


def _position(descriptor: int, index: int) -> int | None:
    """The place of the record of ``index``: by a binary search, and one by one where damage may have misled that."""
    low, high = 0, os.fstat(descriptor).st_size // _RECORD.size
    while low < high:
        middle = (low + high) // 2
        found, _ = _record(descriptor, middle)
        if found == index:
            return middle
        if found < index:
            low = middle + 1
        else:
            high = middle
    return next((place for place, (found, _) in enumerate(_records(descriptor)) if found == index), None)


def _record(descriptor: int, position: int) -> tuple[int, bytes]:
    record: tuple[int, bytes] = _RECORD.unpack(os.pread(descriptor, _RECORD.size, position * _RECORD.size))
    return record


def _records(descriptor: int) -> Iterator[tuple[int, bytes]]:
    """Every whole record, in order."""
    at = 0
    while chunk := os.pread(descriptor, _CHUNK_BYTES, at):
        whole = len(chunk) - len(chunk) % _RECORD.size
        if not whole:
            return
        yield from _RECORD.iter_unpack(chunk[:whole])
        at += whole
