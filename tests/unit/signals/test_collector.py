# SPDX-License-Identifier: Apache-2.0
"""The way of spans out of the estate: to the granted place alone, and whatever the receiver answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.unit.signals.test_exporting import SPAN

from freehold.contract.signals import Tracing
from freehold.errors import ContactFailed, EgressDenied
from freehold.signals.collector import Collector

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def receiving(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A receiver that says this to everything, and what it heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        heard.append(head + await reader.readexactly(length))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()


@pytest.fixture
def collector(tmp_path: Path) -> Callable[[int, bool], Collector]:
    def made(port: int, private: bool) -> Collector:
        tracing = Tracing(url=f"http://127.0.0.1:{port}/otlp", private=private)
        return Collector(tracing, origin="estate.example/log", instance="gateway-1", folder=tmp_path)

    return made


async def test_spans_are_posted_as_json_behind_the_prefix(collector: Callable[[int, bool], Collector]) -> None:
    async with receiving(OK) as (port, heard):
        sending = collector(port, True)
        assert await sending.send([SPAN, SPAN]) == 2
        await sending.close()
    assert heard[0].startswith(b"POST /otlp/v1/traces HTTP/1.1\r\n")
    assert b"content-type: application/json" in heard[0].lower()
    assert b"traceparent" not in heard[0].lower()


async def test_a_private_address_takes_leave_for_one(collector: Callable[[int, bool], Collector]) -> None:
    async with receiving(OK) as (port, heard):
        with pytest.raises(EgressDenied, match="loopback"):
            await collector(port, False).send([SPAN])
    assert not heard


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 307 Elsewhere\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b" " * 100_000,
        b"nonsense\r\n\r\n",
        b"",
    ],
)
async def test_whatever_else_is_answered_is_no_success(
    collector: Callable[[int, bool], Collector], answer: bytes
) -> None:
    async with receiving(answer) as (port, _):
        sending = collector(port, True)
        with pytest.raises(ContactFailed):
            await sending.send([SPAN])
        await sending.close()


async def test_what_a_receiver_rejects_is_not_counted_as_taken(collector: Callable[[int, bool], Collector]) -> None:
    body = b'{"partialSuccess":{"rejectedSpans":"9"}}'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with receiving(head + body) as (port, _):
        sending = collector(port, True)
        assert await sending.send([SPAN]) == 0
        await sending.close()
