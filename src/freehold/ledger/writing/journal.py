# SPDX-License-Identifier: Apache-2.0
"""The entries that are acknowledged and not yet in a published tree. What stands here is never lost.

A group of entries is one frame: magic, length, index of the first entry, CRC-32, then the entries as in a bundle. A
frame that was begun before the ones ahead of it were surely on disk names the index up to which they were. A frame that
does not hold is a torn tail and is cut, unless a whole frame follows that was begun when the torn one was on disk: that
is damage to what was acknowledged, and the log does not open over it.
"""

import contextlib
import re
import struct
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.errors import VerificationFailed
from freehold.ledger.tree.bundle import join_entries, split_entries
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.growing import GrowingFile

_MAGIC = b"FhJ1"  # all entries before the frame's first were on disk when it was begun
_HEADER = struct.Struct(">4sIQI")
_LATE_MAGIC = b"FhJ2"  # only those before the index that follows the first one's were
_LATE_HEADER = struct.Struct(">4sIQQI")
_REWRITE_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class _Frame:
    """``sure``: all entries before this index were on disk when the frame was begun."""

    first: int
    sure: int
    entries: list[bytes]
    end_bytes: int

    @property
    def end(self) -> int:
        return self.first + len(self.entries)


class Journal:
    """One file, one writer. Trimming keeps frames whole: what is published may stand here a while longer."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._file = GrowingFile(disk, path)
        self._frames: deque[tuple[int, int]] = deque()  # index after the frame, offset after it
        self._name_unsure = True  # until the directory is synced, a power cut could undo the file's name
        self._sure_index = 0  # entries before this are on disk, here or in tiles

    def replay(self, published_size: int) -> list[tuple[int, bytes]]:
        """Index and bytes of every entry; cuts a torn tail. Call once, first. Raises VerificationFailed, OSError.

        All of it is on disk when this returns: a writer that was killed may have written it and not have synced it.
        """
        data = self._file.read()
        content = read_journal(data, published_size)
        if content.damage_at is not None:
            raise VerificationFailed(
                f"{self._path} is damaged at byte {content.whole_bytes}: whole records follow at byte"
                f" {content.damage_at}, so acknowledged entries are missing between them"
            )
        self._frames.extend((frame.end, frame.end_bytes) for frame in content.frames)
        if content.whole_bytes < len(data):
            self._file.cut(content.whole_bytes)
        self.sync()
        return content.entries

    def append(self, first_index: int, entries: Sequence[bytes], *, sync: bool = True) -> None:
        """On disk when this returns, if it is to ``sync``. Raises OSError; then ``forget`` must follow."""
        self.write(first_index, entries)
        if sync:
            self.sync()
        else:
            self._file.accept()

    def write(self, first_index: int, entries: Sequence[bytes]) -> None:
        """Not surely on disk yet: ``sync`` must follow. Raises OSError, as ``append`` does."""
        payload = join_entries(entries)
        header = _header(first_index, self._sure_index if self._frames else first_index, payload)
        end_bytes = self._file.write(header + payload)
        self._frames.append((first_index + len(entries), end_bytes))

    def sync(self) -> None:
        """Make all that was appended sure. Raises OSError."""
        end_index = self._frames[-1][0] if self._frames else 0
        if self._name_unsure:
            self._disk.sync_directory(self._path.parent)
            self._name_unsure = False
        self._file.sync()
        self._sure_index = end_index

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
        self._disk.write_whole(path, self._file.read(published_bytes))
        fresh = GrowingFile(self._disk, path)
        self._disk.rename(path, self._path)
        self._file.close()
        self._file = fresh
        self._frames = deque((index, end - published_bytes) for index, end in self._frames)
        self._name_unsure = True
        self._disk.sync_directory(self._path.parent)
        self._name_unsure = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalContent:
    """What a journal's bytes hold. ``whole_bytes``: of whole frames at the start.

    ``damage_at``: where a frame stands that shows acknowledged entries to be missing before it.
    """

    frames: tuple[_Frame, ...]
    whole_bytes: int
    damage_at: int | None

    @property
    def entries(self) -> list[tuple[int, bytes]]:
        """Index and bytes of each."""
        return [entry for frame in self.frames for entry in enumerate(frame.entries, frame.first)]


def read_journal(data: bytes, published_size: int) -> JournalContent:
    """Read a journal of a log that has so many entries published. Cuts nothing, refuses nothing."""
    frames: list[_Frame] = []
    at, due = 0, published_size
    while (frame := _read_frame(data, at)) is not None:
        at, due = frame.end_bytes, max(due, frame.end)
        frames.append(frame)
    return JournalContent(frames=tuple(frames), whole_bytes=at, damage_at=_proof_of_damage(data, at, due))


def _proof_of_damage(data: bytes, torn_at: int, due: int) -> int | None:
    """Where a whole frame stands that was begun when the torn one was on disk."""
    for found in re.finditer(b"%b|%b" % (_MAGIC, _LATE_MAGIC), data[torn_at + 1 :]):
        at = torn_at + 1 + found.start()
        frame = _read_frame(data, at)
        if frame is not None and frame.sure > due:
            return at
    return None


def _header(first_index: int, sure_index: int, payload: bytes) -> bytes:
    if sure_index >= first_index:
        check = zlib.crc32(payload, zlib.crc32(struct.pack(">IQ", len(payload), first_index)))
        return _HEADER.pack(_MAGIC, len(payload), first_index, check)
    check = zlib.crc32(payload, zlib.crc32(struct.pack(">IQQ", len(payload), first_index, sure_index)))
    return _LATE_HEADER.pack(_LATE_MAGIC, len(payload), first_index, sure_index, check)


def _read_frame(data: bytes, at: int) -> _Frame | None:
    """The frame, if a whole one stands here."""
    shape = _LATE_HEADER if data[at : at + len(_LATE_MAGIC)] == _LATE_MAGIC else _HEADER
    if at + shape.size > len(data):
        return None
    _, length, first, *late, _ = shape.unpack_from(data, at)
    sure = late[0] if late else first
    end = at + shape.size + length
    payload = data[at + shape.size : end]
    if end > len(data) or data[at : at + shape.size] != _header(first, sure, payload):
        return None
    entries = split_entries(payload)
    return None if entries is None else _Frame(first, sure, entries, end)
