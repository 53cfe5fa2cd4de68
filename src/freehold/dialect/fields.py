# SPDX-License-Identifier: Apache-2.0
"""The fields of a request, read by name and type. What is not as it should be is named by its path.

``null`` is the same as absent. What is well-formed but has no place at every target is noted on the way, as an extra.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from freehold.dialect.interface import Extra
from freehold.errors import InvalidRequest, Unsupported

MAX_TOKENS = 1_048_576
_MOST_STOPS = 16
_SEED_SPACE = 2**32 - 1  # the engine's seed is 32 bits wide, and all ones means "draw one"
_CARRIED = ("image", "reasoning", "reasoning_effort", "verbosity", "user")  # the hub's own names of extras
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # what may stand in a header


class Fields:
    """One JSON object of a request, and where in the request it stands. All objects of a request share its extras."""

    __slots__ = ("_extras", "_path", "_values")

    def __init__(self, values: Mapping[str, Any], path: str = "", extras: list[Extra] | None = None) -> None:
        self._values = values
        self._path = path
        self._extras: list[Extra] = [] if extras is None else extras

    @property
    def extras(self) -> tuple[Extra, ...]:
        """All that was noted in the whole request so far, in the order of reading."""
        return tuple(self._extras)

    def note(self, extra: Extra) -> None:
        self._extras.append(extra)

    def told_as(self, values: Mapping[str, Any]) -> "Fields":
        """The same object, with some fields put into another dialect's words."""
        return Fields({**self._values, **values}, self._path, self._extras)

    def beside(self, known: Collection[str]) -> list[str]:
        """The names of fields that have a value and are not among the known."""
        return [name for name, value in self._values.items() if name not in known and value is not None]

    def path(self, name: str) -> str:
        """Of one field; of the object itself where the name is empty."""
        return f"{self._path}.{name}" if self._path and name else self._path or name

    def get(self, name: str) -> object:
        """The value as it is; None where there is none."""
        return self._values.get(name)

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self.invalid(name, "a string")

    def need_text(self, name: str) -> str:
        value = self.text(name)
        if value is None or not value.strip():
            raise self.invalid(name, "a string that is not empty")
        return value

    def flag(self, name: str) -> bool | None:
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self.invalid(name, "true or false")

    def whole(self, name: str, least: int, most: int) -> int | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.invalid(name, f"a whole number from {least} to {most}")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self.invalid(name, f"a number from {least:g} to {most:g}")
        return value

    def one_of(self, name: str, *allowed: str) -> str | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or value not in allowed:
            raise self.invalid(name, " or ".join(repr(each) for each in allowed))
        return value

    def need_one_of(self, name: str, *allowed: str) -> str:
        value = self.one_of(name, *allowed)
        if value is None:
            raise self.invalid(name, " or ".join(repr(each) for each in allowed))
        return value

    def inner(self, name: str) -> "Fields | None":
        """An object."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.invalid(name, "an object")
        return Fields(value, self.path(name), self._extras)

    def need_inner(self, name: str) -> "Fields":
        value = self.inner(name)
        if value is None:
            raise self.invalid(name, "an object")
        return value

    def whole_object(self, name: str) -> dict[str, Any] | None:
        """An object that is handed on as it is, a JSON schema for one."""
        value = self._values.get(name)
        if value is None or isinstance(value, dict):
            return value
        raise self.invalid(name, "an object")

    def each(self, name: str) -> "list[Fields]":
        """A list of objects; empty where there is none."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.invalid(name, "a list of objects")
        for index, element in enumerate(value):
            if not isinstance(element, dict):
                raise self.invalid(f"{name}[{index}]", "an object")
        path = self.path(name)
        return [Fields(element, f"{path}[{index}]", self._extras) for index, element in enumerate(value)]

    def need_each(self, name: str) -> "list[Fields]":
        value = self.each(name)
        if not value:
            raise self.invalid(name, "a list with at least one object")
        return value

    def stops(self, name: str) -> list[str] | None:
        """Strings at which the answer ends: one, or a list of them."""
        value = self._values.get(name)
        if value is None:
            return None
        stops = [value] if isinstance(value, str) else value
        if not isinstance(stops, list) or len(stops) > _MOST_STOPS:
            raise self.invalid(name, f"a string or a list of at most {_MOST_STOPS} strings")
        for stop in stops:
            if not isinstance(stop, str) or not stop:
                raise self.invalid(name, "strings that are not empty")
        return stops

    def max_tokens(self, name: str) -> int | None:
        """A bound on the answer. The context bounds it too."""
        return self.whole(name, 1, MAX_TOKENS)

    def seed(self, name: str) -> int | None:
        """Any 64-bit seed, folded into those that the engine takes."""
        value = self.whole(name, -(2**63), 2**64 - 1)
        return None if value is None else value % _SEED_SPACE

    def refuse_if(self, name: str, why: str) -> None:
        """Raise Unsupported if the field is there and says anything: not null, false, zero or empty."""
        if self._values.get(name):
            raise self.unsupported(name, why)

    def invalid(self, name: str, expected: str) -> InvalidRequest:
        path = self.path(name)
        problem = "is missing; it must be" if name not in self._values and "[" not in name else "must be"
        return InvalidRequest(f"{path} {problem} {expected}", param=path)

    def unsupported(self, name: str, why: str) -> Unsupported:
        path = self.path(name)
        return Unsupported(f"{path}: {why}", param=path)


def extra_name(word: str) -> str:
    """What a service may let go, for a field or a kind of content that the hub has no word for.

    Never one of the hub's own names: an API that has a place for those would pass for having one for this.
    """
    if not _NAME.fullmatch(word):
        return "unknown"
    return f"other_{word}" if word in _CARRIED else word


def present(**fields: object) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
