# SPDX-License-Identifier: Apache-2.0
"""What one gateway has counted since its start."""

from dataclasses import asdict, dataclass

from freehold.contract.report import GatewayReport
from freehold.errors import (
    EngineBusy,
    Fault,
    FreeholdError,
    InvalidKey,
    Overloaded,
    RateLimited,
    Refusal,
    SlowCaller,
    SlowRequest,
)


@dataclass(slots=True)
class Counts:
    """Fields of ``GatewayReport``, by the same names."""

    calls: int = 0
    in_flight: int = 0
    refused: int = 0
    failed: int = 0
    shed: int = 0
    slow: int = 0
    unauthenticated: int = 0
    rate_limited: int = 0
    failovers: int = 0
    seams: int = 0

    def problem(self, problem: FreeholdError) -> None:
        match problem:
            case Refusal():
                self.refused += 1
            case InvalidKey():
                self.unauthenticated += 1
            case RateLimited():
                self.rate_limited += 1
            case SlowCaller() | SlowRequest():
                self.slow += 1
            case EngineBusy() | Overloaded():
                self.shed += 1
            case Fault():
                self.failed += 1

    def report(self, gateway: str, snapshot_version: int) -> GatewayReport:
        return GatewayReport(gateway=gateway, snapshot_version=snapshot_version, **asdict(self))
