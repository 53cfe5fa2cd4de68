# SPDX-License-Identifier: Apache-2.0
"""A connection to the ledger's process that comes back by itself. Knows no message but the first of each side."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from freehold.channel import Channel, ChannelClosed, connect
from freehold.ledger.messages import FromLedger, Hello, ToLedger, Welcome

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 1.0


class Caller(Protocol):
    """Whoever uses the line."""

    def hello(self) -> Hello:
        """What to say first on a new connection."""
        ...

    def connected(self, welcome: Welcome) -> None: ...

    def heard(self, message: FromLedger) -> None: ...

    def disconnected(self) -> None: ...


class Line:
    """One connection at a time. ``up`` is set while there is one."""

    def __init__(self, socket: Path, caller: Caller) -> None:
        self.up = asyncio.Event()
        self._socket = socket
        self._caller = caller
        self._channel: Channel[FromLedger, ToLedger] | None = None
        self._heard_s = 0.0  # when the ledger last said something, on the loop's clock

    def is_silent(self, since_s: float) -> bool:
        """Whether there is a connection on which the ledger has said nothing since then."""
        return self._channel is not None and self._heard_s <= since_s

    def break_off(self) -> None:
        """Have done with this connection, and with what the ledger has not taken from it; then connect again."""
        if self._channel is not None:
            self._channel.break_off()

    def send(self, message: ToLedger) -> bool:
        """Send without waiting; false if the ledger is away. True does not mean that it arrived."""
        if self._channel is None:
            return False
        try:
            self._channel.post(message)
        except ChannelClosed:
            return False
        return True

    async def stay_connected(self) -> None:
        """Until cancelled."""
        self._loop = asyncio.get_running_loop()  # kept: CPython 3.11 makes a system call to find it
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                channel = await connect(self._socket, FromLedger)
            except ChannelClosed:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            pause_s = _FIRST_PAUSE_S
            await self._talk(channel)
            await asyncio.sleep(pause_s)

    async def _talk(self, channel: Channel[FromLedger, ToLedger]) -> None:
        try:
            await channel.send(self._caller.hello())
            welcome = await channel.receive()
            if not isinstance(welcome, Welcome):
                return
            self._channel = channel
            self._heard_s = self._loop.time()
            self._caller.connected(welcome)
            self.up.set()
            await channel.hear(self._heard)
        except ChannelClosed:
            pass  # the ledger is away; the caller hears of it below
        finally:
            self._channel = None
            self.up.clear()
            channel.close()
            self._caller.disconnected()

    def _heard(self, messages: Sequence[FromLedger]) -> None:
        self._heard_s = self._loop.time()
        for message in messages:
            self._caller.heard(message)
