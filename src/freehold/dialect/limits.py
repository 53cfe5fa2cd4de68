# SPDX-License-Identifier: Apache-2.0
"""What a provider says of its rate limits, in no dialect's words; read from its headers, and written in each dialect's.

What makes no sense (a count of -1, a time that is not one) is taken as not said: a header never fails a call.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One kind of limit. None where the provider did not say."""

    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None  # from the answer's arrival until it is full again


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How much of a provider's quota is left to the estate."""

    at_unix: float  # when the answer arrived
    requests: Quota = Quota()
    tokens: Quota = Quota()
    input_tokens: Quota = Quota()
    output_tokens: Quota = Quota()


_NOTHING = Quota()
_OPENAI = "x-ratelimit-{what}-%s"  # also Azure's, and most hosts' that follow OpenAI
_ANTHROPIC = "anthropic-ratelimit-%s-{what}"
_MISTRAL = "x-ratelimit-{what}-%s-minute"

# Where each kind may stand, the likeliest first. Of one answer, the first that says anything is believed.
_REQUESTS = (
    _OPENAI % "requests",
    _ANTHROPIC % "requests",
    _MISTRAL % "req",
    _MISTRAL % "requests",
    "ratelimit-{what}",  # draft-ietf-httpapi-ratelimit-headers, until its version 06
)
_TOKENS = (
    _OPENAI % "tokens",
    _ANTHROPIC % "tokens",
    _MISTRAL % "tokens",
    "x-ratelimitbysize-{what}-minute",  # Mistral's until 2025
)
_INPUT_TOKENS = (_ANTHROPIC % "input-tokens",)
_OUTPUT_TOKENS = (_ANTHROPIC % "output-tokens",)

_COUNT = re.compile(r"\s*(\d{1,15})\s*(?:[,;].*)?", re.ASCII)  # IETF's may be followed by a list of policies
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_DURATION = re.compile(
    r"(?=\d)(?:(\d{1,3})d)?(?:(\d{1,5})h)?(?:(\d{1,7})m(?!s))?(?:(\d{1,8}(?:\.\d{1,9})?)s)?(?:(\d{1,10}(?:\.\d{1,9})?)ms)?",
    re.ASCII,
)
_UNITS_S = (86_400, 3_600, 60, 1, 0.001)
_LONGEST_S = 366 * 86_400  # of a quota; a larger number is a date, or nonsense


def read_limits(headers: Mapping[str, str], at_unix: float) -> RateLimits | None:
    """What an answer that arrived then says of the provider's limits; None where it says nothing."""
    if "ratelimit" not in " ".join(headers).lower():
        return None
    said = {name.lower(): value for name, value in headers.items() if "ratelimit" in name.lower()}
    requests = _read_quota(said, _REQUESTS, at_unix)
    limits = RateLimits(
        at_unix=at_unix,
        requests=_read_ietf(said) if requests == _NOTHING else requests,
        tokens=_read_quota(said, _TOKENS, at_unix),
        input_tokens=_read_quota(said, _INPUT_TOKENS, at_unix),
        output_tokens=_read_quota(said, _OUTPUT_TOKENS, at_unix),
    )
    return None if limits == RateLimits(at_unix=at_unix) else limits


def _read_quota(said: Mapping[str, str], places: tuple[str, ...], at_unix: float) -> Quota:
    for place in places:
        quota = Quota(
            limit=_count(said.get(place.format(what="limit"))),
            remaining=_count(said.get(place.format(what="remaining"))),
            reset_s=_reset(said.get(place.format(what="reset")), at_unix),
        )
        if quota != _NOTHING:
            return quota
    return _NOTHING


def _read_ietf(said: Mapping[str, str]) -> Quota:
    """The draft's later fields, ``RateLimit-Policy: "x";q=100`` and ``RateLimit: "x";r=50;t=30``; of each the first."""
    policy, state = _parameters(said.get("ratelimit-policy")), _parameters(said.get("ratelimit"))
    return Quota(
        limit=_count(policy.get("q")), remaining=_count(state.get("r")), reset_s=_plain_seconds(state.get("t", ""))
    )


def _parameters(value: str | None) -> dict[str, str]:
    first = (value or "").partition(",")[0]
    return {name.strip(): number.strip() for name, _, number in (part.partition("=") for part in first.split(";")[1:])}


def _count(value: str | None) -> int | None:
    found = _COUNT.fullmatch(value or "")
    return int(found[1]) if found else None


def _reset(value: str | None, at_unix: float) -> float | None:
    """Seconds, as in ``12`` (Azure, IETF), ``6m0s`` or ``20ms`` (OpenAI), or until a moment of RFC 3339 (Anthropic)."""
    text = (value or "").strip()
    if not text:
        return None
    for read in (_plain_seconds, _duration_seconds):
        if (seconds := read(text)) is not None:
            return seconds
    return _seconds_until(text, at_unix)


def _plain_seconds(text: str) -> float | None:
    return _sensible(float(text)) if _SECONDS.fullmatch(text) else None


def _duration_seconds(text: str) -> float | None:
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    parts = zip(found.groups(), _UNITS_S, strict=True)
    return _sensible(round(math.fsum(float(number) * unit for number, unit in parts if number), 9))


def _seconds_until(text: str, at_unix: float) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    seconds = moment.timestamp() - at_unix
    return max(0.0, seconds) if abs(seconds) <= _LONGEST_S else None


def _sensible(seconds: float) -> float | None:
    return seconds if seconds <= _LONGEST_S else None


Headers = list[tuple[str, str]]


def openai_headers(limits: RateLimits) -> Headers:
    """As OpenAI has them."""
    return [
        *_written(_OPENAI % "requests", limits.requests, _duration),
        *_written(_OPENAI % "tokens", limits.tokens, _duration),
    ]


def anthropic_headers(limits: RateLimits) -> Headers:
    """As Anthropic has them. A reset is rounded up to the second, so that nobody comes too early."""

    def moment(reset_s: float) -> str:
        return datetime.fromtimestamp(math.ceil(limits.at_unix + reset_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    return [
        *_written(_ANTHROPIC % "requests", limits.requests, moment),
        *_written(_ANTHROPIC % "tokens", limits.tokens, moment),
        *_written(_ANTHROPIC % "input-tokens", limits.input_tokens, moment),
        *_written(_ANTHROPIC % "output-tokens", limits.output_tokens, moment),
    ]


def mistral_headers(limits: RateLimits) -> Headers:
    """As Mistral has them, which names no reset."""
    return [*_written(_MISTRAL % "req", limits.requests), *_written(_MISTRAL % "tokens", limits.tokens)]


def _written(place: str, quota: Quota, reset: Callable[[float], str] | None = None) -> Headers:
    values = {"limit": quota.limit, "remaining": quota.remaining}
    headers = [(place.format(what=what), str(value)) for what, value in values.items() if value is not None]
    if reset and quota.reset_s is not None:
        headers.append((place.format(what="reset"), reset(quota.reset_s)))
    return headers


def _duration(seconds: float) -> str:
    """As in ``20ms``, ``1.5s``, ``6m0s``, ``1h0m0s``; to the millisecond, rounded up."""
    milliseconds = math.ceil(round(seconds * 1000, 6))
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, milliseconds = divmod(milliseconds, 60_000)
    rest = f"{milliseconds / 1000:g}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}" if hours else f"{minutes}m{rest}" if minutes else rest
