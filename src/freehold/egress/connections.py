# SPDX-License-Identifier: Apache-2.0
"""Connections to one host, over HTTP/1.1, kept for the next request. It dials that host and no other.

The address that was looked at is the one that is dialled: no later answer of a resolver can lead elsewhere. TLS is
always verified. No redirect is followed, no proxy, cookie or credential of the environment is used, and nothing is
unpacked: the server is asked for plain bytes.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from freehold.egress.addresses import is_address
from freehold.egress.connection import Answer, Connection
from freehold.egress.interface import Break, WayBroken
from freehold.http1 import request_head

SocketAddress = tuple[Any, ...]  # as the socket module has it: of two parts, or of four
AddressInfo = tuple[int, int, int, str, SocketAddress]
Lookup = Callable[[str, int], Awaitable[Sequence[AddressInfo]]]
Check = Callable[[str], None]  # raises for an address that may not be dialled

_KEEP_ALIVE_S: Final = 60.0
_NEXT_ADDRESS_S: Final = 0.25  # after which the next address is tried beside the one before (RFC 8305 section 5)
_HEADS_KEPT: Final = 64  # of requests: by API, whether streamed, secret
_PORTS: Final = {"http": 80, "https": 443}


async def look_up(host: str, port: int) -> Sequence[AddressInfo]:
    """The system's resolver."""
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)


