# SPDX-License-Identifier: Apache-2.0
"""The simulator's Mistral: Mistral's own SDK understands all that it says."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import MistralError
from mistralai.client.models import AssistantMessage, ImageURLChunk, SystemMessage, ToolMessage, UserMessage
from tests.simulator.scripts import HELLO, THOUGHT
from tests.simulator.server import KEY, Simulator
from tests.system.simulated import ASK, CITY, CLOCK, IN_ZURICH, PNG, SEEN, USAGE, WEATHER


@pytest.fixture
def mistral(simulator: Simulator) -> Iterator[Mistral]:
    with Mistral(server_url=f"{simulator.base_url}/mistral", api_key=KEY) as client:
        yield client


def test_mistral_says_text_whole_and_streamed(mistral: Mistral) -> None:
    answer = mistral.chat.complete(model="sim", messages=[UserMessage(content="x")])
    assert answer.choices[0].message is not None
    assert answer.choices[0].message.content == HELLO
    assert answer.usage.completion_tokens == USAGE.output
    with mistral.chat.stream(model="sim", messages=[UserMessage(content="x")]) as stream:
        chunks = [event.data for event in stream]
    assert "".join(str(chunk.choices[0].delta.content or "") for chunk in chunks) == HELLO
    assert chunks[-1].usage is not None
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("script", ["tool", "tools", "pieces"])
def test_mistral_calls_tools_whole_or_in_pieces(mistral: Mistral, script: str) -> None:
    tools: Any = [WEATHER, CLOCK]
    names = ["weather", "clock"][: 2 if script == "tools" else 1]
    answer = mistral.chat.complete(model=f"sim-{script}", messages=[UserMessage(content="x")], tools=tools)
    assert answer.choices[0].message is not None
    assert [call.function.name for call in answer.choices[0].message.tool_calls or []] == names
    with mistral.chat.stream(model=f"sim-{script}", messages=[UserMessage(content="x")], tools=tools) as stream:
        deltas = [choice.delta for event in stream for choice in event.data.choices]
    calls = [call for delta in deltas for call in delta.tool_calls or []]
    assert [call.function.name for call in calls if call.function.name] == names
    for number, _ in enumerate(names):
        arguments = "".join(str(call.function.arguments) for call in calls if call.index == number)
        assert json.loads(arguments) == IN_ZURICH


def test_mistral_takes_results_images_a_prefix_and_a_schema(mistral: Mistral) -> None:
    tools: Any = [WEATHER]
    asked = UserMessage(content="x")
    first = mistral.chat.complete(model="sim-tool", messages=[asked], tools=tools).choices[0].message
    assert first is not None
    (call,) = first.tool_calls or []
    turns: list[Any] = [asked, first, ToolMessage(content="Rain.", tool_call_id=call.id, name="weather")]
    after = mistral.chat.complete(model="sim-tool", messages=turns, tools=tools).choices[0].message
    assert after is not None
    assert after.content == f"{call.id} said: Rain."
    image: Any = [UserMessage(content=[ImageURLChunk(image_url=f"data:image/png;base64,{PNG}")])]
    seen = mistral.chat.complete(model="sim-image", messages=image).choices[0].message
    assert seen is not None
    assert seen.content == SEEN
    prefixed: list[Any] = [SystemMessage(content="Be brief."), asked, AssistantMessage(content="1, ", prefix=True)]
    gone_on = mistral.chat.complete(model="sim-prefill", messages=prefixed).choices[0].message
    assert gone_on is not None
    assert gone_on.content == "after 3 characters."
    schema: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema_definition": CITY}}
    by_schema = mistral.chat.complete(model="sim-schema", messages=[asked], response_format=schema).choices[0].message
    assert by_schema is not None
    assert json.loads(str(by_schema.content)) == IN_ZURICH


def test_mistral_thinks_in_chunks(mistral: Mistral) -> None:
    message = mistral.chat.complete(model="sim-thinking", messages=[UserMessage(content="x")]).choices[0].message
    assert message is not None
    assert isinstance(message.content, list)
    assert [chunk.type for chunk in message.content] == ["thinking", "text"]
    with mistral.chat.stream(model="sim-thinking", messages=[UserMessage(content="x")]) as stream:
        contents = [choice.delta.content for event in stream for choice in event.data.choices]
    thoughts = [chunk for content in contents if isinstance(content, list) for chunk in content]
    assert "".join(chunk.thinking[0].text for chunk in thoughts if chunk.type == "thinking") == THOUGHT


def test_mistral_fills_in_the_middle(mistral: Mistral) -> None:
    answer = mistral.fim.complete(model="sim-echo", prompt="def f(", suffix="return 1")
    assert answer.choices[0].message is not None
    assert answer.choices[0].message.content == "def f(|return 1"
    with mistral.fim.stream(model="sim", prompt="def f(") as stream:
        assert "".join(str(event.data.choices[0].delta.content or "") for event in stream) == HELLO


@pytest.mark.parametrize(
    ("field", "status", "said"),
    [
        ({"seed": 3}, 422, "extra_forbidden"),
        ({"max_completion_tokens": 3}, 422, "extra_forbidden"),
        ({"messages": [{"role": "user", "content": "x", "name": "y"}]}, 422, '"messages",0,"user","name"'),
        ({"temperature": 1.6}, 422, "1.5"),
        ({"messages": [*ASK, {"role": "assistant", "content": "x"}]}, 400, "Expected last role"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "Expected last role"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "123456789"}, *ASK]}, 400, "after role 'tool'"),
        (
            {
                "messages": [
                    *ASK,
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": "call_1", "function": {"name": "n", "arguments": "{}"}}],
                    },
                    {"role": "tool", "content": "x", "tool_call_id": "call_1"},
                ]
            },
            400,
            "length of 9",
        ),
        ({"model": "mistral-99"}, 400, "Invalid model: mistral-99"),
    ],
)
def test_mistral_is_strict(simulator: Simulator, field: dict[str, Any], status: int, said: str) -> None:
    connection = HTTPConnection("127.0.0.1", simulator.port)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    body = json.dumps({"model": "sim", "messages": ASK, **field})
    connection.request("POST", "/mistral/v1/chat/completions", body=body, headers=headers)
    answer = connection.getresponse()
    assert answer.status == status
    assert said in answer.read().decode()
    connection.close()


def test_mistral_turns_a_wrong_key_away(simulator: Simulator) -> None:
    with (
        Mistral(server_url=f"{simulator.base_url}/mistral", api_key="wrong") as client,
        pytest.raises(MistralError) as caught,
    ):
        client.chat.complete(model="sim", messages=[UserMessage(content="x")])
    assert caught.value.status_code == 401
