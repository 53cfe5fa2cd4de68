# SPDX-License-Identifier: Apache-2.0
import sys
from dataclasses import replace

from tests.prove_builder import NOW_UNIX, STATES, law

from freehold.policy.prove.messages import Answer, Asked, Question
from freehold.policy.prove.prover import ask_prover

QUESTION = Question(
    files=law("permit(principal, action, resource) when { resource.owned };").files,
    states=STATES,
    claims=(Asked(subject="true", condition="!resource.owned"),),
    now_unix=NOW_UNIX,
    claim_limit_s=5,
    limit_s=20,
    memory_bytes=2**31,
)


def test_the_prover_answers_from_a_process_of_its_own() -> None:
    answer = ask_prover(QUESTION)
    assert isinstance(answer, Answer)
    assert answer.found[0].proved


def test_a_prover_that_does_not_end_is_ended_and_proves_nothing() -> None:
    endless = (sys.executable, "-c", "import threading; threading.Event().wait()")
    hurried = replace(QUESTION, limit_s=0.2)
    assert ask_prover(hurried, command=endless) == "the prover did not finish within 0.2 s"


def test_a_prover_that_breaks_proves_nothing() -> None:
    answer = ask_prover(QUESTION, command=(sys.executable, "-c", "raise SystemExit(3)"))
    assert answer == "the prover's process ended with 3: it may need more than its time or its memory"


def test_a_prover_may_not_use_more_memory_than_it_is_given() -> None:
    cramped = replace(QUESTION, memory_bytes=80 * 2**20)
    answer = ask_prover(cramped)
    assert isinstance(answer, str)
    assert answer.startswith("the prover's process ended with")
