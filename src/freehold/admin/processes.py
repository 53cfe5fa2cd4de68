# SPDX-License-Identifier: Apache-2.0
"""Asks the supervisor, over its socket, which processes and engines run."""

import asyncio
from pathlib import Path

from freehold.channel import Channel, ChannelClosed, connect
from freehold.engine.messages import AskProcesses, EstateProcesses
from freehold.errors import EstateError

_ANSWERED_WITHIN_S = 5.0


class SupervisorSocket:
    """The supervisor of one estate. Each question has a connection of its own."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def processes(self) -> EstateProcesses:
        """Every process and every engine. Raises EstateError if the supervisor does not answer."""
        try:
            async with asyncio.timeout(_ANSWERED_WITHIN_S):
                channel: Channel[EstateProcesses, AskProcesses] = await connect(self._socket, EstateProcesses)
                try:
                    channel.post(AskProcesses())
                    return await channel.receive()
                finally:
                    channel.close()
        except (ChannelClosed, TimeoutError) as exc:
            raise EstateError("the supervisor does not answer", hint="See run/log/supervisor.log for why.") from exc
