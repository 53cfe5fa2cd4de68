# SPDX-License-Identifier: Apache-2.0
"""What every dialect says of a problem. How it is said is a table in each dialect's ``errors.py``."""

from collections.abc import Mapping
from dataclasses import dataclass

from freehold.errors import FreeholdError, InvalidRequest, PolicyDenied


@dataclass(frozen=True, slots=True)
class Answer:
    """How a dialect answers one class of problems. An empty ``code`` stands for the problem's own."""

    status: int
    type: str
    code: str = ""


def answer_to(problem: FreeholdError, table: Mapping[type[FreeholdError], Answer]) -> Answer:
    """The row of the nearest class. The root has one in every table."""
    return next(table[kind] for kind in type(problem).__mro__ if kind in table)


def param_of(problem: FreeholdError) -> str | None:
    return problem.param if isinstance(problem, InvalidRequest) else None


def details_of(problem: FreeholdError, request_id: str) -> dict[str, str]:
    """The fields that are ours, in every dialect's error."""
    details = {"request_id": request_id}
    if problem.advice:
        details["hint"] = problem.advice
    if isinstance(problem, PolicyDenied):
        details["decision_id"] = problem.decision_id
    return details
