# SPDX-License-Identifier: Apache-2.0
"""The text of a request, whatever its dialect. Pure, and knows no dialect: what is not known to be no text is text.

So a field that an API adds tomorrow is read. Left out are the caller's tools and schemas, which describe data and are
none, and strings that are base64 and nothing else: pictures, sounds and files are not opened.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

_DESCRIPTIONS: Final = frozenset(
    {"model", "tools", "functions", "response_format", "output_config", "output_format", "text"}
)
_BASE64_AT_LEAST: Final = 512  # shorter, it may be a word
_BASE64: Final = re.compile(r"(data:[^,\s]{0,200};base64,)?[A-Za-z0-9+/_-]*={0,2}")
_NEVER: Final = " \n\t.,:;@()"  # in base64 as it is sent; far into a picture of megabytes these are looked for alone
_JSON: Final = re.compile(r"\s*[\[{]")


def text_of(fields: Mapping[str, Any], *, most: int) -> str | None:
    """Every piece of text on lines of its own, behind the name of its field. None: there are more characters."""
    pieces, left = [], most
    for piece in _pieces(fields, most):
        left -= len(piece) + 1
        if left < 0:
            return None
        pieces.append(piece)
    return "\n".join(pieces)


def _pieces(fields: Mapping[str, Any], most: int) -> Iterator[str]:
    """In the order of the request. Not recursive: whoever asks has a say in how deep it is."""
    waiting: list[tuple[str, Any]] = [item for item in fields.items() if item[0] not in _DESCRIPTIONS]
    waiting.reverse()
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            value = _within(value, most)
        if isinstance(value, Mapping):
            waiting.extend(reversed(list(value.items())))
        elif isinstance(value, list):
            waiting.extend((name, part) for part in reversed(value))
        elif value is not None and not isinstance(value, bool):
            yield f"{name}: {value}" if name else str(value)


def _within(value: str, most: int) -> Any:
    """What a string holds: nothing to read, a document of JSON such as a tool's arguments, or itself."""
    blob = _BASE64.fullmatch(value, 0, most)
    if blob and (blob[1] or len(value) >= _BASE64_AT_LEAST) and all(value.find(sign, most) < 0 for sign in _NEVER):
        return None
    if len(value) <= most and _JSON.match(value):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            pass
    return value
