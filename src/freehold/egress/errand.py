# SPDX-License-Identifier: Apache-2.0
"""The way to one host for contact that is no call: only under a grant, which is asked for anew each time.

An answer is read whole within a limit of bytes and of time, or it is none. Nothing that the host says of what went
wrong is passed on: a person is told what was seen from here.
"""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from freehold.contract.grant import Allowance, Errand, Permit, place_of
from freehold.egress.addresses import LOCAL_KINDS, PUBLIC, kind_of
from freehold.egress.connections import Connections, Lookup, look_up
from freehold.egress.interface import Break, Content, WayBroken
from freehold.errors import ContactFailed, EgressDenied

_PRIVATE: Final = "Set allow_private = true in its [grant.NAME] if it is meant to lie in a network of your own."
_PLAIN: Final = "Give it an https:// address; plain http:// never leaves your own network."
_CONNECT_S: Final = 5.0
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_GONE: Final = "cannot be reached, or hung up"
_WORDS: Final = {
    Break.TLS: "has a certificate that cannot be verified, or speaks no TLS",
    Break.CERTIFICATE: "has a certificate that cannot be verified, or speaks no TLS",
    Break.NOT_HTTP: "answered what is not HTTP",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer. ``media`` is its content type without parameters."""

    status: int
    media: str
    body: bytes


class ErrandWay:
    """Connections to the host of ``base_url``, kept for the next errand. Raises ValueError if it is no such URL."""

    def __init__(
        self,
        base_url: str,
        permit: Permit,
        *,
        tls_ca: Path | None = None,
        lookup: Lookup = look_up,
    ) -> None:
        place = place_of(base_url)
        if place is None:
            raise ValueError(f"{base_url!r} is not the URL of a host")
        self._place = place
        self._base_url = base_url.removesuffix("/")
        self._permit = permit
        self._tls_ca = tls_ca
        self._allowed = Allowance()
        self._connections = Connections(place.host, self._check, self._tls, connect_s=_CONNECT_S, lookup=lookup)

    async def ask(  # noqa: PLR0913 - a request, and how long its answer may be and take
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        limit_bytes: int,
        timeout_s: float,
    ) -> Reply:
        """``path`` is put behind the base URL. Raises EgressDenied without leave, ContactFailed without an answer."""
        self._allowed = self._permit(Errand(contacted=frozenset({self._place})))
        if self._place not in self._allowed.places:
            raise EgressDenied(f"{self._place} is not granted")
        with self._translated(timeout_s):
            async with asyncio.timeout(timeout_s):
                response = await self._connections.ask(method, self._base_url + path, body, headers)
                try:
                    content = await _read_within(response.content, limit_bytes)
                    return Reply(status=response.status, media=response.content_type, body=content)
                finally:
                    response.close()  # the connection is kept if the answer has come to its end

    async def close(self) -> None:
        self._connections.close()

    @contextmanager
    def _translated(self, timeout_s: float) -> Iterator[None]:
        try:
            yield
        except TimeoutError as exc:
            raise ContactFailed(f"{self._place} did not answer within {timeout_s:g} s") from exc
        except WayBroken as exc:
            raise ContactFailed(f"{self._place} {_WORDS.get(exc.where, _GONE)}") from exc

    def _tls(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=str(self._tls_ca) if self._tls_ca else None)
        except (OSError, ssl.SSLError) as exc:
            raise ContactFailed(f"the authority {self._tls_ca} cannot be read as certificates") from exc

    def _check(self, address: str) -> None:
        """Raise EgressDenied for an address that the host may not lie at."""
        kind = kind_of(address)
        if kind != PUBLIC and self._place not in self._allowed.private:
            raise EgressDenied(f"{self._place} lies at a {kind} address, and is not dialled", hint=_PRIVATE)
        if self._base_url.startswith("http:") and kind not in LOCAL_KINDS:
            raise EgressDenied(f"{self._place} would be sent plain text over a public network", hint=_PLAIN)


async def _read_within(content: Content, limit_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size_bytes = 0
    async for piece in content.iter_any():
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise ContactFailed(f"an answer was longer than {limit_bytes} bytes, and was not read to its end")
        pieces.append(piece)
    return b"".join(pieces)
