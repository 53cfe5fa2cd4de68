# SPDX-License-Identifier: Apache-2.0
"""Rate limits: read from what every vendor sends, written in each dialect's own headers, and never a fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.dialect.limits import (
    Quota,
    RateLimits,
    anthropic_headers,
    mistral_headers,
    openai_headers,
    read_limits,
)

NOW = 1_790_000_000.25


def test_openais_headers_are_read() -> None:
    assert read_limits(
        {
            "X-RateLimit-Limit-Requests": "500",
            "x-ratelimit-limit-tokens": "200000",
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-remaining-tokens": "199000",
            "x-ratelimit-reset-requests": "120ms",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        NOW,
    ) == RateLimits(
        at_unix=NOW,
        requests=Quota(limit=500, remaining=499, reset_s=0.12),
        tokens=Quota(limit=200_000, remaining=199_000, reset_s=360),
    )


def test_azures_headers_are_read_and_its_nonsense_is_not() -> None:
    said = {"x-ratelimit-limit-tokens": "-1", "x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-requests": "10"}
    assert read_limits(said, NOW) == RateLimits(at_unix=NOW, requests=Quota(reset_s=10))


def test_anthropics_headers_are_read() -> None:
    reset = "2026-09-21T14:13:30Z"  # ten seconds after NOW, less a quarter
    limits = read_limits(
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "49",
            "anthropic-ratelimit-requests-reset": reset,
            "anthropic-ratelimit-tokens-limit": "90000",
            "anthropic-ratelimit-input-tokens-remaining": "79000",
            "anthropic-ratelimit-output-tokens-reset": "2026-09-21T12:00:00Z",
        },
        NOW,
    )
    assert limits == RateLimits(
        at_unix=NOW,
        requests=Quota(limit=50, remaining=49, reset_s=9.75),
        tokens=Quota(limit=90_000),
        input_tokens=Quota(remaining=79_000),
        output_tokens=Quota(reset_s=0),
    )


def test_mistrals_headers_are_read_new_and_old() -> None:
    said = {
        "x-ratelimit-limit-req-minute": "60",
        "x-ratelimit-remaining-req-minute": "59",
        "x-ratelimit-limit-tokens-minute": "500000",
        "x-ratelimit-remaining-tokens-minute": "499000",
        "x-ratelimit-tokens-query-cost": "1000",
    }
    tokens = Quota(limit=500_000, remaining=499_000)
    assert read_limits(said, NOW) == RateLimits(at_unix=NOW, requests=Quota(limit=60, remaining=59), tokens=tokens)
    said = {"x-ratelimitbysize-limit-minute": "500000", "x-ratelimitbysize-remaining-minute": "499000"}
    assert read_limits(said, NOW) == RateLimits(at_unix=NOW, tokens=tokens)


@pytest.mark.parametrize(
    "said",
    [
        {"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "50", "RateLimit-Reset": "30"},
        {"RateLimit-Policy": '"default";q=100;w=60', "RateLimit": '"default";r=50;t=30'},
        {"ratelimit-policy": '"a";q=100, "b";q=5', "ratelimit": '"a"; r=50; t=30'},
    ],
)
def test_the_ietfs_headers_are_read(said: dict[str, str]) -> None:
    quota = Quota(limit=100, remaining=50, reset_s=30)
    assert read_limits(said, NOW) == RateLimits(at_unix=NOW, requests=quota)


def test_who_says_nothing_has_no_limits() -> None:
    assert read_limits({"content-type": "application/json"}, NOW) is None


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1s", 1),
        ("0s", 0),
        ("20ms", 0.02),
        ("1m30.5s", 90.5),
        ("6m0s", 360),
        ("1h0m0s", 3600),
        ("2d3h", 183_600),
        ("7.66s", 7.66),
        ("12", 12),
        ("0.5", 0.5),
        ("1m", 60),
    ],
)
def test_durations_are_read(written: str, seconds: float) -> None:
    limits = read_limits({"x-ratelimit-reset-tokens": written}, NOW)
    assert limits
    assert limits.tokens.reset_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        " ",
        "soon",
        "-1",
        "-5s",
        "1e3",
        "nan",
        "inf",
        "s",
        "ms",
        "5x",
        "5s5m",
        "1790000060",  # a date
        "1790000060000",
        "9" * 400,
        "9" * 400 + "s",
        "٣s",
        "2026-09-21",
        "2026-09-21T14:13:30",  # whose clock?
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:00",
        "2026-13-41T14:13:30Z",
        "\x00",
    ],
)
def test_a_time_that_is_none_is_taken_as_not_said(nonsense: str) -> None:
    assert read_limits({"x-ratelimit-reset-tokens": nonsense, "ratelimit": f'"a";t={nonsense}'}, NOW) is None


@pytest.mark.parametrize("nonsense", ["", "-1", "1.5", "many", "1e9", "٣", "9" * 16, "0x10", "1 2", "\x00"])
def test_a_count_that_is_none_is_taken_as_not_said(nonsense: str) -> None:
    names = ("x-ratelimit-limit-tokens", "ratelimit-remaining", "anthropic-ratelimit-requests-limit")
    assert read_limits(dict.fromkeys(names, nonsense), NOW) is None


_names = st.sampled_from(
    [
        "x-ratelimit-limit-requests",
        "x-ratelimit-reset-tokens",
        "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-input-tokens-limit",
        "x-ratelimit-remaining-tokens-minute",
        "ratelimit",
        "ratelimit-policy",
        "ratelimit-reset",
    ]
)


@given(st.dictionaries(_names, st.text() | st.text(alphabet='0123456789.-:;=smhdTZ+,"rtq ')))
def test_no_header_is_ever_a_fault(said: dict[str, str]) -> None:
    limits = read_limits(said, NOW)
    for quota in (limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens) if limits else ():
        assert quota.limit is None or quota.limit >= 0
        assert quota.reset_s is None or quota.reset_s >= 0


_counts = st.none() | st.integers(0, 10**12)


def _quotas(resets: st.SearchStrategy[float]) -> st.SearchStrategy[Quota]:
    return st.builds(Quota, limit=_counts, remaining=_counts, reset_s=st.none() | resets)


_milliseconds = st.integers(0, 300 * 86_400_000).map(lambda number: number / 1000)


@given(requests=_quotas(_milliseconds), tokens=_quotas(_milliseconds))
def test_openais_headers_are_written_and_read_again_without_loss(requests: Quota, tokens: Quota) -> None:
    limits = RateLimits(at_unix=NOW, requests=requests, tokens=tokens)
    again = read_limits(dict(openai_headers(limits)), NOW) or RateLimits(at_unix=NOW)
    for quota, read in ((requests, again.requests), (tokens, again.tokens)):
        assert (read.limit, read.remaining) == (quota.limit, quota.remaining)
        assert read.reset_s == pytest.approx(quota.reset_s)


_whole_seconds = st.integers(0, 300 * 86_400).map(float)


@given(st.lists(_quotas(_whole_seconds), min_size=4, max_size=4))
def test_anthropics_headers_are_written_and_read_again_without_loss(quotas: list[Quota]) -> None:
    names = ("requests", "tokens", "input_tokens", "output_tokens")
    limits = RateLimits(at_unix=1_790_000_000, **dict(zip(names, quotas, strict=True)))
    assert (read_limits(dict(anthropic_headers(limits)), 1_790_000_000) or RateLimits(at_unix=limits.at_unix)) == limits


@given(requests=_quotas(st.nothing()), tokens=_quotas(st.nothing()))
def test_mistrals_headers_are_written_and_read_again_without_loss(requests: Quota, tokens: Quota) -> None:
    limits = RateLimits(at_unix=NOW, requests=requests, tokens=tokens)
    assert (read_limits(dict(mistral_headers(limits)), NOW) or RateLimits(at_unix=NOW)) == limits


def test_headers_are_written_as_the_vendors_have_them() -> None:
    quota = Quota(limit=500, remaining=499, reset_s=61.5)
    limits = RateLimits(at_unix=NOW, requests=quota, tokens=Quota(reset_s=0.0204))
    assert openai_headers(limits) == [
        ("x-ratelimit-limit-requests", "500"),
        ("x-ratelimit-remaining-requests", "499"),
        ("x-ratelimit-reset-requests", "1m1.5s"),
        ("x-ratelimit-reset-tokens", "21ms"),
    ]
    assert anthropic_headers(limits) == [
        ("anthropic-ratelimit-requests-limit", "500"),
        ("anthropic-ratelimit-requests-remaining", "499"),
        ("anthropic-ratelimit-requests-reset", "2026-09-21T14:14:22Z"),
        ("anthropic-ratelimit-tokens-reset", "2026-09-21T14:13:21Z"),
    ]
    assert mistral_headers(limits) == [
        ("x-ratelimit-limit-req-minute", "500"),
        ("x-ratelimit-remaining-req-minute", "499"),
    ]
