# SPDX-License-Identifier: Apache-2.0
"""The simulator's Anthropic: Anthropic's own SDK understands all that it says."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from tests.simulator.scripts import HELLO, THOUGHT
from tests.simulator.server import KEY, Simulator
from tests.system.simulated import ASK, CITY, IN_ZURICH, PNG, SEEN, USAGE


@pytest.fixture
def messages(simulator: Simulator) -> Iterator[Anthropic]:
    with Anthropic(base_url=f"{simulator.base_url}/anthropic", api_key=KEY, max_retries=0) as client:
        yield client


def test_a_message_has_text_usage_and_limits(messages: Anthropic) -> None:
    raw = messages.messages.with_raw_response.create(model="sim", max_tokens=20, messages=ASK)
    answer = raw.parse()
    assert [block.text for block in answer.content if block.type == "text"] == [HELLO]
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens == USAGE.input - USAGE.cached
    assert answer.usage.cache_read_input_tokens == USAGE.cached
    assert answer.usage.output_tokens == USAGE.output
    assert raw.headers["anthropic-ratelimit-input-tokens-remaining"] == "29959"


def test_a_message_streams_thought_text_and_tools(messages: Anthropic) -> None:
    tools: Any = [{"name": name, "input_schema": CITY} for name in ("weather", "clock")]
    with messages.messages.stream(model="sim", max_tokens=20, messages=ASK) as stream:
        assert "".join(stream.text_stream) == HELLO
        assert stream.get_final_message().usage.output_tokens == USAGE.output
    with messages.messages.stream(model="sim-tools", max_tokens=20, messages=ASK, tools=tools) as stream:
        final = stream.get_final_message()
    assert [block.name for block in final.content if block.type == "tool_use"] == ["weather", "clock"]
    assert [block.input for block in final.content if block.type == "tool_use"] == [IN_ZURICH] * 2
    assert final.stop_reason == "tool_use"
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    with messages.messages.stream(model="sim-thinking", max_tokens=2048, messages=ASK, thinking=thinking) as stream:
        thought, text = stream.get_final_message().content
    assert thought.type == "thinking"
    assert thought.thinking == THOUGHT
    assert thought.signature
    turns: Any = [*ASK, {"role": "assistant", "content": [thought.to_dict(), text.to_dict()]}, *ASK]
    assert messages.messages.create(model="sim", max_tokens=20, messages=turns).stop_reason == "end_turn"


def test_a_message_takes_results_and_images(messages: Anthropic) -> None:
    tools: Any = [{"name": "weather", "input_schema": CITY}]
    (use,) = messages.messages.create(model="sim-tool", max_tokens=20, messages=ASK, tools=tools).content
    assert use.type == "tool_use"
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "Rain.", "is_error": True}
    turns: Any = [*ASK, {"role": "assistant", "content": [use.to_dict()]}, {"role": "user", "content": [result]}]
    after = messages.messages.create(model="sim-tool", max_tokens=20, messages=turns, tools=tools)
    assert [block.text for block in after.content if block.type == "text"] == [f"{use.id} failed: Rain."]
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    image: Any = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    seen = messages.messages.create(model="sim-image", max_tokens=20, messages=image)
    assert [block.text for block in seen.content if block.type == "text"] == [SEEN]


def test_a_message_stops_is_cut_off_refused_and_by_schema(messages: Anthropic) -> None:
    stopped = messages.messages.create(model="sim-stop", max_tokens=20, messages=ASK, stop_sequences=["three"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "three")
    assert messages.messages.create(model="sim-length", max_tokens=20, messages=ASK).stop_reason == "max_tokens"
    assert messages.messages.create(model="sim-refusal", max_tokens=20, messages=ASK).stop_reason == "refusal"
    output: Any = {"format": {"type": "json_schema", "schema": CITY}}
    (block,) = messages.messages.create(model="sim-schema", max_tokens=20, messages=ASK, output_config=output).content
    assert block.type == "text"
    assert json.loads(block.text) == IN_ZURICH


def test_tokens_are_counted(messages: Anthropic) -> None:
    assert messages.messages.count_tokens(model="sim", messages=ASK).input_tokens == USAGE.input


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"colour": 3}, "colour: Extra inputs are not permitted"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"temperature": 1}, "temperature: Extra inputs are not permitted"),
        ({"messages": [{"role": "system", "content": "x"}]}, 'Unexpected role "system"'),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 'must use the "user" role'),
        ({"messages": [*ASK, {"role": "assistant", "content": "x "}]}, "trailing whitespace"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "non-whitespace"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}]},
            "unexpected `tool_use_id`",
        ),
        (
            {
                "messages": [
                    *ASK,
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}]},
                    *ASK,
                ]
            },
            "without `tool_result`",
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "not supported"),
    ],
)
def test_messages_are_strict(messages: Anthropic, field: dict[str, Any], said: str) -> None:
    body = {"model": "sim", "max_tokens": 20, "messages": ASK, **field}
    body = {name: value for name, value in body.items() if value is not None}
    with pytest.raises(anthropic.BadRequestError, match=said):
        messages.post("/v1/messages", body=body, cast_to=object)


def test_an_unknown_model_and_a_wrong_key_are_told_as_anthropic_does(messages: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="claude-99"):
        messages.messages.create(model="claude-99", max_tokens=20, messages=ASK)
    with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
        messages.with_options(api_key="wrong").messages.create(model="sim", max_tokens=20, messages=ASK)


def test_the_older_version_of_the_api_still_takes_a_temperature(messages: Anthropic) -> None:
    body = {"model": "sim", "max_tokens": 20, "messages": ASK, "temperature": 0.5}
    older: Any = {"headers": {"anthropic-version": "2023-06-01"}}
    assert messages.post("/v1/messages", body=body, cast_to=dict[str, Any], options=older)["stop_reason"] == "end_turn"
    with pytest.raises(anthropic.BadRequestError, match="temperature"):
        messages.post("/v1/messages", body=body | {"temperature": 1.5}, cast_to=object, options=older)
    with pytest.raises(anthropic.BadRequestError, match="not a valid version"):
        messages.post(
            "/v1/messages", body=body, cast_to=object, options={"headers": {"anthropic-version": "2020-01-01"}}
        )
