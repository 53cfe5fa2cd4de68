# SPDX-License-Identifier: Apache-2.0
"""A clock that only moves when something waits for it, and a supervisor that only says what it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from freehold.channel import Channel, listen
from freehold.contract.backend import EngineState, EngineStatus
from freehold.engine.messages import FromSupervisor, InUse, Status, Subscribe, ToSupervisor, Wake


class FakeClock:
    """Whoever sleeps moves the time on by as long, at once, and is noted."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept_s: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def unix(self) -> float:
        return 1_800_000_000 + self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)


@dataclass
class StubSupervisor:
    """Listens at ``path``; pushes what ``say`` is given; keeps what it hears."""

    path: Path
    heard: asyncio.Queue[ToSupervisor] = field(default_factory=asyncio.Queue)
    channels: list[Channel[ToSupervisor, FromSupervisor]] = field(default_factory=list)
    statuses: dict[str, EngineStatus] = field(default_factory=dict)

    def say(self, status: EngineStatus) -> None:
        self.statuses[status.target] = status
        for channel in self.channels:
            channel.post(Status(status))

    async def hear(self, kind: type[Wake] | type[InUse]) -> Wake | InUse:
        while not isinstance(message := await self.heard.get(), kind):
            pass
        return message

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["StubSupervisor"]:
        server = await listen(self.path, ToSupervisor, self._serve)
        try:
            yield self
        finally:
            server.close()
            for channel in self.channels:
                channel.close()

    async def _serve(self, channel: Channel[ToSupervisor, FromSupervisor]) -> None:
        async for message in channel:
            self.heard.put_nowait(message)
            if isinstance(message, Subscribe):
                self.channels.append(channel)
                for status in self.statuses.values():
                    channel.post(Status(status))
        self.channels.remove(channel)


def engine_status(state: EngineState, folder: Path, *, slots: int = 2, queue: int = 2) -> EngineStatus:
    return EngineStatus(
        target="local",
        state=state,
        model="small",
        socket=str(folder / "engine.sock"),
        context_tokens=512,
        slots=slots,
        queue=queue,
        tools=True,
    )
