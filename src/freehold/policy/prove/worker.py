# SPDX-License-Identifier: Apache-2.0
"""The prover's process: ``python -m freehold.policy.prove.worker``. A question on standard input, an answer on output.

It is the only program that loads z3. It bounds its own memory and its own time before it does, opens no socket, and
ends after one question.
"""

import math
import resource
import sys
from typing import Final

import msgspec

from freehold.policy.prove.messages import Question

_QUESTION_DECODER: Final = msgspec.json.Decoder(Question)


def main() -> None:
    question = _QUESTION_DECODER.decode(sys.stdin.buffer.read())
    _bound(question)
    from freehold.policy.prove.solve import answer  # noqa: PLC0415 - loads z3, so not before memory is bounded

    sys.stdout.buffer.write(msgspec.json.encode(answer(question)))


def _bound(question: Question) -> None:
    seconds = math.ceil(question.limit_s)
    for what, limit in (
        (resource.RLIMIT_AS, question.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (bound, bound))


if __name__ == "__main__":
    main()
