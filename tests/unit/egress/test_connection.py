# SPDX-License-Identifier: Apache-2.0
"""One connection after the other, to a server that says exactly what a test gives it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from freehold.egress.connections import Connections, look_up
from freehold.egress.interface import Break, WayBroken

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Speaker:
    """Says the next of its words to each request, and ``more`` of its own accord."""

    def __init__(self, *words: bytes) -> None:
        self.words = list(words)
        self.writers: list[asyncio.StreamWriter] = []
        self.asked = 0
        self.ended = asyncio.Event()  # the newest connection, by the other side

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                writer.write(self.words.pop(0) if self.words else OK)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended.set()
        finally:
            writer.close()


@asynccontextmanager
async def speaking(*words: bytes) -> AsyncIterator[tuple[Speaker, Connections, str]]:
    speaker = Speaker(*words)
    server = await asyncio.start_server(speaker.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connections = Connections("127.0.0.1", lambda _: None, ssl.create_default_context, connect_s=30, lookup=look_up)
    try:
        yield speaker, connections, f"http://127.0.0.1:{port}/x"
    finally:
        connections.close()
        server.close()


async def said(connections: Connections, url: str) -> bytes:
    answer = await connections.ask("GET", url, None, {})
    return b"".join([piece async for piece in answer.iter_any()])


async def test_heads_before_the_answer_are_passed_over() -> None:
    async with speaking(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK) as (
        _,
        way,
        url,
    ):
        assert await said(way, url) == b"ok"


async def test_a_change_of_protocols_that_nobody_asked_for_is_no_answer() -> None:
    async with speaking(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n") as (_, way, url):
        with pytest.raises(WayBroken, match=Break.NOT_HTTP):
            await said(way, url)


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n",
    ],
)
async def test_whoever_asked_is_told_at_once_of_an_answer_that_has_no_clear_end(words: bytes) -> None:
    async with speaking(words) as (_, way, url):
        with pytest.raises(WayBroken, match=Break.NOT_HTTP):
            await said(way, url)


@pytest.mark.parametrize(
    "words",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother",  # an answer that nobody asked for
    ],
)
async def test_a_connection_that_cannot_be_trusted_with_another_answer_is_not_used_again(words: bytes) -> None:
    async with speaking(words) as (speaker, way, url):
        assert await said(way, url) == b"ok"
        assert await said(way, url) == b"ok"
        assert len(speaker.writers) == 2


async def test_bytes_that_come_between_two_answers_end_the_connection() -> None:
    async with speaking() as (speaker, way, url):
        await said(way, url)
        speaker.writers[0].write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
        await speaker.ended.wait()
        assert await said(way, url) == b"ok"
        assert len(speaker.writers) == 2


async def test_a_small_answer_that_was_not_read_does_not_hold_up_the_next() -> None:
    async with speaking() as (speaker, way, url):
        unread = await way.ask("GET", url, None, {})
        assert await said(way, url) == b"ok"
        assert await unread.readany() == b"ok"
        assert len(speaker.writers) == 1


async def test_an_answer_that_nobody_reads_is_held_up_at_its_source() -> None:
    size = 64 * 2**20
    async with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size) as (speaker, way, url):
        answer = await way.ask("GET", url, None, {})
        speaker.writers[0].write(b"x" * size)
        for _ in range(2000):
            await asyncio.sleep(0)
        assert 0 < answer.unread_bytes < 2**20
        read = 0
        while piece := await answer.readany():
            read += len(piece)
        assert read == size


async def test_whoever_gives_up_waiting_for_an_answer_ends_its_connection() -> None:
    async with speaking(b"") as (speaker, way, url):
        asking = asyncio.create_task(way.ask("GET", url, None, {}))
        while not speaker.asked:
            await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await speaker.ended.wait()


async def test_where_nobody_listens_is_said_so() -> None:
    way = Connections("127.0.0.1", lambda _: None, ssl.create_default_context, connect_s=30, lookup=look_up)
    with pytest.raises(WayBroken, match=Break.REFUSED):
        await way.ask("GET", "http://127.0.0.1:1/", None, {})
    way.close()


async def test_what_comes_flows_to_a_sink_and_is_read_again_behind_it() -> None:
    async with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n") as (speaker, connections, url):
        answer, had, came = await connections.ask("GET", url, None, {}), list[bytes](), asyncio.Event()

        def sink(chunk: bytes) -> None:
            had.append(chunk)
            came.set()

        assert answer.flow(sink)
        for piece in (b"ab", b"cd"):
            speaker.writers[0].write(piece)
            await came.wait()
            came.clear()
        answer.flow(None)
        speaker.writers[0].write(b"ef")
        assert [had, await answer.readany(), await answer.readany()] == [[b"ab", b"cd"], b"ef", b""]


async def test_a_sink_is_told_to_look_when_the_answer_is_over() -> None:
    async with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab") as (speaker, connections, url):
        answer, had, over = await connections.ask("GET", url, None, {}), list[bytes](), asyncio.Event()

        def sink(chunk: bytes) -> None:
            had.append(chunk)
            if not chunk:
                over.set()

        assert await answer.readany() == b"ab"
        answer.flow(sink)
        speaker.writers[0].close()
        await over.wait()
        assert had == [b""]
        with pytest.raises(WayBroken):
            await answer.readany()
