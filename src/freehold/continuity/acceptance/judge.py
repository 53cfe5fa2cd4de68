# SPDX-License-Identifier: Apache-2.0
"""Holds an answer against a case. Pure."""

from collections.abc import Iterator

from freehold.continuity.acceptance.checks import CallsTool
from freehold.continuity.acceptance.interface import Answer, Case, Verdict


def judge(case: Case, answer: Answer) -> Verdict:
    """Every check holds, or the case is not passed."""
    return Verdict(case=case.id, problems=tuple(problems(case, answer)), answer=answer)


def problems(case: Case, answer: Answer) -> Iterator[str]:
    """What is wrong with the answer. Where calls are wanted, a call that nobody asked for is wrong too."""
    for check in case.checks:
        if problem := check.problem(answer):
            yield problem
    wanted = [check for check in case.checks if isinstance(check, CallsTool)]
    stray = next((call for call in answer.calls if not any(check.is_meant_by(call) for check in wanted)), None)
    if wanted and stray is not None:
        yield f"calls {stray.name[:80]!r} in a way that nobody asked for"
