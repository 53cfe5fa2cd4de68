# SPDX-License-Identifier: Apache-2.0
"""Writes a GGUF file, version 3: metadata, a table of tensors, and their bytes. The same parts give the same file."""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import prod
from typing import Final

from freehold.files.whole import write_all

_MAGIC: Final = b"GGUF"
_VERSION: Final = 3
_ALIGNMENT: Final = 32  # the format's own, where general.alignment does not say otherwise
_U32, _I32, _U64 = struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<Q")
_F32, _BOOL = struct.Struct("<f"), struct.Struct("<?")
_TYPE_U32, _TYPE_I32, _TYPE_F32, _TYPE_BOOL, _TYPE_STRING, _TYPE_ARRAY = 4, 5, 6, 7, 8, 9

Value = int | float | bool | str | Sequence[str] | Sequence[int]


class TensorType(IntEnum):
    """How the numbers of a tensor are written."""

    F32 = 0
    F16 = 1
    BF16 = 30

    @property
    def item_bytes(self) -> int:
        return 4 if self is TensorType.F32 else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One tensor. ``shape`` has the slowest dimension first; ``pieces`` gives its bytes, once, in order."""

    name: str
    shape: tuple[int, ...]
    type: TensorType
    pieces: Callable[[], Iterator[bytes]]

    @property
    def size_bytes(self) -> int:
        return prod(self.shape) * self.type.item_bytes


def write_gguf(
    fd: int, metadata: Mapping[str, Value], tensors: Sequence[Tensor], progress: Callable[[int, int], None]
) -> None:
    """Write the whole file at the descriptor's place. Raises OSError, and ValueError for pieces of another size."""
    head = b"".join(_head(metadata, tensors))
    total_bytes = len(head) + _padding(len(head)) + sum(_padded(tensor.size_bytes) for tensor in tensors)
    done_bytes = write_all(fd, head + bytes(_padding(len(head))))
    for tensor in tensors:
        written = 0
        for piece in tensor.pieces():
            written += write_all(fd, piece)
            progress(done_bytes + written, total_bytes)
        if written != tensor.size_bytes:
            raise ValueError(f"{tensor.name} has {written} bytes, expected {tensor.size_bytes}")
        done_bytes += written + write_all(fd, bytes(_padding(written)))


def _head(metadata: Mapping[str, Value], tensors: Sequence[Tensor]) -> Iterator[bytes]:
    yield _MAGIC + _U32.pack(_VERSION) + _U64.pack(len(tensors)) + _U64.pack(len(metadata))
    for key, value in metadata.items():
        yield _text(key) + _value(value)
    offset = 0
    for tensor in tensors:
        yield _text(tensor.name) + _U32.pack(len(tensor.shape))
        yield b"".join(_U64.pack(width) for width in reversed(tensor.shape))  # the format has the fastest one first
        yield _U32.pack(tensor.type) + _U64.pack(offset)
        offset += _padded(tensor.size_bytes)


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return _U32.pack(_TYPE_BOOL) + _BOOL.pack(value)
        case int():
            return _U32.pack(_TYPE_U32) + _U32.pack(value)
        case float():
            return _U32.pack(_TYPE_F32) + _F32.pack(value)
        case str():
            return _U32.pack(_TYPE_STRING) + _text(value)
        case _:
            return _U32.pack(_TYPE_ARRAY) + _array(value)


def _array(values: Sequence[str] | Sequence[int]) -> bytes:
    kind = _TYPE_STRING if values and isinstance(values[0], str) else _TYPE_I32
    items = (_text(value) if isinstance(value, str) else _I32.pack(value) for value in values)
    return _U32.pack(kind) + _U64.pack(len(values)) + b"".join(items)


def _text(text: str) -> bytes:
    data = text.encode()
    return _U64.pack(len(data)) + data


def _padded(size_bytes: int) -> int:
    return size_bytes + _padding(size_bytes)


def _padding(size_bytes: int) -> int:
    return -size_bytes % _ALIGNMENT
