# SPDX-License-Identifier: Apache-2.0
"""What is used of the server's interface (RSGI 1.5), and reading a body within a limit."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # it has no __all__

from freehold.api.limit import announced_within, too_large
from freehold.errors import InvalidRequest, SlowRequest

__all__ = ["Exchange", "Headers", "ProtocolClosed", "Scope", "Transport", "read_body", "read_order"]

_ORDER_WITHIN_S = 30.0


class Headers(Protocol):
    """Case-insensitive request headers."""

    def get(self, key: str, default: str | None = None) -> str | None: ...
    def items(self) -> list[tuple[str, str]]: ...


class Scope(Protocol):
    """One request's head."""

    proto: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> Headers: ...


class Transport(Protocol):
    """An answer that has begun."""

    async def send_bytes(self, data: bytes) -> None: ...


class Exchange(Protocol):
    """One request's body and answer."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def client_disconnect(self) -> None: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...
    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Transport: ...


async def read_body(headers: dict[str, str], exchange: Exchange, limit_bytes: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be over the limit, before the rest is read.

    Raises InvalidRequest for one that is shorter than announced: the server ends a body that breaks off as any other.
    """
    announced_bytes = announced_within(limit_bytes, headers)
    pieces: list[bytes] = []
    size_bytes = 0
    async for piece in exchange:
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise too_large(limit_bytes)
        pieces.append(bytes(piece))
    if announced_bytes is not None and size_bytes != announced_bytes:
        raise InvalidRequest(f"the body broke off after {size_bytes} of {announced_bytes} bytes", hint="Send it again.")
    return b"".join(pieces)


async def read_order(
    headers: dict[str, str], exchange: Exchange, limit_bytes: int, *, within_s: float = _ORDER_WITHIN_S
) -> bytes:
    """The whole body of what is about to be done: half an order is none. Raises as read_body does, and SlowRequest.

    Raises InvalidRequest for one that comes in chunks, of which nobody can tell whether the last was there.
    """
    try:
        async with asyncio.timeout(within_s):
            body = await read_body(headers, exchange, limit_bytes)
    except TimeoutError as exc:
        raise SlowRequest(f"the body did not come within {within_s:g} s", hint="Send it without delay.") from exc
    if "transfer-encoding" in headers:
        raise InvalidRequest("the body comes in chunks, and this takes none", hint="Send it with its Content-Length.")
    return body
