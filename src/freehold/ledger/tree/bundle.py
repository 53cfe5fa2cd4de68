# SPDX-License-Identifier: Apache-2.0
"""A row of entries as bytes: each behind its length, uint16 big-endian (c2sp.org/tlog-tiles §Log entries). Pure."""

import struct
from collections.abc import Iterable

MAX_ENTRY_BYTES = 65_535
_LENGTH = struct.Struct(">H")


def join_entries(entries: Iterable[bytes]) -> bytes:
    return b"".join([part for entry in entries for part in (_LENGTH.pack(len(entry)), entry)])


def split_entries(data: bytes) -> list[bytes] | None:
    """The entries, or None if the last one is cut off."""
    entries = []
    at, end = 0, len(data)
    while at + _LENGTH.size <= end:
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        entries.append(data[at : at + length])
        at += length
    return entries if at == end else None
