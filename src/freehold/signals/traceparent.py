# SPDX-License-Identifier: Apache-2.0
"""W3C Trace Context, level 1: the ``traceparent`` of a request, read and written.

``tracestate`` is neither read nor passed on: its values are whatever somebody wrote there, and could be content.
"""

import re
from dataclasses import dataclass
from typing import Final

HEADER: Final = "traceparent"

_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED: Final = 0x01


@dataclass(frozen=True, slots=True)
class Parent:
    """The span that a call belongs to. Ids in hex."""

    trace_id: str
    span_id: str
    sampled: bool


def read(header: str) -> Parent | None:
    """None for what is none (section 3.2.2). Of a later version, as much as is known of this one."""
    matched = _FORM.fullmatch(header)
    if matched is None:
        return None
    version, trace_id, span_id, flags, more = matched.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def written(trace_id: str, span_id: str, *, sampled: bool) -> str:
    return f"00-{trace_id}-{span_id}-{_SAMPLED if sampled else 0:02x}"
