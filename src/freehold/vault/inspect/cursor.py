# SPDX-License-Identifier: Apache-2.0
"""Reads a file's header forwards through its descriptor, in windows of a fixed size.

It refuses to read past the end of the file, past the largest header that any model needs, or a string over its limit.
Memory is bounded by the window and the longest string asked for, whatever the file claims about itself.
"""

import hashlib
import os
import struct
from collections.abc import Iterable

from freehold.errors import VaultError

_WINDOW_BYTES = 2**20
_MAX_HEADER_BYTES = 256 * 2**20  # the largest vocabularies take some 20 MB
_MAX_STRING_BYTES = 16 * 2**20  # of a string that is passed over
_U64 = struct.Struct("<Q")


class Cursor:
    """A place in the file. ``name`` stands for the file in messages. The descriptor's own offset is left alone."""

    def __init__(self, fd: int, size_bytes: int, name: str) -> None:
        self._fd = fd
        self._size_bytes = size_bytes
        self._name = name
        self._window = b""
        self._base = 0  # where in the file the window begins
        self._at = 0  # where in the window the next byte is; past its end after a skip

    @property
    def offset(self) -> int:
        return self._base + self._at

    def refusal(self, what: str) -> VaultError:
        return VaultError(f"{self._name}: {what}")

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes. The caller bounds ``length``."""
        if len(self._window) - self._at < length:
            self._refill(length)
        taken = self._window[self._at : self._at + length]
        self._at += length
        return taken

    def number(self, layout: struct.Struct) -> int:
        """The next integer."""
        value: int = layout.unpack(self.take(layout.size))[0]
        return value

    def string(self, limit_bytes: int) -> str:
        """The next string: its length in eight bytes, then UTF-8."""
        start = self.offset
        length = self.number(_U64)
        if length > limit_bytes:
            raise self.refusal(f"the string at byte {start} has {length} bytes; at most {limit_bytes} are read here")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as exc:
            raise self.refusal(f"the string at byte {start} is not UTF-8") from exc

    def skip(self, length: int) -> None:
        self._require(length)
        self._at += length

    def skip_strings(self, count: int) -> None:
        """Pass over strings without making them; a vocabulary has hundreds of thousands."""
        while count:
            self._refill(_U64.size)
            count = self._skip_strings_in_window(count)
        self._require(0)

    def digest(self, spans: Iterable[tuple[int, int]]) -> str:
        """``sha256:`` over pieces of what was read, each from its first byte to before its last; empty for none."""
        hashed, empty = hashlib.sha256(), True
        for begin, end in spans:
            for place in range(begin, end, _WINDOW_BYTES):
                hashed.update(os.pread(self._fd, min(_WINDOW_BYTES, end - place), place))
                empty = False
        return "" if empty else f"sha256:{hashed.hexdigest()}"

    def _skip_strings_in_window(self, count: int) -> int:
        """Pass over those whose length lies in the window; returns how many are left."""
        window, at, last = self._window, self._at, len(self._window) - _U64.size
        unpack_from = _U64.unpack_from
        while count and at <= last:
            length = unpack_from(window, at)[0]
            if length > _MAX_STRING_BYTES:
                raise self.refusal(f"the string at byte {self._base + at} has {length} bytes; that is over the limit")
            at += _U64.size + length
            count -= 1
        self._at = at
        return count

    def _refill(self, length: int) -> None:
        self._require(length)
        self._base, self._at = self.offset, 0
        if self._base > _MAX_HEADER_BYTES:
            raise self.refusal(f"the header is over {_MAX_HEADER_BYTES} bytes; no model needs that")
        self._window = os.pread(self._fd, max(length, _WINDOW_BYTES), self._base)
        if len(self._window) < length:
            raise self.refusal("the file became shorter while it was being read")

    def _require(self, length: int) -> None:
        missing = self.offset + length - self._size_bytes
        if missing > 0:
            raise self.refusal(f"truncated in its header, by {missing} bytes or more")
