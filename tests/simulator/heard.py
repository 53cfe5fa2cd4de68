# SPDX-License-Identifier: Apache-2.0
"""What reached the simulator: connections and bytes, and each request with all its headers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp.web_protocol import RequestHandler

_MOST_KEPT = 2**20


class Heard(msgspec.Struct, kw_only=True):
    """One request. It is here from its headers on; ``whole`` once its body is read."""

    number: int
    at_s: float  # when its headers came, on the machine's monotonic clock
    method: str
    path: str  # with the query
    headers: list[tuple[str, str]]  # as they came, in their order
    connection: int
    body: str = ""
    whole: bool = False
    status: int = 0  # of the answer; 0 until it begins
    broke_s: float = 0.0  # when the fault began, if there was one in the answer
    sent_bytes: int = 0  # of the answer's body
    sent: bytes = b""  # the beginning of it, before any compression
    answered: bool = False  # the answer was sent to its end
    hung_up: bool = False  # the caller went before that
    let_go: bool = False  # set by a test: what was held of the answer may come

    def sending(self, piece: bytes) -> None:
        self.sent_bytes += len(piece)
        if len(self.sent) < _MOST_KEPT:
            self.sent += piece

    @property
    def fields(self) -> dict[str, Any]:
        """The body, decoded."""
        return msgspec.json.decode(self.body, type=dict[str, Any])

    def header(self, name: str) -> str:
        """Empty where it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name), "")


class Counts(msgspec.Struct, kw_only=True):
    connections: int = 0
    open: int = 0
    bytes: int = 0  # received, whatever they mean; under TLS what is inside


@dataclass(slots=True)
class Record:
    counts: Counts = field(default_factory=Counts)
    requests: list[Heard] = field(default_factory=list)
    transports: set[asyncio.Transport] = field(default_factory=set)  # of the connections that are open

    def cut(self) -> None:
        """End every connection, whatever is on its way."""
        for transport in tuple(self.transports):
            transport.abort()

    def clear(self) -> None:
        """Connections that are open stay counted as open."""
        self.counts.connections, self.counts.bytes = 0, 0
        self.requests.clear()


class Counted(asyncio.Protocol):
    """Stands before aiohttp's protocol, and counts."""

    def __init__(self, inner: RequestHandler, record: Record) -> None:
        self._inner = inner
        self._record = record
        self._counts = record.counts

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._record.transports.add(transport)
        self._counts.connections += 1
        self._counts.open += 1
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._counts.bytes += len(data)
        self._inner.data_received(data)

    def eof_received(self) -> None:
        self._inner.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._counts.open -= 1
        self._record.transports.discard(self._transport)
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def headers_of(raw: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
