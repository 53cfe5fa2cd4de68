# SPDX-License-Identifier: Apache-2.0
"""The public port over real sockets on loopback, with a clock that goes on only where a test says so."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.provider_builder import certificate

from freehold.api.connection import Patience
from freehold.api.exchange import Exchange
from freehold.api.listener import Listener
from freehold.errors import FreeholdError, InvalidRequest, SlowCaller, SlowRequest
from freehold.http1 import RequestHead

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE = Patience(head_s=10, body_s=20, taking_s=30, idle_s=40)
PIECE = b"x" * 65536


class Port:
    """A listener at a port, whose answers are what a test makes of them."""

    def __init__(self, answer: Callable[[RequestHead, Exchange], Awaitable[None]]) -> None:
        self.now_s = 0.0
        self.asked: list[RequestHead] = []
        self.over: asyncio.Queue[BaseException | None] = asyncio.Queue()
        self._answer = answer
        self.listener = Listener(self._serve, lambda: PATIENCE, now_s=lambda: self.now_s, now_unix=lambda: 0.0)

    async def _serve(self, head: RequestHead, exchange: Exchange) -> None:
        self.asked.append(head)
        try:
            await self._answer(head, exchange)
        except FreeholdError as problem:
            exchange.respond(400, [], problem.code.encode())
            self.over.put_nowait(problem)
        except asyncio.CancelledError as gone:
            self.over.put_nowait(gone)
            raise
        else:
            self.over.put_nowait(None)

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.listener.look()


class Caller:
    """Whoever calls, in plain bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, words: bytes) -> None:
        self.writer.write(words)

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> bytes:
        head = await self.head()
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return await self.reader.readexactly(length)


@asynccontextmanager
async def port(answer: Callable[[RequestHead, Exchange], Awaitable[None]]) -> AsyncIterator[tuple[Port, Caller]]:
    made = Port(answer)
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setblocking(False)
    address = bound.getsockname()
    await made.listener.listen(bound)
    reader, writer = await asyncio.open_connection(*address, limit=2**20)
    try:
        yield made, Caller(reader, writer)
    finally:
        writer.close()
        await made.listener.close()


async def hello(head: RequestHead, exchange: Exchange) -> None:
    exchange.respond(200, [("x-path", head.path)], b"hello")


async def echo(head: RequestHead, exchange: Exchange) -> None:
    pieces = []
    while piece := await exchange.read():
        pieces.append(piece)
    exchange.respond(200, [], b"".join(pieces))


async def send(exchange: Exchange, piece: bytes) -> None:
    if not exchange.push(piece):
        await exchange.taken()


async def endless(head: RequestHead, exchange: Exchange) -> None:
    exchange.begin(200, [])
    while True:
        await send(exchange, PIECE)


async def test_requests_of_one_connection_are_answered_one_after_the_other() -> None:
    async with port(hello) as (there, caller):
        caller.say(GET + GET.replace(b"/a", b"/b"))
        assert b"x-path: /a\r\n" in await caller.head()
        assert await caller.reader.readexactly(5) == b"hello"
        head = await caller.head()
    assert b"x-path: /b\r\n" in head
    assert b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" in head
    assert [asked.path for asked in there.asked] == ["/a", "/b"]


