# SPDX-License-Identifier: Apache-2.0
"""Writes tiny GGUF files, right or wrong in exactly one place. The bytes are put down as told, unchecked."""

import struct
from dataclasses import dataclass, field, replace

UINT8, UINT16, INT32, UINT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 0, 2, 5, 4, 6, 7, 8, 9, 10
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def u64(number: int) -> bytes:
    return struct.pack("<Q", number)


def string(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return u64(len(raw)) + raw


def array(kind: int, *items: bytes) -> bytes:
    return u32(kind) + u64(len(items)) + b"".join(items)


@dataclass(frozen=True)
class Value:
    """A metadata value: its type's number, and its bytes."""

    kind: int
    raw: bytes


def text(value: str | bytes) -> Value:
    return Value(STRING, string(value))


def number(value: int) -> Value:
    return Value(UINT32, u32(value))


@dataclass(frozen=True)
class Tensor:
    """A row of the tensor table. F32 unless told otherwise; ``offset`` where it follows the one before."""

    name: str
    shape: tuple[int, ...] = (8, 4)
    kind: int = 0
    offset: int | None = None

    @property
    def size_bytes(self) -> int:
        weights = 1
        for extent in self.shape:
            weights *= extent
        return weights * 4


def sound_values() -> tuple[tuple[str, Value], ...]:
    return (
        ("general.architecture", text("llama")),
        ("general.type", text("model")),
        ("general.name", text("Tiny")),
        ("general.license", text("apache-2.0")),
        ("llama.block_count", number(2)),
        ("llama.context_length", number(64)),
        ("llama.embedding_length", number(8)),
        ("llama.attention.head_count", number(2)),
        ("llama.attention.head_count_kv", number(1)),
        ("llama.attention.layer_norm_rms_epsilon", Value(FLOAT32, struct.pack("<f", 1e-5))),
        ("general.file_type", number(0)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.tokens", Value(ARRAY, array(STRING, string("a"), string("b"), string("")))),
        ("tokenizer.ggml.token_type", Value(ARRAY, array(INT32, u32(1), u32(1), u32(3)))),
        ("tokenizer.chat_template", text(TEMPLATE)),
    )


@dataclass(frozen=True)
class Gguf:
    """A file. Sound by default."""

    values: tuple[tuple[str, Value], ...] = field(default_factory=sound_values)
    tensors: tuple[Tensor, ...] = (Tensor("token_embd.weight"), Tensor("output_norm.weight", (8,)))
    magic: bytes = b"GGUF"
    version: int = 3
    tensor_count: int | None = None
    key_count: int | None = None
    alignment: int = 32

    def with_value(self, key: str, value: Value) -> "Gguf":
        """The same file with one value replaced, or added at the end."""
        if any(known == key for known, _ in self.values):
            return replace(self, values=tuple((k, value if k == key else v) for k, v in self.values))
        return replace(self, values=(*self.values, (key, value)))

    def without(self, key: str) -> "Gguf":
        return replace(self, values=tuple((known, value) for known, value in self.values if known != key))

    def header(self) -> bytes:
        tensor_count = len(self.tensors) if self.tensor_count is None else self.tensor_count
        key_count = len(self.values) if self.key_count is None else self.key_count
        parts = [self.magic, u32(self.version), u64(tensor_count), u64(key_count)]
        parts += [string(key) + u32(value.kind) + value.raw for key, value in self.values]
        place = 0
        for tensor in self.tensors:
            parts += [string(tensor.name), u32(len(tensor.shape)), *map(u64, tensor.shape), u32(tensor.kind)]
            parts.append(u64(place if tensor.offset is None else tensor.offset))
            place = self._aligned(place + tensor.size_bytes)
        return b"".join(parts)

    def build(self) -> bytes:
        head = self.header()
        padded = head.ljust(self._aligned(len(head)), b"\0")
        data = 0
        for tensor in self.tensors:
            data = self._aligned(data) + tensor.size_bytes
        return padded + bytes(byte % 251 for byte in range(data))

    def _aligned(self, offset: int) -> int:
        return -(-offset // self.alignment) * self.alignment
