# SPDX-License-Identifier: Apache-2.0
"""What the ledger is told about a call: the admission, and exactly one outcome."""

from dataclasses import dataclass
from enum import StrEnum

from freehold.contract.value import value


class Ending(StrEnum):
    """How an admitted call ended."""

    COMPLETE = "complete"
    CONTINUED = "continued"  # complete, out of more than one target
    CANCELLED = "cancelled"  # the caller hung up
    FAILED = "failed"
    LOST = "lost"  # the gateway died; written by the ledger


class SeamKind(StrEnum):
    """How an answer went on after it broke off."""

    CONTINUED = "continued"  # from the text that the caller had
    BEGUN_AGAIN = "begun_again"  # the caller had nothing of it yet
    CLOSED = "closed"  # it was whole but for its terminator


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """Where one target's answer broke off after the caller had its first byte."""

    left: str  # the target
    taken_by: str  # the target that went on; the same one where nobody had to
    kind: SeamKind
    error: str  # a code of errors.py
    at_bytes: int  # of the answer, that the caller had


@value
class Outcome:
    """The closing record of a call. Counts are tokens; ``answer`` is the salted commitment to the bytes sent."""

    call_id: str
    ending: Ending
    target: str = ""
    model: str = ""  # the model that gave the answer
    model_digest: str = ""
    engine_digest: str = ""  # of the build of the engine that gave the answer; empty for a provider
    answered_as: str = ""  # what a provider called the model that answered, where that is not the model asked for
    error: str = ""  # an error code of errors.py, or empty
    input_tokens: int = 0
    output_tokens: int = 0
    seams: tuple[Seam, ...] = ()
    answer: str = ""  # hex
    answer_bytes: int = 0


@value
class LedgerPosition:
    """Where an entry lies: the log's origin and the entry's index, from 0."""

    origin: str
    index: int

    def __str__(self) -> str:
        return f"{self.origin}/{self.index}"
