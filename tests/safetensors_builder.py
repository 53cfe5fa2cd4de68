# SPDX-License-Identifier: Apache-2.0
"""Writes tiny safetensors files, right or wrong in exactly one place. The header is put down as told, unchecked."""

import json
import struct
from dataclasses import dataclass, field, replace
from typing import Any


def row(begin: int, end: int, shape: tuple[int, ...] = (), dtype: str = "F32") -> dict[str, Any]:
    """A row of the table; a vector of F32 unless told otherwise."""
    return {"dtype": dtype, "shape": list(shape or ((end - begin) // 4,)), "data_offsets": [begin, end]}


def sound_rows() -> dict[str, Any]:
    return {
        "__metadata__": {"format": "pt", "license": "apache-2.0"},
        "embeddings.weight": row(0, 128, (8, 4)),
        "norm.weight": row(128, 160, (8,)),
        "norm.bias": row(160, 176, (8,), "BF16"),
    }


@dataclass(frozen=True)
class Safetensors:
    """A file. Sound by default."""

    rows: dict[str, Any] = field(default_factory=sound_rows)
    data_bytes: int = 176
    text: str = ""  # instead of the rows
    length: int | None = None  # instead of the header's own

    def with_row(self, name: str, value: Any) -> "Safetensors":
        return replace(self, rows={**self.rows, name: value})

    def header(self) -> bytes:
        raw = (self.text or json.dumps(self.rows, separators=(",", ":"))).encode()
        return raw.ljust(-(-len(raw) // 8) * 8)

    def build(self) -> bytes:
        header = self.header()
        length = len(header) if self.length is None else self.length
        return struct.pack("<Q", length) + header + bytes(byte % 251 for byte in range(self.data_bytes))
