# SPDX-License-Identifier: Apache-2.0
"""A gateway in miniature: the vendors' own SDKs on one side, an engine's bytes on the other, the codecs between."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest
from mistralai.client import Mistral
from msgspec import structs

from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect import codecs
from freehold.dialect.anthropic.request import MessagesRequest
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.interface import Backend, Exchange, Foreign, Request, Upstream, Wire
from freehold.dialect.sse import Splitter
from freehold.errors import BackendBroke, FreeholdError

ASSETS = Path(__file__).parent / "assets"
ANSWERED = "smollm2-135m-instruct"  # what the assets say that answered
BACKEND = Backend(model="smollm2", wires=frozenset(Wire), context_tokens=2048, tools=True, fim=True)
_DOORS = {
    "/v1/chat/completions": Operation.CHAT,
    "/v1/completions": Operation.COMPLETION,
    "/v1/responses": Operation.CHAT,
    "/v1/messages": Operation.CHAT,
    "/v1/messages/count_tokens": Operation.COUNT_TOKENS,
    "/v1/fim/completions": Operation.FIM,
}

Engine = Callable[[Upstream], bytes]


def asset(name: str) -> bytes:
    """What an engine sent once, byte for byte."""
    return (ASSETS / name).read_bytes()


def drive(exchange: Exchange, answer: bytes) -> bytes:
    """All that the caller gets for all that the engine sent."""
    if not exchange.upstream.stream:
        return exchange.whole(answer)
    splitter = Splitter()
    return b"".join(exchange.event(event) for event in [*splitter.feed(answer), *splitter.close()])


class Desk:
    """Answers a vendor's SDK as the gateway would, and keeps what went through."""

    def __init__(self, dialect: Dialect, engine: Engine, backend: Backend = BACKEND) -> None:
        self.codec = codecs[dialect]
        self.exchange: Exchange | None = None
        self.sent = b""
        self._engine = engine
        self._backend = backend

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        problem: FreeholdError
        try:
            parsed = self.codec.parse(_DOORS[request.url.path], request.content)
            exchange = self.codec.exchange(parsed, self._backend)
            self.exchange = exchange
            answer = self._engine(exchange.upstream)
            if not exchange.upstream.stream:
                self.sent = exchange.whole(answer)
                return httpx2.Response(200, content=self.sent, headers={"content-type": "application/json"})
        except FreeholdError as exc:
            status, body = self.codec.error(exc, "call_1")
            return httpx2.Response(status, content=body, headers={"content-type": "application/json"})
        self.sent = drive(exchange, answer)
        if not exchange.tally.finished:
            problem = BackendBroke("the backend's answer broke off")
            self.sent += self.codec.error_event(problem, "call_1")
        return httpx2.Response(200, content=self.sent, headers={"content-type": "text/event-stream"})

    @property
    def http(self) -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(self))

    # The SDKs' argument types are made for people who write literals; here arguments are JSON that tests vary.
    def openai(self) -> Any:
        return openai.OpenAI(base_url="http://gateway/v1", api_key="key", http_client=self.http, max_retries=0)

    def anthropic(self) -> Any:
        return anthropic.Anthropic(base_url="http://gateway", api_key="key", http_client=self.http, max_retries=0)

    def mistral(self) -> Any:
        return Mistral(server_url="http://gateway", api_key="key", client=self.http)


@pytest.fixture
def replay() -> Callable[[Dialect, str], Desk]:
    """A desk whose engine always sends the same asset."""
    return lambda dialect, name: Desk(dialect, lambda _: asset(name))


def foreign(*wires: Wire) -> Backend:
    """Somebody else's API. The first of its wires is the preferred one."""
    described = Foreign(preferred=wires[0], prefill=Prefill.NONE, answer_tokens=256)
    return Backend(model="theirs", wires=frozenset(wires), context_tokens=0, tools=True, foreign=described)


def engine_takes(dialect: Dialect, body: dict[str, Any], *drop: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What an engine is sent, and what was left out. Raises Unsupported."""
    request = codecs[dialect].parse(Operation.CHAT, msgspec.json.encode(body))
    exchange = codecs[dialect].exchange(structs.replace(request, drop=frozenset(drop)), BACKEND)
    return msgspec.json.decode(exchange.upstream.body), exchange.dropped


def hub_of(dialect: Dialect, body: dict[str, Any]) -> ChatRequest:
    """The request in the hub's words."""
    request = codecs[dialect].parse(Operation.CHAT, msgspec.json.encode(body))
    if isinstance(request, MessagesRequest):
        return request.chat_request()
    assert isinstance(request, ChatRequest)
    return request


def names_of(request: Request) -> list[str]:
    return [extra.name for extra in request.extras]
