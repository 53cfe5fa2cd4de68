# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from tests.provider_builder import ALLOWED, Handler, Serving, endpoint, serving, snapshot, upstream

from freehold.bootstrap.backends import EstateBackends
from freehold.contract.estate import Estate
from freehold.dialect.interface import Wire
from freehold.egress.dialler import AddressInfo
from freehold.egress.secrets import Secrets
from freehold.engine.client import Engines
from freehold.errors import BackendBroke, ProviderUnavailable
from freehold.provider import Providers


async def test_a_target_of_a_provider_is_the_providers_and_every_other_an_engine(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    engines, providers = Engines(estate.supervisor_socket), Providers(estate, Secrets(estate, {}))
    backends = EstateBackends(engines, providers).under(snapshot(endpoint("https://llm.example.fr/v1")))
    assert (backends.status("there"), backends.status("local")) == (None, None)
    assert (await backends.ready("there")).wires == {Wire.CHAT, Wire.COMPLETIONS, Wire.EMBEDDINGS}
    providers.close()
    await engines.close()


async def test_in_a_sealed_estate_no_provider_is_asked_and_no_name_looked_up(tmp_path: Path) -> None:
    async def look_up(host: str, port: int) -> Sequence[AddressInfo]:
        raise AssertionError(f"{host} was looked up")

    estate = Estate(tmp_path)
    engines, providers = Engines(estate.supervisor_socket), Providers(estate, Secrets(estate, {}), lookup=look_up)
    backends = EstateBackends(engines, providers, sealed=True).under(snapshot(endpoint("https://llm.example.fr/v1")))
    with pytest.raises(ProviderUnavailable, match="the estate is sealed"):
        await backends.ready("there")
    assert backends.status("local") is None
    providers.close()
    await engines.close()


CHUNK = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'


@asynccontextmanager
async def at_server(handler: Handler, tmp_path: Path) -> AsyncIterator[tuple[EstateBackends, Serving]]:
    estate = Estate(tmp_path)
    engines, providers = Engines(estate.supervisor_socket), Providers(estate, Secrets(estate, {}))
    async with serving(handler) as there:
        yield EstateBackends(engines, providers), there
        providers.close()
    await engines.close()


async def saying_one_thing_and_no_more(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(CHUNK)
    await asyncio.Event().wait()
    return response


async def test_a_stream_over_a_real_connection_is_cut_whichever_snapshot_it_began_under(tmp_path: Path) -> None:
    async with at_server(saying_one_thing_and_no_more, tmp_path) as (estate_backends, there):
        old = estate_backends.under(snapshot(endpoint(there.url())))
        new = estate_backends.under(replace(snapshot(endpoint(there.url())), version=2))
        async with old.open("there", upstream(stream=True), ALLOWED) as answer:
            assert estate_backends.load == {"there": 1}
            assert (await anext(answer.events)).raw == CHUNK
            waiting = asyncio.ensure_future(anext(answer.events))
            await asyncio.sleep(0)
            new.cut("there")
            with pytest.raises(BackendBroke, match="was withdrawn"):
                await waiting
        assert estate_backends.load == {}


async def test_a_whole_answer_that_is_waited_for_is_cut_and_its_connection_with_it(tmp_path: Path) -> None:
    asked, hung_up = asyncio.Event(), asyncio.Event()

    async def never(request: web.Request) -> web.StreamResponse:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            hung_up.set()
        return web.Response()

    async with at_server(never, tmp_path) as (estate_backends, there):
        backends = estate_backends.under(snapshot(endpoint(there.url())))

        async def ask() -> None:
            async with backends.open("there", upstream(), ALLOWED):
                pass

        asking = asyncio.ensure_future(ask())
        await asked.wait()
        backends.cut("there")
        with pytest.raises(BackendBroke, match="was withdrawn"):
            await asking
        await hung_up.wait()
