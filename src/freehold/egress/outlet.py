# SPDX-License-Identifier: Apache-2.0
"""A forward proxy for one errand: the only way out of a process that has no network, and only to the places granted.

It listens on a socket that it is handed. The address that a name resolves to is looked at, and it is that address which
is connected to. Whatever else is asked for gets 403 and is noted. It reads no TLS, keeps nothing, and logs nothing.
"""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SOCK_STREAM, socket
from typing import Final

from freehold.contract.grant import Allowance, Place
from freehold.egress.addresses import PUBLIC, kind_of
from freehold.egress.asked import HEAD_BYTES, Asked, read_asked
from freehold.egress.upstream import Upstream, Upstreams

_HEAD_S: Final = 30.0
_CONNECT_S: Final = 20.0
_CHUNK_BYTES: Final = 256 * 1024
_CLOSED: Final = (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class Outlet:
    """The proxy of one errand. ``refused`` tells what may not be contacted, ``failed`` what could not be; each once."""

    def __init__(self, allowed: Allowance, upstreams: Upstreams) -> None:
        self._allowed = allowed
        self._upstreams = upstreams
        self.refused: list[str] = []
        self.failed: list[str] = []
        self._serving: set[asyncio.Task[object] | None] = set()  # the loop forgets one whose client has said all

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the client, to its end."""
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            with suppress(*_CLOSED, asyncio.CancelledError):  # asyncio's server would report one that is cancelled
                async with asyncio.timeout(_HEAD_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(read_asked(head), reader, writer)
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, asked: Asked | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked is None:
            writer.write(_status("400 Bad Request", "this is no request to a proxy"))
            return
        try:
            there, away, upstream = await self._reach(asked)
        except _Refused as refused:
            writer.write(_status(refused.status, str(refused)))
            return
        try:
            if asked.tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await _both_ways(reader, writer, there, away)
            else:
                more = upstream.fields if upstream else ()
                away.write(asked.head(to_a_proxy=upstream is not None, more=more))
                await _one_request(asked, reader, writer, there, away)
        finally:
            away.close()

    async def _reach(self, asked: Asked) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Upstream | None]:
        """A connection towards the place, and the other proxy that it leads through. Raises _Refused."""
        place, upstream = asked.place, self._upstreams.towards(asked.place, tunnel=asked.tunnel)
        contacted = upstream.place if upstream else place
        for needed in (place, contacted):
            if needed not in self._allowed.places:
                raise self._refuse(f"{needed} is not granted")
        addresses = await self._addresses(contacted)
        try:
            async with asyncio.timeout(_CONNECT_S):
                there, away = await _connect(addresses, contacted, upstream)
                if upstream is not None and asked.tunnel and not await _tunnelled(there, away, place, upstream):
                    away.close()
                    raise self._fail(f"the proxy {contacted} would not connect to {place}")
        except (OSError, *_CLOSED) as exc:
            raise self._fail(f"{contacted} cannot be reached") from exc
        return there, away, upstream

    async def _addresses(self, place: Place) -> list[str]:
        """The addresses of a place, each of which may be contacted. Raises _Refused."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(place.host, place.port, type=SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            raise self._fail(f"the name {place.host} cannot be resolved") from exc
        addresses = [str(address[0]) for *_, address in found]
        for address in addresses if place not in self._allowed.private else ():
            if (kind := kind_of(address)) != PUBLIC:
                raise self._refuse(f"{place} lies at the {kind} address {address}")
        return addresses

    def _refuse(self, why: str) -> "_Refused":
        _note(self.refused, why)
        return _Refused("403 Forbidden", why)

    def _fail(self, why: str) -> "_Refused":
        _note(self.failed, why)
        return _Refused("502 Bad Gateway", why)


def _note(notes: list[str], why: str) -> None:
    if why not in notes:
        notes.append(why)


class _Refused(Exception):
    """What is answered instead. Its text is for the client, and for the person whose errand it is."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


@contextmanager
def opened(outlet: Outlet, listening: socket) -> Iterator[None]:
    """Serve in a thread of its own for as long as the context lasts, whatever loop runs elsewhere."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="outlet")
    thread.start()
    try:
        serving = asyncio.start_server(outlet.serve, sock=listening, limit=HEAD_BYTES)
        server = asyncio.run_coroutine_threadsafe(serving, loop).result()
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(_end(server, listening), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server, listening: socket) -> None:
    """Nothing goes on, no connection that is served and none that is being accepted, which close() leaves open."""
    loop = asyncio.get_running_loop()
    loop.remove_reader(listening)
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.sleep(0)  # a task that has not begun would close nothing
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    server.close()
    await loop.shutdown_default_executor()


async def _connect(
    addresses: list[str], place: Place, upstream: Upstream | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first address that answers. Raises OSError."""
    context = ssl.create_default_context() if upstream is not None and upstream.encrypted else None
    name = place.host if context else None
    failed: OSError = ConnectionError()
    for address in addresses:
        try:
            return await asyncio.open_connection(
                address, place.port, ssl=context, server_hostname=name, limit=HEAD_BYTES
            )
        except OSError as exc:
            failed = exc
    raise failed


async def _tunnelled(there: asyncio.StreamReader, away: asyncio.StreamWriter, place: Place, upstream: Upstream) -> bool:
    """Whether the other proxy has made the connection that it was asked for."""
    name = str(place).encode()
    lines = (b"CONNECT %b HTTP/1.1" % name, b"Host: %b" % name, *upstream.fields, b"", b"")
    away.write(b"\r\n".join(lines))
    answer = await there.readuntil(b"\r\n\r\n")
    return answer.split(maxsplit=2)[1:2] == [b"200"]


async def _one_request(
    asked: Asked,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    away: asyncio.StreamWriter,
) -> None:
    """The body of a request, and its answer; the connection ends with it."""
    await _copy(reader, away, asked.body_bytes)
    await _copy(there, writer)


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    away: asyncio.StreamWriter,
) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_through(reader, away))
        group.create_task(_through(there, writer))


async def _through(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    """One direction of a tunnel; its end is passed on, where the other side can take half of one."""
    with suppress(OSError):
        await _copy(source, to)
        if to.can_write_eof():
            to.write_eof()
        else:
            to.close()


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter, size_bytes: int | None = None) -> None:
    """All that comes, or so many bytes."""
    left = size_bytes
    while left is None or left > 0:
        chunk = await source.read(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
        if not chunk:
            return
        to.write(chunk)
        await to.drain()
        left = None if left is None else left - len(chunk)


def _status(status: str, why: str) -> bytes:
    body = f"{why}\n".encode()
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
