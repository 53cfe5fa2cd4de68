# SPDX-License-Identifier: Apache-2.0
"""A request's body as one JSON object.

Refuses what is not UTF-8, not JSON, not an object, or nested deeper than anything that a model can use. Where a key
occurs twice the last one counts; backends get what was read here, never the caller's bytes, so no two readers differ.
"""

from typing import Any

import msgspec

from freehold.errors import InvalidRequest

_MAX_DEPTH = 128


def read_object(body: bytes) -> dict[str, Any]:
    """Decode a body. Raises InvalidRequest."""
    try:
        document = msgspec.json.decode(body)
    except RecursionError as exc:
        raise _too_deep() from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise InvalidRequest(f"the body is not {_lacking(body, exc)}") from exc
    if not isinstance(document, dict):
        raise InvalidRequest("the body must be a JSON object")
    # No document is deeper than it has opening brackets, so most need no walk.
    if body.count(b"{") + body.count(b"[") > _MAX_DEPTH and _is_deep(document):
        raise _too_deep()
    return document


def _lacking(body: bytes, why: Exception) -> str:
    """What it should be, and why it is none; where, but nothing of what stands there."""
    try:
        body.decode()
    except UnicodeDecodeError as exc:
        return f"UTF-8 (byte {exc.start})"
    found = str(why).partition(" - at ")[0].removeprefix("JSON is malformed: ")
    return f"well-formed JSON: {found[:1].lower()}{found[1:]}"


def _is_deep(document: object) -> bool:
    """Walk level by level, without recursion."""
    level = [document]
    for _ in range(_MAX_DEPTH):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        level = [value for value in below if isinstance(value, dict | list)]
        if not level:
            return False
    return True


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"the body is nested deeper than {_MAX_DEPTH} levels")
