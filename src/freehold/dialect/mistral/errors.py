# SPDX-License-Identifier: Apache-2.0
"""Problems as Mistral words them. Never with status 422, whose body Mistral's SDK takes for another shape."""

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
    FreeholdError: Answer(500, "internal_server_error"),
    Refusal: Answer(403, "permission_error"),
    CallerError: Answer(400, "invalid_request_error"),
    ContextExceeded: Answer(400, "invalid_request_error", "3051"),
    InvalidKey: Answer(401, "authentication_error"),
    UnknownService: Answer(404, "invalid_model"),
    UnknownEndpoint: Answer(404, "not_found_error"),
    UnknownReceipt: Answer(404, "not_found_error"),
    MethodNotAllowed: Answer(405, "invalid_request_error"),
    TooLarge: Answer(413, "invalid_request_error"),
    SlowRequest: Answer(408, "invalid_request_error"),
    RateLimited: Answer(429, "rate_limited"),
    Fault: Answer(503, "service_unavailable"),
    ProviderBusy: Answer(429, "rate_limited"),
    BackendBroke: Answer(502, "internal_server_error"),
}


def error(problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
    return answer_to(problem, _TABLE).status, msgspec.json.encode(_described(problem, request_id))


def error_event(problem: FreeholdError, request_id: str) -> bytes:
    """The stream's last event: no ``[DONE]`` follows, for the answer is not whole."""
    return data_event(msgspec.json.encode({"error": _described(problem, request_id)}))


def _described(problem: FreeholdError, request_id: str) -> dict[str, Any]:
    answer = answer_to(problem, _TABLE)
    return {
        "object": "error",
        "message": _message(problem),
        "type": answer.type,
        "param": param_of(problem),
        "code": answer.code or problem.code,
        **details_of(problem, request_id),
    }


def _message(problem: FreeholdError) -> str:
    if not isinstance(problem, ContextExceeded) or not problem.prompt_tokens:
        return problem.message
    return (
        f"Prompt contains {problem.prompt_tokens} tokens, too large for a model "
        f"with {problem.context_tokens} maximum context length"
    )
