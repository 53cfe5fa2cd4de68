# SPDX-License-Identifier: Apache-2.0
"""One span of a trace, and what happened during it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

Value = str | int | float
Attributes = Mapping[str, Value]


class Kind(IntEnum):
    """As OTLP numbers them."""

    SERVER = 2
    CLIENT = 3


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a span."""

    at_ns: int
    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Ids in hex; the parent's is empty for one that has none. Instants since 1970, in nanoseconds."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: Kind
    began_ns: int
    ended_ns: int
    attributes: Attributes
    error: str = ""  # a code of errors.py
    happened: tuple[Happening, ...] = ()
