# SPDX-License-Identifier: Apache-2.0
"""The simulator's OpenAI and Azure: OpenAI's own SDK understands all that it says."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import openai
import pytest
from openai import AzureOpenAI, OpenAI
from tests.simulator.scripts import DECLINED, HELLO, THOUGHT
from tests.simulator.server import KEY, Simulator
from tests.system.simulated import ASK, CITY, CLOCK, IN_ZURICH, PNG, SEEN, USAGE, WEATHER


@pytest.fixture
def chat(simulator: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{simulator.base_url}/openai/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_chat_says_text_with_usage_and_limits(chat: OpenAI) -> None:
    raw = chat.chat.completions.with_raw_response.create(model="sim", messages=ASK)
    answer = raw.parse()
    assert answer.choices[0].message.content == HELLO
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (USAGE.input, USAGE.output)
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == USAGE.cached
    assert raw.headers["x-ratelimit-remaining-requests"] == "499"


@pytest.mark.parametrize("with_usage", [True, False])
def test_chat_streams_the_same_text(chat: OpenAI, with_usage: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if with_usage else {}
    chunks = list(chat.chat.completions.create(model="sim", messages=ASK, stream=True, **options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == HELLO
    assert sum(bool(chunk.choices) for chunk in chunks) > 5
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert [usage.total_tokens for usage in usages] == ([USAGE.input + USAGE.output] if with_usage else [])


@pytest.mark.parametrize("script", ["tool", "tools"])
def test_chat_calls_tools_whole_and_streamed(chat: OpenAI, script: str) -> None:
    asked: Any = {"model": f"sim-{script}", "messages": ASK, "tools": [WEATHER, CLOCK]}
    message = chat.chat.completions.create(**asked).choices[0].message
    with chat.chat.completions.stream(**asked) as stream:
        stream.until_done()
        streamed = stream.get_final_completion().choices[0]
    names = ["weather", "clock"][: 2 if script == "tools" else 1]
    for calls in (message.tool_calls, streamed.message.tool_calls):
        assert [call.function.name for call in calls or [] if call.type == "function"] == names
        assert [json.loads(call.function.arguments) for call in calls or [] if call.type == "function"] == [
            IN_ZURICH for _ in names
        ]
        assert len({call.id for call in calls or []}) == len(names)
    assert streamed.finish_reason == "tool_calls"


def test_chat_takes_results_and_says_what_they_were(chat: OpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    turns: Any = [
        *ASK,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
    ]
    answer = chat.chat.completions.create(model="sim-tool", messages=turns, tools=[WEATHER])
    assert answer.choices[0].message.content == "call_1 said: Rain."


def test_chat_sees_an_image(chat: OpenAI) -> None:
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]
    turns: Any = [{"role": "user", "content": content}]
    assert chat.chat.completions.create(model="sim-image", messages=turns).choices[0].message.content == SEEN


def test_chat_follows_a_schema(chat: OpenAI) -> None:
    answer_format: Any = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": CITY}}
    answer = chat.chat.completions.create(model="sim-schema", messages=ASK, response_format=answer_format)
    assert json.loads(answer.choices[0].message.content or "") == IN_ZURICH


def test_chat_refuses_whole_and_streamed(chat: OpenAI) -> None:
    answer = chat.chat.completions.create(model="sim-refusal", messages=ASK)
    assert answer.choices[0].message.refusal == DECLINED
    chunks = list(chat.chat.completions.create(model="sim-refusal", messages=ASK, stream=True))
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == DECLINED


def test_chat_of_a_compatible_host_shows_its_reasoning(simulator: Simulator) -> None:
    with OpenAI(base_url=f"{simulator.base_url}/compatible/v1", api_key=KEY, max_retries=0) as client:
        answer = client.chat.completions.create(model="sim-thinking", messages=ASK, max_tokens=20)
        chunks = list(client.chat.completions.create(model="sim-thinking", messages=ASK, stream=True))
    assert answer.choices[0].message.to_dict()["reasoning_content"] == THOUGHT
    assert "".join(str(c.choices[0].delta.to_dict().get("reasoning_content", "")) for c in chunks) == THOUGHT


def test_completions_say_text(chat: OpenAI) -> None:
    assert chat.completions.create(model="sim", prompt="Once").choices[0].text == HELLO
    chunks = list(chat.completions.create(model="sim", prompt="Once", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == HELLO
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"colour": 3}, "Unknown parameter: 'colour'"),
        ({"max_tokens": "two"}, "Invalid type for 'max_tokens'"),
        ({"temperature": 3}, "temperature"),
        ({"stop": list("abcde")}, "array too long"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages\\[0\\].role"),
        ({"messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]}, "preceeding"),
        ({"messages": [{"role": "assistant", "content": "x", "reasoning_content": "y"}]}, "reasoning_content"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
    ],
)
def test_chat_is_strict(chat: OpenAI, field: dict[str, Any], said: str) -> None:
    body = {"model": "sim", "messages": ASK, **field}
    with pytest.raises(openai.BadRequestError, match=said) as caught:
        chat.post("/chat/completions", body=body, cast_to=object)
    assert caught.value.type == "invalid_request_error"


def test_a_model_that_reasons_wants_the_newer_bound(chat: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="max_completion_tokens"):
        chat.chat.completions.create(model="sim-thinking", messages=ASK, max_tokens=10)
    answer = chat.chat.completions.create(model="sim-thinking", messages=ASK, max_completion_tokens=10)
    assert answer.choices[0].message.content == HELLO


def test_an_unknown_model_and_a_wrong_key_are_told_as_openai_does(simulator: Simulator, chat: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        chat.chat.completions.create(model="gpt-99", messages=ASK)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError) as wrong:
        chat.with_options(api_key="sk-wrong-key-of-someone").chat.completions.create(model="sim", messages=ASK)
    assert wrong.value.code == "invalid_api_key"
    connection = HTTPConnection("127.0.0.1", simulator.port)
    connection.request("POST", "/openai/v1/chat/completions", body=b"{}")
    assert connection.getresponse().status == 401
    connection.close()


def test_azure_answers_on_both_of_its_paths(simulator: Simulator) -> None:
    with AzureOpenAI(
        azure_endpoint=f"{simulator.base_url}/azure", api_key=KEY, api_version="2024-10-21", max_retries=0
    ) as dated:
        assert dated.chat.completions.create(model="sim", messages=ASK).choices[0].message.content == HELLO
        chunks = list(dated.chat.completions.create(model="sim", messages=ASK, stream=True))
        with pytest.raises(openai.NotFoundError) as missing:
            dated.chat.completions.create(model="gpt-99", messages=ASK)
    assert chunks[0].choices == []
    assert chunks[0].to_dict()["prompt_filter_results"]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == HELLO
    assert missing.value.code == "DeploymentNotFound"
    with OpenAI(base_url=f"{simulator.base_url}/azure/openai/v1", api_key=KEY, max_retries=0) as undated:
        assert undated.chat.completions.create(model="sim", messages=ASK).choices[0].message.content == HELLO
