# SPDX-License-Identifier: Apache-2.0
"""The simulator: every vendor behind a path of its own on one port, what it heard, and how it is told what to say.

| path | vendor |
|---|---|
| ``/openai/v1`` | OpenAI: chat completions, completions, responses |
| ``/compatible/v1`` | a host that is compatible with it, whose models reason in the open |
| ``/anthropic/v1`` | Anthropic: messages, and the count of tokens |
| ``/mistral/v1`` | Mistral: chat, fill-in-the-middle |
| ``/azure/openai`` | Azure: the dated path and the undated one |
| ``/control`` | for tests: ``PUT play``, ``GET`` and ``DELETE heard``, ``GET counts``, ``DELETE connections`` |
"""

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Self

import msgspec
from aiohttp import web
from tests.simulator import azure
from tests.simulator.anthropic import doors as anthropic
from tests.simulator.faults import Fault, FaultKind, Play
from tests.simulator.heard import Counted, Heard, Record, headers_of
from tests.simulator.mistral import doors as mistral
from tests.simulator.openai import doors as openai
from tests.simulator.reply import Door, Problem, Reply, Visit
from tests.simulator.responses.door import Responses
from tests.simulator.scripts import MODELS, SCRIPTS, script_of
from tests.simulator.sending import send

KEY = "sk-simulator-4f1d0c77e2b94a1fb3a6"
_MOST_BYTES = 64 * 2**20
_WORD = re.compile(r"\w+")

DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "/openai/v1/chat/completions": openai.Chat(),
        "/openai/v1/completions": openai.Completions(),
        "/openai/v1/responses": Responses(),
        "/compatible/v1/chat/completions": openai.OpenChat(),
        "/anthropic/v1/messages": anthropic.Messages(),
        "/anthropic/v1/messages/count_tokens": anthropic.CountTokens(),
        "/mistral/v1/chat/completions": mistral.Chat(),
        "/mistral/v1/fim/completions": mistral.Fim(),
        "/azure/openai/v1/chat/completions": azure.Undated(),
        "/azure/openai/v1/responses": Responses(),
        "/azure/openai/deployments/{deployment}/chat/completions": azure.Dated(),
    }
)


class Simulator:
    """Listens from ``async with`` on. ``play`` and ``record`` may be used from any thread."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, key: str = KEY, tls: ssl.SSLContext | None = None
    ) -> None:
        self.port = port
        self.key = key
        self.record = Record()
        self.models = MODELS
        self._host = host
        self._tls = tls
        self._play = Play()
        self._plays_left = 0
        self.plays_by_word: dict[str, Play] = {}
        self._connections: dict[object, int] = {}

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    @property
    def requests(self) -> list[Heard]:
        return self.record.requests

    def play(self, play: Play) -> None:
        """Answer like this from now on."""
        self._play, self._plays_left = play, play.times

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=_MOST_BYTES)
        for path, door in DOORS.items():
            application.router.add_post(path, self._endpoint(door))
        application.router.add_put("/control/play", self._on_play)
        application.router.add_get("/control/heard", self._on_heard)
        application.router.add_delete("/control/heard", self._on_clear)
        application.router.add_get("/control/counts", self._on_counts)
        application.router.add_delete("/control/connections", self._on_cut)
        application.router.add_route("*", "/{path:.*}", self._on_anything)
        self._runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        loop = asyncio.get_running_loop()
        record = self.record
        self._listener = await loop.create_server(
            lambda: Counted(server(), record), self._host, self.port, ssl=self._tls
        )
        self.port = int(self._listener.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.close()
        await self._runner.cleanup()

    def _endpoint(self, door: Door) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            heard = self._hear(request)
            body = await request.read()
            heard.body, heard.whole = body.decode(errors="replace"), True
            visit = self._visit(heard, request, body)
            try:
                reply, fault = self._reply(door, visit)
                return await send(request, heard, reply, fault, door.error_event(visit))
            except (asyncio.CancelledError, ConnectionResetError):
                heard.hung_up = not heard.answered
                raise

        return answer

    def _reply(self, door: Door, visit: Visit) -> tuple[Reply, Fault | None]:
        try:
            door.admit(visit)
            asked = door.read(visit)
        except Problem as problem:
            return problem.reply, None
        play = self._play_for(visit)
        script = SCRIPTS[play.script] if play.script else script_of(asked.model)
        reply = door.write(visit, replace(asked, model=play.answers_as or asked.model), script(asked))
        fault = play.fault
        if fault and fault.before_headers and fault.kind in {FaultKind.STATUS, FaultKind.REDIRECT}:
            reply = _other(door, visit, fault)
        return reply, fault

    def _play_for(self, visit: Visit) -> Play:
        """By a word in the request, so that many may be under way at once; else the one for all."""
        plays = self.plays_by_word
        found = (word for word in _WORD.findall(visit.body.decode()) if word in plays) if plays else ()
        word = next(iter(found), "")
        return plays[word] if word else self._next_play(visit.path)

    def _next_play(self, path: str) -> Play:
        play = self._play
        if not path.startswith(play.only):
            return Play()
        if play.times:
            self._plays_left -= 1
            if self._plays_left == 0:
                self._play = Play()
        return play

    def _hear(self, request: web.Request) -> Heard:
        connection = self._connections.setdefault(request.transport, len(self._connections) + 1)
        heard = Heard(
            number=len(self.requests) + 1,
            at_s=time.monotonic(),
            method=request.method,
            path=request.path_qs,
            headers=headers_of(request.raw_headers),
            connection=connection,
        )
        self.requests.append(heard)
        return heard

    def _visit(self, heard: Heard, request: web.Request, body: bytes) -> Visit:
        return Visit(
            number=heard.number,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): value for name, value in heard.headers},
            body=body,
            at_unix=int(time.time()),
            key=self.key,
            models=self.models,
        )

    async def _on_anything(self, request: web.Request) -> web.Response:
        self._hear(request).status = 404
        return web.json_response(
            {"error": {"message": f"Unknown request URL: {request.method} {request.path}"}}, status=404
        )

    async def _on_play(self, request: web.Request) -> web.Response:
        self.play(msgspec.json.decode(await request.read(), type=Play))
        return web.Response(status=204)

    async def _on_heard(self, request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.requests), content_type="application/json")

    async def _on_clear(self, request: web.Request) -> web.Response:
        self.record.clear()
        return web.Response(status=204)

    async def _on_cut(self, request: web.Request) -> web.Response:
        """All of them, this one too."""
        self.record.cut()
        return web.Response(status=204)

    async def _on_counts(self, request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.record.counts), content_type="application/json")


def _other(door: Door, visit: Visit, fault: Fault) -> Reply:
    """An answer with another status."""
    if fault.kind is FaultKind.REDIRECT:
        status = fault.status if 300 <= fault.status < 400 else 307
        return Reply(status=status, pieces=[b""], headers={"location": fault.text, **fault.headers})
    reply = door.error(visit, fault.status)
    pieces = [fault.text.encode()] if fault.text else reply.pieces
    return replace(reply, status=fault.status, pieces=pieces, headers={**reply.headers, **fault.headers})
