# SPDX-License-Identifier: Apache-2.0
"""The header of a safetensors file: its length in eight bytes, JSON with the table of tensors, then their bytes.

It is held to what the format's own reader demands and to limits besides: no name twice, types that are known, shapes
that fit their bytes, and places that follow each other from the first byte of the data to the last one of the file.
"""

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from freehold.errors import VaultError
from freehold.vault.inspect.documents import Node, read_json

_U64 = struct.Struct("<Q")
_MAX_HEADER_BYTES = 16 * 2**20
_MAX_TENSORS = 100_000
_MAX_DIMENSIONS = 8
_MAX_WEIGHTS = 2**48  # of one tensor; nothing overflows below it
_MAX_NAME = 512
_MAX_METADATA = 1000
_METADATA = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}
_BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "U8": 8,
    "I8": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C64": 64,
}


@dataclass(frozen=True, slots=True)
class SafeTensor:
    """One row of the table; ``begin`` and ``end`` count from the start of the data."""

    name: str
    dtype: str
    weights: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetensorsHeader:
    """The facts that Freehold needs."""

    tensors: Mapping[str, SafeTensor]
    metadata: Mapping[str, str]
    data_begin: int  # where in the file the data starts

    @property
    def parameters(self) -> int:
        return sum(tensor.weights for tensor in self.tensors.values())

    @property
    def dtype(self) -> str:
        """The type that holds most of the weights."""
        weights: dict[str, int] = {}
        for tensor in self.tensors.values():
            weights[tensor.dtype] = weights.get(tensor.dtype, 0) + tensor.weights
        return max(weights, key=lambda dtype: (weights[dtype], dtype))


def read_safetensors(fd: int, size_bytes: int, name: str) -> SafetensorsHeader:
    """Read the header of an open file. Raises VaultError, and nothing else for whatever the bytes may be."""
    start = os.pread(fd, _U64.size + 1, 0)
    if len(start) <= _U64.size or start[_U64.size :] != b"{":
        raise VaultError(f"{name}: this is not a safetensors file: its header does not begin with '{{'")
    length: int = _U64.unpack_from(start)[0]
    if length > _MAX_HEADER_BYTES:
        raise VaultError(f"{name}: the header announces {length} bytes; at most {_MAX_HEADER_BYTES} are read")
    data_bytes = size_bytes - _U64.size - length
    if data_bytes < 0:
        raise VaultError(f"{name}: truncated in its header, by {-data_bytes} bytes or more")
    document = read_json(os.pread(fd, length, _U64.size), name)
    if not isinstance(document, dict):  # it began with '{', so this is for the reader of types
        raise VaultError(f"{name}: the header is not a table of tensors")
    metadata = _metadata(document.pop(_METADATA, {}), name)
    if not 0 < len(document) <= _MAX_TENSORS:
        raise VaultError(f"{name}: the header has {len(document)} tensors; a model has 1 to {_MAX_TENSORS}")
    tensors = {key: _tensor(key, row, name) for key, row in document.items()}
    _check_places(tensors, data_bytes, name)
    return SafetensorsHeader(tensors=tensors, metadata=metadata, data_begin=_U64.size + length)


def _metadata(node: Node, name: str) -> dict[str, str]:
    texts = {key: value for key, value in node.items() if isinstance(value, str)} if isinstance(node, dict) else None
    if texts is None or not isinstance(node, dict) or len(texts) != len(node) or len(texts) > _MAX_METADATA:
        raise VaultError(f"{name}: {_METADATA} is not a table of at most {_MAX_METADATA} texts")
    return texts


def _tensor(key: str, row: Node, name: str) -> SafeTensor:
    if not 0 < len(key) <= _MAX_NAME:
        raise VaultError(f"{name}: a tensor's name has {len(key)} characters; at most {_MAX_NAME} are read")
    what = f"{name}: the tensor {key[:80]!r}"
    if not isinstance(row, dict) or set(row) != _FIELDS:
        raise VaultError(f"{what} does not have exactly {', '.join(sorted(_FIELDS))}")
    dtype = row["dtype"]
    bits = _BITS.get(dtype) if isinstance(dtype, str) else None
    if not isinstance(dtype, str) or bits is None:
        raise VaultError(f"{what} has the unknown type {str(dtype)[:40]!r}")
    weights = _weights(row["shape"], what)
    begin, end = _offsets(row["data_offsets"], what)
    if weights * bits != (end - begin) * 8:
        raise VaultError(f"{what} lies in {end - begin} bytes; its shape takes {weights * bits / 8:.10g}")
    return SafeTensor(key, dtype, weights, begin, end)


def _weights(shape: Node, what: str) -> int:
    extents = list(_counts(shape))
    if not isinstance(shape, list) or len(extents) != len(shape) or len(extents) > _MAX_DIMENSIONS:
        raise VaultError(f"{what} has no shape of at most {_MAX_DIMENSIONS} extents")
    weights = 1
    for extent in extents:
        weights *= extent
        if extent > _MAX_WEIGHTS or weights > _MAX_WEIGHTS:
            raise VaultError(f"{what} has an impossible shape")
    return weights


def _offsets(offsets: Node, what: str) -> tuple[int, int]:
    numbers = list(_counts(offsets))
    if not isinstance(offsets, list) or len(offsets) != 2 or len(numbers) != 2 or not numbers[0] <= numbers[1] < 2**63:
        raise VaultError(f"{what} has no place: data_offsets is not a begin and an end")
    return numbers[0], numbers[1]


def _counts(node: Node) -> Iterator[int]:
    """The items that are counts; true and false, which Python takes for numbers, are none."""
    return (item for item in node if type(item) is int and item >= 0) if isinstance(node, list) else iter(())


def _check_places(tensors: Mapping[str, SafeTensor], data_bytes: int, name: str) -> None:
    expected = 0
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.begin, tensor.end)):
        if tensor.begin != expected:
            how = "overlaps the one before it" if tensor.begin < expected else "leaves a gap before it"
            raise VaultError(
                f"{name}: the tensor {tensor.name[:80]!r} {how}: it lies at {tensor.begin}, not {expected}"
            )
        expected = tensor.end
    if expected > data_bytes:
        raise VaultError(f"{name}: truncated: {expected - data_bytes} bytes are missing ({data_bytes} are there)")
    if expected < data_bytes:
        raise VaultError(f"{name}: has {data_bytes - expected} bytes behind its last tensor, which belong to nothing")


def check_index(document: Node, path: str, headers: Mapping[str, SafetensorsHeader]) -> None:
    """The index names every tensor of the files beside it, once and where it is. Raises VaultError."""
    weight_map = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(weight_map, dict):
        raise VaultError(f"{path}: has no weight_map")
    folder = PurePosixPath(path).parent
    for tensor, file in weight_map.items():
        header = headers.get(str(folder / file)) if isinstance(file, str) else None
        if header is None:
            raise VaultError(f"{path}: names the file {str(file)[:80]!r}, which is not there")
        if tensor not in header.tensors:
            raise VaultError(f"{path}: says that the tensor {tensor[:80]!r} is in {file!r}, and it is not")
    there = sum(len(header.tensors) for header in headers.values())
    if there != len(weight_map):
        raise VaultError(f"{path}: names {len(weight_map)} tensors, and the files hold {there}")
