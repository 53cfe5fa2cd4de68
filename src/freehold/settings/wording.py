# SPDX-License-Identifier: Apache-2.0
"""What a field may hold, in words: nobody who misspelt a name should have to read a regular expression."""

from collections.abc import Iterator
from typing import get_args, get_type_hints

import msgspec

_OF_A_PATTERN = "matching regex"


def in_words(said: str, kind: type[msgspec.Struct], field: str) -> str:
    """What msgspec ``said`` of a field; of a pattern, what its description says where it has one."""
    if _OF_A_PATTERN not in said:
        return said
    hints = {each.encode_name: get_type_hints(kind, include_extras=True)[each.name] for each in _fields(kind)}
    return next((f"expected {words}" for words in _descriptions(hints.get(field))), said)


def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _descriptions(hint: object) -> Iterator[str]:
    """Of everything that the field may be."""
    for part in getattr(hint, "__metadata__", ()):
        if isinstance(part, msgspec.Meta) and part.pattern is not None and part.description is not None:
            yield part.description
    for part in get_args(hint):
        yield from _descriptions(part)
