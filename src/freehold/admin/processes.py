# SPDX-License-Identifier: Apache-2.0
"""Asks the supervisor, over its socket, which processes and engines run, and to try again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from freehold.channel import Channel, ChannelClosed, connect
from freehold.engine.messages import AskProcesses, EstateProcesses, Retry
from freehold.errors import EstateError

_ANSWERED_WITHIN_S = 5.0


class SupervisorSocket:
    """The supervisor of one estate. Each question has a connection of its own."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def processes(self) -> EstateProcesses:
        """Every process and every engine. Raises EstateError if the supervisor does not answer."""
        async with self._asked() as channel:
            await channel.send(AskProcesses())
            return await channel.receive()

    async def retry(self, model: str) -> None:
        """Have engines that had failed for this model tried again. Raises EstateError as above."""
        async with self._asked() as channel:
            await channel.send(Retry(model))

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[Channel[EstateProcesses, AskProcesses | Retry]]:
        try:
            async with asyncio.timeout(_ANSWERED_WITHIN_S):
                channel: Channel[EstateProcesses, AskProcesses | Retry] = await connect(self._socket, EstateProcesses)
                try:
                    yield channel
                finally:
                    channel.close()
        except (ChannelClosed, TimeoutError) as exc:
            raise EstateError("the supervisor does not answer", hint="See run/log/supervisor.log for why.") from exc
