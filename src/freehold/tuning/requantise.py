# SPDX-License-Identifier: Apache-2.0
"""Writes a GGUF file in another format, by the gguf package. The same file gives the same bytes.

What the file says of itself is copied byte for byte, but for its format; so tokenizer and chat template stay what they
were. Only ``worker.py`` imports this, inside the jail.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gguf import GGMLQuantizationType, GGUFReader, ReaderTensor
from gguf.quants import dequantize, quantize

from freehold.files.whole import write_all
from freehold.tuning.formats import F16, F32, Format, Tensor, new_types
from freehold.tuning.order import step_line

_PIECE_WEIGHTS: Final = 4 * 2**20  # written at a time
_HEAD: Final = struct.Struct("<4sIQQ")  # magic, version, tensors, keys
_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_TYPE_U32: Final = 4
_QUANTIZATION_VERSION: Final = 2  # of the layout of quantised blocks


class Refused(Exception):
    """The model cannot be written so. The message is for the operator."""


def requantise(source_fd: int, draft_fd: int, kind: Format) -> None:
    """Write the file behind one descriptor to another. Raises Refused, OSError."""
    reader = _opened(source_fd)
    tensors = tuple(_described(tensor) for tensor in reader.tensors)
    if kind.tensor_type is None:
        raise Refused(f"the gguf package does not write {kind.name}")
    types = new_types(tensors, kind.tensor_type)
    if types == tuple(tensor.type for tensor in tensors):
        raise Refused(f"no tensor of it can be written as {kind.name}")
    parts = [_Part(tensor, type_) for tensor, type_ in zip(reader.tensors, types, strict=True)]
    write_all(draft_fd, _padded(_header(source_fd, reader, parts, kind), reader.alignment))
    for number, part in enumerate(parts, 1):
        written = sum(write_all(draft_fd, piece) for piece in part.pieces())
        if written != part.size_bytes:
            raise Refused(f"{part.tensor.name} came out as {written} bytes, expected {part.size_bytes}")
        write_all(draft_fd, bytes(-written % reader.alignment))
        print(step_line(number, len(parts)), flush=True)  # noqa: T201 - whoever started the process reads it


@dataclass(frozen=True, slots=True)
class _Part:
    """One tensor and the type that it is to have."""

    tensor: ReaderTensor
    type: int

    @property
    def size_bytes(self) -> int:
        if self.type == self.tensor.tensor_type:
            return int(self.tensor.n_bytes)
        block, block_bytes = _SIZES[self.type]
        return int(self.tensor.n_elements) // block * block_bytes

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, in order, some rows at a time."""
        if self.type == self.tensor.tensor_type:
            yield self.tensor.data.tobytes()
            return
        width = int(self.tensor.shape[0])
        rows = self.tensor.data.reshape(int(self.tensor.n_elements) // width, -1)
        at_once = max(1, _PIECE_WEIGHTS // width)
        for begin in range(0, len(rows), at_once):
            floats = dequantize(rows[begin : begin + at_once], self.tensor.tensor_type)
            yield quantize(floats, GGMLQuantizationType(self.type)).tobytes()


_SIZES: Final = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)}


def _opened(fd: int) -> GGUFReader:
    try:
        return GGUFReader(f"/proc/self/fd/{fd}")
    except (ValueError, KeyError) as exc:  # its header was read by the vault; what is left are types that are too new
        raise Refused("it has a type of tensor that the gguf package does not know") from exc


def _described(tensor: ReaderTensor) -> Tensor:
    if tensor.tensor_type not in (F32, F16):
        _require_readable(tensor)
    shape = tuple(int(extent) for extent in tensor.shape)
    return Tensor(name=tensor.name, type=int(tensor.tensor_type), shape=shape)


def _require_readable(tensor: ReaderTensor) -> None:
    """Try one row: the package knows more types than it can read."""
    try:
        dequantize(tensor.data.reshape(-1, tensor.data.shape[-1])[:1], tensor.tensor_type)
    except (NotImplementedError, ValueError) as exc:
        known = GGMLQuantizationType(tensor.tensor_type).name
        raise Refused(f"the gguf package cannot read {known}, which {tensor.name} has") from exc


def _header(source_fd: int, reader: GGUFReader, parts: list[_Part], kind: Format) -> bytes:
    """Everything before the first tensor's bytes."""
    first = min(int(part.tensor.field.offset) for part in parts)
    magic, version, count, keys = _HEAD.unpack(os.pread(source_fd, _HEAD.size, 0))
    said, added = bytearray(os.pread(source_fd, first - _HEAD.size, _HEAD.size)), b""
    for name, value in (
        ("general.file_type", kind.file_type),
        ("general.quantization_version", _QUANTIZATION_VERSION),
    ):
        field = reader.fields.get(name)
        if field is None:
            added += _U64.pack(len(name)) + name.encode() + _U32.pack(_TYPE_U32) + _U32.pack(value)
            keys += 1
        else:
            value_at = int(field.offset) + _U64.size + len(name) + _U32.size - _HEAD.size
            said[value_at : value_at + _U32.size] = _U32.pack(value)
    table, offset = b"", 0
    for part in parts:
        name_bytes = part.tensor.name.encode()
        table += _U64.pack(len(name_bytes)) + name_bytes + _U32.pack(len(part.tensor.shape))
        table += b"".join(_U64.pack(int(extent)) for extent in part.tensor.shape)
        table += _U32.pack(part.type) + _U64.pack(offset)
        offset += part.size_bytes + -part.size_bytes % reader.alignment
    return _HEAD.pack(magic, version, count, keys) + bytes(said) + added + table


def _padded(content: bytes, alignment: int) -> bytes:
    return content + bytes(-len(content) % alignment)
