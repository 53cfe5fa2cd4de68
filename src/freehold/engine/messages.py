# SPDX-License-Identifier: Apache-2.0
"""What is said on ``run/supervisor.sock``, by the estate's other processes and to them."""

import msgspec

from freehold.contract.attempt import Bait, Tried
from freehold.contract.backend import EngineStatus
from freehold.contract.report import ProcessReport


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Send every engine's status now, and again whenever one changes."""


class Wake(msgspec.Struct, frozen=True, tag="wake"):
    """A call is waiting for this target's engine."""

    target: str


class Retry(msgspec.Struct, frozen=True, tag="retry"):
    """A person has acted: engines of this model that had failed are worth another start."""

    model: str


class Crash(msgspec.Struct, frozen=True, tag="crash"):
    """A drill has this target's engine die, without warning."""

    target: str


class InUse(msgspec.Struct, frozen=True, tag="in_use"):
    """How many calls the sender has with an engine now. A sender that goes away has none."""

    target: str
    calls: int


class AskProcesses(msgspec.Struct, frozen=True, tag="ask_processes"):
    """Send one EstateProcesses."""


class Status(msgspec.Struct, frozen=True, tag="status"):
    """One engine, as it is now."""

    engine: EngineStatus


class EstateProcesses(msgspec.Struct, frozen=True, kw_only=True, tag="processes"):
    """Every process of the estate, engines included, and what is known of every engine."""

    processes: tuple[ProcessReport, ...]
    engines: tuple[EngineStatus, ...]


class AskEgress(msgspec.Struct, frozen=True, tag="ask_egress"):
    """Have the supervisor and every gateway try to get out, and send one EgressTried."""

    bait: Bait


class TryEgress(msgspec.Struct, frozen=True, tag="try_egress"):
    """A gateway is to try to get out, and to send one GatewayTried."""

    bait: Bait


class GatewayTried(msgspec.Struct, frozen=True, tag="gateway_tried"):
    tried: Tried


class EgressTried(msgspec.Struct, frozen=True, tag="egress_tried"):
    tried: tuple[Tried, ...]


ToSupervisor = Subscribe | Wake | Retry | Crash | InUse | AskProcesses | AskEgress | GatewayTried
FromSupervisor = Status | EstateProcesses | TryEgress | EgressTried
