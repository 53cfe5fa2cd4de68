# SPDX-License-Identifier: Apache-2.0
"""The codec of OpenAI's chat completions and completions."""

from collections.abc import Sequence

from freehold.contract.call import Dialect, Operation
from freehold.dialect.document import read_object
from freehold.dialect.interface import Backend, Exchange, Request
from freehold.dialect.openai import chat, completions, errors, models
from freehold.dialect.openai.exchange import chat_exchange
from freehold.errors import FreeholdError


class OpenAICodec:
    """OpenAI, natively."""

    dialect = Dialect.OPENAI

    def parse(self, operation: Operation, body: bytes) -> Request:
        fields = read_object(body)
        return completions.read_request(fields) if operation is Operation.COMPLETION else chat.read_request(fields)

    def exchange(self, request: Request, backend: Backend) -> Exchange:
        if isinstance(request, completions.CompletionRequest):
            return completions.completion_exchange(request, backend)
        assert isinstance(request, chat.OpenAIRequest), "a request goes to the codec that parsed it"  # noqa: S101
        return chat_exchange(request, backend)

    def error(self, problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
        return errors.error(problem, request_id)

    def error_event(self, problem: FreeholdError, request_id: str) -> bytes:
        return errors.error_event(problem, request_id)

    def models(self, names: Sequence[str], created_unix: int) -> bytes:
        return models.models(names, created_unix)

    def model(self, name: str, created_unix: int) -> bytes:
        return models.model(name, created_unix)
