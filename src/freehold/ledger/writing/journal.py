# SPDX-License-Identifier: Apache-2.0
"""The entries that are acknowledged and not yet in a published tree. What stands here is never lost.

A group of entries is one frame: magic, length, index of the first entry, CRC-32, then the entries as in a bundle. A
frame that does not hold is a torn tail and is cut, unless whole frames follow it: every frame was on disk before the
next one was begun, so that is damage to what was acknowledged, and the log does not open over it.
"""

import contextlib
import struct
import zlib
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from freehold.errors import VerificationFailed
from freehold.ledger.tree.bundle import join_entries, split_entries
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.growing import GrowingFile

_MAGIC = b"FhJ1"
_HEADER = struct.Struct(">4sIQI")
_REWRITE_BYTES = 4 * 2**20


class Journal:
    """One file, one writer. Trimming keeps frames whole: what is published may stand here a while longer."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._file = GrowingFile(disk, path)
        self._frames: deque[tuple[int, int]] = deque()  # index after the frame, offset after it
        self._name_unsure = True  # until the directory is synced, a power cut could undo the file's name

    def replay(self) -> list[tuple[int, bytes]]:
        """Index and bytes of every entry; cuts a torn tail. Call once, first. Raises VerificationFailed, OSError."""
        data = self._file.read()
        replayed: list[tuple[int, bytes]] = []
        at = 0
        while (frame := _read_frame(data, at)) is not None:
            first, entries, at = frame
            replayed.extend(enumerate(entries, first))
            self._frames.append((first + len(entries), at))
        if at < len(data):
            self._refuse_damage(data, at)
            self._file.cut(at)
        return replayed

    def append(self, first_index: int, entries: Sequence[bytes]) -> None:
        """On disk when this returns. Raises OSError; then ``forget`` must follow."""
        if self._name_unsure:
            self._disk.sync_directory(self._path.parent)
            self._name_unsure = False
        payload = join_entries(entries)
        self._file.append(_header(first_index, payload) + payload)
        self._frames.append((first_index + len(entries), self._file.size_bytes))

    def forget(self, index: int) -> None:
        """Take back the frames from ``index`` on, and what an ``append`` that failed has left."""
        while self._frames and self._frames[-1][0] > index:
            self._frames.pop()
        with contextlib.suppress(OSError):  # the file cuts itself before its next append
            self._file.cut(self._frames[-1][1] if self._frames else 0)

    def trim(self, published_size: int) -> None:
        """Drop what is published: at once where that is all, else when it is worth a rewrite. Raises OSError."""
        published_bytes = 0
        while self._frames and self._frames[0][0] <= published_size:
            _, published_bytes = self._frames.popleft()
        if not self._frames:
            self._file.cut(0)
        elif published_bytes >= _REWRITE_BYTES:
            self._rewrite(published_bytes)
        elif published_bytes:
            self._frames.appendleft((published_size, published_bytes))

    def close(self) -> None:
        self._file.close()

    def _rewrite(self, published_bytes: int) -> None:
        path = self._path.with_name(f"{self._path.name}.new")
        self._disk.write_whole(path, self._file.read()[published_bytes:])
        fresh = GrowingFile(self._disk, path)
        self._disk.rename(path, self._path)
        self._file.close()
        self._file = fresh
        self._frames = deque((index, end - published_bytes) for index, end in self._frames)
        self._name_unsure = True
        self._disk.sync_directory(self._path.parent)
        self._name_unsure = False

    def _refuse_damage(self, data: bytes, torn_at: int) -> None:
        at = data.find(_MAGIC, torn_at + 1)
        while at >= 0:
            if _read_frame(data, at) is not None:
                raise VerificationFailed(
                    f"{self._path} is damaged at byte {torn_at}: whole records follow at byte {at},"
                    " so acknowledged entries are missing between them"
                )
            at = data.find(_MAGIC, at + 1)


def _header(first_index: int, payload: bytes) -> bytes:
    check = zlib.crc32(payload, zlib.crc32(struct.pack(">IQ", len(payload), first_index)))
    return _HEADER.pack(_MAGIC, len(payload), first_index, check)


def _read_frame(data: bytes, at: int) -> tuple[int, list[bytes], int] | None:
    """First index, entries, and where the frame ends; None if no whole frame stands here."""
    if at + _HEADER.size > len(data):
        return None
    _, length, first, _ = _HEADER.unpack_from(data, at)
    end = at + _HEADER.size + length
    payload = data[at + _HEADER.size : end]
    if end > len(data) or data[at : at + _HEADER.size] != _header(first, payload):
        return None
    entries = split_entries(payload)
    return None if entries is None else (first, entries, end)
