# SPDX-License-Identifier: Apache-2.0
"""Problems as Anthropic words them, with Freehold's own ``code`` beside Anthropic's ``type``."""

from collections.abc import Mapping
from typing import Any

import msgspec

from freehold.dialect.problems import Answer, answer_to, details_of, param_of
from freehold.dialect.sse import named_event
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
    FreeholdError: Answer(500, "api_error"),
    Refusal: Answer(403, "permission_error"),
    CallerError: Answer(400, "invalid_request_error"),
    InvalidKey: Answer(401, "authentication_error"),
    UnknownService: Answer(404, "not_found_error"),
    UnknownEndpoint: Answer(404, "not_found_error"),
    UnknownReceipt: Answer(404, "not_found_error"),
    MethodNotAllowed: Answer(405, "invalid_request_error"),
    TooLarge: Answer(413, "request_too_large"),
    SlowRequest: Answer(408, "timeout_error"),
    RateLimited: Answer(429, "rate_limit_error"),
    Fault: Answer(503, "overloaded_error"),
    ProviderBusy: Answer(429, "rate_limit_error"),
    BackendBroke: Answer(502, "api_error"),
}


def error(problem: FreeholdError, request_id: str) -> tuple[int, bytes]:
    return answer_to(problem, _TABLE).status, msgspec.json.encode(_described(problem, request_id))


def error_event(problem: FreeholdError, request_id: str) -> bytes:
    """The stream's last event: no ``message_stop`` follows, for the message is not whole."""
    return named_event("error", msgspec.json.encode(_described(problem, request_id)))


def _described(problem: FreeholdError, request_id: str) -> dict[str, Any]:
    answer = answer_to(problem, _TABLE)
    described = {"type": answer.type, "message": _message(problem), "code": answer.code or problem.code}
    if param := param_of(problem):
        described["param"] = param
    described |= details_of(problem, request_id)
    return {"type": "error", "error": described, "request_id": request_id}


def _message(problem: FreeholdError) -> str:
    if isinstance(problem, ContextExceeded) and problem.prompt_tokens:
        return f"prompt is too long: {problem.prompt_tokens} tokens > {problem.context_tokens} maximum"
    return problem.message
