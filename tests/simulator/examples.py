# SPDX-License-Identifier: Apache-2.0
"""A value that follows a JSON schema: always the same one for the same schema."""

from collections.abc import Mapping
from typing import Any

_BY_TYPE: Mapping[str, object] = {"string": "Zürich", "boolean": True, "null": None}


def example(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:  # noqa: PLR0911 - one a kind
    """Covers what tests ask for: objects, arrays, enums, constants, references, the least number that is allowed."""
    root = schema if root is None else root
    if "$ref" in schema:
        return example(_referred(schema["$ref"], root), root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return example(several[0], root)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: example(of, root) for name, of in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema.get("items", {"type": "string"}), root)] * max(schema.get("minItems", 1), 1)
    if kind in {"integer", "number"}:
        return schema.get("minimum", 7 if kind == "integer" else 7.5)
    return _BY_TYPE[kind]


def _referred(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    for step in reference.removeprefix("#/").split("/"):
        root = root[step]
    return root
