# SPDX-License-Identifier: Apache-2.0
import json
from collections.abc import Mapping
from typing import Any

import pytest

from freehold.errors import (
    ContextExceeded,
    FreeholdError,
    InvalidRequest,
    ProviderBroke,
    ProviderBusy,
    ProviderRefused,
    ProviderUnavailable,
)
from freehold.provider.faults import Place, fault_of, fault_within

PLACE = Place(provider="paris", secret="hunter2")
NOW_UNIX = 1_795_000_000.0


def fault(status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> FreeholdError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return fault_of(status, headers or {}, raw, PLACE, NOW_UNIX)


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> Any:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ProviderRefused),
        (400, InvalidRequest),
        (401, ProviderRefused),
        (402, ProviderRefused),
        (403, ProviderRefused),
        (404, ProviderRefused),
        (405, ProviderRefused),
        (408, ProviderUnavailable),
        (410, ProviderRefused),
        (413, InvalidRequest),
        (422, InvalidRequest),
        (429, ProviderBusy),
        (500, ProviderUnavailable),
        (502, ProviderUnavailable),
        (503, ProviderUnavailable),
        (504, ProviderUnavailable),
        (529, ProviderBusy),
        (204, ProviderBroke),
    ],
)
def test_a_status_means_one_thing(status: int, kind: type[FreeholdError]) -> None:
    found = fault(status, b"whatever")
    assert type(found) is kind
    assert "paris" in found.message
    assert "whatever" not in found.message


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("page", [b"<html>whatever</html>", b"\r\n<!DOCTYPE html>\n<html>", b"<HTML><body>no"])
def test_a_page_was_not_written_by_an_api_and_blames_nobody_else(status: int, page: bytes) -> None:
    found = fault(status, page)
    assert type(found) is ProviderBroke
    assert "and a page" in found.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Wed, 18 Nov 2026 11:07:00 GMT"}, 20.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "99999999"}, 3600.0),
        ({"retry-after": "-5"}, 5.0),
        ({"retry-after": "soon"}, 5.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 5.0),
        ({}, 5.0),
    ],
)
def test_how_long_to_wait_is_taken_from_the_provider_within_reason(headers: dict[str, str], seconds: float) -> None:
    found = fault(429, headers=headers)
    assert isinstance(found, ProviderBusy)
    assert found.retry_after_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}, ProviderRefused),
        (openai("no such model", "model_not_found"), ProviderRefused),
        (openai("wrong key", "invalid_api_key"), ProviderRefused),
        (openai("no money", "insufficient_quota"), ProviderBusy),
        (openai("Organization has been restricted", "organization_restricted"), ProviderRefused),
        (openai("Failed to call a function", "tool_use_failed"), ProviderUnavailable),
        (openai("Your credit balance is too low to access the API."), ProviderRefused),
        ({"code": "invalid argument", "error": "Incorrect API key provided: xa***ng."}, ProviderRefused),
        (
            [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}],
            ProviderRefused,
        ),
        ([{"error": {"code": 400, "message": "not served", "status": "FAILED_PRECONDITION"}}], ProviderRefused),
        ([{"error": {"code": 400, "message": "no such field", "status": "INVALID_ARGUMENT"}}], InvalidRequest),
        (openai("messages.0: 'Your credit balance is too low' is no role"), InvalidRequest),
        (openai("no such field"), InvalidRequest),
    ],
)
def test_what_is_no_fault_of_the_caller_is_not_the_callers_whatever_the_status(
    body: Any, kind: type[FreeholdError]
) -> None:
    assert type(fault(400, body)) is kind


def test_a_failure_that_says_when_to_come_again_is_for_want_of_room() -> None:
    assert isinstance(fault(503, headers={"retry-after": "3"}), ProviderBusy)
    assert isinstance(
        fault(500, {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}), ProviderBusy
    )


@pytest.mark.parametrize(
    ("message", "prompt_tokens", "context_tokens"),
    [
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
            9001,
            8192,
        ),
        (
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300007 tokens.",
            300_007,
            272_000,
        ),
        ("prompt is too long: 201,234 tokens > 200,000 maximum", 201_234, 200_000),
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            40_000,
            32_768,
        ),
        (
            "maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages).",
            5000,
            4096,
        ),
        ("This model's maximum prompt length is 131072 but the request contains 200000 tokens.", 200_000, 131_072),
        ("the prompt has 600 tokens and the model's context holds 512", 600, 512),
    ],
)
def test_a_prompt_that_is_too_long_is_said_with_both_numbers(
    message: str, prompt_tokens: int, context_tokens: int
) -> None:
    for body in (openai(message), {"object": "error", "message": message, "type": "invalid_request_prompt"}):
        found = fault(400, body)
        assert isinstance(found, ContextExceeded)
        assert (found.prompt_tokens, found.context_tokens) == (prompt_tokens, context_tokens)


def test_a_prompt_that_is_too_long_is_so_without_numbers_too() -> None:
    found = fault(400, openai("Your input exceeds the context window of this model.", "context_length_exceeded"))
    assert isinstance(found, ContextExceeded)
    assert (found.prompt_tokens, found.context_tokens) == (0, 0)


