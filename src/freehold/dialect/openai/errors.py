# SPDX-License-Identifier: Apache-2.0
"""Problems as OpenAI words them; ``/v1/responses`` shares all but the stream's last event."""

from collections.abc import Mapping
from typing import Any

import msgspec

from freehold.dialect.problems import Answer, answer_to, details_of, param_of
from freehold.dialect.sse import data_event
from freehold.errors import (
    BackendBroke,
    CallerError,
    ContextExceeded,
    Fault,
    FreeholdError,
    InvalidKey,
    MethodNotAllowed,
    ProviderBusy,
    RateLimited,
    Refusal,
    SlowRequest,
    TooLarge,
    UnknownEndpoint,
    UnknownReceipt,
    UnknownService,
)

_TABLE: Mapping[type[FreeholdError], Answer] = {
    FreeholdError: Answer(500, "server_error"),
    Refusal: Answer(403, "permission_error"),
    CallerError: Answer(400, "invalid_request_error"),
    InvalidKey: Answer(401, "authentication_error"),
    UnknownService: Answer(404, "invalid_request_error"),
    UnknownEndpoint: Answer(404, "invalid_request_error"),
    UnknownReceipt: Answer(404, "invalid_request_error"),
    MethodNotAllowed: Answer(405, "invalid_request_error"),
    TooLarge: Answer(413, "invalid_request_error"),
    SlowRequest: Answer(408, "invalid_request_error"),
    RateLimited: Answer(429, "rate_limit_error", "rate_limit_exceeded"),
    Fault: Answer(503, "server_error"),
    ProviderBusy: Answer(429, "rate_limit_error"),
    BackendBroke: Answer(502, "server_error"),
}


def error(problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
    return answer_to(problem, _TABLE).status, msgspec.json.encode({"error": described(problem, request_id)})


def error_event(problem: FreeholdError, request_id: str) -> bytes:
    """The stream's last event: no ``[DONE]`` follows, for the answer is not whole."""
    return data_event(msgspec.json.encode({"error": described(problem, request_id)}))


def described(problem: FreeholdError, request_id: str) -> dict[str, Any]:
    answer = answer_to(problem, _TABLE)
    return {
        "message": _message(problem),
        "type": answer.type,
        "param": "messages" if isinstance(problem, ContextExceeded) else param_of(problem),
        "code": answer.code or problem.code,
        **details_of(problem, request_id),
    }


def _message(problem: FreeholdError) -> str:
    if not isinstance(problem, ContextExceeded) or not problem.prompt_tokens:
        return problem.message
    return (
        f"This model's maximum context length is {problem.context_tokens} tokens, "
        f"but the prompt has {problem.prompt_tokens} tokens. Please shorten it."
    )
