# SPDX-License-Identifier: Apache-2.0
"""One criterion for one backend: what a person said, held to what the estate shows. Pure.

Whatever is not said counts at the worst step, unless the estate shows a better one.
"""

from dataclasses import dataclass
from enum import StrEnum

from freehold.assess.evidence.answers import Answer
from freehold.assess.evidence.csf.framework import Criterion
from freehold.assess.evidence.csf.measured import Bound
from freehold.assess.evidence.picture import Evidence, Kind
from freehold.errors import EstateError


class Basis(StrEnum):
    """Why a criterion stands at its step."""

    MEASURED = "measured"  # shown by files, ledger, facts or drills
    ASSERTED = "asserted"  # a person said it
    HELD_DOWN = "held_down"  # a person said more than the facts allow
    MISSING = "missing"  # nobody said anything: the worst step


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """``most``: the best step that the facts allow. ``open``: a person's answer could make it better."""

    criterion: str
    about: str
    step: int
    best: int
    most: int
    points: float
    seal: int
    basis: Basis
    evidence: tuple[Evidence, ...]

    @property
    def open(self) -> bool:
        return self.basis is Basis.MISSING and self.most > self.step


def step_of(criterion: Criterion, value: str) -> int:
    """The step that a value names. Raises EstateError."""
    if not (value.isascii() and value.isdigit()) or len(value) > 2 or int(value) > criterion.best:
        raise EstateError(
            f"{criterion.id}: {value!r} is not a step of it",
            hint=f"Give a number from 0, the worst answer, to {criterion.best}, the best.",
        )
    return int(value)


def grade(criterion: Criterion, about: str, answer: Answer | None, bound: Bound | None) -> Grade:
    """Raises EstateError for an answer that names no step."""
    least = min(bound.least, criterion.best) if bound else 0
    most = min(bound.most, criterion.best) if bound else criterion.best
    said = step_of(criterion, answer.value) if answer else None
    step = least if said is None else min(said, most)
    if said is None:
        basis = Basis.MEASURED if least or not most else Basis.MISSING
    else:
        basis = Basis.ASSERTED if said <= most else Basis.HELD_DOWN
    why = bound.why if bound else ()
    return Grade(
        criterion=criterion.id,
        about=about,
        step=step,
        best=criterion.best,
        most=most,
        points=criterion.steps[step].points,
        seal=criterion.steps[step].seal,
        basis=basis,
        evidence=(*why, *([_said(answer)] if answer else [])),
    )


def _said(answer: Answer) -> Evidence:
    says = f"{answer.by} answered step {answer.value} for {answer.about}: {answer.source}"
    return Evidence(kind=Kind.ANSWER, where="evidence/answers.toml", says=says, as_of=answer.at)
