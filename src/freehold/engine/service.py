# SPDX-License-Identifier: Apache-2.0
"""The supervisor's socket: tells the estate's other processes what runs, and hears from them what is in use."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from freehold.channel import Channel, ChannelClosed, listen
from freehold.contract.attempt import Attempts
from freehold.contract.backend import EngineStatus
from freehold.contract.report import ProcessReport
from freehold.engine.fleet import EngineFleet
from freehold.engine.gateways import Gateways
from freehold.engine.messages import (
    AskEgress,
    AskProcesses,
    Crash,
    EgressTried,
    EstateProcesses,
    FromSupervisor,
    GatewayTried,
    InUse,
    Retry,
    Status,
    Subscribe,
    ToSupervisor,
    Wake,
)
from freehold.seal.attempts import attempt_all

_Said = Wake | Retry | Crash | InUse | AskProcesses | AskEgress | GatewayTried


class SupervisorService:
    """Serves a fleet. ``others`` reports the estate's processes that are not engines."""

    def __init__(
        self,
        fleet: EngineFleet,
        others: Callable[[], tuple[ProcessReport, ...]] = tuple,
        attempt_all: Attempts = attempt_all,
    ) -> None:
        self._fleet = fleet
        self._others = others
        self._gateways = Gateways(attempt_all)

    @property
    def followed(self) -> bool:
        """Whether a gateway is connected."""
        return bool(self._gateways)

    async def listen(self, path: Path) -> asyncio.AbstractServer:
        """Serve at ``path`` until the server that is returned is closed."""
        return await listen(path, ToSupervisor, self._serve)

    async def _serve(self, channel: Channel[ToSupervisor, FromSupervisor]) -> None:
        unsubscribe: Callable[[], None] | None = None
        try:
            async for message in channel:
                if isinstance(message, Subscribe):
                    unsubscribe = unsubscribe or self._fleet.subscribe(_teller(channel))
                    self._gateways.join(channel)
                else:
                    await self._heed(message, channel)
        finally:
            if unsubscribe:
                unsubscribe()
            self._gateways.leave(channel)
            self._fleet.leave(channel)

    async def _heed(self, message: _Said, channel: Channel[ToSupervisor, FromSupervisor]) -> None:
        match message:
            case Wake():
                self._fleet.wake(message.target)
            case Retry():
                self._fleet.retry(message.model)
            case Crash():
                self._fleet.kill(message.target)
            case InUse():
                self._fleet.use(channel, message.target, max(0, message.calls))
            case AskProcesses():
                channel.post(self._processes())
            case AskEgress():
                channel.post(EgressTried(await self._gateways.try_egress(message.bait)))
            case GatewayTried():
                self._gateways.heard(channel, message.tried)
            case _:
                assert_never(message)

    def _processes(self) -> EstateProcesses:
        return EstateProcesses(processes=(*self._others(), *self._fleet.processes), engines=self._fleet.statuses)


def _teller(channel: Channel[ToSupervisor, FromSupervisor]) -> Callable[[EngineStatus], None]:
    def tell(status: EngineStatus) -> None:
        try:
            channel.post(Status(status))
        except ChannelClosed:
            return  # its reader is about to learn the same

    return tell
