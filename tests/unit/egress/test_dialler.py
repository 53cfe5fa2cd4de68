# SPDX-License-Identifier: Apache-2.0
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from tests.provider_builder import (
    ALLOWED,
    FORBIDDEN,
    TARGET,
    certificate,
    endpoint,
    looking_up,
    never_look_up,
    serving,
)

from freehold.contract.estate import Estate
from freehold.egress.connection import Answer
from freehold.egress.dialler import Dialler
from freehold.egress.interface import Break, Leave, WayBroken
from freehold.errors import ProviderUnavailable

LEAVE = Leave(decision=ALLOWED, target=TARGET)


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def read(answer: Answer) -> str:
    return b"".join([piece async for piece in answer.iter_any()]).decode()


async def posted(dialler: Dialler, *, leave: Leave = LEAVE, headers: Mapping[str, str] | None = None) -> str:
    with closing(await dialler.post("/x", b"{}", headers or {}, leave)) as response:
        return await read(response)


async def test_a_call_goes_to_the_host_and_path_of_the_endpoint(tmp_path: Path) -> None:
    async with serving(hello) as there:
        dialler = Dialler(endpoint(there.url("/v1")), Estate(tmp_path))
        assert await posted(dialler) == "hello"
        dialler.close()
    assert [(request.path, request.host) for request in there.asked] == [("/v1/x", f"127.0.0.1:{there.port}")]


async def test_only_the_headers_that_are_meant_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(hello) as there:
        dialler = Dialler(endpoint(there.url()), Estate(tmp_path))
        await posted(dialler, headers={"x-api-key": "k"})
        dialler.close()
    assert {name.lower() for name in there.asked[0].headers} == {
        "host",
        "accept-encoding",
        "user-agent",
        "x-api-key",
        "content-length",
    }
    assert there.asked[0].headers["accept-encoding"] == "identity"


async def test_a_connection_is_used_again_and_no_cookie_is_kept(tmp_path: Path) -> None:
    async def with_cookie(request: web.Request) -> web.Response:
        return web.Response(text="hello", headers={"Set-Cookie": "a=b"})

    async with serving(with_cookie) as there:
        dialler = Dialler(endpoint(there.url()), Estate(tmp_path))
        await posted(dialler)
        await posted(dialler)
        dialler.close()
    assert len(there.connections) == 1
    assert "cookie" not in there.asked[1].headers


async def test_a_kept_connection_that_is_gone_costs_no_call(tmp_path: Path) -> None:
    asked = []

    async def once_each(request: web.Request) -> web.Response:
        asked.append(request)
        if len(asked) == 2:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(text="hello")

    async with serving(once_each) as there:
        dialler = Dialler(endpoint(there.url()), Estate(tmp_path))
        await posted(dialler)
        assert await posted(dialler) == "hello"
        dialler.close()
    assert (len(asked), len(there.connections)) == (3, 2)


async def test_a_new_connection_that_breaks_is_not_tried_again(tmp_path: Path) -> None:
    async def never(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(never) as there:
        dialler = Dialler(endpoint(there.url()), Estate(tmp_path))
        with pytest.raises(WayBroken, match=Break.LOST):
            await posted(dialler)
        dialler.close()
    assert len(there.asked) == 1


async def test_a_name_is_dialled_at_the_address_that_was_looked_up(tmp_path: Path) -> None:
    async with serving(hello) as there:
        at = endpoint(there.url(host="llm.example.fr"))
        dialler = Dialler(at, Estate(tmp_path), lookup=looking_up(["127.0.0.1"]))
        assert await posted(dialler) == "hello"
        dialler.close()
    assert there.asked[0].host == f"llm.example.fr:{there.port}"


async def test_leaving_an_answer_cuts_it(tmp_path: Path) -> None:
    cut = []

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            cut.append(True)

    async with serving(endless) as there:
        dialler = Dialler(endpoint(there.url()), Estate(tmp_path))
        with closing(await dialler.post("/x", b"{}", {}, LEAVE)) as response:
            await response.content.readany()
        dialler.close()
    assert cut == [True]


async def test_a_retired_endpoint_serves_the_calls_that_began_and_then_closes(tmp_path: Path) -> None:
    async with serving(hello) as there:
        dialler = Dialler(endpoint(there.url()), Estate(tmp_path))
        with closing(await dialler.post("/x", b"{}", {}, LEAVE)) as response:
            dialler.retire()
            assert await read(response) == "hello"
        assert await posted(dialler) == "hello"  # of a call that was decided before


async def test_a_certificate_of_the_given_authority_is_taken(tmp_path: Path) -> None:
    _, cert, key = certificate(tmp_path, "llm.example.fr")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    async with serving(hello, tls=tls) as there:
        at = endpoint(there.url(host="llm.example.fr", scheme="https"), tls_ca="ca.pem")
        dialler = Dialler(at, Estate(tmp_path), lookup=looking_up(["127.0.0.1"]))
        assert await posted(dialler) == "hello"
        dialler.close()


@pytest.mark.parametrize(("host", "ca"), [("llm.example.fr", ""), ("other.example.fr", "ca.pem")])
async def test_a_certificate_of_nobody_or_for_another_host_is_refused(host: str, ca: str, tmp_path: Path) -> None:
    _, cert, key = certificate(tmp_path, "llm.example.fr")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    async with serving(hello, tls=tls) as there:
        at = endpoint(there.url(host=host, scheme="https"), tls_ca=ca)
        dialler = Dialler(at, Estate(tmp_path), lookup=looking_up(["127.0.0.1"]))
        with pytest.raises(WayBroken, match=Break.CERTIFICATE):
            await posted(dialler)
        dialler.close()
    assert not there.asked


async def test_an_authority_that_is_gone_is_said(tmp_path: Path) -> None:
    dialler = Dialler(endpoint("https://llm.example.fr/v1", tls_ca="gone.pem"), Estate(tmp_path))
    with pytest.raises(ProviderUnavailable, match=r"gone\.pem, cannot be read as certificates"):
        await posted(dialler)


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        (Leave(decision=FORBIDDEN, target=TARGET), "does not allow the target there"),
        (Leave(decision=ALLOWED, target=replace(TARGET, name="elsewhere")), "does not allow the target elsewhere"),
        (Leave(decision=ALLOWED, target=replace(TARGET, operator="lyon")), "is lyon's, not paris's"),
    ],
)
async def test_a_call_without_leave_is_a_bug_and_not_even_a_name_is_resolved(
    leave: Leave, said: str, tmp_path: Path
) -> None:
    dialler = Dialler(endpoint("https://llm.example.fr/v1"), Estate(tmp_path), lookup=never_look_up)
    with pytest.raises(RuntimeError, match=said):
        await posted(dialler, leave=leave)
