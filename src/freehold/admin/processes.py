# SPDX-License-Identifier: Apache-2.0
"""Asks the supervisor, over its socket, which processes and engines run, and to try again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from freehold.channel import Channel, ChannelClosed, connect
from freehold.contract.attempt import Bait, Tried
from freehold.engine.messages import (
    AskEgress,
    AskProcesses,
    Crash,
    EgressTried,
    EstateProcesses,
    Retry,
    ToSupervisor,
    Wake,
)
from freehold.errors import EstateError

Answer = TypeVar("Answer", EstateProcesses, EgressTried)

_ANSWERED_WITHIN_S = 5.0
_TRIED_WITHIN_S = 30.0


class SupervisorSocket:
    """The supervisor of one estate. Each question has a connection of its own."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def processes(self) -> EstateProcesses:
        """Every process and every engine. Raises EstateError if the supervisor does not answer."""
        async with self._asked(EstateProcesses) as channel:
            await channel.send(AskProcesses())
            return await channel.receive()

    async def retry(self, model: str) -> None:
        """Have engines that had failed for this model tried again. Raises EstateError as above."""
        async with self._asked(EstateProcesses) as channel:
            await channel.send(Retry(model))

    async def wake(self, target: str) -> None:
        """Have an engine started that sleeps. Raises EstateError as above."""
        async with self._asked(EstateProcesses) as channel:
            await channel.send(Wake(target))

    async def crash(self, target: str) -> None:
        """Have an engine's process die. Raises EstateError as above."""
        async with self._asked(EstateProcesses) as channel:
            await channel.send(Crash(target))

    async def try_egress(self, bait: Bait) -> tuple[Tried, ...]:
        """Have the supervisor and every gateway try to get out. Raises EstateError as above."""
        async with self._asked(EgressTried, within_s=_TRIED_WITHIN_S) as channel:
            await channel.send(AskEgress(bait))
            return (await channel.receive()).tried

    @asynccontextmanager
    async def _asked(
        self, answer: type[Answer], within_s: float = _ANSWERED_WITHIN_S
    ) -> AsyncIterator[Channel[Answer, ToSupervisor]]:
        try:
            async with asyncio.timeout(within_s):
                channel: Channel[Answer, ToSupervisor] = await connect(self._socket, answer)
                try:
                    yield channel
                finally:
                    channel.close()
        except (ChannelClosed, TimeoutError) as exc:
            raise EstateError("the supervisor does not answer", hint="See run/log/supervisor.log for why.") from exc
