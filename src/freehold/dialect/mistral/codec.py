# SPDX-License-Identifier: Apache-2.0
"""The codec of Mistral's chat and fill-in-the-middle completions, and embeddings."""

from collections.abc import Sequence

from freehold.contract.call import Dialect, Operation
from freehold.dialect import embedding
from freehold.dialect.chatwire import ChatExchange, upstream
from freehold.dialect.document import read_object
from freehold.dialect.forced import change_for
from freehold.dialect.interface import Backend, Exchange, Request, Wire
from freehold.dialect.limits import RateLimits, mistral_headers
from freehold.dialect.losses import lost_at_engine
from freehold.dialect.mistral import chat, errors, fim
from freehold.dialect.mistral.passing import pass_chat, pass_fim
from freehold.dialect.mistral.writer import MistralWriter
from freehold.dialect.openai import models
from freehold.dialect.translate import translated
from freehold.errors import FreeholdError


class MistralCodec:
    """Mistral: natively at whoever speaks it, else over chat completions and infill, or in translation."""

    dialect = Dialect.MISTRAL

    def parse(self, operation: Operation, body: bytes) -> Request:
        fields = read_object(body)
        match operation:
            case Operation.FIM:
                return fim.read_request(fields)
            case Operation.EMBED:
                return embedding.read_request(fields, self.dialect)
            case _:
                return chat.read_request(fields)

    def exchange(self, request: Request, backend: Backend) -> Exchange:
        if isinstance(request, embedding.EmbeddingRequest):
            return embedding.embedding_exchange(request, backend)
        if isinstance(request, fim.FimRequest):
            return _fim(request, backend)
        assert isinstance(request, chat.MistralRequest), "a request goes to the codec that parsed it"  # noqa: S101
        return _chat(request, backend)

    def error(self, problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
        return errors.error(problem, request_id)

    def error_event(self, problem: FreeholdError, request_id: str) -> bytes:
        return errors.error_event(problem, request_id)

    def limit_headers(self, limits: RateLimits) -> list[tuple[str, str]]:
        return mistral_headers(limits)

    def models(self, names: Sequence[str], created_unix: int) -> bytes:
        return models.models(names, created_unix)

    def model(self, name: str, created_unix: int) -> bytes:
        return models.model(name, created_unix)


def _fim(request: fim.FimRequest, backend: Backend) -> Exchange:
    if backend.foreign is None:
        dropped = lost_at_engine(request)
        exchange = fim.FimExchange(request, backend)
        exchange.dropped = dropped
        return exchange
    if Wire.FIM not in backend.wires:
        raise fim.cannot_fill(backend)
    return pass_fim(request, backend)


def _chat(request: chat.MistralRequest, backend: Backend) -> Exchange:
    writer = MistralWriter(request)
    if backend.foreign:
        passes = Wire.MISTRAL_CHAT in backend.wires
        return pass_chat(request, backend) if passes else translated(request, backend, writer)
    request = chat.for_engine(request)
    dropped = lost_at_engine(request)
    return ChatExchange(upstream(request, backend), writer, change_for(request), dropped=dropped)
