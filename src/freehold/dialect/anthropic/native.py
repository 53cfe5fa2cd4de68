# SPDX-License-Identifier: Apache-2.0
"""Messages on their way back from the engine's own messages wire. Its bytes are the caller's, but for its mistakes.

It calls a stop sequence the end of the turn, opens a tool_use without its ``input``, repeats the prefill in answers
that are not streamed, and leaves ``message_start`` out where its first token is only a part of a character.
"""

import hashlib
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from freehold.dialect.anthropic.request import MessagesRequest
from freehold.dialect.chatwire import demand, not_the_protocol
from freehold.dialect.interface import Backend, Event, Tally, Upstream, Wire
from freehold.dialect.sse import named_event, ping_for

_Shape = TypeVar("_Shape")


class _Usage(Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)


class _Message(Struct):
    usage: _Usage
    content: list[dict[str, Any]] = msgspec.field(default_factory=list)
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Start(Struct):
    message: _Message


class _BlockStart(Struct):
    type: str
    index: int
    content_block: dict[str, Any]


class _Stop(Struct):
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Delta(Struct):
    delta: _Stop
    usage: _Usage


class _Count(Struct):
    input_tokens: int


class NativeMessages:
    """Forwards, and reads on the way only the events that open and close the message."""

    def __init__(self, request: MessagesRequest, backend: Backend) -> None:
        demand(Wire.MESSAGES, backend)
        request.tools.check(backend)
        body = {"model": backend.model, "stream": request.stream, **request.native_body()}
        self.upstream = Upstream(wire=Wire.MESSAGES, body=msgspec.json.encode(body), stream=request.stream)
        self.tally = Tally()
        self._model = backend.model
        self._prefill = request.prefill
        self._started = False

    def event(self, event: Event) -> bytes:
        forwarded = self._forward(event)
        if self._started or not event.data:
            return forwarded
        self._started = True
        return forwarded if event.name == "message_start" else self._missing_start() + forwarded

    def _forward(self, event: Event) -> bytes:
        match event.name:
            case "content_block_delta":
                self.tally.output_tokens += 1
            case "message_start":
                self.tally.input_tokens = _read(event.data, _Start).message.usage.prompt_tokens
            case "content_block_start" if b'"tool_use"' in event.data and b'"input"' not in event.data:
                return _with_input(event)
            case "message_delta":
                return self._message_delta(event)
            case "message_stop":
                self.tally.finished = True
            case "error":
                raise not_the_protocol(b'{"error"')
            case _ if not event.data:
                return ping_for(event)
        return event.raw

    def whole(self, body: bytes) -> bytes:
        message = _read(body, _Message)
        self.tally = Tally(message.usage.prompt_tokens, message.usage.output_tokens, finished=True)
        self.tally.finish = _reason(message)
        if not self._prefill and self.tally.finish == message.stop_reason:
            return body
        document = _read(body, dict[str, Any])
        document["stop_reason"] = self.tally.finish
        if message.content and message.content[0].get("type") == "text":
            first = document["content"][0]
            first["text"] = str(first.get("text", "")).removeprefix(self._prefill)
        return msgspec.json.encode(document)

    def _missing_start(self) -> bytes:
        """The opening that the engine forgot. How many tokens the prompt had it does not say elsewhere."""
        message: dict[str, Any] = {
            "id": f"msg_{hashlib.sha256(self.upstream.body).hexdigest()[:24]}",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": self._model,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        start = {"type": "message_start", "message": message}
        return named_event("message_start", msgspec.json.encode(start))

    def _message_delta(self, event: Event) -> bytes:
        told = _read(event.data, _Delta)
        self.tally.output_tokens = told.usage.output_tokens
        self.tally.finish = _reason(told.delta)
        if self.tally.finish == told.delta.stop_reason:
            return event.raw
        document = _read(event.data, dict[str, Any])
        document["delta"]["stop_reason"] = self.tally.finish
        return named_event(event.name, msgspec.json.encode(document))


class TokenCount:
    """How many tokens a prompt has. Nothing is answered."""

    def __init__(self, request: MessagesRequest, backend: Backend) -> None:
        demand(Wire.COUNT_TOKENS, backend)
        request.tools.check(backend)
        body = {"model": backend.model, **request.native_body()}
        self.upstream = Upstream(wire=Wire.COUNT_TOKENS, body=msgspec.json.encode(body), stream=False)
        self.tally = Tally()

    def event(self, event: Event) -> bytes:
        raise RuntimeError(f"a count of tokens is never streamed, yet here is {event.name!r}")

    def whole(self, body: bytes) -> bytes:
        self.tally = Tally(input_tokens=_read(body, _Count).input_tokens, finished=True)
        return body


def _reason(stop: _Message | _Stop) -> str:
    return "stop_sequence" if stop.stop_sequence is not None else stop.stop_reason or ""


def _with_input(event: Event) -> bytes:
    start = _read(event.data, _BlockStart)
    start.content_block["input"] = {}
    return named_event(event.name, msgspec.json.encode(start))


def _read(data: bytes, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol(data) from exc
