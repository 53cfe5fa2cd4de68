# SPDX-License-Identifier: Apache-2.0
"""The codec of Anthropic's messages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from freehold.contract.call import Dialect, Operation
from freehold.dialect.anthropic import errors
from freehold.dialect.anthropic.native import NativeMessages, TokenCount
from freehold.dialect.anthropic.passing import pass_count, pass_messages
from freehold.dialect.anthropic.request import MessagesRequest, read_request
from freehold.dialect.anthropic.writer import MessageWriter
from freehold.dialect.chatwire import ChatExchange, demand, upstream
from freehold.dialect.document import read_object
from freehold.dialect.forced import change_for
from freehold.dialect.interface import Backend, Exchange, Request, Wire
from freehold.dialect.limits import RateLimits, anthropic_headers
from freehold.dialect.losses import lost_at_engine
from freehold.dialect.translate import translated
from freehold.errors import FreeholdError


class AnthropicCodec:
    """Messages: natively at whoever speaks them, else over chat completions or in translation."""

    dialect = Dialect.ANTHROPIC

    def parse(self, operation: Operation, body: bytes) -> Request:
        return read_request(operation, read_object(body))

    def exchange(self, request: Request, backend: Backend) -> Exchange:
        assert isinstance(request, MessagesRequest), "a request goes to the codec that parsed it"  # noqa: S101
        if backend.foreign:
            return _foreign(request, backend)
        dropped = lost_at_engine(request)
        exchange = _engine(request, backend)
        exchange.dropped = dropped
        return exchange

    def error(self, problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
        return errors.error(problem, request_id)

    def error_event(self, problem: FreeholdError, request_id: str) -> bytes:
        return errors.error_event(problem, request_id)

    def limit_headers(self, limits: RateLimits) -> list[tuple[str, str]]:
        return anthropic_headers(limits)

    def models(self, names: Sequence[str], created_unix: int) -> bytes:
        data = [_card(name, created_unix) for name in names]
        first, last = (names[0], names[-1]) if names else (None, None)
        return msgspec.json.encode({"data": data, "has_more": False, "first_id": first, "last_id": last})

    def model(self, name: str, created_unix: int) -> bytes:
        return msgspec.json.encode(_card(name, created_unix))


def _foreign(request: MessagesRequest, backend: Backend) -> Exchange:
    if request.operation is Operation.COUNT_TOKENS:
        demand(Wire.COUNT_TOKENS, backend)
        return pass_count(request, backend)
    if Wire.MESSAGES in backend.wires:
        return pass_messages(request, backend)
    return translated(request.chat_request(), backend, MessageWriter("", request.id))


def _engine(request: MessagesRequest, backend: Backend) -> Exchange:
    """The engine's chat completions stand in where its own messages lack what is asked."""
    if request.operation is Operation.COUNT_TOKENS:
        return TokenCount(request, backend)
    if Wire.MESSAGES in backend.wires and not request.beyond_native:
        return NativeMessages(request, backend)
    chat = request.chat_request()
    return ChatExchange(upstream(chat, backend), MessageWriter(chat.prefill, request.id), change_for(chat))


def _card(name: str, created_unix: int) -> dict[str, Any]:
    created = datetime.fromtimestamp(created_unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": name, "display_name": name, "created_at": created, "lifecycle": "active"}
