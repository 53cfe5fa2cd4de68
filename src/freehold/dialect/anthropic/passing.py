# SPDX-License-Identifier: Apache-2.0
"""Messages between a caller and a provider that both speak them: the caller's fields there, the provider's bytes back.

Nothing is changed but the model's name, with one exception. Reasoning that another model wrote, and that bears no more
than this estate's mark for a signature (``writer.py``), would make the provider refuse the call; it stays here.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from freehold.dialect.anthropic.wire import Count, Follower
from freehold.dialect.anthropic.writer import UNSIGNED
from freehold.dialect.chatwire import demand
from freehold.dialect.interface import Backend, Event, Exchange, Request, Upstream, Wire
from freehold.dialect.sse import as_it_came


def pass_messages(request: Request, backend: Backend) -> Exchange:
    """Raises Unsupported where the provider has not this endpoint."""
    demand(Wire.MESSAGES, backend)
    fields, dropped = _readable(request.fields)
    body = msgspec.json.encode({**fields, "model": backend.model})
    upstream = Upstream(wire=Wire.MESSAGES, body=body, stream=request.stream, betas=request.betas)
    return PassedMessages(upstream, dropped)


def pass_count(request: Request, backend: Backend) -> Exchange:
    """Raises Unsupported where the provider has not this endpoint."""
    demand(Wire.COUNT_TOKENS, backend)
    fields, dropped = _readable(request.fields)
    body = msgspec.json.encode({**fields, "model": backend.model})
    count = Count(Upstream(wire=Wire.COUNT_TOKENS, body=body, stream=False, betas=request.betas))
    count.dropped = dropped
    return count


class PassedMessages:
    """Hands on every byte, and reads on the way what the answer costs, how it ends, and who gave it."""

    def __init__(self, upstream: Upstream, dropped: tuple[str, ...]) -> None:
        self.upstream = upstream
        self.dropped = dropped
        self._follower = Follower()
        self.tally = self._follower.tally

    def event(self, event: Event) -> bytes:
        if event.data:
            self._follower.event(event)
        return as_it_came(event)

    def whole(self, body: bytes) -> bytes:
        self._follower.whole(body)
        return body


def _readable(fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The fields without reasoning that the provider cannot have signed, and the name of what was left out."""
    messages = fields["messages"]
    if not any(_is_unsigned(block) for message in messages for block in _blocks(message)):
        return fields, ()
    kept = [_without_unsigned(message) for message in messages]
    return {**fields, "messages": [message for message in kept if message.get("content") != []]}, ("reasoning",)


def _without_unsigned(message: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(message.get("content"), list):
        return message
    return {**message, "content": [block for block in _blocks(message) if not _is_unsigned(block)]}


def _blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _is_unsigned(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "thinking" and block.get("signature") == UNSIGNED
