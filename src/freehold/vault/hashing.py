# SPDX-License-Identifier: Apache-2.0
"""SHA-256 over files, with progress: of a file through its descriptor, and of a stream while it is copied."""

import hashlib
import os
from collections.abc import Callable
from typing import IO

from freehold.errors import VaultError

_CHUNK_BYTES = 2**20

Progress = Callable[[int, int], None]  # bytes done, bytes in all (0: not known). Raising from it cancels the work


def silent(done_bytes: int, total_bytes: int) -> None:
    """The progress of whoever does not show any."""


def hash_descriptor(fd: int, size_bytes: int, progress: Progress) -> str:
    """``sha256:`` over a whole file. The descriptor's own offset is left alone."""
    digest, buffer, done = hashlib.sha256(), bytearray(_CHUNK_BYTES), 0
    view = memoryview(buffer)
    while read := os.preadv(fd, [buffer], done):
        digest.update(view[:read])
        done += read
        progress(done, size_bytes)
    return "sha256:" + digest.hexdigest()


def copy_hashing(stream: IO[bytes], to_fd: int, size_bytes: int, progress: Progress) -> str:
    """Copy exactly ``size_bytes``, and return ``sha256:`` over what was written. Raises VaultError."""
    digest, done = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        done += len(chunk)
        if done > size_bytes:
            raise VaultError(f"the source has more than the {size_bytes} bytes that it announced")
        digest.update(chunk)
        _write_whole(to_fd, chunk)
        progress(done, size_bytes)
    if done != size_bytes:
        raise VaultError(f"the source ended after {done} of {size_bytes} bytes")
    return "sha256:" + digest.hexdigest()


def _write_whole(fd: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(fd, view) :]
