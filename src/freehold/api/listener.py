# SPDX-License-Identifier: Apache-2.0
"""The public port: HTTP/1.1 over asyncio's transports, one task for each request. Decides nothing.

What a caller may hold here is bounded in time by one look at every connection, once a second.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

from freehold.api.connection import Answer, CallerConnection, Patience

_LOOK_EVERY_S: Final = 1.0


class Listener:
    """Serves ``answer`` at any number of sockets. ``patience`` is asked anew for each request."""

    def __init__(
        self,
        answer: Answer,
        patience: Callable[[], Patience],
        *,
        now_s: Callable[[], float] = time.monotonic,
        now_unix: Callable[[], float] = time.time,
    ) -> None:
        self.answer = answer
        self.patience = patience
        self.now_s = now_s
        self.connections: set[CallerConnection] = set()
        self._now_unix = now_unix
        self._date = (-1, "")
        self._servers: list[asyncio.Server] = []
        self._looking: asyncio.Task[None] | None = None

    async def listen(self, at: socket.socket, *, tls: ssl.SSLContext | None = None, backlog: int = 1024) -> None:
        """Take connections from a bound socket, which is now the listener's own."""
        loop = asyncio.get_running_loop()
        handshake_s = self.patience().head_s if tls is not None else None  # nobody looks at it before it is there
        server = await loop.create_server(
            lambda: CallerConnection(self), sock=at, ssl=tls, backlog=backlog, ssl_handshake_timeout=handshake_s
        )
        self._servers.append(server)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_in_time(), name="look at slow callers")

    async def close(self) -> None:
        """Take no more connections, and end those that there are: calls under way are cancelled."""
        for server in self._servers:
            server.close()
        if self._looking is not None:
            self._looking.cancel()
        answering = {task for connection in self.connections if (task := connection.answering)}
        for connection in tuple(self.connections):
            connection.finish()
        if answering:
            await asyncio.wait(answering)

    def look(self) -> None:
        """Have done with whoever has taken longer than they may."""
        now_s = self.now_s()
        for connection in [connection for connection in self.connections if now_s >= connection.due_s]:
            connection.took_too_long()

    @property
    def date(self) -> str:
        """RFC 9110 section 6.6.1, of this second."""
        second = int(self._now_unix())
        if self._date[0] != second:
            self._date = second, formatdate(second, usegmt=True)
        return self._date[1]

    async def _look_in_time(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self.look()
