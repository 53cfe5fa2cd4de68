# SPDX-License-Identifier: Apache-2.0
"""The metadata of a GGUF header: keys with typed values (gguf.md, gguf_metadata_kv_t).

Only the values that Freehold needs are made; all others are passed over with their form checked. A needed key that has
another type than the format gives it is refused, and so is a chat template that hides in anything but a string.
"""

import re
import struct
from enum import IntEnum

from freehold.vault.inspect.cursor import Cursor

TEMPLATE = "tokenizer.chat_template"
_TEMPLATE_NAMES = "tokenizer.chat_templates"  # the names of those that have one, as an array of strings
_TOKENIZER = "tokenizer.ggml."

_MAX_ARRAY = 2**26
_MAX_KEYS = 2000
_MAX_LAYERS = 1024
_MAX_KEY_BYTES = 1024
_MAX_TEXT_BYTES = 2**20  # of a string that is kept; the longest is a chat template

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")

Value = str | int | tuple[int, ...]


class _Kind(IntEnum):
    """gguf_metadata_value_type."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


_SIZES = {
    _Kind.UINT8: 1,
    _Kind.INT8: 1,
    _Kind.UINT16: 2,
    _Kind.INT16: 2,
    _Kind.UINT32: 4,
    _Kind.INT32: 4,
    _Kind.FLOAT32: 4,
    _Kind.BOOL: 1,
    _Kind.UINT64: 8,
    _Kind.INT64: 8,
    _Kind.FLOAT64: 8,
}
_KEPT = {  # keys whose value is needed, and the one type that the format gives each
    "general.architecture": _Kind.STRING,
    "general.type": _Kind.STRING,
    "general.name": _Kind.STRING,
    "general.license": _Kind.STRING,
    "general.license.name": _Kind.STRING,
    "general.license.link": _Kind.STRING,
    "general.file_type": _Kind.UINT32,
    "general.alignment": _Kind.UINT32,
    "split.count": _Kind.UINT16,
    "tokenizer.ggml.model": _Kind.STRING,
}
_KEPT_OF_ARCHITECTURE = {  # behind the architecture's name and a dot
    "context_length": _Kind.UINT32,
    "embedding_length": _Kind.UINT32,
    "block_count": _Kind.UINT32,
    "attention.key_length": _Kind.UINT32,
    "attention.value_length": _Kind.UINT32,
    "pooling_type": _Kind.UINT32,
}
_BASE_MODEL = re.compile(r"general\.base_model\.\d{1,4}\.repo_url")
_KEPT_BY_LAYER = frozenset({"attention.head_count", "attention.head_count_kv"})  # one number, or one for each layer


class Metadata:
    """The values that were kept, by key."""

    def __init__(self, values: dict[str, Value], tokenizer_spans: tuple[tuple[int, int], ...] = ()) -> None:
        self._values = values
        self.tokenizer_spans = tokenizer_spans  # where in the file each key of the tokenizer lies, with its value

    def text(self, key: str) -> str:
        """A string; empty where the file has none."""
        value = self._values.get(key, "")
        return value if isinstance(value, str) else ""

    @property
    def templates(self) -> dict[str, str]:
        """The chat templates by their keys, the plain one and those with a name, wherever they are."""
        return {key: value for key, value in self._values.items() if _is_template(key) and isinstance(value, str)}

    @property
    def base_models(self) -> tuple[str, ...]:
        """Where the models lie that this one was made from, as the file says."""
        values = ((key, value) for key, value in self._values.items() if _BASE_MODEL.fullmatch(key))
        return tuple(value for _, value in sorted(values, key=lambda item: item[0]) if isinstance(value, str))

    def number(self, key: str, default: int = 0) -> int:
        value = self._values.get(key, default)
        return value if isinstance(value, int) else default

    def by_layer(self, key: str, layers: int) -> tuple[int, ...]:
        """One number for each layer, whether the file repeats it or not."""
        value = self._values.get(key, 0)
        if isinstance(value, tuple):
            return value
        return (value,) * min(layers, _MAX_LAYERS) if isinstance(value, int) else ()


def read_values(cursor: Cursor, count: int) -> Metadata:
    """Read ``count`` keys. Raises VaultError."""
    if count > _MAX_KEYS:
        raise cursor.refusal(f"the header announces {count} keys; at most {_MAX_KEYS} are read")
    values: dict[str, Value] = {}
    seen: set[str] = set()
    spans: list[tuple[int, int]] = []
    for _ in range(count):
        begin = cursor.offset
        key = cursor.string(_MAX_KEY_BYTES)
        if key in seen:
            raise cursor.refusal(f"the key {key!r} is there twice")
        seen.add(key)
        value = _read_value(cursor, key, _read_kind(cursor, key))
        if value is not None:
            values[key] = value
        if key.startswith(_TOKENIZER):
            spans.append((begin, cursor.offset))
    return Metadata(values, tuple(spans))


def _read_kind(cursor: Cursor, key: str) -> _Kind:
    number = cursor.number(_U32)
    try:
        return _Kind(number)
    except ValueError:
        raise cursor.refusal(f"the key {key!r} has the unknown type {number}") from None


def _read_value(cursor: Cursor, key: str, kind: _Kind) -> Value | None:
    rest = key.partition(".")[2]
    if rest in _KEPT_BY_LAYER:
        return _read_by_layer(cursor, key, kind)
    wanted = _wanted(key, rest)
    if wanted is not None and kind is not wanted:
        raise cursor.refusal(f"the key {key!r} has type {kind.name}; the format says {wanted.name}")
    if wanted is None:
        _pass_over(cursor, key, kind)
        return None
    if kind is _Kind.STRING:
        return cursor.string(_MAX_TEXT_BYTES)
    return cursor.number(_U16 if kind is _Kind.UINT16 else _U32)


def _wanted(key: str, rest: str) -> _Kind | None:
    """The one type that a key may have, if its value is needed. A template is code: no other type may hide it."""
    if _is_template(key) or _BASE_MODEL.fullmatch(key):
        return _Kind.STRING
    return _KEPT_OF_ARCHITECTURE.get(rest) or _KEPT.get(key)


def _is_template(key: str) -> bool:
    """Whatever is called one, in whatever letters and wherever; but for the list of their names."""
    return "chat_template" in key.lower() and key != _TEMPLATE_NAMES


def _read_by_layer(cursor: Cursor, key: str, kind: _Kind) -> Value:
    if kind is _Kind.UINT32:
        return cursor.number(_U32)
    if kind is _Kind.ARRAY:
        item, count = _read_array_head(cursor, key)
        if item in (_Kind.UINT32, _Kind.INT32) and count <= _MAX_LAYERS:
            return tuple(cursor.number(_U32) for _ in range(count))
    raise cursor.refusal(f"the key {key!r} is neither a number nor one number for each layer")


def _pass_over(cursor: Cursor, key: str, kind: _Kind) -> None:
    if kind is _Kind.STRING:
        cursor.skip_strings(1)
    elif kind is _Kind.ARRAY:
        item, count = _read_array_head(cursor, key)
        if item is _Kind.STRING:
            cursor.skip_strings(count)
        else:
            cursor.skip(_SIZES[item] * count)
    else:
        cursor.skip(_SIZES[kind])


def _read_array_head(cursor: Cursor, key: str) -> tuple[_Kind, int]:
    item = _read_kind(cursor, key)
    count = cursor.number(_U64)
    if item is _Kind.ARRAY:
        raise cursor.refusal(f"the key {key!r} is an array of arrays; no engine reads that")
    if count > _MAX_ARRAY:
        raise cursor.refusal(f"the key {key!r} announces {count} items; at most {_MAX_ARRAY} are read")
    return item, count