def test_a_prompt_that_is_too_long_is_read_from_fields_where_there_are_some() -> None:
    body = {"error": {"type": "exceed_context_size_error", "message": "x", "n_prompt_tokens": 600, "n_ctx": 512}}
    assert isinstance(fault(400, body), ContextExceeded)


def test_what_the_caller_got_wrong_is_said_in_the_words_of_the_provider() -> None:
    found = fault(400, openai("Unknown parameter: 'tempratur'."))
    assert found.message == "provider paris does not take the request (400); it says: Unknown parameter: 'tempratur'."


@pytest.mark.parametrize(
    "body",
    [
        {"type": "error", "error": {"type": "invalid_request_error", "message": "no such thing"}},
        {"object": "error", "message": "no such thing", "type": "invalid_request_message", "code": "1000"},
        {"error": "no such thing"},
        {"detail": "no such thing"},
        {"detail": [{"loc": ["body"], "msg": "no such thing"}]},
        [{"error": {"code": 400, "message": "no such thing"}}],
        {"message": {"detail": [{"msg": "no such thing"}]}},
    ],
)
def test_the_words_are_found_in_the_shape_of_every_vendor(body: Any) -> None:
    assert "no such thing" in fault(422, body).message


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"7", b"null", b'{"error": 3}', b"[" * 100_000])
def test_a_body_that_says_nothing_is_no_harm(body: bytes) -> None:
    assert fault(400, body).message.endswith("it says: nothing")


def test_a_refusal_of_the_content_filter_of_azure_says_so() -> None:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}
    body = {"error": {"message": "filtered", "code": "content_filter", "status": 400, "innererror": inner}}
    assert fault(400, body).message.startswith("provider paris's content filter refuses the request")


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2",
        "sk-proj-abcdef123456",
        "Bearer abc.def",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
        "0123456789abcdef0123456789abcdef",
        "api_key=abcdef",
        "api-key: abcdef",
    ],
)
def test_no_key_is_repeated(secret: str) -> None:
    said = fault(400, openai(f"the key '{secret}' is wrong")).message
    assert secret not in said
    assert "[...]" in said


def test_words_are_short_and_printable() -> None:
    said = fault(400, openai("a\x1b[31m\r\n\u202eb\x00" + "word " * 1000)).message
    assert len(said) < 400
    assert said.isprintable()


def test_only_what_the_caller_got_wrong_is_worded() -> None:
    for status in (401, 403, 404, 429, 500):
        assert "told" not in fault(status, openai("told by the provider")).message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, ProviderBusy),
        ({"error": {"type": "rate_limit_error", "message": "x"}}, ProviderBusy),
        ({"error": {"message": "x", "type": "server_error", "code": None}}, ProviderUnavailable),
        ({"error": {"message": "x", "code": 503}}, ProviderUnavailable),
        ({"error": {"message": "x", "code": 404}}, ProviderRefused),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "x"}}, InvalidRequest),
        ({"error": "x"}, ProviderUnavailable),
    ],
)
def test_an_error_with_status_200_is_one(body: Any, kind: type[FreeholdError]) -> None:
    assert type(fault_within(json.dumps(body).encode(), PLACE, NOW_UNIX)) is kind


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "choices": [{"message": {"content": 'the "error" was'}}]},
        {"id": "x", "object": "response", "error": None, "output": []},
        {"type": "message", "content": [{"type": "tool_use", "name": "error", "input": {}}]},
        {"type": "message_start", "message": {"content": []}},
    ],
)
def test_an_answer_that_speaks_of_errors_is_none(body: Any) -> None:
    assert fault_within(json.dumps(body).encode(), PLACE, NOW_UNIX) is None


def test_whose_fault_it_is_does_not_show_the_secret() -> None:
    assert "hunter2" not in repr(PLACE)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (451, b""),
        (451, b'{"error":{"type":"invalid_request_error","message":"x"}}'),
        (403, json.dumps(openai("no", "unsupported_country_region_territory", "request_forbidden")).encode()),
        (400, json.dumps(openai("no", "unsupported_country_region_territory")).encode()),
    ],
)
def test_a_legal_or_regional_reason_is_told_by_its_status_or_its_code(status: int, body: bytes) -> None:
    found = fault(status, body)
    assert isinstance(found, ProviderRefused)
    assert found.legal
    assert found.status in (403, 451)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_no_text_makes_a_refusal_a_legal_one(status: int) -> None:
    found = fault(status, openai("Country, region, or territory not supported: 451", None, "forbidden"))
    assert isinstance(found, ProviderRefused)
    assert not found.legal


def test_a_legal_reason_that_comes_with_status_200_is_one_too() -> None:
    body = json.dumps(openai("no", "unsupported_country_region_territory", "request_forbidden")).encode()
    found = fault_within(body, PLACE, NOW_UNIX)
    assert isinstance(found, ProviderRefused)
    assert found.legal
