# SPDX-License-Identifier: Apache-2.0
"""What is known of whoever operates a backend, as it enters a decision. Derived from the register, never typed in."""

from dataclasses import dataclass
from enum import StrEnum

UNKNOWN = "??"  # an authority or location that nobody could establish; it matches every forbid


class Confidence(StrEnum):
    """How well a fact is established."""

    CONFIRMED = "confirmed"
    REPORTED = "reported"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why one state is an authority or an exposure: one link of the chain, with its source."""

    state: str  # ISO 3166-1 alpha-2, or UNKNOWN
    because: str  # one plain sentence
    rule: str  # the step of the derivation rule that made it, such as "parent"
    source: str
    as_of: str  # YYYY-MM-DD
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendFacts:
    """A backend's operator in the light of the facts. All collections are sorted."""

    operator: str  # "self", or the provider's name in the register
    owned: bool  # an engine of this estate
    authorities: tuple[str, ...]  # states that can compel the operator; UNKNOWN among them if any link is unknown
    exposure: tuple[str, ...] = ()  # weaker ties: minority holdings, listings, subsidiaries
    locations: tuple[str, ...] = ()  # states in which a call may be computed; UNKNOWN if not established
    retention_days: int | None = None  # None: not known
    trains: bool | None = None  # whether the operator trains on what it is sent; None: not known
    reasons: tuple[Reason, ...] = ()
    as_of: str = ""  # of the oldest fact that went into this
