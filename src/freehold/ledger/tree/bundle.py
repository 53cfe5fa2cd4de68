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


def measure_entries(data: bytes) -> tuple[int, int]:
    """How many whole entries stand at the start, and how many bytes they take."""
    whole = at = 0
    while at + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        if at + _LENGTH.size + length > len(data):
            break
        at += _LENGTH.size + length
        whole += 1
    return whole, at
