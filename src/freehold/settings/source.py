# SPDX-License-Identifier: Apache-2.0
"""The text of freehold.toml, for errors that name a line of it."""

import re
import tomllib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from freehold.errors import SettingsError
from freehold.settings.wording import in_words

T = TypeVar("T")
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")


class Source:
    """One file of this name."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def tables(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as exc:
            at = re.search(r"line (\d+), column (\d+)", str(exc))
            where = f"line {at[1]}, column {at[2]}" if at else "at its end"
            why = str(exc).partition(" (at ")[0]
            raise SettingsError(f"{self._name}, {where}: this is not TOML: {why}") from exc
        except RecursionError as exc:
            raise SettingsError(f"{self._name}: lists in lists go too deep") from exc

    def convert_named(self, kind: str, tables: object, section: Callable[[object], type[T]]) -> dict[str, T]:
        if not isinstance(tables, dict):
            raise self.error((), kind, f"{kind!r} is a table: [{kind}.NAME]")
        for name in tables:
            if not _NAME.match(name):
                raise self.error((kind, name), None, f"{name!r} is not a name: a-z, 0-9 and ._- only, at most 64")
        return {name: self.convert((kind, name), table, section(table)) for name, table in tables.items()}

    def convert(self, table: tuple[str, ...], values: object, section: type[T]) -> T:
        try:
            return msgspec.convert(values, section)
        except msgspec.ValidationError as exc:
            raise self._explained(table, str(exc), section) from exc

    def _explained(self, table: tuple[str, ...], said: str, section: type) -> SettingsError:
        """The message of msgspec, with our words for the two commonest and the line of the key it blames."""
        if unknown := re.search(r"unknown field `([^`]*)`", said):
            return self.error(table, unknown[1], f"unknown key {unknown[1]!r}")
        if missing := re.search(r"missing required field `([^`]*)`", said):
            return self.error(table, None, f"lacks {missing[1]!r}")
        what, _, path = said.partition(" - at `$")
        key = re.match(r"\.([A-Za-z0-9_]+)", path)
        what = in_words(what.replace("`", "'"), section, key[1]) if key else what.replace("`", "'")
        return self.error(table, key[1] if key else None, what)

    def error(self, table: tuple[str, ...], key: str | None, what: str) -> SettingsError:
        place = f"[{'.'.join(table)}] " if table else ""
        return SettingsError(f"{self._name}, line {self._line(table, key)}: {place}{key + ': ' if key else ''}{what}")

    def _line(self, table: tuple[str, ...], key: str | None) -> int:
        """The line of a key in its table, else of the table's head, else 1."""
        inside, found = not table, 1
        for number, line in enumerate(self._text.splitlines(), start=1):
            if head := re.match(r"\s*\[\s*([^\]]+?)\s*\]", line):
                inside = tuple(part.strip().strip("\"'") for part in head[1].split(".")) == table
                found = number if inside else found
            elif inside and key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
        return found
