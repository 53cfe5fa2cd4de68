# SPDX-License-Identifier: Apache-2.0
"""The law as its pages read it: the table of all decisions, one decision explained, and claims about all of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from freehold.policy.explain import Explanation
from freehold.policy.matrix import Cell, class_of, grid


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Every service x class x backend."""

    set: str
    policy_digest: str
    facts_digest: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One class of a service, with a cell for each backend."""

    data_class: str
    said: str  # "public, as internal" where the service's own class is the higher one
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The part of the table about one service. ``targets`` are the heads of the columns, its own first."""

    service: str
    targets: tuple[str, ...]
    own: frozenset[str]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A set of rules that decided cells, by the number that stands in them."""

    number: int
    rules: tuple[str, ...]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """The call that was explained."""

    service: str
    data_class: str
    key: str
    purpose: str = ""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One call, and every backend that was asked about."""

    call: Call
    backends: tuple[Explanation, ...]


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was made, explained by the rules of today, which may be others than those of its day."""

    entry: int
    admission: dict[str, object]
    same_policy: bool
    same_facts: bool
    explanations: tuple[Explanation, ...]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim, what it means, and the answer; None where nobody asked for one."""

    claim: str
    cedar: str
    words: str
    place: str | None = None
    answer: str | None = None
    proved: bool | None = None
    vacuous: bool | None = None
    why: str | None = None
    counterexample: dict[str, bool | int | str | tuple[str, ...] | None] | None = None

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What breaks it, in words."""
        found = self.counterexample or {}
        return tuple((name.replace("_", " "), _said(value)) for name, value in found.items())


class MatrixAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``GET policy/matrix``."""

    matrix: Matrix


class ExplainedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``POST policy/explain`` of a call that is made up."""

    explanation: Explained


class DecidedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The same of a decision that was made."""

    decision: Decided


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """``POST policy/prove``."""

    claims: tuple[Claim, ...]


def sheets(matrix: Matrix) -> tuple[Sheet, ...]:
    """The table, service by service."""
    by_service: dict[str, list[list[Cell]]] = {}
    for row in grid(matrix.cells):
        by_service.setdefault(row[0].service, []).append(sorted(row, key=lambda cell: not cell.is_target))
    return tuple(_sheet(service, rows) for service, rows in by_service.items())


def notes(matrix: Matrix) -> tuple[Note, ...]:
    """What decided, each set of rules once."""
    found = dict.fromkeys(cell.rules for cell in matrix.cells)
    return tuple(Note(number=number, rules=rules) for number, rules in enumerate(found, start=1))


def lines_of(written: str) -> list[str]:
    """The claims in a text, one a line."""
    return [line.strip() for line in written.splitlines() if line.strip()]


def _sheet(service: str, rows: Iterable[list[Cell]]) -> Sheet:
    whole = list(rows)
    return Sheet(
        service=service,
        targets=tuple(cell.target for cell in whole[0]),
        own=frozenset(cell.target for cell in whole[0] if cell.is_target),
        lines=tuple(Line(data_class=row[0].data_class, said=class_of(row[0]), cells=tuple(row)) for row in whole),
    )


def _said(value: bool | int | str | tuple[str, ...] | None) -> str:  # noqa: FBT001 - a fact, and no switch
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(value) or "none") if isinstance(value, tuple) else str(value) or "none"
