# SPDX-License-Identifier: Apache-2.0
"""JSON that can be read in one way only, and frozen dataclasses out of it, by their annotations. Standard library only.

Refused: what is not UTF-8, a name that stands twice in an object, fractions, NaN and Infinity, half a surrogate pair,
a value of another type than the field's, null. What a field's annotation may be is what entries and receipts need.
"""

import dataclasses
import json
import types
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Value = TypeVar("Value")
Read = Callable[[object], object]
_MAX_COUNT = 2**63 - 1
_SPACE = " \t\r\n"  # RFC 8259 §2


def parse_json(data: bytes) -> object:
    """Raises ValueError."""
    text = data.decode().strip(_SPACE)
    try:
        value, end = _decoder.raw_decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if end != len(text):
        raise ValueError("something follows the value")
    if "\\u" in text:
        write_canonical(value)  # fails on half a surrogate pair
    return cast("object", value)


def write_canonical(value: object) -> bytes:
    """RFC 8785, for what ``parse_json`` reads with names in ASCII. Raises ValueError."""
    return _encoder.encode(value).encode()


def reader_of(kind: type[Value], *, unknown_fields: bool) -> Callable[[object], Value]:
    """A function from parsed JSON to a dataclass; it raises ValueError. ``unknown_fields`` are passed over, or refused.

    A field with a default may be absent, and only such a one.
    """
    return cast("Callable[[object], Value]", _object_reader(kind, unknown_fields=unknown_fields))


def present_fields(value: object) -> dict[str, object]:
    """What a dataclass says, as JSON has it: what is None is left out."""
    return {
        field.name: _plain(found)
        for field in dataclasses.fields(value)  # type: ignore[arg-type]  # only ever called with dataclasses
        if (found := getattr(value, field.name)) is not None
    }


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return cast("object", value.value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return present_fields(value) if dataclasses.is_dataclass(value) else value


def _object_reader(kind: type, *, unknown_fields: bool) -> Read:
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    readers = {field.name: _reader(hints[field.name], unknown_fields=unknown_fields) for field in fields}
    needed = frozenset(field.name for field in fields if field.default is dataclasses.MISSING)

    def read(value: object) -> object:
        if type(value) is not dict or not needed <= value.keys():
            raise ValueError(f"no {kind.__name__}")
        found: dict[str, object] = {}
        for name, item in value.items():
            reader = readers.get(name)
            if reader is _text:  # most are: no call for each
                if type(item) is not str:
                    raise ValueError("no text")
                found[name] = item
            elif reader is not None:
                found[name] = reader(item)
            elif not unknown_fields:
                raise ValueError(f"a field that {kind.__name__} has not")
        return kind(**found)

    return read


def _reader(hint: object, *, unknown_fields: bool) -> Read:
    """The reader of one annotation."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (part for part in get_args(hint) if part is not types.NoneType)
        return _reader(inner, unknown_fields=unknown_fields)
    if get_origin(hint) is tuple:
        return _row_reader(_reader(get_args(hint)[0], unknown_fields=unknown_fields))
    if hint == dict[str, str]:
        return _texts
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word_reader(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _object_reader(hint, unknown_fields=unknown_fields)
    raise TypeError(f"a field of {hint} cannot be read")


def _row_reader(read: Read) -> Read:
    def read_row(value: object) -> object:
        if type(value) is not list:
            raise ValueError("no list")
        return tuple([read(item) for item in value])

    return read_row


def _word_reader(words: type[Enum]) -> Read:
    known: dict[object, Enum] = {word.value: word for word in words}

    def read_word(value: object) -> object:
        if type(value) is not str or value not in known:
            raise ValueError("an unknown word")
        return known[value]

    return read_word


def _text(value: object) -> object:
    if type(value) is not str:
        raise ValueError("no text")
    return value


def _count(value: object) -> object:
    if type(value) is not int or not 0 <= value <= _MAX_COUNT:
        raise ValueError("no count")
    return value


def _truth(value: object) -> object:
    if type(value) is not bool:
        raise ValueError("neither true nor false")
    return value


def _texts(value: object) -> object:
    if type(value) is not dict or not all(type(item) is str for item in value.values()):
        raise ValueError("no object of texts")
    return value


_SCALARS: dict[object, Read] = {str: _text, int: _count, bool: _truth}


def _each_name_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is no whole number")


_decoder = json.JSONDecoder(object_pairs_hook=_each_name_once, parse_float=_no_number, parse_constant=_no_number)
_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
