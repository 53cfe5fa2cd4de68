# SPDX-License-Identifier: Apache-2.0
"""Answers that are meant to fill the memory or hold the line for ever. Each is cut at a limit that says its name."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from tests.provider_builder import ALLOWED, Handler, endpoint, limits, serving, snapshot, upstream

from freehold.contract.estate import Estate
from freehold.egress.secrets import Secrets
from freehold.errors import ProviderBroke
from freehold.provider import Provided, Providers

LIMIT_BYTES = 2**20
BOMB = gzip.compress(b"{}" + b" " * 2**24)


def whole(body: bytes, **headers: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": "application/json", **headers})

    return handle


def endless(piece: Callable[[int], bytes], kind: str = "text/event-stream", status: int = 200) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind}, status=status)
        await response.prepare(request)
        number = 0
        while True:
            await response.write(piece(number))
            number += 1

    return handle


async def read(provided: Provided, *, stream: bool) -> None:
    async with provided.open("there", upstream(stream=stream), ALLOWED) as answer:
        async for _event in answer.events:
            pass


@pytest.mark.parametrize(
    ("handler", "stream", "said"),
    [
        pytest.param(whole(BOMB, **{"Content-Encoding": "gzip"}), False, "compressed bytes", id="gzip-bomb"),
        pytest.param(whole(BOMB, **{"Content-Encoding": "GZIP, identity"}), True, "compressed bytes", id="gzip-twice"),
        pytest.param(whole(b" " * 2**21), False, "more than max_answer_mb, 1 MB", id="oversize"),
        pytest.param(endless(lambda _: b" " * 65536, "application/json"), False, "max_answer_mb", id="endless-body"),
        pytest.param(endless(lambda _: b"data: {}\n\n" * 512), True, "max_answer_mb", id="endless-events"),
        pytest.param(endless(lambda _: b": ping\n\n" * 512), True, "max_answer_mb", id="endless-pings"),
        pytest.param(endless(lambda _: b"data: " + b"x" * 65536), True, "max_answer_mb", id="event-without-end"),
        pytest.param(endless(lambda _: b" " * 65536, "text/html"), True, "max_answer_mb", id="endless-page"),
    ],
)
async def test_what_has_no_end_is_cut(handler: Handler, stream: bool, said: str, tmp_path: Path) -> None:
    async with serving(handler) as there:
        providers = Providers(Estate(tmp_path), Secrets(Estate(tmp_path), {}))
        provided = providers.under(snapshot(endpoint(there.url(), limits=limits(answer_bytes=LIMIT_BYTES))))
        with pytest.raises(ProviderBroke, match=said):
            await read(provided, stream=stream)
        providers.close()


async def test_an_error_without_end_is_read_no_further_than_errors_go(tmp_path: Path) -> None:
    handler = endless(lambda _: b" " * 65536, "application/json", 500)
    async with serving(handler) as there:
        providers = Providers(Estate(tmp_path), Secrets(Estate(tmp_path), {}))
        with pytest.raises(Exception, match="failed with status 500"):
            async with providers.under(snapshot(endpoint(there.url()))).open("there", upstream(), ALLOWED):
                raise AssertionError
        providers.close()
