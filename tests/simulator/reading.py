# SPDX-License-Identifier: Apache-2.0
"""Requests read as strictly as vendors read them: an unknown field is an error. What is wrong, in no vendor's words."""

import re
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Path = tuple[str | int, ...]

_PATH = re.compile(r" - at `(?:key in )?\$([^`]*)`\Z")
_STEP = re.compile(r"\.([A-Za-z0-9_$-]+)|\[(\d+)\]|\[\.\.\.\]")
_FIELD = re.compile(r"Object (contains unknown|missing required) field `([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]*)`(.*)")


class Fields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An object of a request. What is not declared is refused."""


class Wrong(StrEnum):
    JSON = "json"  # not JSON at all
    UNKNOWN = "unknown"
    MISSING = "missing"
    TYPE = "type"
    VALUE = "value"


class Complaint(Exception):
    """One thing that is wrong with a request: where, and what was expected there."""

    def __init__(self, wrong: Wrong, path: Path, expected: str = "", given: object = None) -> None:
        super().__init__(f"{wrong} {path}: {expected}")
        self.wrong = wrong
        self.path = path
        self.expected = expected
        self.given = given  # what stands there, where that is known

    @property
    def bracketed(self) -> str:
        """``messages[0].content``"""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")

    @property
    def dotted(self) -> str:
        """``messages.0.content``"""
        return ".".join(map(str, self.path))


def read_json(body: bytes) -> dict[str, Any]:
    """Raises Complaint for what is not a JSON object."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise Complaint(Wrong.JSON, ()) from exc


def read(document: dict[str, Any], kind: type[T]) -> T:
    """Raises Complaint for the first thing that is wrong."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as exc:
        raise _complaint(document, str(exc)) from exc


def _complaint(document: object, said: str) -> Complaint:
    at = _PATH.search(said)
    path: Path = tuple(int(step[2]) if step[2] else step[1] for step in _STEP.finditer(at[1] if at else ""))
    if field := _FIELD.match(said):
        wrong = Wrong.UNKNOWN if "unknown" in field[1] else Wrong.MISSING
        path = (*path, field[2])
        return Complaint(wrong, path, given=_at(document, path))
    if expected := _EXPECTED.match(said):
        is_type = ", got" in said
        return Complaint(Wrong.TYPE if is_type else Wrong.VALUE, path, expected[1], _at(document, path))
    return Complaint(Wrong.VALUE, path, given=_at(document, path))


def _at(document: Any, path: Path) -> object:
    for step in path:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document
