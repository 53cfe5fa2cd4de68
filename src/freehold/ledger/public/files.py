# SPDX-License-Identifier: Apache-2.0
"""The log's public files, by the path that a client asks for: c2sp.org/tlog-tiles §APIs. Reads only, and only those.

A path is not looked up but read: it must be the one way in which the format writes some resource, and the file that is
opened is named anew from what was read. So there is no listing, no way up, and nothing that lies beside the tree.
"""

import errno
import gzip
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from freehold.ledger.tree import layout

Headers = tuple[tuple[str, str], ...]

_MUTABLE = ("cache-control", "no-cache")
_IMMUTABLE = ("cache-control", "public, max-age=31536000, immutable")
_NOT_KEPT = ("cache-control", "no-store")  # what is not there now may be there in a moment
_PLAIN = ("content-type", "text/plain; charset=utf-8")
_BYTES = ("content-type", "application/octet-stream")
_AS_IT_IS = ("x-content-type-options", "nosniff")
_LONGEST_PATH = 80  # of a log with 10^18 bundles
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}
_ZIP_LEVEL = 5  # JSON of the same shape line after line: what higher levels gain is not worth their time


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer over HTTP. To HEAD the same is answered, and the server leaves the body out."""

    status: int
    headers: Headers
    body: bytes


class PublicFiles:
    """A log's directory, opened once: whatever comes to lie at its path later is not served.

    ``cosigned``: witnesses are configured, so the checkpoint that they have signed is given out, if there is one.
    """

    def __init__(self, directory: Path, *, cosigned: bool) -> None:
        self.descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._checkpoints = (layout.COSIGNED, layout.CHECKPOINT) if cosigned else (layout.CHECKPOINT,)

    def close(self) -> None:
        os.close(self.descriptor)

    def answer(self, method: str, path: str, accept_encoding: str = "") -> Reply:
        """The resource at a path that begins with a slash, without its query."""
        if method not in ("GET", "HEAD"):
            return _refusal(405, "this log is read with GET and HEAD", ("allow", "GET, HEAD"))
        try:
            reply = self._find(path.removeprefix("/"), accept_encoding) if _is_sane(path) else None
        except OSError:
            return _refusal(503, "the log cannot be read now", ("retry-after", "10"))
        return reply or _refusal(404, "no such resource of this log")

    def _find(self, path: str, accept_encoding: str) -> Reply | None:
        if path == layout.CHECKPOINT:
            note = next((note for name in self._checkpoints if (note := self._read(name)) is not None), None)
            return None if note is None else _found(note, _PLAIN, _MUTABLE)
        resource = layout.read_path(path)
        content = None if resource is None else self._read(resource.path)
        if resource is None or content is None:
            return None
        if resource.level is not None:
            return _found(content, _BYTES, _IMMUTABLE)  # hashes do not compress
        by_encoding = ("vary", "accept-encoding")
        if not _accepts_gzip(accept_encoding):
            return _found(content, _BYTES, _IMMUTABLE, by_encoding)
        zipped = gzip.compress(content, _ZIP_LEVEL, mtime=0)
        return _found(zipped, _BYTES, _IMMUTABLE, by_encoding, ("content-encoding", "gzip"))

    def _read(self, name: str) -> bytes | None:
        """A regular file's content; None where there is none. Raises OSError."""
        try:
            descriptor = os.open(
                name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.descriptor
            )
        except OSError as exc:
            if exc.errno in _ABSENT:
                return None
            raise
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)


def _is_sane(path: str) -> bool:
    return path.startswith("/") and len(path) <= _LONGEST_PATH and path.isascii()


def _found(body: bytes, *headers: tuple[str, str]) -> Reply:
    return Reply(status=200, headers=(*headers, _AS_IT_IS), body=body)


def _refusal(status: int, why: str, *headers: tuple[str, str]) -> Reply:
    return Reply(status=status, headers=(_PLAIN, _NOT_KEPT, _AS_IT_IS, *headers), body=f"{why}\n".encode())


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is named, and not with a weight of nothing (RFC 9110 §12.5.3)."""
    for part in accept_encoding.lower().split(","):
        coding, _, weight = (word.strip() for word in part.partition(";"))
        if coding in ("gzip", "x-gzip"):
            value = weight.partition("=")[2].strip()
            return not value or value.strip("0.") != ""
    return False
