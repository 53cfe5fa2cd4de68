# SPDX-License-Identifier: Apache-2.0
"""How a target stands: whether it gets calls, and what brought it there. Withdrawal is a state, not an outage."""

from dataclasses import dataclass
from enum import StrEnum


class TargetState(StrEnum):
    """How each is entered and left is one table, in ``continuity/states.py``."""

    ACTIVE = "active"
    DEGRADED = "degraded"  # an outage: probed, and back by itself. Each gateway finds out for itself
    SUSPECTED = "suspected"  # it looks like a withdrawal: no traffic until a person has decided
    WITHDRAWN = "withdrawn"  # a directive, or a person: never probed, never restored silently
    RETIRED = "retired"  # its date has come


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One target that is not active, as the estate has decided. What a gateway finds out is not here."""

    target: str
    state: TargetState
    since_unix: float
    directive: str = ""  # the id of the one that withdrew it
    cuts: bool = False  # whether streams that run on it are cut over, or may finish
    told: str = ""  # what callers are told of the reason; empty: nothing


class ScopeKind(StrEnum):
    """What a directive names."""

    MODEL = "model"
    PROVIDER = "provider"
    AUTHORITY = "authority"
    REGION = "region"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """A withdrawal that somebody ordered. Its reason is free text, and kept where it can be erased."""

    id: str
    kind: ScopeKind
    name: str  # of the model (``*`` stands for anything), provider, authority or region
    source: str  # the URL of the order
    reason_sha256: str  # over its salt and the reason
    issued_unix: float
    issued_by: str  # the operator's id
    effective_unix: float
    cuts: bool = False
    tells: bool = False  # whether callers are told the reason
    signatures: int = 1  # how many operators it needs before it has effect
    confirmed_by: tuple[str, ...] = ()  # further operators, where the estate asks for them
    took_effect_unix: float = 0.0  # 0: it did not yet. Once it did, no clock takes that back
    lift_asked_unix: float = 0.0  # 0: nobody wants it lifted
    lift_signatures: int = 1
    lift_confirmed_by: tuple[str, ...] = ()
    lifted_unix: float = 0.0  # 0: it was not
    lifted_by: str = ""  # whoever asked for it first
