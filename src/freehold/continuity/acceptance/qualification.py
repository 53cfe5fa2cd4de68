# SPDX-License-Identifier: Apache-2.0
"""What is remembered of a run of the cases on a target, and what that is worth now. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from freehold.continuity.acceptance.guard import least_passed
from freehold.contract.backend import Target

_DAY_S = 86400.0
_SKEW_S = 3600.0  # a clock may be set back that far before what it said is no more believed


class Fitness(StrEnum):
    """Whether a target may stand in for the first of its service."""

    FIRST = "first"  # it answers for the service whatever its results are
    QUALIFIED = "qualified"
    NOT_QUALIFIED = "not qualified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """The newest run of a service's cases on one of its targets."""

    service: str
    target: str
    operator: str
    model: str
    model_digest: str  # empty for a provider's
    cases: str  # the digest of the cases
    passed: int
    total: int
    at_unix: float

    def passes(self, min_share: float) -> bool:
        return self.total > 0 and self.passed >= least_passed(self.total, min_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a service asks of a substitute."""

    cases: str  # the digest of the cases in force
    min_share: float
    max_age_days: float


def fitness_of(
    target: Target, run: Qualification | None, terms: Terms, *, first: bool, now_unix: float
) -> tuple[Fitness, str]:
    """Where a target stands, and why it is not qualified; empty if it is."""
    why = _shortcoming(target, run, terms, now_unix)
    if first:
        return Fitness.FIRST, why
    return (Fitness.NOT_QUALIFIED, why) if why else (Fitness.QUALIFIED, "")


def _shortcoming(target: Target, run: Qualification | None, terms: Terms, now_unix: float) -> str:
    if run is None:
        return "the cases were never run on it"
    asked_of = (run.operator, run.model, run.model_digest)
    short = (
        (run.cases != terms.cases, "the cases have changed since they were run on it"),
        (
            asked_of != (target.operator, target.model.name, target.model.digest),
            "it had another model when the cases were run on it",
        ),
        (run.at_unix > now_unix + _SKEW_S, "the cases were run on it at a time that is not yet"),
        (now_unix - run.at_unix > terms.max_age_days * _DAY_S, f"its pass is older than {terms.max_age_days:g} days"),
        (not run.passes(terms.min_share), f"it passed {run.passed} of {run.total} cases"),
    )
    return next((why for is_short, why in short if is_short), "")
