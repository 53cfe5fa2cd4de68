# SPDX-License-Identifier: Apache-2.0
"""The supervisor's socket: tells the estate's other processes what runs, and hears from them what is in use."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from freehold.channel import Channel, ChannelClosed, listen
from freehold.contract.backend import EngineStatus
from freehold.contract.report import ProcessReport
from freehold.engine.fleet import EngineFleet
from freehold.engine.messages import (
    AskProcesses,
    EstateProcesses,
    FromSupervisor,
    InUse,
    Retry,
    Status,
    Subscribe,
    ToSupervisor,
    Wake,
)


class SupervisorService:
    """Serves a fleet. ``others`` reports the estate's processes that are not engines."""

    def __init__(self, fleet: EngineFleet, others: Callable[[], tuple[ProcessReport, ...]] = tuple) -> None:
        self._fleet = fleet
        self._others = others

    async def listen(self, path: Path) -> asyncio.AbstractServer:
        """Serve at ``path`` until the server that is returned is closed."""
        return await listen(path, ToSupervisor, self._serve)

    async def _serve(self, channel: Channel[ToSupervisor, FromSupervisor]) -> None:
        unsubscribe: Callable[[], None] | None = None
        try:
            async for message in channel:
                match message:
                    case Subscribe():
                        unsubscribe = unsubscribe or self._fleet.subscribe(_teller(channel))
                    case Wake():
                        self._fleet.wake(message.target)
                    case Retry():
                        self._fleet.retry(message.model)
                    case InUse():
                        self._fleet.use(channel, message.target, max(0, message.calls))
                    case AskProcesses():
                        channel.post(self._processes())
                    case _:
                        assert_never(message)
        finally:
            if unsubscribe:
                unsubscribe()
            self._fleet.leave(channel)

    def _processes(self) -> EstateProcesses:
        return EstateProcesses(processes=(*self._others(), *self._fleet.processes), engines=self._fleet.statuses)


def _teller(channel: Channel[ToSupervisor, FromSupervisor]) -> Callable[[EngineStatus], None]:
    def tell(status: EngineStatus) -> None:
        try:
            channel.post(Status(status))
        except ChannelClosed:
            return  # its reader is about to learn the same

    return tell
