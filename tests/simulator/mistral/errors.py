# SPDX-License-Identifier: Apache-2.0
"""Errors as Mistral words them: ``{"object": "error", "message", "type", "param", "code"}``, but for its gateway's."""

from typing import Any

from tests.simulator.reading import Complaint, Wrong
from tests.simulator.reply import Problem, Reply, Visit, compact

_STATUSES = {
    429: ("Rate limit exceeded", "rate_limited", "1300"),
    503: ("Service unavailable.", "unreachable_backend", "1100"),
}
_FAILED = ("Internal server error", "internal_server_error", "1000")
_KINDS = {
    Wrong.UNKNOWN: ("extra_forbidden", "Extra inputs are not permitted"),
    Wrong.MISSING: ("missing", "Field required"),
}


def problem(message: object, kind: str, code: str | None, status: int = 400) -> Problem:
    return Problem(_reply(status, message, kind, code))


def order(message: str) -> Problem:
    """Of messages that do not follow each other as they must."""
    return problem(message, "invalid_request_message_order", "3230")


def of_status(status: int) -> Reply:
    if status == 401:
        return Reply(status=401, pieces=[compact({"detail": "Unauthorized"})])
    return _reply(status, *_STATUSES.get(status, _FAILED))


def complained(complaint: Complaint, document: dict[str, Any]) -> Problem:
    """Where and what, in the words of the library that Mistral reads requests with."""
    kind, said = _KINDS.get(complaint.wrong, ("value_error", f"Input should be a valid {complaint.expected}"))
    where: list[object] = ["body", *complaint.path]
    if len(where) > 3 and where[1] == "messages":
        where.insert(3, document["messages"][complaint.path[1]].get("role"))
    detail = {"type": kind, "loc": where, "msg": said, "input": complaint.given}
    return problem({"detail": [detail]}, "invalid_request_error", None, 422)


def admit(visit: Visit) -> None:
    """A key is sent as ``Authorization: Bearer``."""
    if visit.headers.get("authorization", "") != f"Bearer {visit.key}":
        raise Problem(of_status(401))


def headers(visit: Visit) -> dict[str, str]:
    return {
        "mistral-correlation-id": visit.uuid(),
        "x-ratelimit-limit-req-minute": "500",
        "x-ratelimit-remaining-req-minute": "499",
        "x-ratelimit-limit-tokens-minute": "30000",
        "x-ratelimit-remaining-tokens-minute": "29959",
        "x-ratelimit-tokens-query-cost": "64",
    }


def error_event() -> bytes:
    return b"data: " + of_status(503).pieces[0] + b"\n\n"


def _reply(status: int, message: object, kind: str, code: str | None) -> Reply:
    error = {
        "object": "error",
        "message": message,
        "type": kind,
        "param": None,
        "code": code,
        "raw_status_code": status,
    }
    return Reply(status=status, pieces=[compact(error)])
