# SPDX-License-Identifier: Apache-2.0
"""What a gateway tells the control process: which snapshot it has, and what it counted."""

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
