# SPDX-License-Identifier: Apache-2.0
"""The reporting layout as data: templates, columns, code lists; and what a value of each kind may be."""

import re
from collections.abc import Mapping
from datetime import date
from importlib import resources
from typing import Final, Literal

import msgspec
import yaml

from freehold.errors import EstateError
from freehold.policy.facts.states import STATES

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Kind = Literal["text", "lei", "code", "country", "currency", "date", "amount", "whole", "function", "activity"]
_Need = Literal[
    "always", "optional", "subsequent", "critical", "stores", "stores_critical", "branch", "additional", "sub", "hard"
]
_FORMS: Final = {
    "lei": (re.compile(r"[A-Z0-9]{18}[0-9]{2}"), "a LEI of 20 characters whose check digits are right"),
    "currency": (re.compile(r"[A-Z]{3}"), "a currency of ISO 4217 such as EUR"),
    "amount": (re.compile(r"[0-9]{1,15}(\.[0-9]{1,2})?"), "an amount such as 120000 or 120000.50"),
    "whole": (re.compile(r"[0-9]{1,6}"), "a whole number"),
    "function": (re.compile(r"F[1-9][0-9]{0,5}"), "an identifier such as F1"),
    "activity": (re.compile(r"eba_TA:x[0-9]{1,3}"), "a code of the list of licensed activities such as eba_TA:x28"),
}
_FORMULA = ("=", "+", "-", "@")  # spreadsheets run what begins so


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``from``: ``ask SUBJECT``, ``same COLUMN`` or ``shown NAME``. ``typed_by``: the column with its type."""

    name: str
    kind: _Kind
    need: _Need
    source: str = msgspec.field(name="from")
    list: str = ""
    typed_by: str = ""


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``rows``: one for each of what."""

    rows: Literal["provider", "service", "provider and service"]
    columns: dict[str, Column]


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    source: str
    as_of: date
    status: str
    lists: dict[str, dict[str, str]]
    templates: dict[str, Template]

    def column(self, name: str) -> Column | None:
        """Of ``B_02.01.c0010``."""
        template, _, column = name.rpartition(".")
        found = self.templates.get(template)
        return found.columns.get(column) if found else None

    def written(self, column: Column, value: str) -> str:
        """As the CSV has it. Raises EstateError for a value that the column cannot have."""
        if column.kind == "code":
            codes: Mapping[str, str] = self.lists[column.list]
            if value not in codes:
                raise _wrong(value, f"one of {', '.join(codes)}")
            return codes[value]
        return _written(column.kind, value)


def load_layout() -> Layout:
    """As this release has it."""
    text = (resources.files("freehold.assess.evidence.dora") / "layout.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.load(text, Loader=_LOADER), Layout)  # noqa: S506 - a loader of plain values


def is_lei(value: str) -> bool:
    """By its form and its check digits."""
    return bool(_FORMS["lei"][0].fullmatch(value)) and int("".join(str(int(c, 36)) for c in value)) % 97 == 1


def _written(kind: str, value: str) -> str:
    if kind in _FORMS:
        form, said = _FORMS[kind]
        if not form.fullmatch(value) or (kind == "lei" and not is_lei(value)):
            raise _wrong(value, said)
        return f"eba_CU:{value}" if kind == "currency" else value
    if kind == "country":
        if value not in STATES:
            raise _wrong(value, "a state of ISO 3166-1 such as FR")
        return f"eba_GA:{value}"
    if kind == "date":
        return _day(value)
    if value.startswith(_FORMULA):
        raise _wrong(value, "a text that does not begin as a formula of a spreadsheet does")
    return value


def _day(value: str) -> str:
    """Days are compared as they are written: one of a week, which is a day by ISO 8601 too, is none here."""
    try:
        if date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise _wrong(value, "a day such as 2026-01-31")


def _wrong(value: str, wanted: str) -> EstateError:
    return EstateError(f"{value[:80]!r} cannot stand there", hint=f"Give {wanted}.")
