# SPDX-License-Identifier: Apache-2.0
"""The codec of OpenAI's chat completions, completions and embeddings."""

from collections.abc import Sequence

from freehold.contract.call import Dialect, Operation
from freehold.dialect import embedding
from freehold.dialect.chatwire import demand
from freehold.dialect.document import read_object
from freehold.dialect.interface import Backend, Exchange, Request, Wire
from freehold.dialect.limits import RateLimits, openai_headers
from freehold.dialect.losses import lost_at_engine
from freehold.dialect.openai import chat, completions, errors, models, plain
from freehold.dialect.openai.exchange import ChunkWriter, chat_exchange
from freehold.dialect.openai.passing import pass_chat, pass_completion
from freehold.dialect.translate import translated
from freehold.errors import FreeholdError


class OpenAICodec:
    """OpenAI, natively wherever the backend speaks it."""

    dialect = Dialect.OPENAI

    def parse(self, operation: Operation, body: bytes) -> Request:
        fields = read_object(body)
        match operation:
            case Operation.COMPLETION:
                return completions.read_request(fields)
            case Operation.EMBED:
                return embedding.read_request(fields, self.dialect)
            case _:
                return plain.read_plain(fields) or chat.read_request(fields)

    def exchange(self, request: Request, backend: Backend) -> Exchange:
        if isinstance(request, embedding.EmbeddingRequest):
            return embedding.embedding_exchange(request, backend)
        if isinstance(request, completions.CompletionRequest):
            return _completion(request, backend)
        assert isinstance(request, chat.OpenAIRequest), "a request goes to the codec that parsed it"  # noqa: S101
        return _chat(request, backend)

    def error(self, problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
        return errors.error(problem, request_id)

    def error_event(self, problem: FreeholdError, request_id: str) -> bytes:
        return errors.error_event(problem, request_id)

    def limit_headers(self, limits: RateLimits) -> list[tuple[str, str]]:
        return openai_headers(limits)

    def models(self, names: Sequence[str], created_unix: int) -> bytes:
        return models.models(names, created_unix)

    def model(self, name: str, created_unix: int) -> bytes:
        return models.model(name, created_unix)


def _completion(request: completions.CompletionRequest, backend: Backend) -> Exchange:
    """Nobody else has text completions, so they are never translated."""
    if backend.foreign:
        demand(Wire.COMPLETIONS, backend)
        return pass_completion(request, backend)
    dropped = lost_at_engine(request)
    exchange = completions.completion_exchange(request, backend)
    exchange.dropped = dropped
    return exchange


def _chat(request: chat.OpenAIRequest, backend: Backend) -> Exchange:
    if backend.foreign:
        passes = Wire.CHAT in backend.wires
        return pass_chat(request, backend) if passes else translated(request, backend, ChunkWriter(request))
    dropped = lost_at_engine(request)
    exchange = chat_exchange(request, backend)
    exchange.dropped = dropped
    return exchange
