# SPDX-License-Identifier: Apache-2.0
"""JSON schemas, put so that engines which make grammars of them can read them. What they allow is the same. Pure."""

from collections.abc import Iterator
from typing import Any, Final

_NAMED: Final = ("properties", "$defs", "definitions")  # hold schemas by name
_INNER: Final = ("items", "prefixItems", "anyOf", "oneOf", "allOf")  # hold one, or a list of them
_WHOLE: Final = "#/$defs/whole"


def readable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without ``true`` for "anything", and without references to itself as a whole (``#``).

    OpenAI's recursive schemas have the one, what Rust's schemars writes has the other; llama.cpp knows neither.
    """
    plain: dict[str, Any] = without_true(schema)
    if "#" not in _references(plain):
        return plain
    return {"$defs": {"whole": rooted(plain, _WHOLE)}, "$ref": _WHOLE}


def without_true(schema: Any) -> Any:
    """The schema with ``{}``, which says the same, wherever ``true`` stands for one."""
    if schema is True:
        return {}
    if isinstance(schema, list):
        return [without_true(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    plain = dict(schema)
    for key in schema.keys() & _NAMED:
        if isinstance(schema[key], dict):
            plain[key] = {name: without_true(inner) for name, inner in schema[key].items()}
    for key in schema.keys() & _INNER:
        plain[key] = without_true(schema[key])
    return plain


def rooted(schema: Any, place: str) -> Any:
    """The schema with its inner references (``#...``) made to start from where it is put."""
    if isinstance(schema, list):
        return [rooted(element, place) for element in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: rooted(value, place) for key, value in schema.items()}
    reference = moved.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        moved["$ref"] = place + reference.removeprefix("#")
    return moved


def _references(schema: Any) -> Iterator[str]:
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        yield schema["$ref"]
    for element in inner:
        yield from _references(element)
