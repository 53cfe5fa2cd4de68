# SPDX-License-Identifier: Apache-2.0
"""The codec of OpenAI's Responses."""

from collections.abc import Sequence

import msgspec

from freehold.contract.call import Dialect, Operation
from freehold.dialect.chatwire import ChatExchange, upstream
from freehold.dialect.document import read_object
from freehold.dialect.forced import change_for
from freehold.dialect.interface import Backend, Exchange, Request, Wire
from freehold.dialect.limits import RateLimits, openai_headers
from freehold.dialect.losses import lost_at_engine
from freehold.dialect.openai import errors, models
from freehold.dialect.responses.passing import pass_response
from freehold.dialect.responses.request import ResponsesRequest, read_request
from freehold.dialect.responses.writer import ResponseWriter
from freehold.dialect.sse import named_event
from freehold.dialect.translate import translated
from freehold.errors import FreeholdError


class ResponsesCodec:
    """Responses: natively at whoever speaks it, else over chat completions or in translation."""

    dialect = Dialect.RESPONSES

    def parse(self, operation: Operation, body: bytes) -> Request:  # noqa: ARG002 - a conversation is all it has
        return read_request(read_object(body))

    def exchange(self, request: Request, backend: Backend) -> Exchange:
        assert isinstance(request, ResponsesRequest), "a request goes to the codec that parsed it"  # noqa: S101
        writer = ResponseWriter(request)
        if backend.foreign:
            passes = Wire.RESPONSES in backend.wires
            return pass_response(request, backend) if passes else translated(request, backend, writer)
        dropped = lost_at_engine(request)
        return ChatExchange(upstream(request, backend), writer, change_for(request), dropped=dropped)

    def error(self, problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
        return errors.error(problem, request_id)

    def error_event(self, problem: FreeholdError, request_id: str) -> bytes:
        """The fields of the event ``error``; and the same as an object, by which OpenAI's SDK knows to raise."""
        described = errors.described(problem, request_id)
        flat = {name: described[name] for name in ("code", "message", "param")}
        event = {"type": "error", "sequence_number": 0, **flat, "error": described}
        return named_event("error", msgspec.json.encode(event))

    def limit_headers(self, limits: RateLimits) -> list[tuple[str, str]]:
        return openai_headers(limits)

    def models(self, names: Sequence[str], created_unix: int) -> bytes:
        return models.models(names, created_unix)

    def model(self, name: str, created_unix: int) -> bytes:
        return models.model(name, created_unix)
