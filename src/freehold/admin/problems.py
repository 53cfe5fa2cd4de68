# SPDX-License-Identifier: Apache-2.0
"""How an error looks to whoever asked the admin API: problem details, RFC 9457. Tells nothing that the error does not.

``type`` leads to what the estate itself says of that kind of error, so that no outside host is named.
"""

import secrets
import uuid
from collections.abc import Iterator, Mapping

from freehold.errors import (
    CallerError,
    Conflict,
    EstateError,
    Fault,
    ForeignOrigin,
    FreeholdError,
    InvalidRequest,
    InvalidToken,
    MethodNotAllowed,
    NotFound,
    OperatorError,
    RateLimited,
    Refusal,
    SlowRequest,
    TooLarge,
    UnknownEndpoint,
)

MEDIA_TYPE = "application/problem+json"
PROBLEMS = "/admin/v1/problems/"

# The first that an error is an instance of.
_STATUS: tuple[tuple[type[FreeholdError], int], ...] = (
    (InvalidToken, 401),
    (ForeignOrigin, 403),
    (Refusal, 403),
    (UnknownEndpoint, 404),
    (NotFound, 404),
    (MethodNotAllowed, 405),
    (EstateError, 409),
    (SlowRequest, 408),
    (Conflict, 412),
    (TooLarge, 413),
    (RateLimited, 429),
    (OperatorError, 422),
    (CallerError, 400),
    (Fault, 503),
    (FreeholdError, 500),
)


def status_of(kind: type[FreeholdError]) -> int:
    return next(status for known, status in _STATUS if issubclass(kind, known))


def problem_of(error: FreeholdError) -> dict[str, object]:
    """The error as JSON. Each has an ``instance`` of its own."""
    problem: dict[str, object] = {
        "type": PROBLEMS + error.code,
        "title": _title(error.code),
        "status": status_of(type(error)),
        "detail": error.message,
        "instance": uuid.uuid4().urn,
        "code": error.code,
        "hint": error.advice,
        "error": {"code": error.code, "message": error.message, "hint": error.advice},  # as it was before RFC 9457
    }
    if isinstance(error, InvalidRequest) and error.param:
        problem["param"] = error.param
    if isinstance(error, Conflict):
        problem |= {"etag": error.etag, "changed": error.changed}
    return problem


def headers_of(error: FreeholdError) -> list[tuple[str, str]]:
    """What of an error stands in headers: when to ask again, and with which method."""
    if isinstance(error, Fault | RateLimited):
        return [("retry-after", str(max(1, round(error.retry_after_s))))]
    if isinstance(error, MethodNotAllowed) and error.allowed:
        return [("allow", ", ".join(error.allowed))]
    return []


def kinds() -> list[dict[str, object]]:
    """Every kind of error that there is, by its code."""
    by_code: dict[str, type[FreeholdError]] = {}
    for kind in _tree(FreeholdError):
        by_code.setdefault(kind.code, kind)
    return [_described(by_code[code]) for code in sorted(by_code)]


def described(code: str) -> Mapping[str, object]:
    """One kind of error. Raises NotFound."""
    found = next((kind for kind in kinds() if kind["code"] == code), None)
    if found is None:
        raise NotFound(f"there is no problem {code[:100]!r}", hint="GET /admin/v1/problems lists them.")
    return found


def bug() -> FreeholdError:
    """What is told of a bug: an id, under which the log has it."""
    request_id = f"req_{secrets.token_hex(8)}"
    return FreeholdError(f"an internal error: {request_id}", hint="run/log/control.log has it under that id.")


def _described(kind: type[FreeholdError]) -> dict[str, object]:
    return {
        "type": PROBLEMS + kind.code,
        "code": kind.code,
        "title": _title(kind.code),
        "status": status_of(kind),
        "hint": kind.hint,
    }


def _tree(kind: type[FreeholdError]) -> Iterator[type[FreeholdError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _tree(narrower)


def _title(code: str) -> str:
    return code.replace("_", " ").capitalize()
