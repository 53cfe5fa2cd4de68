# SPDX-License-Identifier: Apache-2.0
"""The gateway's way to the engines: knows their states, wakes them, asks them. Never starts or stops a process."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from freehold.channel import Channel, ChannelClosed, connect
from freehold.contract.attempt import Attempts, Bait, Tried
from freehold.contract.backend import EngineStatus
from freehold.contract.decision import Decision
from freehold.dialect.interface import Backend, Upstream, Wire
from freehold.engine.line import SPEECHES, EngineAnswer, Line
from freehold.engine.messages import (
    FromSupervisor,
    GatewayTried,
    InUse,
    Status,
    Subscribe,
    ToSupervisor,
    TryEgress,
    Wake,
)
from freehold.seal.attempts import attempt_all

_RETRY_S: Final = 0.1


class Engines:
    """Every engine of the estate, by target. ``patience_s`` bounds the wait for one that starts or wakes."""

    def __init__(self, socket: Path, *, patience_s: float = 60.0, attempt_all: Attempts = attempt_all) -> None:
        self._attempt_all = attempt_all
        self._socket = socket
        self._patience_s = patience_s
        self._lines: dict[str, Line] = {}
        self._channel: Channel[FromSupervisor, ToSupervisor] | None = None
        self._following: asyncio.Task[None] | None = None
        self._trying: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to follow the supervisor, and go on after it was away."""
        self._following = asyncio.create_task(self._follow(), name="follow the supervisor")

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait((self._following,))
        await asyncio.gather(*(line.close() for line in self._lines.values()))

    def status(self, target: str) -> EngineStatus | None:
        """What the supervisor said last, without waiting."""
        line = self._lines.get(target)
        return line.status if line else None

    async def ready(self, target: str) -> Backend:
        """What the engine can do, once it has been ready; wakes it. Raises EngineUnavailable, EngineBusy.

        One that sleeps or is being restarted is waited for by ``open``, where calls of a higher priority come first.
        """
        status = await self._line(target).able(self._patience_s)
        return Backend(
            model=status.model,
            wires=_wires(status),
            context_tokens=status.context_tokens,
            tools=status.tools,
            fim=status.fim,
            most_choices=status.slots,
        )

    @asynccontextmanager
    async def open(
        self,
        target: str,
        upstream: Upstream,
        decision: Decision,  # noqa: ARG002 - nothing leaves the estate here
    ) -> AsyncIterator[EngineAnswer]:
        """Ask, once there is a slot for the call. Leaving the context stops the engine's work.

        Raises EngineUnavailable, EngineBusy, EngineBroke, and what the engine found wrong: InvalidRequest,
        ContextExceeded, Unsupported.
        """
        line, since_s = self._line(target), asyncio.get_running_loop().time()
        with line.using(), await line.slot(upstream, self._patience_s) as slot:
            answer = await line.ask(upstream, slot, self._patience_s, since_s)
            try:
                yield answer
            finally:
                answer.close()

    @property
    def queued(self) -> dict[str, int]:
        """How many calls wait for each engine."""
        return {target: line.queued for target, line in self._lines.items()}

    def warm(self, target: str) -> None:
        """Have the engine ready before a call needs it: wake it if it sleeps. It goes to sleep again like any other."""
        self._line(target).warm()

    def _line(self, target: str) -> Line:
        """The line to a target, also to one that the supervisor has not told of yet."""
        if target not in self._lines:
            self._lines[target] = Line(target, self._wake, self._in_use)
        return self._lines[target]

    def _wake(self, target: str) -> None:
        self._post(Wake(target))

    def _in_use(self, target: str, calls: int) -> None:
        self._post(InUse(target, calls))

    def _post(self, message: ToSupervisor) -> None:
        if self._channel is not None:
            with suppress(ChannelClosed):  # it is told anew once it is back
                self._channel.post(message)

    async def _try_egress(self, bait: Bait) -> None:
        attempts = await asyncio.to_thread(self._attempt_all, bait)
        self._post(GatewayTried(Tried(process="gateway", pid=os.getpid(), attempts=attempts)))

    async def _follow(self) -> None:
        while True:
            with suppress(ChannelClosed):
                channel: Channel[FromSupervisor, ToSupervisor] = await connect(self._socket, FromSupervisor)
                try:
                    channel.post(Subscribe())
                    self._channel = channel
                    for line in self._lines.values():
                        line.tell_again()
                    async for message in channel:
                        if isinstance(message, Status):
                            self._line(message.engine.target).update(message.engine)
                        elif isinstance(message, TryEgress):
                            trying = asyncio.create_task(self._try_egress(message.bait))
                            self._trying.add(trying)
                            trying.add_done_callback(self._trying.discard)
                finally:
                    self._channel = None
                    channel.close()
            await asyncio.sleep(_RETRY_S)


def _wires(status: EngineStatus) -> frozenset[Wire]:
    if status.embeds:
        return frozenset({Wire.EMBEDDINGS})
    lacks = {Wire.EMBEDDINGS} if status.fim else {Wire.EMBEDDINGS, Wire.INFILL}
    return SPEECHES[status.engine].wires - lacks
