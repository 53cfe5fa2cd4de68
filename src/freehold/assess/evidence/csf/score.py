# SPDX-License-Identifier: Apache-2.0
"""The arithmetic: a score of weighted shares of points, and the floor, which no good score makes up for. Pure.

``score = sum of points(SOV-n) / max_points(SOV-n) * weight(SOV-n)``; the floor is the lowest SEAL of any criterion.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from freehold.assess.evidence.csf.framework import Criterion, Framework


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One objective. ``gives``: what it adds to the score, in percent of the whole."""

    id: str
    title: str
    points: float
    most_points: float
    weight: int
    gives: float
    seal: int  # of its weakest criterion


def score(framework: Framework, steps: Mapping[str, int], weights: Mapping[str, int]) -> tuple[Scored, ...]:
    """The eight objectives. ``steps``: the step of every criterion."""
    return tuple(
        _objective(name, title, [c for c in framework.criteria.values() if c.objective == name], steps, weights[name])
        for name, title in framework.objectives.items()
    )


def total(objectives: Iterable[Scored]) -> float:
    """The Sovereignty Score in percent."""
    return sum(objective.gives for objective in objectives)


def floor(objectives: Iterable[Scored]) -> int:
    """The lowest level of any criterion, which is the lowest of any objective."""
    return min(objective.seal for objective in objectives)


def _objective(name: str, title: str, criteria: list[Criterion], steps: Mapping[str, int], weight: int) -> Scored:
    points = sum(criterion.steps[steps[criterion.id]].points for criterion in criteria)
    most = sum(criterion.steps[-1].points for criterion in criteria)
    return Scored(
        id=name,
        title=title,
        points=points,
        most_points=most,
        weight=weight,
        gives=points / most * weight,
        seal=min(criterion.steps[steps[criterion.id]].seal for criterion in criteria),
    )
