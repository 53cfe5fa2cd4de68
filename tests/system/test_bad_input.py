# SPDX-License-Identifier: Apache-2.0
"""What callers get wrong: each is a clear 4xx in their own dialect with a request id, and the estate goes on."""

import json
import re
from typing import Any

import pytest
from anthropic import BadRequestError as AnthropicBadRequest
from anthropic import NotFoundError as AnthropicNotFound
from mistralai.client.errors import SDKError
from mistralai.client.models import UserMessage
from openai import BadRequestError, NotFoundError
from tests.system import clients
from tests.system.estates import Estate
from tests.system.wire import CHAT, COMPLETIONS, MESSAGES, RESPONSES, Answer, ask, chat, post

MISTRAL_AGENT = "mistral-client-python/3.7.0"
DIALECTS: dict[str, tuple[str, dict[str, str]]] = {
    "openai": (CHAT, {}),
    "anthropic": (MESSAGES, {"anthropic_version": "2023-06-01"}),
    "mistral": (CHAT, {"user_agent": MISTRAL_AGENT}),
}


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def send(estate: Estate, dialect: str, body: object) -> Answer:
    path, headers = DIALECTS[dialect]
    return post(estate, path, body, **headers)


def message_of(dialect: str, answer: Answer) -> str:
    """The error's message; fails where the error has not the dialect's shape or no request id."""
    said: dict[str, Any] = answer.json
    assert answer.headers["x-request-id"] == answer.headers["request-id"]
    assert answer.headers["x-request-id"] in answer.body.decode()
    if dialect == "anthropic":
        assert said["type"] == "error"
        assert said["error"]["type"]
        assert said["request_id"] == answer.headers["request-id"]
        return str(said["error"]["message"])
    if dialect == "mistral":
        assert said["object"] == "error"
        assert said["type"]
        return str(said["message"])
    assert said["error"]["type"]
    assert said["error"]["code"]
    return str(said["error"]["message"])


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        (b"", "JSON"),
        (b"hello", "JSON"),
        (b'{"model": "default", ', "JSON"),
        (b'"text"', "object"),
        (b"[]", "object"),
        (b'{"model": "default\xff\xfe"}', "UTF-8"),
        (b'{"model":"default","messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested"),
        (b"[" * 1_000_000, "nested|JSON"),
    ],
    ids=[
        "empty",
        "not-json",
        "cut-off",
        "a-string",
        "a-list",
        "not-utf8",
        "nested-lists",
        "nested-objects",
        "unclosed",
    ],
)
def test_a_body_that_cannot_be_read_is_refused(estate: Estate, dialect: str, body: bytes, blamed: str) -> None:
    answer = send(estate, dialect, body)
    assert answer.status == 400
    assert re.search(blamed, message_of(dialect, answer))


@pytest.mark.parametrize(
    ("wrong", "blamed"),
    [
        ({"model": 3}, "model"),
        ({"model": None}, "model"),
        ({"messages": "hello"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [3]}, "messages"),
        ({"messages": [{"content": "hello"}]}, "role"),
        ({"messages": [{"role": "user", "content": 3}]}, "content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "text"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": "ten"}, "max_tokens"),
        ({"max_tokens": 10**12}, "max_tokens"),
        ({"max_tokens": 10**40}, "max_tokens"),
        ({"tools": "all"}, "tools"),
        ({"tools": [3]}, "tools"),
    ],
    ids=str,
)
def test_a_wrong_type_is_refused_and_the_field_named(
    estate: Estate, dialect: str, wrong: dict[str, object], blamed: str
) -> None:
    answer = send(estate, dialect, chat() | wrong)
    assert answer.status == 400
    assert blamed in message_of(dialect, answer)


def test_a_large_but_lawful_bound_is_taken(estate: Estate, dialect: str) -> None:
    answer = send(estate, dialect, chat("Say only: yes", max_tokens=100_000, temperature=0))
    assert answer.status == 200


