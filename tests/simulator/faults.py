# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with an answer, and when. A new fault is a new kind here, and a case in ``sending.py``."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

BEFORE_HEADERS = -1
AFTER_HEADERS = 0


class FaultKind(StrEnum):
    STATUS = "status"  # this status instead, with ``text``, or an error in the vendor's shape
    REDIRECT = "redirect"  # to ``text``
    CLOSE = "close"  # the connection ends
    TORN = "torn"  # it ends in the middle of an event, or of the body
    RESET = "reset"  # it ends with a reset
    SILENCE = "silence"  # nothing more comes, until the caller goes
    MALFORMED = "malformed"  # ``text``, or half a JSON document, where an event or the body should be
    ERROR_EVENT = "error_event"  # the vendor's own error in the stream, and its end
    NO_TERMINATOR = (
        "no_terminator"  # the connection ends well, the answer does not: it lacks its last event, or all from there on
    )
    EMPTY = "empty"  # the connection ends well, and there was no answer on it
    DRIP = "drip"  # byte after byte, ``pause_s`` between them
    HELD = "held"  # the rest comes once its ``Heard`` is ``let_go``
    OVERSIZE = "oversize"  # an event or a body of ``size_bytes`` more
    ENDLESS = "endless"  # the same event, or ``text``, again and again, ``pause_s`` between them


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: FaultKind
    after: int = BEFORE_HEADERS  # or AFTER_HEADERS, or how many events come before it; quarters of a whole body
    before: str = ""  # in place of ``after``: the first event with this text
    behind: str = ""  # the same, but that event still comes whole
    status: int = 500
    headers: dict[str, str] = {}
    text: str = ""
    size_bytes: int = 0
    pause_s: float = 0.0

    @property
    def before_headers(self) -> bool:
        return self.after == BEFORE_HEADERS and not self.before and not self.behind

    def begins_at(self, pieces: Sequence[bytes]) -> int:
        """How many pieces come before it: all of them where the text of which it is to begin is in none."""
        if not (text := (self.before or self.behind).encode()):
            return max(self.after, AFTER_HEADERS)
        found = next((at for at, piece in enumerate(pieces) if text in piece), len(pieces))
        return found + bool(self.behind)


class Play(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How requests are answered."""

    script: str = ""  # of scripts.py; empty: by the model's name
    fault: Fault | None = None
    answers_as: str = ""  # another model's name in the answer
    times: int = 0  # how many requests get it; 0: all
    only: str = ""  # how the path of those begins that get it; others are answered as if nothing was set
