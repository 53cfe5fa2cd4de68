# SPDX-License-Identifier: Apache-2.0
"""What the ledger is told about a call: the admission, and exactly one outcome."""

from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    """How an admitted call ended."""

    COMPLETE = "complete"
    CANCELLED = "cancelled"  # the caller hung up
    FAILED = "failed"
    LOST = "lost"  # the gateway died; written by the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The closing record of a call. Counts are tokens; ``answer`` is the salted commitment to the bytes sent."""

    call_id: str
    ending: Ending
    target: str = ""
    model: str = ""  # the model that gave the answer
    model_digest: str = ""
    error: str = ""  # an error code of errors.py, or empty
    input_tokens: int = 0
    output_tokens: int = 0
    answer: str = ""  # hex
    answer_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPosition:
    """Where an entry lies: the log's origin and the entry's index, from 0."""

    origin: str
    index: int

    def __str__(self) -> str:
        return f"{self.origin}/{self.index}"