def test_an_unknown_service_is_not_found(estate: Estate, dialect: str) -> None:
    answer = send(estate, dialect, chat(model="llama-unknown"))
    assert answer.status == 404
    assert "llama-unknown" in message_of(dialect, answer)


def test_an_unknown_service_is_the_sdks_own_error(estate: Estate) -> None:
    with clients.openai(estate) as openai, pytest.raises(NotFoundError) as caught:
        openai.chat.completions.create(model="llama-unknown", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.code == "model_not_found"
    with clients.anthropic(estate) as anthropic, pytest.raises(AnthropicNotFound) as missing:
        anthropic.messages.create(model="llama-unknown", max_tokens=1, messages=[{"role": "user", "content": "hi"}])
    assert missing.value.type == "not_found_error"


def test_a_prompt_longer_than_the_context_names_both_numbers(estate: Estate) -> None:
    context = estate.target()["context_tokens"]
    text = "word " * (context + 50)
    with clients.openai(estate) as openai:
        with pytest.raises(BadRequestError) as refused:
            openai.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
        assert refused.value.code == "context_length_exceeded"
        _assert_names_both(str(refused.value), context)
        with pytest.raises(BadRequestError) as refused:
            openai.responses.create(model="gpt-5", input=text)
        assert refused.value.code == "context_length_exceeded"
        _assert_names_both(str(refused.value), context)
        with pytest.raises(BadRequestError) as refused:
            openai.completions.create(model="default", prompt=text)
        assert refused.value.code == "context_length_exceeded"
        _assert_names_both(str(refused.value), context)
        with pytest.raises(BadRequestError):
            openai.chat.completions.create(model="gpt-4o", stream=True, messages=[{"role": "user", "content": text}])
    with clients.anthropic(estate) as anthropic, pytest.raises(AnthropicBadRequest, match="prompt is too long") as long:
        anthropic.messages.create(model="claude-x", max_tokens=4, messages=[{"role": "user", "content": text}])
    assert long.value.type == "invalid_request_error"
    _assert_names_both(str(long.value), context)
    with clients.mistral(estate) as mistral, pytest.raises(SDKError) as longer:
        mistral.chat.complete(model="mistral-small-latest", messages=[UserMessage(content=text)])
    assert longer.value.status_code == 400
    _assert_names_both(json.loads(longer.value.body)["message"], context)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/moderations", "/v1/chat/completions/", "/admin/v1/status", "/v2/chat"]
)
def test_an_unknown_endpoint_is_not_found_as_json(estate: Estate, path: str) -> None:
    answer = post(estate, path, chat())
    assert answer.status == 404
    assert message_of("openai", answer)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", CHAT), ("PUT", CHAT), ("DELETE", MESSAGES), ("POST", "/v1/models")]
)
def test_a_wrong_method_is_refused_as_json_and_the_right_one_named(estate: Estate, method: str, path: str) -> None:
    answer = ask(estate, method, path)
    assert answer.status == 405
    assert answer.headers["allow"] in {"GET, HEAD", "POST"}
    assert message_of("anthropic" if path == MESSAGES else "openai", answer)


@pytest.mark.parametrize("path", [RESPONSES, COMPLETIONS])
def test_the_other_endpoints_name_the_field_too(estate: Estate, path: str) -> None:
    field = "input" if path == RESPONSES else "prompt"
    assert field in message_of("openai", post(estate, path, {"model": "default", field: {"a": 1}}))
    assert field in message_of("openai", post(estate, path, {"model": "default"}))


def test_unknown_fields_are_no_reason_to_refuse(estate: Estate, dialect: str) -> None:
    assert send(estate, dialect, chat(metadata={"a": "b"}, some_field_of_next_year=True)).status == 200


def test_a_claimed_data_class_is_one_that_exists(estate: Estate) -> None:
    assert post(estate, CHAT, chat(), freehold_data_class="secret").status == 400
    assert post(estate, CHAT, chat(), freehold_data_class="internal").status == 200


def _assert_names_both(message: str, context: int) -> None:
    numbers = {int(number) for number in re.findall(r"\d+", message)}
    assert context in numbers, message
    assert any(number > context for number in numbers), message
