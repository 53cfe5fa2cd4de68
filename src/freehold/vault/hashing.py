# SPDX-License-Identifier: Apache-2.0
"""SHA-256 over files, with progress: of a file through its descriptor, and of one that is being written meanwhile."""

import errno
import fcntl
import hashlib
import mmap
import os
import queue
import threading
from collections.abc import Callable, Iterator
from typing import IO, Self

from freehold.errors import VaultError

_CHUNK_BYTES = 2**20
_PIECE_BYTES = 4 * 2**20  # large, so that the disk has several requests of one write to work on
_PIECES = 4
_BLOCK_BYTES = 4096  # what direct writes are a multiple of

Progress = Callable[[int, int], None]  # bytes done, bytes in all (0: not known). Raising from it cancels the work


def silent(done_bytes: int, total_bytes: int) -> None:
    """The progress of whoever does not show any."""


class Counted:
    """The progress of several files as that of one."""

    def __init__(self, progress: Progress, total_bytes: int) -> None:
        self._progress = progress
        self._total_bytes = total_bytes
        self._before_bytes = 0

    def __call__(self, done_bytes: int, _: int) -> None:
        self._progress(self._before_bytes + done_bytes, self._total_bytes)

    def next(self, size_bytes: int) -> None:
        """A file of this size is done."""
        self._before_bytes += size_bytes

    def rest(self) -> Progress:
        """The progress of whoever counts several files by itself, as what is still to come of this one."""
        before_bytes = self._before_bytes
        return lambda done_bytes, _: self._progress(before_bytes + done_bytes, self._total_bytes)


def hash_descriptor(fd: int, size_bytes: int, progress: Progress) -> str:
    """``sha256:`` over a whole file. The descriptor's own offset is left alone."""
    digest, buffer, done = hashlib.sha256(), bytearray(_CHUNK_BYTES), 0
    view = memoryview(buffer)
    while read := os.preadv(fd, [buffer], done):
        digest.update(view[:read])
        done += read
        progress(done, size_bytes)
    return "sha256:" + digest.hexdigest()


def hash_stream(stream: IO[bytes], size_bytes: int, progress: Progress) -> str:
    """``sha256:`` over all that comes. Raises VaultError unless that is ``size_bytes``."""
    digest, done = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
        done += len(chunk)
        progress(done, size_bytes)
    if done != size_bytes:
        raise VaultError(f"the source ended after {done} of {size_bytes} bytes")
    return "sha256:" + digest.hexdigest()


def copy_hashing(  # noqa: PLR0913 - from where, to where, how much
    stream: IO[bytes], from_fd: int | None, to_fd: int, size_bytes: int, progress: Progress, *, at_bytes: int = 0
) -> str:
    """Copy exactly ``size_bytes``, and return ``sha256:`` over what was written, on disk by then. Raises VaultError.

    One thread reads, one writes past the page cache where that can be, and this one hashes what they pass on.
    """
    if size_bytes:
        os.posix_fallocate(to_fd, at_bytes, size_bytes)  # a disk that is too full says so now
    digest, done = hashlib.sha256(), 0
    with _Copying(stream, from_fd, to_fd, size_bytes, at_bytes) as copying:
        for piece in copying.pieces():
            digest.update(piece)
            done += len(piece)
            progress(done, size_bytes)
        copying.finish()
    if done != size_bytes:
        raise VaultError(f"the source ended after {done} of {size_bytes} bytes")
    return "sha256:" + digest.hexdigest()


class _Copying:
    """Two threads that copy through a ring of buffers. Leaving the block ends them, whether they are done or not."""

    def __init__(self, stream: IO[bytes], from_fd: int | None, to_fd: int, size_bytes: int, at_bytes: int) -> None:
        self._stream = stream
        self._from_fd = from_fd
        self._to_fd = to_fd
        self._size_bytes = size_bytes
        self._at_bytes = at_bytes
        self._ring = memoryview(mmap.mmap(-1, _PIECES * _PIECE_BYTES))  # on page boundaries, as direct writes need it
        self._hashed = threading.Semaphore(_PIECES)  # buffers whose bytes are hashed, or were never there
        self._written = threading.Semaphore(_PIECES)  # the same of writing; a buffer is filled again after both
        self._to_hash: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()  # None: there is no more
        self._to_write: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._unwanted = False
        self._threads = [threading.Thread(target=self._guarded, args=(run,)) for run in (self._read, self._write)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        for thread in self._threads:
            thread.join()

    def pieces(self) -> Iterator[memoryview]:
        """What is being copied, piece by piece, until the source ends or something fails."""
        while (piece := self._to_hash.get()) is not None:
            yield piece
            self._hashed.release()

    def finish(self) -> None:
        """Wait until all is on disk. Raises what kept it from that."""
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _stop(self) -> None:
        """Have whoever waits look up."""
        self._unwanted = True
        self._to_hash.put(None)
        self._to_write.put(None)
        self._hashed.release()
        self._written.release()

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as exc:  # noqa: BLE001 - whatever it is, ``finish`` raises it
            self._failure = self._failure or exc
            self._stop()

    def _read(self) -> None:
        done = number = 0
        while self._hashed.acquire() and self._written.acquire() and not self._unwanted:
            piece = self._filled(number % _PIECES * _PIECE_BYTES, done)
            if done + len(piece) > self._size_bytes:
                raise VaultError(f"the source has more than the {self._size_bytes} bytes that it announced")
            done, number = done + len(piece), number + 1
            last = len(piece) < _PIECE_BYTES
            for consumer in (self._to_hash, self._to_write):
                consumer.put(piece)
                if last:
                    consumer.put(None)
            if last:
                return

    def _write(self) -> None:
        direct, done = _set_direct(self._to_fd, wanted=True), 0
        while (piece := self._to_write.get()) is not None and not self._unwanted:
            direct = direct and _set_direct(self._to_fd, wanted=len(piece) % _BLOCK_BYTES == 0)
            _write_whole(self._to_fd, piece, self._at_bytes + done)
            done += len(piece)
            self._written.release()
        os.fdatasync(self._to_fd)

    def _filled(self, begin: int, done: int) -> memoryview:
        """The next piece, in its buffer: whole, but for the last of the source, which may be empty."""
        view, filled = self._ring[begin : begin + _PIECE_BYTES], 0
        while filled < _PIECE_BYTES and (read := self._read_into(view[filled:], done + filled)):
            filled += read
        return view[:filled]

    def _read_into(self, view: memoryview, at: int) -> int:
        if self._from_fd is not None:
            return os.preadv(self._from_fd, [view], at)
        chunk = self._stream.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)


def _set_direct(fd: int, *, wanted: bool) -> bool:
    """Have writes go past the page cache, or not; whether they do."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    try:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT if wanted else flags & ~os.O_DIRECT)
    except OSError:  # this file system knows no such writes
        return False
    return wanted


def _write_whole(fd: int, piece: memoryview, at: int) -> None:
    while piece:
        try:
            written = os.pwrite(fd, piece, at)
        except OSError as exc:
            if exc.errno != errno.EINVAL or not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT:
                raise
            _set_direct(fd, wanted=False)  # it said that it knows them
            continue
        piece, at = piece[written:], at + written
