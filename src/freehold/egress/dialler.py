# SPDX-License-Identifier: Apache-2.0
"""The way to one endpoint. It dials the endpoint's host and no other, and only for a call that may go there.

Every address is checked where its socket is made, so that no later answer of a resolver can lead elsewhere. TLS is
always verified. No redirect is followed, no proxy, cookie or credential of the environment is used, and nothing is
unpacked: the server is asked for plain bytes.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from freehold.contract.backend import BackendKind
from freehold.contract.endpoint import Endpoint
from freehold.contract.estate import Estate
from freehold.egress.addresses import PUBLIC, is_address, kind_of
from freehold.egress.interface import Leave
from freehold.errors import ProviderUnavailable

SocketAddress = tuple[Any, ...]  # as the socket module has it: of two parts, or of four
AddressInfo = tuple[int, int, int, str, SocketAddress]
Lookup = Callable[[str, int], Awaitable[Sequence[AddressInfo]]]

_KEEP_ALIVE_S: Final = 15.0
_OURS: Final = {"Accept-Encoding": "identity", "User-Agent": "freehold"}
_LOCAL_KINDS: Final = frozenset({"loopback", "private", "link-local", "shared"})
_PRIVATE: Final = "Set allow_private = true for this provider if it is meant to lie in a network of your own."
_PLAIN: Final = "Give base_url an https:// address; plain http:// never leaves your own network."


async def look_up(host: str, port: int) -> Sequence[AddressInfo]:
    """The system's resolver."""
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)


class Dialler:
    """Connections to one endpoint, kept for the next call. Made anew by the next call after ``retire`` too."""

    def __init__(self, endpoint: Endpoint, estate: Estate, *, lookup: Lookup = look_up) -> None:
        self.endpoint = endpoint
        self._estate = estate
        self._lookup = lookup
        self._session: aiohttp.ClientSession | None = None
        self._calls = 0
        self._retired = False

    @asynccontextmanager
    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str], leave: Leave
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a call; ``path`` is put behind the base URL. Leaving the context cuts an answer that is not read whole.

        Raises ProviderUnavailable for an address that may not be dialled, and what aiohttp raises.
        """
        self.require(leave)
        self._calls += 1
        try:
            response = await self._posted(URL(self.endpoint.base_url + path, encoded=True), body, headers)
            try:
                yield response
            finally:
                response.close()
        finally:
            self._calls -= 1
            if self._retired and not self._calls:
                await self.close()

    async def retire(self) -> None:
        """No configuration names the endpoint any more: close its connections once the last call is over."""
        self._retired = True
        if not self._calls:
            await self.close()

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def require(self, leave: Leave) -> None:
        """A call without leave is a bug, and comes no further than this: not even a name is looked up for it."""
        target = leave.target
        if target.name not in leave.decision.allowed:
            raise RuntimeError(f"decision {leave.decision.id} does not allow the target {target.name}")
        if target.kind is not BackendKind.PROVIDER or target.operator != self.endpoint.provider:
            raise RuntimeError(f"the target {target.name} is {target.operator}'s, not {self.endpoint.provider}'s")

    async def _posted(self, url: URL, body: bytes, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """Once more where a kept connection turns out to be gone before anything came over it."""
        kept = SimpleNamespace(used=False)
        session = self._connections()
        request = {**_OURS, **headers}
        try:
            return await session.post(
                url, data=BytesIO(body), headers=request, allow_redirects=False, trace_request_ctx=kept
            )
        except (aiohttp.ServerDisconnectedError, ConnectionResetError):
            if not kept.used:
                raise
        return await session.post(url, data=BytesIO(body), headers=request, allow_redirects=False)

    def _connections(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=_Resolver(self.endpoint, self._lookup, self._check),
                    use_dns_cache=False,
                    socket_factory=self._socket,
                    ssl=self._tls(),
                    limit=0,
                    keepalive_timeout=_KEEP_ALIVE_S,
                ),
                timeout=aiohttp.ClientTimeout(total=None, connect=self.endpoint.limits.connect_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept",),
                auto_decompress=False,
                trust_env=False,
                trace_configs=[_tracing()],
            )
        return self._session

    def _tls(self) -> ssl.SSLContext:
        ca = self.endpoint.tls_ca
        try:
            return ssl.create_default_context(cafile=str(self._estate.directory / ca) if ca else None)
        except (OSError, ssl.SSLError) as exc:
            raise ProviderUnavailable(
                f"the authority of provider {self.endpoint.provider}, {ca}, cannot be read as certificates"
            ) from exc

    def _socket(self, info: AddressInfo) -> socket.socket:
        """Made only for an address that may be dialled, whoever gave it."""
        family, kind, protocol, _, address = info
        self._check(str(address[0]))
        return socket.socket(family, kind, protocol)

    def _check(self, address: str) -> None:
        """Raise ProviderUnavailable for an address that this endpoint may not lie at."""
        endpoint, kind = self.endpoint, kind_of(address)
        if kind != PUBLIC and not endpoint.allow_private:
            how = "lies at" if is_address(endpoint.host) else "resolves to"
            raise ProviderUnavailable(
                f"the host of provider {endpoint.provider} {how} a {kind} address, and is not dialled", hint=_PRIVATE
            )
        if not endpoint.encrypted and kind not in _LOCAL_KINDS:
            raise ProviderUnavailable(
                f"provider {endpoint.provider} would be sent plain text over a public network, and is not dialled",
                hint=_PLAIN,
            )


class _Resolver(AbstractResolver):
    """Resolves one host. One bad address among good ones is enough to dial none of them."""

    def __init__(self, endpoint: Endpoint, lookup: Lookup, check: Callable[[str], None]) -> None:
        self._host = endpoint.host
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
