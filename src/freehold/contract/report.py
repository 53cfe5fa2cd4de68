# SPDX-License-Identifier: Apache-2.0
"""What processes tell the control process: which snapshot a gateway has, what it counted, and which processes run."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A target that a gateway finds degraded."""

    target: str
    since_unix: float
    error: str  # the code of the newest fault
    faults: int  # in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One answer of a provider that looks like a withdrawal."""

    target: str
    key_id: str  # whose call it was; "canary" for one that the estate made itself
    status: int  # HTTP
    legal: bool  # whether the provider gave a legal or regional reason
    at_unix: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLoad:
    """How many calls a target has now, those that wait for it too."""

    target: str
    in_flight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayReport:
    """Sent once a snapshot is in force, and from time to time. Counts are since the gateway's start."""

    gateway: str
    snapshot_version: int
    calls: int = 0
    in_flight: int = 0
    refused: int = 0
    failed: int = 0
    shed: int = 0  # turned away for want of a free engine, or of room in this gateway, and counted nowhere else
    slow: int = 0  # callers who sent a body, or took an answer, too slowly, and were hung up on
    unauthenticated: int = 0  # counted, not recorded: nobody without a key can fill the log
    rate_limited: int = 0
    failovers: int = 0  # targets that failed a call before its first byte, and another one answered
    seams: int = 0  # places where an answer broke off, and went on
    detected: dict[str, int] = field(default_factory=dict)  # calls whose class the detector raised, by what it found
    load: tuple[TargetLoad, ...] = ()  # of the targets that have calls now
    outages: tuple[Outage, ...] = ()
    evidence: tuple[Evidence, ...] = ()  # since the report before
    answered: tuple[str, ...] = ()  # targets that have answered since, and since any evidence here of a sibling


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReport:
    """One process of the estate, as the supervisor that started it sees it."""

    name: str
    pid: int  # 0: not running
    state: str  # "starting" | "running" | "restarting" | "failed" | "stopped"
    restarts: int = 0
    since_unix: float = 0.0  # when it came into that state
    reason: str = ""  # why it is not running, for a person
