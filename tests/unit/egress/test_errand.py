# SPDX-License-Identifier: Apache-2.0
import asyncio
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from tests.provider_builder import Serving, certificate, looking_up, never_look_up, serving, speaking

from freehold.contract.grant import Allowance, Errand, Permit, Place
from freehold.egress.errand import ErrandWay, Reply
from freehold.errors import ContactFailed, EgressDenied


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello", status=409, content_type="text/x.tlog.size")


def leave(there: Serving, *, private: bool = True, host: str = "127.0.0.1") -> Permit:
    places = frozenset({Place(host, there.port)})
    return lambda _: Allowance(places=places, private=places if private else frozenset())


async def ask(way: ErrandWay, *, limit_bytes: int = 1000, timeout_s: float = 10.0) -> Reply:
    try:
        return await way.ask("POST", "/x", b"body", limit_bytes=limit_bytes, timeout_s=timeout_s)
    finally:
        await way.close()


async def test_an_answer_is_given_as_it_came() -> None:
    async with serving(hello) as there:
        way = ErrandWay(there.url("/w/"), leave(there))
        assert await ask(way) == Reply(status=409, media="text/x.tlog.size", body=b"hello")
    assert [(request.method, request.path) for request in there.asked] == [("POST", "/w/x")]


async def test_a_connection_is_used_again() -> None:
    async with serving(hello) as there:
        way = ErrandWay(there.url(""), leave(there))
        await way.ask("GET", "/a", limit_bytes=10, timeout_s=10.0)
        await way.ask("POST", "/b", b"", limit_bytes=10, timeout_s=10.0)
        await way.close()
    assert len(there.connections) == 1


async def test_without_leave_not_even_a_name_is_looked_up() -> None:
    async with serving(hello) as there:
        way = ErrandWay(there.url(""), lambda _: Allowance(), lookup=never_look_up)
        with pytest.raises(EgressDenied, match="is not granted"):
            await ask(way)
    assert there.asked == []


async def test_leave_that_is_taken_away_is_heeded_by_the_next_request() -> None:
    async with serving(hello) as there:
        granted = [True]

        def permit(errand: Errand) -> Allowance:
            return leave(there)(errand) if granted[0] else Allowance()

        way = ErrandWay(there.url(""), permit)
        await way.ask("GET", "/", limit_bytes=10, timeout_s=10.0)
        granted[0] = False
        with pytest.raises(EgressDenied):
            await ask(way)
    assert len(there.asked) == 1


async def test_a_private_address_is_not_dialled_unless_that_is_meant() -> None:
    async with serving(hello) as there:
        with pytest.raises(EgressDenied, match="loopback"):
            await ask(ErrandWay(there.url(""), leave(there, private=False)))
    assert there.connections == set()


async def test_a_name_that_turns_out_to_be_private_is_not_dialled() -> None:
    async with serving(hello) as there:
        way = ErrandWay(
            there.url("", host="witness.example"),
            leave(there, private=False, host="witness.example"),
            lookup=looking_up(["127.0.0.1"]),
        )
        with pytest.raises(EgressDenied, match="loopback"):
            await ask(way)


async def test_plain_text_does_not_leave_for_a_public_address() -> None:
    async with serving(hello) as there:
        way = ErrandWay(
            there.url("", host="witness.example"),
            leave(there, host="witness.example"),
            lookup=looking_up(["192.88.99.1"], ["8.8.8.8"]),
        )
        with pytest.raises(EgressDenied, match=r"plain text|address"):
            await ask(way)


async def test_redirects_are_not_followed() -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://elsewhere.example/"})

    async with serving(away) as there:
        assert (await ask(ErrandWay(there.url(""), leave(there)))).status == 302


async def test_too_long_an_answer_is_none() -> None:
    async def long(request: web.Request) -> web.Response:
        return web.Response(body=bytes(100_000))

    async with serving(long) as there:
        with pytest.raises(ContactFailed, match="longer than 1000"):
            await ask(ErrandWay(there.url(""), leave(there)))


async def test_no_answer_in_time_is_none() -> None:
    async def never(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.Event().wait()
        return response

    async with serving(never) as there:
        with pytest.raises(ContactFailed, match=r"within 0\.2 s"):
            await ask(ErrandWay(there.url(""), leave(there)), timeout_s=0.2)


@pytest.mark.parametrize("words", [b"nonsense\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"])
async def test_what_is_not_http_is_none(words: bytes) -> None:
    async with speaking(words) as there:
        with pytest.raises(ContactFailed, match=r"not HTTP|hung up"):
            await ask(ErrandWay(there.url(""), leave(there)))


async def test_nobody_there_is_told() -> None:
    async with serving(hello) as there:
        gone = there
    with pytest.raises(ContactFailed, match="cannot be reached"):
        await ask(ErrandWay(gone.url(""), leave(gone)))


async def test_a_certificate_is_verified_by_the_authority_that_is_named(tmp_path: Path) -> None:
    authority, chain, key = certificate(tmp_path, "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)
    async with serving(hello, tls=tls) as there:
        url = there.url("", scheme="https")
        assert (await ask(ErrandWay(url, leave(there), tls_ca=authority))).body == b"hello"
        with pytest.raises(ContactFailed, match="certificate"):
            await ask(ErrandWay(url, leave(there)))
        with pytest.raises(ContactFailed, match="authority"):
            await ask(ErrandWay(url, leave(there), tls_ca=tmp_path / "missing.pem"))


def test_what_is_no_url_of_a_host_is_refused() -> None:
    with pytest.raises(ValueError, match="not the URL"):
        ErrandWay("ftp://w.example/", lambda _: Allowance())
