# SPDX-License-Identifier: Apache-2.0
"""A drill as gateways know it: what its own calls meet, for how long at most. No other call meets any of it."""

from dataclasses import dataclass
from enum import StrEnum

from freehold.contract.backend import Service, Target
from freehold.contract.endpoint import Endpoint
from freehold.contract.facts import BackendFacts
from freehold.contract.law import RuleFile
from freehold.contract.standing import Standing

BEFORE_HEADERS = -1


class FaultKind(StrEnum):
    """What goes wrong in a connection to a provider."""

    REFUSE = "refuse"  # nobody takes the connection
    DNS = "dns"  # the name is not resolved
    TLS = "tls"  # the certificate is not valid
    STATUS = "status"  # another status than 200
    SILENCE = "silence"  # nothing more comes
    CUT = "cut"  # the connection ends, in the middle of an event if one has begun
    RESET = "reset"  # it is reset, between two events
    MALFORMED = "malformed"  # half a JSON document
    ERROR_EVENT = "error-event"  # an error in the stream, with status 200
    NO_TERMINATOR = "no-terminator"  # the stream ends well, without the event that says that it is whole
    DRIP = "drip"  # each event comes late
    OTHER_MODEL = "other-model"  # the answer names another model


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One fault. Of a whole answer, which has no events, any number of them is its half."""

    kind: FaultKind
    after_events: int = BEFORE_HEADERS  # of a stream, that still come; 0: none, but the headers do
    running: bool = False  # whether answers under way meet it too, where they are
    share: float = 1.0  # of the calls that meet it
    status: int = 503
    retry_after_s: float = 0.0  # 0: not said
    pause_s: float = 0.5  # before each event that drips
    model: str = "another-model"  # the one that answers instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulted:
    """One target whose connections are sabotaged now."""

    target: str
    sabotage: Sabotage


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is there for a drill's calls alone: simulated providers, a service of theirs, and leave to be asked."""

    services: tuple[Service, ...]
    targets: tuple[Target, ...]
    endpoints: tuple[Endpoint, ...]
    facts: tuple[BackendFacts, ...]
    rules: RuleFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """The drill of this moment. Gateways forget it at its end by themselves: whoever began it may be gone."""

    id: str
    ends_unix: float
    faults: tuple[Faulted, ...] = ()
    standings: tuple[Standing, ...] = ()  # of targets that a directive of the drill has withdrawn
    stage: Stage | None = None