@pytest.mark.parametrize(
    "body",
    [
        b"content-length: 5\r\n\r\nhello",
        b"transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    ],
)
async def test_a_body_is_read_however_it_is_sent(body: bytes) -> None:
    async with port(echo) as (_, caller):
        for byte in b"POST / HTTP/1.1\r\nHost: x\r\n" + body:
            caller.say(bytes([byte]))
            await asyncio.sleep(0)
        assert await caller.answer() == b"hello"
        caller.say(GET)  # and the connection goes on
        assert await caller.answer() == b""


async def test_whoever_expects_to_be_told_to_go_on_is_told_once_the_body_is_wanted() -> None:
    async with port(echo) as (_, caller):
        caller.say(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await caller.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.say(b"ok")
        assert await caller.answer() == b"ok"


async def test_an_old_caller_knows_no_word_before_the_answer() -> None:
    """RFC 9110 section 10.1.1."""
    async with port(echo) as (there, caller):
        caller.say(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        while not there.asked:
            await asyncio.sleep(0)
        caller.say(b"ok")
        assert await caller.answer() == b"ok"


async def test_an_answer_in_pieces_comes_in_chunks_and_to_an_old_caller_until_the_end() -> None:
    async def pieces(head: RequestHead, exchange: Exchange) -> None:
        exchange.begin(200, [])
        for piece in (b"a", b"", b"bc"):
            await send(exchange, piece)
        exchange.end()

    async with port(pieces) as (_, caller):
        caller.say(GET)
        assert b"transfer-encoding: chunked" in await caller.head()
        assert await caller.reader.readuntil(b"0\r\n\r\n") == b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
        caller.say(b"GET / HTTP/1.0\r\n\r\n")
        assert b"connection: close" in await caller.head()
        assert await caller.reader.read() == b"abc"


async def test_a_caller_who_hangs_up_cancels_whoever_answers() -> None:
    async with port(endless) as (there, caller):
        caller.say(GET)
        await caller.head()
        caller.writer.transport.abort()
        assert isinstance(await there.over.get(), asyncio.CancelledError)


async def test_whoever_makes_an_answer_that_is_not_taken_waits_and_learns_why_the_caller_is_dropped() -> None:
    sent = 0

    async def counting(head: RequestHead, exchange: Exchange) -> None:
        nonlocal sent
        exchange.begin(200, [])
        while True:
            await send(exchange, PIECE)
            sent += len(PIECE)

    async with port(counting) as (there, caller):
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        caller.say(GET)
        while there.over.empty():
            await asyncio.sleep(0)
            there.wait(0.001)
        assert isinstance(await there.over.get(), SlowCaller)
        assert sent < 16 * 2**20  # what the kernel takes, and no more


async def test_a_caller_who_takes_what_waits_is_not_dropped() -> None:
    async with port(endless) as (there, caller):
        caller.say(GET)
        await caller.head()
        for _ in range(8):
            await caller.reader.readexactly(200 * len(PIECE))  # more than the kernel holds
            there.wait(PATIENCE.taking_s - 1)
        assert there.over.empty()


async def test_a_body_that_does_not_come_in_time_is_refused_and_its_connection_ends() -> None:
    async with port(echo) as (there, caller):
        caller.say(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        while not there.asked:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        there.wait(PATIENCE.body_s - 1)
        caller.say(b"l")
        there.wait(1)
        assert isinstance(await there.over.get(), SlowRequest)
        assert await caller.answer() == b"request_timeout"
        assert await caller.reader.read() == b""


@pytest.mark.parametrize(("said", "patience_s"), [(b"", PATIENCE.head_s), (b"GET / HT", PATIENCE.head_s)])
async def test_a_connection_without_a_whole_head_ends_in_time(said: bytes, patience_s: float) -> None:
    async with port(hello) as (there, caller):
        caller.say(said)
        while not there.listener.connections:
            await asyncio.sleep(0)
        there.wait(patience_s)
        with suppress(ConnectionResetError):
            assert await caller.reader.read() == b""


async def test_a_connection_may_rest_between_two_requests_but_not_for_ever() -> None:
    async with port(hello) as (there, caller):
        caller.say(GET)
        await caller.answer()
        there.wait(PATIENCE.idle_s - 1)
        caller.say(GET)
        await caller.answer()
        there.wait(PATIENCE.idle_s)
        with suppress(ConnectionResetError):
            assert await caller.reader.read() == b""


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        (b"SSH-2.0-x\r\n\r\n", b"400", b"first line"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400", b"host"),
        (b"GET / HTTP/1.1\nHost: x\n\n", b"400", b"CR LF"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: secret\r\n\r\n", b"400", b"host is there twice"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400", b"length"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000, b"431", b"65536 bytes"),
    ],
)
async def test_what_is_no_request_is_refused_with_a_reason_and_reaches_nobody(
    said: bytes, status: bytes, why: bytes
) -> None:
    async with port(hello) as (there, caller):
        caller.say(said)
        head = await caller.head()
        assert head.split()[1] == status
        assert b"\r\ndate: " in head
        assert why in await caller.reader.read()
    assert not there.asked


async def test_a_body_that_is_no_chunks_is_told_to_whoever_reads_it() -> None:
    async with port(echo) as (there, caller):
        caller.say(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert isinstance(await there.over.get(), InvalidRequest)
        assert await caller.answer() == b"invalid_request"
        assert await caller.reader.read() == b""


async def test_an_answer_before_the_end_of_the_body_reaches_a_caller_who_still_sends() -> None:
    async with port(hello) as (_, caller):
        caller.say(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 500_000)
        assert await caller.answer() == b"hello"
        assert await caller.reader.read() == b""


async def test_requests_that_are_piled_up_are_not_begun_while_answers_are_not_taken() -> None:
    async def large(head: RequestHead, exchange: Exchange) -> None:
        exchange.respond(200, [], b"x" * 4 * 2**20)

    async with port(large) as (there, caller):
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        caller.say(GET * 1000)
        for _ in range(2000):
            await asyncio.sleep(0)
        assert 0 < len(there.asked) < 8


async def test_closing_cancels_what_is_under_way_and_lets_no_connection_rest() -> None:
    async with port(endless) as (there, caller):
        caller.say(GET)
        await caller.head()
        await there.listener.close()
        assert isinstance(await there.over.get(), asyncio.CancelledError)


async def test_whoever_connects_to_a_tls_port_and_says_nothing_is_hung_up_on_as_elsewhere(tmp_path: Path) -> None:
    _, chain, key = certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setblocking(False)
    listener = Listener(hello, lambda: Patience(head_s=0.01))
    await listener.listen(bound, tls=tls)
    reader, writer = await asyncio.open_connection(*bound.getsockname())
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    await listener.close()
