# SPDX-License-Identifier: Apache-2.0
import pytest
from tests.unit.assess.evidence.conftest import told

from freehold.assess.evidence.ai_act import load_rules
from freehold.assess.evidence.gdpr import load_questions
from freehold.assess.evidence.questions import Told
from freehold.errors import EstateError

ALL = {**load_rules().questions, **load_questions().questions}


def test_a_question_has_choices_or_none_by_its_kind_and_no_two_frameworks_share_one() -> None:
    assert len(ALL) == len(load_rules().questions) + len(load_questions().questions)
    assert all((question.kind == "choice") == bool(question.choices) for question in ALL.values())


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("AIA.role", "deployer"),
        ("AIA.in-service-since", "2026-02-28"),
        ("AIA.tuning-flop", "3.2e19"),
        ("AIA.tuning-flop", "1E+23"),
        ("GDPR.controller", "Example GmbH, Bonn"),
    ],
)
def test_an_answer_of_the_questions_kind_is_taken(question: str, value: str) -> None:
    ALL[question].check(value)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("AIA.role", "owner"),
        ("AIA.role", ""),
        ("AIA.in-service-since", "2026-02-30"),
        ("AIA.in-service-since", "20260228"),
        ("AIA.in-service-since", "2026-W09-5"),
        ("AIA.tuning-flop", "0"),
        ("AIA.tuning-flop", "-1"),
        ("AIA.tuning-flop", "1e999"),
        ("AIA.tuning-flop", "nan"),
        ("AIA.tuning-flop", "inf"),
        ("AIA.tuning-flop", "\u0661"),
        ("GDPR.controller", " "),
    ],
)
def test_what_is_no_answer_is_refused_with_what_it_takes(question: str, value: str) -> None:
    with pytest.raises(EstateError, match="is no answer") as refused:
        ALL[question].check(value)
    assert refused.value.advice


def test_the_newest_answer_counts_and_one_of_the_file_that_is_none_is_refused() -> None:
    both = (told("AIA.role", "deployer", "service:a"), told("AIA.role", "both", "service:a"))
    assert Told(ALL, both).value("AIA.role", "service:a") == "both"
    with pytest.raises(EstateError, match="is no answer"):
        Told(ALL, (told("AIA.role", "owner", "service:a"),))
    assert Told(ALL, (told("SOV-1.q1", "9"),)).value("AIA.literacy") == ""
