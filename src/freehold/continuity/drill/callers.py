# SPDX-License-Identifier: Apache-2.0
"""Makes a drill's calls at a gateway of the estate, as an application would, and notes what comes back.

It asks over the gateway's unix socket alone, behind which is all that is behind the public port: so also where the
estate is sealed, or its certificate is for another name.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from freehold.channel import reachable_path
from freehold.continuity.drill.observed import Observed, StreamReader, read_whole
from freehold.continuity.drill.traffic import Planned, body_of
from freehold.dialect.sse import Splitter
from freehold.errors import BackendBroke

Clock = Callable[[], float]  # seconds since the drill's begin

_ROOT: Final = "http://gateway"  # for the Host header; the socket decides who is asked
_SILENCE_S: Final = 300.0  # a call of which nothing is heard for so long is given up


class Callers:
    """Everybody who calls in one drill. ``observed`` grows as they begin."""

    def __init__(self, socket: Path, secret: str, service: str, clock: Clock) -> None:
        self.observed: list[Observed] = []
        self._socket = socket
        self._headers = {"Authorization": f"Bearer {secret}", "Freehold-Show-Seam": "1"}
        self._service = service
        self._clock = clock

    async def make(self, planned: Sequence[Planned]) -> None:
        """Make every call at its time, and wait for the last answer. Cancelled, it cuts those under way."""
        connector = aiohttp.UnixConnector(reachable_path(self._socket), limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_SILENCE_S)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            asyncio.TaskGroup() as group,
        ):
            for call in planned:
                group.create_task(self._call(call, session))

    async def _call(self, planned: Planned, session: aiohttp.ClientSession) -> None:
        await asyncio.sleep(max(0.0, planned.at_s - self._clock()))
        seen = Observed(
            number=planned.number, began_s=self._clock(), stream=planned.stream, tool=planned.tool, error="no_answer"
        )
        self.observed.append(seen)
        try:
            await self._ask(planned, seen, session)
        except (aiohttp.ClientError, OSError, TimeoutError, BackendBroke):
            seen.error = seen.error or "connection_lost"
        finally:
            seen.ended_s = self._clock()

    async def _ask(self, planned: Planned, seen: Observed, session: aiohttp.ClientSession) -> None:
        body = msgspec.json.encode(body_of(planned, self._service))
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "Freehold-Data-Class": planned.data_class.name.lower(),
        }
        async with session.post(_ROOT + planned.path, data=body, headers=headers) as response:
            seen.status, seen.error = response.status, ""
            seen.call_id = response.headers.get("x-request-id", "")
            seen.target = response.headers.get("freehold-target", "")
            if response.status == 200 and planned.stream:
                await self._follow(response.content, planned, seen)
            else:
                read_whole(seen, planned.dialect, await response.read(), self._clock())

    async def _follow(self, content: aiohttp.StreamReader, planned: Planned, seen: Observed) -> None:
        splitter, reader = Splitter(), StreamReader(seen, planned.dialect)
        try:
            async for chunk in content.iter_any():
                at_s = self._clock()
                for event in splitter.feed(chunk):
                    reader.take(event, at_s)
        finally:
            reader.close()
