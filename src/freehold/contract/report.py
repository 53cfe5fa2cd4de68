# SPDX-License-Identifier: Apache-2.0
"""What processes tell the control process: which snapshot a gateway has, what it counted, and which processes run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayReport:
    """Sent once a snapshot is in force, and from time to time. Counts are since the gateway's start."""

    gateway: str
    snapshot_version: int
    calls: int = 0
    in_flight: int = 0
    refused: int = 0
    failed: int = 0
    unauthenticated: int = 0  # counted, not recorded: nobody without a key can fill the log
    rate_limited: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReport:
    """One process of the estate, as the supervisor that started it sees it."""

    name: str
    pid: int  # 0: not running
    state: str  # "starting" | "running" | "restarting" | "failed" | "stopped"
    restarts: int = 0
    since_unix: float = 0.0  # when it came into that state
    reason: str = ""  # why it is not running, for a person
