# SPDX-License-Identifier: Apache-2.0
"""The admin port as strangers find it: over TLS, under a name, with requests that break off or never come whole."""

import asyncio
import http.client
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.provider_builder import certificate

from freehold.admin.doors import AdminPort
from freehold.admin.http import AdminApp
from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.requests import CreateOperator, Nothing
from freehold.api.rsgi import read_order
from freehold.bootstrap.control import serving_on_port
from freehold.contract.estate import Estate
from freehold.errors import SlowRequest
from freehold.settings import ListenSection

ORDER = b"POST /admin/v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"


@pytest.fixture
async def port(operations: Operations, parts: Parts, free_port: int) -> AsyncIterator[int]:
    app = AdminApp(operations, AdminPort(parts.state, host="127.0.0.1"))
    async with serving_on_port(app, "127.0.0.1", free_port):
        yield free_port


@pytest.fixture
async def token(operations: Operations) -> bytes:
    made: Any = await operations.keyring.create_operator(CreateOperator(), "local")
    return str(made["operator"]["token"]).encode()


async def said(port: int, sent: bytes) -> bytes:
    """What comes back to these bytes, behind which the caller says nothing more."""

    def talk() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as answer:
                return answer.read()

    return await asyncio.to_thread(talk)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"Content-Length: 100\r\n\r\n", b"the body broke off after 0 of 100 bytes"),
        (b'Content-Length: 100\r\n\r\n{"label": "half"}', b"the body broke off after 17 of 100 bytes"),
        (b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", b"Send it with its Content-Length"),
    ],
)
async def test_half_an_order_is_not_carried_out(
    port: int, token: bytes, operations: Operations, body: bytes, what: bytes
) -> None:
    answer = await said(port, ORDER % token + body)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert what in answer
    nothing: Any = await operations.keyring.list_keys(Nothing(), "local")
    assert not nothing["keys"]


async def test_an_order_that_does_not_come_is_not_waited_for() -> None:
    class Silence:
        def __aiter__(self) -> "Silence":
            return self

        async def __anext__(self) -> bytes:
            return await asyncio.Future()

    endless: Any = Silence()
    with pytest.raises(SlowRequest, match="did not come within 0 s"):
        await read_order({"content-length": "5"}, endless, 10, within_s=0)


async def test_the_port_speaks_http_1_1_whatever_is_offered(
    operations: Operations, parts: Parts, free_port: int, tmp_path: Path
) -> None:
    authority, chain, key = certificate(tmp_path, "localhost")
    listen = ListenSection(tls_cert=str(chain), tls_key=str(key))
    trusting = ssl.create_default_context(cafile=authority)
    trusting.set_alpn_protocols(["h2", "http/1.1"])  # as browsers do

    def ask() -> tuple[str | None, int]:
        connection = http.client.HTTPSConnection("localhost", free_port, timeout=60, context=trusting)
        try:
            connection.request("GET", "/admin/v1/health")
            chosen = connection.sock.selected_alpn_protocol()
            return chosen, connection.getresponse().status
        finally:
            connection.close()

    app = AdminApp(operations, AdminPort(parts.state, host="localhost"))
    async with serving_on_port(app, "localhost", free_port, (Estate(tmp_path), listen)):
        assert await asyncio.to_thread(ask) == ("http/1.1", 200)


async def test_what_is_no_http_1_1_ends_the_connection(port: int) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    assert b"\x00\x04\x00" not in await said(port, preface), "settings of HTTP/2"


async def test_head_is_taken_wherever_get_is(port: int, token: bytes) -> None:
    asked = b" /admin/v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token + b"\r\n"
    whole = await heard(port, b"GET" + asked)
    head, _, nothing = (await heard(port, b"HEAD" + asked)).partition(b"\r\n\r\n")
    assert (head.splitlines()[0], nothing) == (b"HTTP/1.1 200 OK", b"")
    named = (b"etag", b"content-length")
    assert [line for line in head.splitlines() if line.startswith(named)] == [
        line for line in whole.splitlines() if line.startswith(named)
    ]


async def test_whoever_takes_the_wrong_method_hears_of_the_right_ones(port: int, token: bytes) -> None:
    asked = b"DELETE /admin/v1/keys HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token + b"\r\n"
    assert b"\r\nallow: GET, POST, HEAD\r\n" in await heard(port, asked)


async def heard(port: int, asked: bytes) -> bytes:
    """All that comes back to a request without a body."""

    def talk() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(asked + b"Connection: close\r\n\r\n")
            with connection.makefile("rb") as answer:
                return answer.read()

    return await asyncio.to_thread(talk)
