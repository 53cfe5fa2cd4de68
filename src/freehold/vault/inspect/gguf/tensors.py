# SPDX-License-Identifier: Apache-2.0
"""The tensor table of a GGUF header: where each tensor lies and how long it is (gguf.md, gguf_tensor_info_t)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from freehold.vault.inspect.cursor import Cursor
from freehold.vault.inspect.gguf.types import TENSOR_TYPES, TensorType

_MAX_TENSORS = 100_000
_MAX_DIMENSIONS = 4
_MAX_WEIGHTS = 2**48  # of one tensor; nothing overflows below it
_MAX_NAME_BYTES = 63
_MIN_ALIGNMENT = 8
_MAX_ALIGNMENT = 2**16

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One row of the table."""

    name: str
    type: TensorType
    weights: int
    offset: int  # from the start of the data

    @property
    def size_bytes(self) -> int:
        return self.weights // self.type.block * self.type.block_bytes


def read_tensors(cursor: Cursor, count: int) -> list[Tensor]:
    """Read the table. Raises VaultError."""
    if not 0 < count <= _MAX_TENSORS:
        raise cursor.refusal(f"the header announces {count} tensors; a model has 1 to {_MAX_TENSORS}")
    return [_read_tensor(cursor) for _ in range(count)]


def _read_tensor(cursor: Cursor) -> Tensor:
    name = cursor.string(_MAX_NAME_BYTES)
    dimensions = cursor.number(_U32)
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise cursor.refusal(f"the tensor {name!r} has {dimensions} dimensions; the format has 1 to {_MAX_DIMENSIONS}")
    shape = [cursor.number(_U64) for _ in range(dimensions)]
    number, offset = cursor.number(_U32), cursor.number(_U64)
    kind = TENSOR_TYPES.get(number)
    if kind is None:
        raise cursor.refusal(f"the tensor {name!r} has the unknown type {number}")
    weights = 1
    for extent in shape:
        weights *= extent
        if not 0 < weights <= _MAX_WEIGHTS:
            raise cursor.refusal(f"the tensor {name!r} has an impossible shape")
    if shape[0] % kind.block:
        raise cursor.refusal(f"the tensor {name!r} has rows of {shape[0]}, which {kind.name} cannot hold")
    return Tensor(name, kind, weights, offset)


def check_places(cursor: Cursor, tensors: Sequence[Tensor], alignment: int, size_bytes: int) -> None:
    """Tensors follow each other without gap or overlap, aligned, and end inside the file. Raises VaultError."""
    if not _MIN_ALIGNMENT <= alignment <= _MAX_ALIGNMENT or alignment & (alignment - 1):
        raise cursor.refusal(
            f"the alignment is {alignment}; it must be a power of two, {_MIN_ALIGNMENT} to {_MAX_ALIGNMENT}"
        )
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise cursor.refusal("two tensors have the same name")
    expected = end = 0
    for tensor in tensors:
        if tensor.offset != expected:
            raise cursor.refusal(f"the tensor {tensor.name!r} lies at {tensor.offset}; its place is {expected}")
        end = tensor.offset + tensor.size_bytes
        expected = _aligned(end, alignment)
    needed = _aligned(cursor.offset, alignment) + end
    if needed > size_bytes:
        missing = needed - size_bytes
        raise cursor.refusal(f"truncated: {missing} bytes are missing ({size_bytes} of {needed} are there)")
    if size_bytes - needed > alignment:  # an archive behind the last tensor would be found by whoever reads archives
        raise cursor.refusal(f"{size_bytes - needed} bytes follow the last tensor; at most {alignment} fill it up")


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
