# SPDX-License-Identifier: Apache-2.0
"""Guesses at what a pattern matches and a schema allows. Whoever uses a guess holds it against the real one."""

import re
from collections.abc import Mapping
from typing import Final

_DEEPEST: Final = 12
_MOST_REPEATS: Final = 10_000
_LONGEST: Final = 20_000  # characters
_CLASSES: Final = {"d": "7", "w": "a", "s": " ", "n": "\n", "t": "\t", "D": "a", "W": " ", "S": "a", "b": "", "B": ""}
_COUNT = re.compile(r"\{(\d{1,4})(,\d{0,4})?\}")
_PROPERTY = re.compile(r"\\p\{[^}]*\}|\\p[A-Z]")
_FLAGS = re.compile(r"\(\?[a-zA-Z-]+\)")


def text_for(pattern: str) -> str:
    """A text that the pattern may well match: the first way through it, with as little of everything as it takes."""
    return _Walk(_FLAGS.sub("", pattern)).alternatives(0)


class _Walk:
    """From the left to the right through a pattern."""

    def __init__(self, pattern: str) -> None:
        self._rest = pattern

    def alternatives(self, depth: int) -> str:
        """Up to the end, or to the bracket that closes the group. The first alternative counts."""
        first = self._sequence(depth)
        while self._rest.startswith("|"):
            self._rest = self._rest[1:]
            self._sequence(depth)
        return first

    def _sequence(self, depth: int) -> str:
        found = ""
        while self._rest and self._rest[0] not in "|)":
            found += self._repeated(self._one(depth))
        return found

    def _one(self, depth: int) -> str:
        character, self._rest = self._rest[0], self._rest[1:]
        if character == "(" and depth < _DEEPEST:
            self._rest = re.sub(r"^\?(?::|P?<[A-Za-z0-9_]+>|[a-zA-Z-]+:)", "", self._rest)
            inner = self.alternatives(depth + 1)
            self._rest = self._rest.removeprefix(")")
            return inner
        if character == "[":
            return self._one_of()
        if character == "\\":
            return self._escaped()
        return {"^": "", "$": "", ".": "a"}.get(character, character)

    def _one_of(self) -> str:
        inside, _, self._rest = self._rest.partition("]")
        if inside.startswith("^"):
            return next(
                (letter for letter in "a7 -Z\n" if letter not in inside), "\N{LATIN SMALL LETTER O WITH STROKE}"
            )
        if _PROPERTY.match(inside):
            return "a"
        return _CLASSES.get(inside[1:2], inside[1:2]) if inside.startswith("\\") else inside[:1]

    def _escaped(self) -> str:
        if found := _PROPERTY.match("\\" + self._rest):
            self._rest = self._rest[found.end() - 1 :]
            return "a"
        character, self._rest = self._rest[:1], self._rest[1:]
        return _CLASSES.get(character, character)

    def _repeated(self, found: str) -> str:
        while self._rest[:1] in ("*", "?", "+", "{"):
            if counted := _COUNT.match(self._rest):
                self._rest = self._rest[counted.end() :]
                found = (found * min(int(counted[1]), _MOST_REPEATS))[:_LONGEST]
            elif self._rest.startswith("{"):
                return found
            else:
                found = found if self._rest.startswith("+") else ""
                self._rest = self._rest[1:]
            self._rest = self._rest.removeprefix("?")
        return found


def value_for(schema: object, root: Mapping[str, object] | None = None, depth: int = 0) -> object:
    """A value that may well keep to the schema: the least that it asks for."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    root = schema if root is None else root
    given = [schema[name] for name in ("const", "default") if name in schema]
    given += [schema[name][0] for name in ("enum", "examples") if isinstance(schema.get(name), list) and schema[name]]
    if given:
        return given[0]
    if isinstance(reference := schema.get("$ref"), str):
        return value_for(_referred(reference, root), root, depth + 1)
    combined = _combined(schema)
    return _by_type(schema, root, depth) if combined is None else value_for(combined, root, depth + 1)


def _combined(schema: Mapping[str, object]) -> dict[str, object] | None:
    """The schema with what it combines laid over each other: all of allOf, the first of the others. None: nothing."""
    combined: dict[str, object] = {}
    for name, most in (("allOf", None), ("anyOf", 1), ("oneOf", 1)):
        parts = schema.get(name)
        for part in parts[:most] if isinstance(parts, list) else ():
            combined |= part if isinstance(part, dict) else {}
    rest = {name: value for name, value in schema.items() if name not in ("allOf", "anyOf", "oneOf")}
    return {**combined, **rest} if combined else None


def _by_type(schema: Mapping[str, object], root: Mapping[str, object], depth: int) -> object:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object" or (kind is None and ("properties" in schema or "required" in schema)):
        properties, required = schema.get("properties"), schema.get("required")
        known = properties if isinstance(properties, dict) else {}
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        return {name: value_for(known.get(name, {}), root, depth + 1) for name in names}
    if kind == "array":
        least = schema.get("minItems")
        return [value_for(schema.get("items", {}), root, depth + 1)] * min(_whole(least), _MOST_REPEATS)
    if kind == "string":
        text = text_for(pattern) if isinstance(pattern := schema.get("pattern"), str) else ""
        return text.ljust(min(_whole(schema.get("minLength")), _LONGEST), "a")
    if kind in ("integer", "number"):
        return _number(schema)
    return {"boolean": True, "null": None}.get(str(kind), "")


def _number(schema: Mapping[str, object]) -> object:
    if isinstance(least := schema.get("minimum"), int | float):
        return least
    if isinstance(more_than := schema.get("exclusiveMinimum"), int | float):
        return more_than + 1
    most = schema.get("maximum")
    return min(0, most) if isinstance(most, int | float) else 0


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _referred(reference: str, root: Mapping[str, object]) -> object:
    found: object = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(part) if isinstance(found, dict) and part else found
    return found
