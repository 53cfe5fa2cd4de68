# SPDX-License-Identifier: Apache-2.0
"""Runs the prover's process: a question in, an answer out, or the reason why there is none. Never loads z3 itself."""

import subprocess
import sys
from typing import Final

import msgspec

from freehold.errors import PolicyNotProvable
from freehold.policy.prove.messages import Answer, Question

_ANSWER_DECODER: Final = msgspec.json.Decoder(Answer)

_WORKER: Final = (sys.executable, "-I", "-m", "freehold.policy.prove.worker")


def ask_prover(question: Question, *, command: tuple[str, ...] = _WORKER) -> Answer | str:
    """The answer; a sentence if the process gave none. Raises PolicyNotProvable for rules that have no encoding."""
    try:
        ended = subprocess.run(
            command,
            input=msgspec.json.encode(question),
            capture_output=True,
            timeout=question.limit_s,
            check=False,
            env={"HOME": "/", "LC_ALL": "C.UTF-8"},  # without a HOME Python has the system look the user up
        )
    except subprocess.TimeoutExpired:
        return f"the prover did not finish within {question.limit_s:g} s"
    if ended.returncode:
        return f"the prover's process ended with {ended.returncode}: it may need more than its time or its memory"
    answer = _ANSWER_DECODER.decode(ended.stdout)
    if (unknown := answer.not_covered) is not None:
        raise PolicyNotProvable(
            f"{unknown.place}: rule {unknown.rule!r} uses {unknown.construct}, which is not covered"
        )
    return answer