class Connections:
    """``tls`` is asked when the first connection is made; what it raises, and what ``check`` raises, comes through."""

    def __init__(
        self, host: str, check: Check, tls: Callable[[], ssl.SSLContext], *, connect_s: float, lookup: Lookup
    ) -> None:
        self._host = host
        self._check = check
        self._tls = tls
        self._connect_s = connect_s
        self._lookup = lookup
        self._context: ssl.SSLContext | None = None
        self._open: set[Connection] = set()
        self._kept: dict[Connection, float] = {}  # since when each has had nothing to do, the newest last
        self._letting_go: asyncio.TimerHandle | None = None
        self._retired = False
        self._heads: dict[tuple[str, str, tuple[tuple[str, str], ...]], bytes] = {}

    async def ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Once more where a kept connection turns out to be gone before anything came over it. Raises WayBroken."""
        head = self._head(method, url, tuple(headers.items()))
        if body is not None:
            head = b"%bContent-Length: %d\r\n\r\n" % (head[:-2], len(body))
        connection = self._kept.popitem()[0] if self._kept else None
        try:
            if connection is not None:
                try:
                    return await connection.ask(head, body)
                except WayBroken as problem:
                    if problem.where is not Break.LOST or connection.begun:
                        raise
            scheme, place, *_ = urlsplit(url)
            connection = await self._dialled(scheme, place)
            return await connection.ask(head, body)
        except asyncio.CancelledError:
            if connection is not None:
                connection.cut()
            raise

    def _head(self, method: str, url: str, headers: tuple[tuple[str, str], ...]) -> bytes:
        """Of a request, but for the length of its body. Most requests differ in nothing else."""
        asked = (method, url, headers)
        head = self._heads.get(asked)
        if head is None:
            _, place, path, query, _ = urlsplit(url)
            ours = {"Host": place, "Accept-Encoding": "identity", "User-Agent": "freehold"}
            target = f"{path or '/'}?{query}" if query else path or "/"
            head = request_head(method, target, {**ours, **dict(headers)})
            if len(self._heads) >= _HEADS_KEPT:
                self._heads.clear()
            self._heads[asked] = head
        return head

    def retire(self) -> None:
        """Keep none any more: each is closed once it has nothing to do."""
        self._retired = True
        self._let_go_of(tuple(self._kept))

    def close(self) -> None:
        """Whatever is under way."""
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None
        for connection in tuple(self._open):
            connection.cut()
        self._kept.clear()

    async def _dialled(self, scheme: str, place: str) -> Connection:
        """A new connection. Raises WayBroken."""
        port = urlsplit(f"//{place}").port or _PORTS[scheme]
        tls = None
        if scheme == "https":
            tls = self._context = self._context or self._tls()
        try:
            async with asyncio.timeout(self._connect_s):
                return await self._connected(port, tls)
        except TimeoutError as exc:
            raise WayBroken(Break.TOO_LATE) from exc
        except ssl.SSLCertVerificationError as exc:
            raise WayBroken(Break.CERTIFICATE) from exc
        except ssl.SSLError as exc:
            raise WayBroken(Break.TLS) from exc
        except ConnectionRefusedError as exc:
            raise WayBroken(Break.REFUSED) from exc
        except OSError as exc:
            raise WayBroken(Break.UNREACHED) from exc

    async def _connected(self, port: int, tls: ssl.SSLContext | None) -> Connection:
        dialled = await _first_of(await self._addresses(port))
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._keep, self._forget),
                sock=dialled,
                ssl=tls,
                server_hostname=self._host if tls else None,
            )
        except BaseException:
            dialled.close()
            raise
        self._open.add(connection)
        return connection

    async def _addresses(self, port: int) -> list[AddressInfo]:
        """Those that may be dialled. One bad address among good ones is enough to dial none of them."""
        if is_address(self._host):
            return [self._checked(self._literal(port))]
        try:
            found = await self._lookup(self._host, port)
        except OSError as exc:
            raise WayBroken(Break.NAME) from exc
        found = [info for info in found if info[0] in (socket.AF_INET, socket.AF_INET6)]
        if not found:
            raise WayBroken(Break.NAME)
        return [self._checked(info) for info in found]

    def _literal(self, port: int) -> AddressInfo:
        infos = socket.getaddrinfo(self._host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        family, kind, protocol, name, address = infos[0]
        return family, kind, protocol, name, address

    def _checked(self, info: AddressInfo) -> AddressInfo:
        address = info[4]
        number = str(address[0])
        scoped = len(address) > 3 and address[3] and "%" not in number
        self._check(f"{number}%{address[3]}" if scoped else number)
        return info

    def _keep(self, connection: Connection) -> None:
        if self._retired:
            connection.cut()
            return
        self._kept[connection] = time.monotonic()
        if self._letting_go is None:
            self._letting_go = asyncio.get_running_loop().call_later(_KEEP_ALIVE_S, self._let_go)

    def _let_go(self) -> None:
        """Close what was not used for long."""
        since_s = time.monotonic() - _KEEP_ALIVE_S
        self._let_go_of([kept for kept, kept_s in self._kept.items() if kept_s <= since_s])
        again = asyncio.get_running_loop().call_later
        self._letting_go = again(_KEEP_ALIVE_S, self._let_go) if self._kept else None

    def _let_go_of(self, connections: Iterable[Connection]) -> None:
        for connection in connections:
            del self._kept[connection]
            connection.cut()

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._kept.pop(connection, None)


async def _first_of(addresses: Sequence[AddressInfo]) -> socket.socket:
    """A socket that is connected to the first address that takes it. Raises OSError."""
    if len(addresses) == 1:
        return await _dial(addresses[0])
    waiting, dialling = list(addresses), set[asyncio.Task[socket.socket]]()
    try:
        while True:
            if waiting:
                dialling.add(asyncio.create_task(_dial(waiting.pop(0))))
            patience_s = _NEXT_ADDRESS_S if waiting else None
            done, _ = await asyncio.wait(dialling, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                dialling.discard(task)
                if task.exception() is None or not (waiting or dialling):
                    return task.result()
    finally:
        for task in dialling:
            task.cancel()
            task.add_done_callback(_close_late)


async def _dial(info: AddressInfo) -> socket.socket:
    family, kind, protocol, _, address = info
    dialled = socket.socket(family, kind, protocol)
    try:
        dialled.setblocking(False)  # noqa: FBT003
        await asyncio.get_running_loop().sock_connect(dialled, address)
    except BaseException:
        dialled.close()
        raise
    return dialled


def _close_late(task: "asyncio.Task[socket.socket]") -> None:
    """Another address was quicker."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
