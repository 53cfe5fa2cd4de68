# SPDX-License-Identifier: Apache-2.0
"""Errors as Anthropic words them: ``{"type": "error", "error": {"type", "message"}, "request_id"}``."""

from tests.simulator.reading import Complaint, Wrong
from tests.simulator.reply import Problem, Reply, Visit, compact

OLDER, NEWER = "2023-06-01", "2026-10-21"
_TYPES = {
    400: ("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    529: ("overloaded_error", "Overloaded"),
}


_NO_VERSION = "anthropic-version: header is required"


def problem(message: str, status: int = 400) -> Problem:
    return Problem(_reply(status, _TYPES[status][0], message))


def of_status(status: int) -> Reply:
    return _reply(status, *_TYPES.get(status, ("api_error", "Internal server error")))


def complained(complaint: Complaint) -> Problem:
    """Where and what, in Anthropic's words."""
    where = complaint.dotted
    match complaint.wrong:
        case Wrong.JSON:
            return problem("The request body is not valid JSON")
        case Wrong.UNKNOWN:
            return problem(f"{where}: Extra inputs are not permitted")
        case Wrong.MISSING:
            return problem(f"{where}: Field required")
        case Wrong.TYPE:
            return problem(f"{where}: Input should be a valid {complaint.expected}")
    if where.endswith(".role") and complaint.given == "system":
        return problem('messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter')
    return problem(f"{where}: Input tag {complaint.given!r} does not match any of the expected tags")


def admit(visit: Visit) -> None:
    """A key is sent as ``x-api-key`` or ``Authorization: Bearer``, and the version always."""
    key = visit.headers.get("x-api-key", "") or visit.headers.get("authorization", "").removeprefix("Bearer ")
    if not key:
        raise problem("x-api-key header is required", 401)
    if key != visit.key:
        raise Problem(of_status(401))
    version = visit.headers.get("anthropic-version")
    if version not in {OLDER, NEWER}:
        raise problem(f"anthropic-version: {version!r} is not a valid version" if version else _NO_VERSION)


def error_event() -> bytes:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    return b"event: error\ndata: " + compact(error) + b"\n\n"


def _reply(status: int, kind: str, message: str) -> Reply:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}
    return Reply(status=status, pieces=[compact(body)], headers={"request-id": str(body["request_id"])})
