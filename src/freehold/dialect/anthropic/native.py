# SPDX-License-Identifier: Apache-2.0
"""Messages on their way back from the engine's own messages wire. Its bytes are the caller's, but for its mistakes.

It calls a stop sequence the end of the turn, opens a tool_use without its ``input``, repeats the prefill in answers
that are not streamed, and leaves ``message_start`` out where its first token is only a part of a character.
"""

import hashlib
from typing import Any

import msgspec
from msgspec import Struct

from freehold.dialect.anthropic.request import MessagesRequest
from freehold.dialect.anthropic.wire import Count, Follower, read
from freehold.dialect.chatwire import demand
from freehold.dialect.interface import Backend, Event, Upstream, Wire
from freehold.dialect.sse import named_event, ping_for


class _BlockStart(Struct):
    type: str
    index: int
    content_block: dict[str, Any]


class NativeMessages:
    """Forwards, and reads on the way only the events that open and close the message."""

    def __init__(self, request: MessagesRequest, backend: Backend) -> None:
        demand(Wire.MESSAGES, backend)
        request.tools.check(backend)
        body = {"model": backend.model, "stream": request.stream, **request.native_body()}
        self.upstream = Upstream(wire=Wire.MESSAGES, body=msgspec.json.encode(body), stream=request.stream)
        self.dropped: tuple[str, ...] = ()
        self._follower = Follower()
        self.tally = self._follower.tally
        self._model = backend.model
        self._prefill = request.prefill
        self._started = False

    def event(self, event: Event) -> bytes:
        if not event.data:
            return ping_for(event)
        self._follower.event(event)
        forwarded = self._mended(event)
        if self._started:
            return forwarded
        self._started = True
        return forwarded if event.name == "message_start" else self._missing_start() + forwarded

    def whole(self, body: bytes) -> bytes:
        message = self._follower.whole(body)
        if not self._prefill and self.tally.finish == message.stop_reason:
            return body
        document = read(body, dict[str, Any])
        document["stop_reason"] = self.tally.finish
        if message.content and message.content[0].get("type") == "text":
            first = document["content"][0]
            first["text"] = str(first.get("text", "")).removeprefix(self._prefill)
        return msgspec.json.encode(document)

    def _mended(self, event: Event) -> bytes:
        match event.name:
            case "content_block_start" if b'"tool_use"' in event.data and b'"input"' not in event.data:
                start = read(event.data, _BlockStart)
                start.content_block["input"] = {}
                return named_event(event.name, msgspec.json.encode(start))
            case "message_delta":
                document = read(event.data, dict[str, Any])
                if document["delta"].get("stop_reason") != self.tally.finish:
                    document["delta"]["stop_reason"] = self.tally.finish
                    return named_event(event.name, msgspec.json.encode(document))
        return event.raw

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


class TokenCount(Count):
    """A prompt counted by the engine."""

    def __init__(self, request: MessagesRequest, backend: Backend) -> None:
        demand(Wire.COUNT_TOKENS, backend)
        request.tools.check(backend)
        body = {"model": backend.model, **request.native_body()}
        super().__init__(Upstream(wire=Wire.COUNT_TOKENS, body=msgspec.json.encode(body), stream=False))
