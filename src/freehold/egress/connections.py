# SPDX-License-Identifier: Apache-2.0
"""Connections to one host, over HTTP, kept for the next request. It dials that host and no other.

Every address is checked where its socket is made, so that no later answer of a resolver can lead elsewhere. TLS is
always verified. No redirect is followed, no proxy, cookie or credential of the environment is used, and nothing is
unpacked: the server is asked for plain bytes.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from io import BytesIO
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

SocketAddress = tuple[Any, ...]  # as the socket module has it: of two parts, or of four
AddressInfo = tuple[int, int, int, str, SocketAddress]
Lookup = Callable[[str, int], Awaitable[Sequence[AddressInfo]]]
Check = Callable[[str], None]  # raises for an address that may not be dialled

_KEEP_ALIVE_S: Final = 15.0
_OURS: Final = {"Accept-Encoding": "identity", "User-Agent": "freehold"}


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
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """Once more where a kept connection turns out to be gone before anything came over it."""
        kept = SimpleNamespace(used=False)
        try:
            return await self._asked(method, url, body, headers, kept)
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            if not kept.used:
                raise
        return await self._asked(method, url, body, headers, kept)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _asked(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], kept: SimpleNamespace
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = self._opened()
        return await self._session.request(
            method,
            URL(url, encoded=True),
            data=None if body is None else BytesIO(body),
            headers={**_OURS, **headers},
            allow_redirects=False,
            trace_request_ctx=kept,
        )

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_Resolver(self._host, self._lookup, self._check),
                use_dns_cache=False,
                socket_factory=self._socket,
                ssl=self._tls(),
                limit=0,
                keepalive_timeout=_KEEP_ALIVE_S,
            ),
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept",),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_tracing()],
        )

    def _socket(self, info: AddressInfo) -> socket.socket:
        """Made only for an address that may be dialled, whoever gave it."""
        family, kind, protocol, _, address = info
        self._check(str(address[0]))
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """Resolves one host. One bad address among good ones is enough to dial none of them."""

    def __init__(self, host: str, lookup: Lookup, check: Check) -> None:
        self._host = host
        self._lookup = lookup
        self._check = check

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host != self._host:
            raise RuntimeError(f"only {self._host} is dialled here, and {host} was asked for")
        found = [
            (number, info)
            for info in await self._lookup(host, port)
            if (number := _number(info)) and family in (socket.AF_UNSPEC, info[0])
        ]
        if not found:
            raise OSError(None, "no address of the host can be dialled")
        for number, _ in found:
            self._check(number)
        return [_resolved(host, number, info) for number, info in found]

    async def close(self) -> None:
        """Nothing is kept open."""


def _number(info: AddressInfo) -> str:
    """The address of a look-up, with its scope; empty if it is of no internet."""
    family, _, _, _, address = info
    if family not in (socket.AF_INET, socket.AF_INET6):
        return ""
    return (
        f"{address[0]}%{address[3]}" if len(address) > 3 and address[3] and "%" not in address[0] else str(address[0])
    )


def _resolved(host: str, number: str, info: AddressInfo) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=number,
        port=info[4][1],
        family=info[0],
        proto=info[2],
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _tracing() -> aiohttp.TraceConfig:
    """Notes in the context of a request whether it goes over a kept connection."""
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(_note_kept)
    return tracing


async def _note_kept(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.used = True
