# SPDX-License-Identifier: Apache-2.0
"""The codec of Mistral's chat and fill-in-the-middle completions."""

from collections.abc import Sequence

from freehold.contract.call import Dialect, Operation
from freehold.dialect.chatwire import ChatExchange, upstream
from freehold.dialect.document import read_object
from freehold.dialect.forced import change_for
from freehold.dialect.interface import Backend, Exchange, Request
from freehold.dialect.mistral import chat, errors, fim
from freehold.dialect.mistral.writer import MistralWriter
from freehold.dialect.openai import models
from freehold.errors import FreeholdError


class MistralCodec:
    """Mistral, over chat completions and infill."""

    dialect = Dialect.MISTRAL

    def parse(self, operation: Operation, body: bytes) -> Request:
        fields = read_object(body)
        return fim.read_request(fields) if operation is Operation.FIM else chat.read_request(fields)

    def exchange(self, request: Request, backend: Backend) -> Exchange:
        if isinstance(request, fim.FimRequest):
            return fim.FimExchange(request, backend)
        assert isinstance(request, chat.MistralRequest), "a request goes to the codec that parsed it"  # noqa: S101
        return ChatExchange(upstream(request, backend), MistralWriter(request), change_for(request))

    def error(self, problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
        return errors.error(problem, request_id)

    def error_event(self, problem: FreeholdError, request_id: str) -> bytes:
        return errors.error_event(problem, request_id)

    def models(self, names: Sequence[str], created_unix: int) -> bytes:
        return models.models(names, created_unix)

    def model(self, name: str, created_unix: int) -> bytes:
        return models.model(name, created_unix)
