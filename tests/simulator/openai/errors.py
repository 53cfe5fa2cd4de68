# SPDX-License-Identifier: Apache-2.0
"""Errors as OpenAI words them: ``{"error": {"message", "type", "param", "code"}}``."""

from tests.simulator.reading import Complaint, Wrong
from tests.simulator.reply import Problem, Reply, Visit, indented

_STATUSES = {
    401: (
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided: {key}. You can find your API key at",
    ),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again in 7s."),
}
_FAILED = ("server_error", None, "The server had an error while processing your request. Sorry about that!")


def problem(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Problem:
    return Problem(_reply(status, message, "invalid_request_error", param, code))


def of_status(visit: Visit, status: int) -> Reply:
    kind, code, message = _STATUSES.get(status, _FAILED)
    return _reply(status, message.format(key=_masked(visit)), kind, None, code)


def complained(complaint: Complaint) -> Problem:
    """Where and what, in OpenAI's words."""
    where = complaint.bracketed
    match complaint.wrong:
        case Wrong.JSON:
            return problem("We could not parse the JSON body of your request.")
        case Wrong.UNKNOWN:
            return problem(f"Unknown parameter: '{where}'.", where, "unknown_parameter")
        case Wrong.MISSING:
            return problem(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")
        case Wrong.TYPE:
            return problem(f"Invalid type for '{where}': expected {complaint.expected}.", where, "invalid_type")
    return problem(f"Invalid value for '{where}': {complaint.given!r}.", where, "invalid_value")


def admit(visit: Visit) -> None:
    """A key is sent as ``Authorization: Bearer``."""
    scheme, _, key = visit.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise problem(
            "You didn't provide an API key. You need to provide your API key in an Authorization header", status=401
        )
    if key != visit.key:
        raise Problem(of_status(visit, 401))


def headers(visit: Visit) -> dict[str, str]:
    return {
        "x-request-id": f"req_{visit.hex(32, 'request')}",
        "openai-version": "2020-10-01",
        "openai-processing-ms": "351",
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-remaining-tokens": "29959",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-reset-tokens": "1m22.5s",
    }


def _reply(status: int, message: str, kind: str, param: str | None, code: str | None) -> Reply:
    error = {"message": message, "type": kind, "param": param, "code": code}
    return Reply(status=status, pieces=[indented({"error": error})])


def _masked(visit: Visit) -> str:
    """OpenAI says the key again, but for its middle."""
    key = visit.headers.get("authorization", "").removeprefix("Bearer ")
    return f"{key[:8]}{'*' * 16}{key[-4:]}"
