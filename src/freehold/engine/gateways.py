# SPDX-License-Identifier: Apache-2.0
"""The gateways that follow the supervisor, and what they and it could reach when they were asked to try."""

import asyncio
import os
from typing import Final

from freehold.channel import Channel, ChannelClosed
from freehold.contract.attempt import Attempts, Bait, Tried
from freehold.engine.messages import FromSupervisor, ToSupervisor, TryEgress

GatewayChannel = Channel[ToSupervisor, FromSupervisor]

_TRIED_WITHIN_S: Final = 15.0


class Gateways:
    """Those that are connected now. ``attempt_all`` is how this process tries."""

    def __init__(self, attempt_all: Attempts) -> None:
        self._attempt_all = attempt_all
        self._waiting: dict[GatewayChannel, asyncio.Future[Tried] | None] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def join(self, channel: GatewayChannel) -> None:
        self._waiting.setdefault(channel)

    def leave(self, channel: GatewayChannel) -> None:
        self._waiting.pop(channel, None)

    def heard(self, channel: GatewayChannel, tried: Tried) -> None:
        waiting = self._waiting.get(channel)
        if waiting is not None and not waiting.done():
            waiting.set_result(tried)

    async def try_egress(self, bait: Bait) -> tuple[Tried, ...]:
        """Have this process and every gateway try to get out, all at once."""
        gateways = asyncio.gather(*(self._ask(channel, bait) for channel in self._waiting))
        attempts = await asyncio.to_thread(self._attempt_all, bait)
        return Tried(process="supervisor", pid=os.getpid(), attempts=attempts), *await gateways

    async def _ask(self, channel: GatewayChannel, bait: Bait) -> Tried:
        """What a gateway tried; nothing, where it does not say in time."""
        waiting: asyncio.Future[Tried] = asyncio.get_running_loop().create_future()
        self._waiting[channel] = waiting
        try:
            async with asyncio.timeout(_TRIED_WITHIN_S):
                await channel.send(TryEgress(bait))
                return await waiting
        except (ChannelClosed, TimeoutError):
            return Tried(process="gateway", pid=0)
