# SPDX-License-Identifier: Apache-2.0
"""The rows of the register that an estate's providers have, with what is missing by template, row and column. Pure.

A cell is what the estate shows, else what a person answered, else empty; an empty cell that is needed is a finding.
"""

import csv
import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from freehold.assess.evidence.answers import Answer, newest
from freehold.assess.evidence.dora.layout import Column, Layout, is_lei
from freehold.assess.evidence.dora.leaning import Leaning, OnProvider
from freehold.assess.evidence.picture import Backend, Picture
from freehold.assess.evidence.questions import SERVICE
from freehold.contract.facts import UNKNOWN
from freehold.errors import EstateError

_WHERE: Final = {  # a need, and the column that it hangs on with the values that make it one
    "subsequent": ("B_02.01.c0020", ("subsequent",)),
    "stores": ("B_02.02.c0140", ("yes",)),
    "branch": ("B_04.01.c0030", ("branch",)),
    "hard": ("B_07.01.c0050", ("not", "highly-complex")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """``value`` in words, ``written`` as the CSV has it. ``basis``: shown, asserted, missing, or not_needed."""

    value: str
    written: str
    basis: str
    rests_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is missing or wrong, and the answer that would mend it; ``row`` counts from 1, as below the heading."""

    template: str
    row: int
    column: str
    what: str
    answer: str  # "ID --about SUBJECT"; empty: no answer mends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Rows by template, each a cell by column."""

    rows: Mapping[str, tuple[Mapping[str, Cell], ...]]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What a row is about; one of the two may be none."""

    on: OnProvider | None
    service: str


def fill(picture: Picture, layout: Layout, lean: Leaning) -> Entries:
    """Raises EstateError for an answer that its column cannot have."""
    filler = _Filler(picture, layout)
    rows: dict[str, tuple[Mapping[str, Cell], ...]] = {}
    findings: list[Finding] = []
    for name, template in layout.templates.items():
        places = _places(template.rows, lean)
        rows[name] = tuple(filler.row(name, place) for place in places)
        for number, (place, row) in enumerate(zip(places, rows[name], strict=True), start=1):
            for column, cell in row.items():
                wrong = "missing" if cell.basis == "missing" else _wrong(name, column, template.columns[column], row)
                if wrong:
                    findings.append(filler.finding(name, number, column, place, wrong))
    return Entries(rows=rows, findings=(*findings, *_doubled(rows)))


def subject_of_column(layout: Layout, name: str) -> str:
    """What an answer to a column is about: ``self``, ``provider`` or ``service``; empty: it takes none."""
    column = layout.column(name)
    if column is None or column.source.startswith("same "):
        return ""
    if column.source.startswith("shown "):
        return "provider" if column.source.removeprefix("shown ") in _ASKED_TOO else ""
    return column.source.removeprefix("ask ")


def write_csv(layout: Layout, entries: Entries, template: str) -> str:
    """As RFC 4180 has it, with the columns as its heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    columns = list(layout.templates[template].columns)
    writer.writerow(columns)
    for row in entries.rows[template]:
        writer.writerow([row[column].written for column in columns])
    return text.getvalue()


_ASKED_TOO: Final = frozenset({"stores", "processed_in", "legal_name", "latin_name", "seat"})


class _Filler:
    def __init__(self, picture: Picture, layout: Layout) -> None:
        self._picture = picture
        self._layout = layout
        self._answers: Mapping[tuple[str, str], Answer] = newest(picture.answers)
        names = sorted(served.name for served in picture.services)
        self._functions = {name: f"F{number}" for number, name in enumerate(names, start=1)}

    def row(self, template: str, place: _Place) -> Mapping[str, Cell]:
        return {
            column: self._cell(f"{template}.{column}", place) for column in self._layout.templates[template].columns
        }

    def finding(self, template: str, number: int, column: str, place: _Place, wrong: str) -> Finding:
        name = self._origin(f"{template}.{column}")
        about = self._about(name, place)
        said = f"{name} --about {about}" if about else ""
        title = self._layout.templates[template].columns[column].name
        return Finding(template=template, row=number, column=column, what=f"{title}: {wrong}", answer=said)

    def _cell(self, name: str, place: _Place) -> Cell:
        own, origin = self._column(name), self._origin(name)
        column = self._column(origin)
        shown = self._shown(column.source.removeprefix("shown "), place) if column.source.startswith("shown ") else None
        about = self._about(origin, place)
        answer = self._answers.get((origin, about)) if about else None
        if shown:
            value, basis, rests = shown[0], "shown", shown[1]
        elif answer is not None:
            value, basis, rests = answer.value, "asserted", f"{answer.by}, {answer.at}: {answer.source}"
        else:
            needed = self._needed(own.need, place)
            return Cell(value="", written="", basis="missing" if needed else "not_needed", rests_on="")
        try:
            written = self._layout.written(column, value)
        except EstateError as wrong:
            advice = f"{wrong.advice} It stands so in {rests}." if basis == "shown" else wrong.advice
            raise EstateError(f"{origin} about {about or 'the estate'}: {wrong.message}", hint=advice) from None
        return Cell(value=value, written=written, basis=basis, rests_on=rests)

    def _column(self, name: str) -> Column:
        template, _, column = name.rpartition(".")
        return self._layout.templates[template].columns[column]

    def _origin(self, name: str) -> str:
        source = self._column(name).source
        return self._origin(source.removeprefix("same ")) if source.startswith("same ") else name

    def _about(self, name: str, place: _Place) -> str:
        subject = subject_of_column(self._layout, name)
        if subject == "provider":
            return place.on.provider if place.on else ""
        return f"{SERVICE}{place.service}" if subject == "service" else subject

    def _value(self, name: str, place: _Place) -> str:
        return self._cell(name, place).value

    def _needed(self, need: str, place: _Place) -> bool:
        if need in ("critical", "stores_critical"):
            critical = self._value("B_06.01.c0050", place) == "yes"
            return critical and (need == "critical" or self._value("B_02.02.c0140", place) == "yes")
        if need in _WHERE:
            column, values = _WHERE[need]
            return self._value(column, place) in values
        return need == "always" or (need == "additional" and bool(self._value("B_05.01.c0030", place)))

    def _shown(self, name: str, place: _Place) -> tuple[str, str] | None:
        """The value, and what it rests on; None where the estate does not show it."""
        if name in ("function", "function_name"):
            value = self._functions[place.service] if name == "function" else place.service
            return value, "freehold.toml"
        if place.on is None:
            return None
        if name in _ASKED_TOO:
            return _from_facts(name, self._picture.backends[place.on.targets[0]], self._picture)
        return _reckoned(name, place.on)


def _from_facts(name: str, backend: Backend, picture: Picture) -> tuple[str, str] | None:
    facts = backend.facts
    rests = f"facts about {facts.operator} as of {facts.as_of}, {picture.facts_digest}"
    if name == "stores" and facts.retention_days is not None:
        return "yes" if facts.retention_days else "no", rests
    if name == "processed_in" and len(facts.locations) == 1 and UNKNOWN not in facts.locations:
        return facts.locations[0], rests
    if backend.legal_name and (name == "legal_name" or (name == "latin_name" and _is_latin(backend.legal_name))):
        return backend.legal_name, rests
    seats = {reason.state for reason in facts.reasons if reason.rule == "operator" and reason.state != UNKNOWN}
    return (seats.pop(), rests) if name == "seat" and len(seats) == 1 else None


def _is_latin(name: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN ") for letter in name if letter.isalpha())


def _reckoned(name: str, on: OnProvider) -> tuple[str, str] | None:
    rests = "rules, acceptance and drills of the estate"
    shown = {
        "ict_service": "saas",
        "rank": "1",
        "substitutability": on.substitutability,
        "why_not": "no-alternative" if on.alone else "",
        "has_alternative": "yes" if on.alternatives and not on.alone else "no",
        "alternatives": " ".join(on.alternatives),
    }
    return (shown[name], rests) if shown.get(name) else None


def _places(rows: str, lean: Leaning) -> list[_Place]:
    if rows == "service":
        names = sorted({one.service for on in lean.providers for one in on.carried})
        return [_Place(on=None, service=name) for name in names]
    if rows == "provider":
        return [_Place(on=on, service="") for on in lean.providers]
    return [_Place(on=on, service=one.service) for on in lean.providers for one in on.carried]


def _wrong(template: str, name: str, column: Column, row: Mapping[str, Cell]) -> str:
    """What a cell cannot be beside the others of its row; empty: nothing is wrong. Days compare as they are written."""
    value = row[name].value
    if value and column.typed_by and row[column.typed_by].value == "LEI" and not is_lei(value):
        return f"{value!r} is no LEI: by its type it has to be one, with check digits that are right"
    if (template, name) == ("B_02.02", "c0080") and "" < value <= row["c0070"].value:
        return "not after its begin"
    return ""


def _doubled(rows: Mapping[str, tuple[Mapping[str, Cell], ...]]) -> tuple[Finding, ...]:
    """A key that stands twice, by which no row of another template could tell whom it means."""
    found = []
    for template, column in (("B_02.01", "c0010"), ("B_05.01", "c0010"), ("B_06.01", "c0010")):
        values = [row[column].value for row in rows[template]]
        found += [
            Finding(template=template, row=number, column=column, what=f"{value!r} stands twice", answer="")
            for number, value in enumerate(values, start=1)
            if value and value in values[: number - 1]
        ]
    return tuple(found)
