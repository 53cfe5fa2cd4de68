# SPDX-License-Identifier: Apache-2.0
"""A witness behind a real listener, asked over a real connection."""

import asyncio
import http.client
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.witness_builder import AT_UNIX, LOG_KEY, ORIGIN, ToyLog

from freehold.bootstrap.listeners import open_listener
from freehold.bootstrap.serving import server_of
from freehold.witness.protocol.request import MAX_BODY_BYTES
from freehold.witness.serving.home import Home, make_home, watch
from freehold.witness.serving.http import WitnessApp
from freehold.witness.serving.memory import hash_of

LOG = ToyLog()
Answered = tuple[int, str, bytes]


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    async with serving(tmp_path, body_within_s=60) as number:
        yield number


@pytest.fixture
async def impatient_port(tmp_path: Path) -> AsyncIterator[int]:
    async with serving(tmp_path, body_within_s=0.3) as number:
        yield number


@asynccontextmanager
async def serving(directory: Path, *, body_within_s: float) -> AsyncIterator[int]:
    make_home(directory, name="witness.example/w1", key_type="ed25519")
    watch(directory, LOG_KEY.vkey)
    home = Home(directory, now_unix=lambda: AT_UNIX)
    listener = open_listener("127.0.0.1", 0)
    number = listener.getsockname()[1]
    app = WitnessApp(home.witness, body_within_s=body_within_s)
    server = server_of(app, listener=listener.detach())  # the server closes it
    running = asyncio.ensure_future(server.serve())
    try:
        yield number
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        await running
        home.close()


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        return ask_over(connection, method, path, body, **headers)
    finally:
        connection.close()


def ask_over(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> Answered:
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    return response.status, response.headers["content-type"], response.read()


async def test_one_connection_serves_many_requests(port: int) -> None:
    def talk() -> list[Answered]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.connect()
        opened = connection.sock
        answers = [
            ask_over(connection, "POST", "/add-checkpoint", LOG.request(0, 5)),
            ask_over(connection, "POST", "/add-checkpoint", LOG.request(0, 9)),
            ask_over(connection, "POST", "/add-checkpoint", LOG.request(5, 9)),
            ask_over(connection, "GET", f"/{hash_of(ORIGIN)}/checkpoint"),
        ]
        assert connection.sock is opened, "keep-alive"
        connection.close()
        return answers

    first, conflict, second, monitored = await asyncio.to_thread(talk)
    assert first[0] == second[0] == 200
    assert first[2].startswith("— witness.example/w1 ".encode())
    assert conflict == (409, "text/x.tlog.size", b"5\n")
    assert monitored[2].startswith(LOG.checkpoint(9))
    assert monitored[2].endswith(second[2])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/add-checkpoint", 405),
        ("PUT", "/add-checkpoint", 405),
        ("POST", f"/{hash_of(ORIGIN)}/checkpoint", 405),
        ("GET", f"/{hash_of(ORIGIN)}/checkpoint", 404),
        ("HEAD", f"/{hash_of(ORIGIN)}/checkpoint", 404),
        ("GET", f"/{hash_of(ORIGIN).upper()}/checkpoint", 404),
        ("GET", "/", 404),
        ("POST", "/add-checkpoint/", 404),
        ("POST", "/sign-subtree", 404),
        ("GET", "/../seen", 404),
    ],
)
async def test_what_is_not_there_is_said(port: int, method: str, path: str, status: int) -> None:
    assert (await asyncio.to_thread(ask, port, method, path, b""))[0] == status


@pytest.mark.parametrize("body", [b"", b"nonsense", bytes(10_000)])
async def test_nonsense_is_400(port: int, body: bytes) -> None:
    assert (await asyncio.to_thread(ask, port, "POST", "/add-checkpoint", body))[0] == 400


async def test_a_body_over_the_limit_is_413(port: int) -> None:
    answer = await asyncio.to_thread(ask, port, "POST", "/add-checkpoint", bytes(MAX_BODY_BYTES + 1))
    assert answer[0] == 413


async def test_a_body_that_does_not_come_is_408(impatient_port: int) -> None:
    def dawdle() -> bytes:
        with socket.create_connection(("127.0.0.1", impatient_port), timeout=60) as connection:
            connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 50\r\n\r\nold 0\n")
            return connection.recv(4096)

    assert (await asyncio.to_thread(dawdle)).startswith(b"HTTP/1.1 408")


async def test_a_body_that_lies_about_its_length_is_not_waited_for_beyond_the_limit(port: int) -> None:
    def lie() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 99999999999\r\n\r\n")
            return connection.recv(4096)

    assert (await asyncio.to_thread(lie)).startswith(b"HTTP/1.1 413")


async def test_a_client_that_hangs_up_costs_nothing(port: int) -> None:
    def hang_up() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 50\r\n\r\nold 0\n")

    await asyncio.to_thread(hang_up)
    assert (await asyncio.to_thread(ask, port, "POST", "/add-checkpoint", LOG.request(0, 5)))[0] == 200
