# SPDX-License-Identifier: Apache-2.0
"""Tools, through every vendor's SDK: refused by a model that knows none, well-formed from one that does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic
from anthropic import BadRequestError as AnthropicBadRequest
from anthropic.types import MessageParam, ToolParam
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from mistralai.client.models import AssistantMessage, SystemMessage, ToolMessage, UserMessage
from openai import BadRequestError, OpenAI
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from openai.types.responses import FunctionToolParam, ResponseInputParam
from tests.system import clients
from tests.system.estates import MODEL, Estate

CITIES = {"Paris", "Rome"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"enum": sorted(CITIES)}, "days": {"enum": [1, 2, 3]}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
PING_SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather in a city.", "parameters": SCHEMA},
}
PING: ChatCompletionFunctionToolParam = {"type": "function", "function": {"name": "ping", "parameters": PING_SCHEMA}}
WEATHER_ANTHROPIC: ToolParam = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": SCHEMA,
}
WEATHER_RESPONSES: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": SCHEMA,
    "strict": True,
}
ASKED = "What will the weather be?"


def assert_fits(arguments: object) -> None:
    assert isinstance(arguments, dict)
    assert set(arguments) == {"city", "days"}
    assert arguments["city"] in CITIES
    assert arguments["days"] in {1, 2, 3}


@pytest.fixture
def tool_openai(tool_estate: Estate) -> Iterator[OpenAI]:
    with clients.openai(tool_estate) as client:
        yield client


@pytest.fixture
def tool_anthropic(tool_estate: Estate) -> Iterator[Anthropic]:
    with clients.anthropic(tool_estate) as client:
        yield client


@pytest.fixture
def tool_mistral(tool_estate: Estate) -> Iterator[Mistral]:
    with clients.mistral(tool_estate) as client:
        yield client


def test_a_model_without_tools_refuses_them_in_every_dialect(
    openai: OpenAI, anthropic: Anthropic, mistral: Mistral
) -> None:
    with pytest.raises(BadRequestError, match="tool"):
        openai.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": ASKED}], tools=[WEATHER])
    with pytest.raises(BadRequestError, match="tool"):
        openai.responses.create(model="gpt-5", input=ASKED, tools=[WEATHER_RESPONSES])
    with pytest.raises(AnthropicBadRequest, match="tool"):
        anthropic.messages.create(
            model="claude-sonnet-4-5",
            max_tokens=8,
            messages=[{"role": "user", "content": ASKED}],
            tools=[WEATHER_ANTHROPIC],
        )
    with pytest.raises(SDKError, match="tool") as caught:
        mistral.chat.complete(
            model="mistral-small-latest", messages=[UserMessage(content=ASKED)], tools=[_for_mistral(WEATHER)]
        )
    assert caught.value.status_code == 400


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_openai_chat_calls_a_forced_tool(tool_openai: OpenAI, choice: Any) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": ASKED}]
    answer = tool_openai.chat.completions.create(
        model="gpt-4o", messages=messages, tools=[WEATHER], tool_choice=choice, max_tokens=80
    )
    (call,) = answer.choices[0].message.tool_calls or []
    assert answer.model == MODEL
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.type == "function"
    assert call.id
    assert call.function.name == "get_weather"
    assert_fits(json.loads(call.function.arguments))


def test_openai_chat_calls_the_tool_that_is_named_and_no_other(tool_openai: OpenAI) -> None:
    answer = tool_openai.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": ASKED}],
        tools=[WEATHER, PING],
        tool_choice={"type": "function", "function": {"name": "ping"}},
        max_tokens=80,
    )
    assert [call.function.name for call in answer.choices[0].message.tool_calls or [] if call.type == "function"] == [
        "ping"
    ]


def test_openai_chat_streams_a_forced_tool(tool_openai: OpenAI) -> None:
    with tool_openai.chat.completions.stream(
        model="gpt-4o",
        messages=[{"role": "user", "content": ASKED}],
        tools=[{**WEATHER, "function": {**WEATHER["function"], "strict": True}}],
        tool_choice="required",
        max_tokens=80,
    ) as stream:
        stream.until_done()
        choice = stream.get_final_completion().choices[0]
    (call,) = choice.message.tool_calls or []
    assert choice.finish_reason == "tool_calls"
    assert_fits(json.loads(call.function.arguments))


def test_openai_chat_takes_the_result_of_a_tool(tool_openai: OpenAI) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": ASKED},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Paris", "days": 1}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain, 7 degrees."},
    ]
    with_result = tool_openai.chat.completions.create(
        model="gpt-4o", messages=messages, tools=[WEATHER], tool_choice="none", max_tokens=16
    )
    assert with_result.choices[0].message.content
    assert not with_result.choices[0].message.tool_calls


def test_responses_call_a_forced_tool_and_take_its_result(tool_openai: OpenAI) -> None:
    asked: ResponseInputParam = [{"role": "user", "content": ASKED}]
    response = tool_openai.responses.create(
        model="gpt-5", input=asked, tools=[WEATHER_RESPONSES], tool_choice="required", max_output_tokens=80
    )
    (call,) = [item for item in response.output if item.type == "function_call"]
    assert call.name == "get_weather"
    assert_fits(json.loads(call.arguments))
    asked.append({"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments})
    asked.append({"type": "function_call_output", "call_id": call.call_id, "output": "Rain, 7 degrees."})
    after = tool_openai.responses.create(
        model="gpt-5", input=asked, tools=[WEATHER_RESPONSES], tool_choice="none", max_output_tokens=16
    )
    assert after.output_text


def test_responses_stream_a_forced_tool(tool_openai: OpenAI) -> None:
    with tool_openai.responses.stream(
        model="gpt-5",
        input=ASKED,
        tools=[WEATHER_RESPONSES],
        tool_choice={"type": "function", "name": "get_weather"},
        max_output_tokens=80,
    ) as stream:
        deltas = "".join(event.delta for event in stream if event.type == "response.function_call_arguments.delta")
        final = stream.get_final_response()
    (call,) = [item for item in final.output if item.type == "function_call"]
    assert call.arguments == deltas
    assert_fits(json.loads(call.arguments))


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_anthropic_calls_a_forced_tool_and_takes_its_result(tool_anthropic: Anthropic, choice: Any) -> None:
    turns: list[MessageParam] = [{"role": "user", "content": ASKED}]
    message = tool_anthropic.messages.create(
        model="claude-sonnet-4-5", max_tokens=80, messages=turns, tools=[WEATHER_ANTHROPIC], tool_choice=choice
    )
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert message.stop_reason == "tool_use"
    assert call.name == "get_weather"
    assert_fits(call.input)
    turns.append({"role": "assistant", "content": message.content})
    turns.append(
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Rain, 7 degrees."}]}
    )
    after = tool_anthropic.messages.create(
        model="claude-sonnet-4-5",
        max_tokens=16,
        messages=turns,
        tools=[WEATHER_ANTHROPIC],
        tool_choice={"type": "none"},
    )
    assert any(block.type == "text" and block.text for block in after.content)


def test_anthropic_streams_a_forced_tool(tool_anthropic: Anthropic) -> None:
    with tool_anthropic.messages.stream(
        model="claude-sonnet-4-5",
        max_tokens=80,
        messages=[{"role": "user", "content": ASKED}],
        tools=[WEATHER_ANTHROPIC],
        tool_choice={"type": "any"},
    ) as stream:
        final = stream.get_final_message()
    (call,) = [block for block in final.content if block.type == "tool_use"]
    assert final.stop_reason == "tool_use"
    assert_fits(call.input)


@pytest.mark.parametrize("choice", ["any", {"type": "function", "function": {"name": "get_weather"}}])
def test_mistral_calls_a_forced_tool_and_takes_its_result(tool_mistral: Mistral, choice: Any) -> None:
    answer = tool_mistral.chat.complete(
        model="mistral-small-latest",
        max_tokens=80,
        messages=[UserMessage(content=ASKED)],
        tools=[_for_mistral(WEATHER)],
        tool_choice=choice,
    )
    message = answer.choices[0].message
    assert message is not None
    assert isinstance(message.tool_calls, list)
    (call,) = message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert_fits(_arguments(call.function.arguments))
    turns: list[AssistantMessage | SystemMessage | ToolMessage | UserMessage] = [
        UserMessage(content=ASKED),
        AssistantMessage(content="", tool_calls=message.tool_calls),
        ToolMessage(content="Rain, 7 degrees.", tool_call_id=call.id, name="get_weather"),
    ]
    after = tool_mistral.chat.complete(
        model="mistral-small-latest",
        max_tokens=16,
        messages=turns,
        tools=[_for_mistral(WEATHER)],
        tool_choice="none",
    )
    assert after.choices[0].message is not None
    assert after.choices[0].message.content


def test_mistral_streams_a_forced_tool(tool_mistral: Mistral) -> None:
    with tool_mistral.chat.stream(
        model="mistral-small-latest",
        max_tokens=80,
        messages=[UserMessage(content=ASKED)],
        tools=[_for_mistral(WEATHER)],
        tool_choice="any",
    ) as stream:
        choices = [choice for event in stream for choice in event.data.choices]
    calls = [
        call for choice in choices if isinstance(choice.delta.tool_calls, list) for call in choice.delta.tool_calls
    ]
    assert choices[-1].finish_reason == "tool_calls"
    assert "".join(call.function.name for call in calls if call.function.name) == "get_weather"
    whole = "".join(arguments for call in calls if isinstance(arguments := call.function.arguments, str))
    assert_fits(json.loads(whole))


def _for_mistral(tool: ChatCompletionFunctionToolParam) -> Any:
    return {"type": "function", "function": dict(tool["function"])}


def _arguments(arguments: object) -> object:
    return json.loads(arguments) if isinstance(arguments, str) else arguments
