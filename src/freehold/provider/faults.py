# SPDX-License-Identifier: Apache-2.0
"""What a provider's refusals and failures mean to a caller of this estate: the one place where they are told apart.

Told by status, type and code first; text is read only for what no vendor puts into fields: the numbers of a context
length, and two ways to refuse an estate that pass for a bad request. A provider's words are passed on only for what the
caller got wrong. A foreign exception's text never is.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final

from freehold.contract.value import value
from freehold.egress.interface import Break, WayBroken
from freehold.errors import (
    ContextExceeded,
    FreeholdError,
    InvalidRequest,
    ProviderBroke,
    ProviderBusy,
    ProviderRefused,
    ProviderUnavailable,
)
from freehold.provider.words import Said, is_error, read_error, shown

_MOST_WAIT_S: Final = 3600.0
_USUAL_WAIT_S: Final = 5.0
_NUMBER: Final = r"(?P<{}>\d[\d,]{{0,12}})"
_PROMPT, _CONTEXT = _NUMBER.format("prompt"), _NUMBER.format("context")
# How the vendors, and engines that speak as they do, write that a prompt is too long.
_TOO_LONG: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"prompt is too long: {_PROMPT} tokens > {_CONTEXT}",
        rf"maximum (?:context|prompt|input) length (?:is|of) {_CONTEXT}\b.{{0,120}}?\b{_PROMPT} (?:input )?tokens",
        rf"limit of {_CONTEXT} tokens.{{0,80}}?resulted in {_PROMPT} tokens",
        rf"contains {_PROMPT} tokens.{{0,80}}?too large for model with {_CONTEXT} maximum context",
        rf"prompt has {_PROMPT} tokens and the model's context holds {_CONTEXT}",
        rf"current length is {_PROMPT} while limit is {_CONTEXT}",
    )
)
_STATUS_OF_TYPE: Final[Mapping[str, int]] = MappingProxyType(
    {  # of errors that come with status 200; and of what is not the caller's fault, though the status says so
        "invalid_request_error": 400,
        "invalid_request": 400,
        "authentication_error": 401,
        "invalid_api_key": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "model_not_found": 404,
        "unsupported_country_region_territory": 403,
        "invalid_model": 404,
        "model_decommissioned": 410,
        "request_too_large": 413,
        "API_KEY_INVALID": 401,  # Google's words, as the next one
        "FAILED_PRECONDITION": 403,  # a region that is not served, or no billing
        "organization_restricted": 403,
        "billing_hard_limit_reached": 402,
        "billing_not_active": 402,
        "tool_use_failed": 500,  # what the model wrote is no call of a tool, or not of the schema: Groq's 400
        "json_validate_failed": 500,
        "rate_limit_error": 429,
        "rate_limit_exceeded": 429,
        "insufficient_quota": 429,
        "overloaded_error": 529,
    }
)
# What two vendors say with 400 and the type of a bad request, in a field of no other use. Only where the text begins
# with it: no caller can have a vendor begin so.
_STATUS_OF_TEXT: Final[Mapping[str, int]] = MappingProxyType(
    {
        "Your credit balance is too low": 402,  # Anthropic
        "Incorrect API key provided": 401,  # xAI
    }
)
_TOO_LONG_CODE: Final = "context_length_exceeded"
_PAGE: Final = re.compile(rb"\s*<(?:!doctype|html|head|body|center|h1)\b", re.IGNORECASE)
_OVERLOADED: Final = frozenset({"overloaded_error", "server_overloaded", "engine_overloaded", "rate_limit_error"})
_TOO_LARGE: Final = 413
_BY_CALLER: Final = frozenset({400, _TOO_LARGE, 422})
_LEGAL_STATUS: Final = 451  # RFC 7725
# Codes that mean a legal or regional reason and nothing else. Anthropic, Azure, Google and Mistral have none: a region
# that they do not serve gets their ordinary 403, or a 400 that means other things too, and a text, which is not read.
_LEGAL_CODES: Final = frozenset(
    {
        "unsupported_country_region_territory",  # OpenAI: "Error codes" in its API's documentation, with status 403
    }
)
_UNREACHED: Final[Mapping[Break, str]] = MappingProxyType(
    {
        Break.NAME: "the name of {who} cannot be resolved",
        Break.REFUSED: "{who} refuses connections",
        Break.UNREACHED: "{who} cannot be reached",
        Break.TOO_LATE: "{who} did not take a connection within connect_s, {connect_s:g} s",
        Break.CERTIFICATE: "the certificate of {who} is not valid for its host",
        Break.TLS: "TLS with {who} cannot be agreed on",
        Break.LOST: "{who} broke the connection before it answered",
    }
)
_LOOK_AT_KEY: Final = "The operator looks at the provider's key, and what it may do: 'freehold doctor'."
_LOOK_AT_MODEL: Final = "The operator looks at the target's model and the provider's base_url, which often ends in /v1."
_LOOK_AT_LAW: Final = "The operator decides what follows: it looks like a withdrawal, not like an outage."
_LOOK_AT_URL: Final = "The operator gives base_url the address that the redirect leads to, if that is one of the facts."


@value
class Place:
    """Whose fault it is; and the secret that must not be shown if the provider repeats it."""

    provider: str
    secret: str = ""

    def __repr__(self) -> str:
        return f"Place({self.provider})"


def fault_of(status: int, headers: Mapping[str, str], body: bytes, place: Place, now_unix: float) -> FreeholdError:
    """What an answer means that is not one."""
    said, who = read_error(body), f"provider {place.provider}"
    status = _status_meant(status, said)
    if status == _LEGAL_STATUS or said.code in _LEGAL_CODES:
        what = f"{who} gives a legal or regional reason to refuse this estate ({status})"
        return ProviderRefused(what, status=status, legal=True, hint=_LOOK_AT_LAW)
    if status in _BY_CALLER:
        return _wrong(status, said, place) if status == _TOO_LARGE or not _PAGE.match(body) else _page(status, place)
    wait_s = _wait_s(headers, now_unix)
    if status in (429, 529) or _OVERLOADED & {said.type, said.code} or (status == 503 and wait_s):
        what = f"{who} has no room for the call now ({status})"
        return ProviderBusy(what, retry_after_s=wait_s or _USUAL_WAIT_S)
    if status >= 500 or status == 408:
        return ProviderUnavailable(f"{who} failed with status {status}")
    if status < 300:
        return ProviderBroke(f"{who} answered with status {status}, which is no answer")
    what, hint = _refusal(status)
    return ProviderRefused(f"{who} {what} ({status})", status=status, hint=hint)


def fault_within(body: bytes, place: Place, now_unix: float) -> FreeholdError | None:
    """What an error means that came where an answer was to begin, with status 200; None if it is no error."""
    if not is_error(body):
        return None
    said = read_error(body)
    status = _status_of(said)
    if status is None:
        status = int(said.code) if said.code.isdecimal() and 400 <= int(said.code) < 600 else 500
    return fault_of(status, {}, body, place, now_unix)


def unreached(problem: WayBroken, place: Place, connect_s: float) -> ProviderBroke | ProviderUnavailable:
    """What goes wrong before an answer has begun."""
    if problem.where is Break.NOT_HTTP:
        return ProviderBroke(f"provider {place.provider} answered with what is not HTTP")
    return ProviderUnavailable(_UNREACHED[problem.where].format(who=f"provider {place.provider}", connect_s=connect_s))


def broke_off(place: Place) -> ProviderBroke:
    """What goes wrong in the middle of an answer."""
    return ProviderBroke(f"provider {place.provider} broke off in the middle of its answer")


def _status_meant(status: int, said: Said) -> int:
    """Some vendors call a model that they do not have, or a key that is wrong, a bad request."""
    return _status_of_text(said) or _status_of(said) or status if status in _BY_CALLER else status


def _status_of(said: Said) -> int | None:
    return _STATUS_OF_TYPE.get(said.code) or _STATUS_OF_TYPE.get(said.type)


def _status_of_text(said: Said) -> int | None:
    return next((status for words, status in _STATUS_OF_TEXT.items() if said.message.startswith(words)), None)


def _refusal(status: int) -> tuple[str, str]:
    if status in (404, 410):
        return "has no such model for this estate, or nothing at its base_url", _LOOK_AT_MODEL
    if status < 400:
        return "redirects, which is not followed", _LOOK_AT_URL
    return "refuses this estate", _LOOK_AT_KEY


def _page(status: int, place: Place) -> ProviderBroke:
    """What stands before the API, or in its place, found something wrong: not with what the caller said."""
    return ProviderBroke(f"provider {place.provider} answered with status {status} and a page, not as its API does")


def _wrong(status: int, said: Said, place: Place) -> InvalidRequest:
    """What the caller got wrong, in the provider's words."""
    if numbers := _too_long(said):
        return ContextExceeded(prompt_tokens=numbers[0], context_tokens=numbers[1])
    if said.code == _TOO_LONG_CODE:
        return ContextExceeded(prompt_tokens=0, context_tokens=0)
    words = shown(said.message, place.secret)
    what = "'s content filter refuses the request" if said.filtered else f" does not take the request ({status})"
    return InvalidRequest(f"provider {place.provider}{what}; it says: {words or 'nothing'}")


def _too_long(said: Said) -> tuple[int, int] | None:
    """The tokens of the prompt, and those that the context holds."""
    if said.prompt_tokens and said.context_tokens:
        return said.prompt_tokens, said.context_tokens
    found = next(filter(None, (pattern.search(said.message[:2000]) for pattern in _TOO_LONG)), None)
    return (_plain(found["prompt"]), _plain(found["context"])) if found else None


def _plain(number: str) -> int:
    return int(number.replace(",", ""))


def _wait_s(headers: Mapping[str, str], now_unix: float) -> float:
    """How long the provider asks to wait, within reason; 0 where it does not."""
    if milliseconds := headers.get("retry-after-ms", ""):
        seconds = _number(milliseconds) / 1000
    else:
        written = headers.get("retry-after", "")
        seconds = _number(written) or _until(written, now_unix)
    return min(max(seconds, 0.0), _MOST_WAIT_S)


def _number(written: str) -> float:
    return float(written) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", written) else 0.0


def _until(written: str, now_unix: float) -> float:
    try:
        at = parsedate_to_datetime(written)
        return at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now_unix
    except (ValueError, OverflowError):
        return 0.0
