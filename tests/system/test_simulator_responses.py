# SPDX-License-Identifier: Apache-2.0
"""The simulator's Responses: OpenAI's own SDK understands all that it says."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from tests.simulator.scripts import HELLO, THOUGHT
from tests.simulator.server import KEY, Simulator
from tests.system.simulated import ASK, CITY, IN_ZURICH, PNG, SEEN, USAGE


@pytest.fixture
def chat(simulator: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{simulator.base_url}/openai/v1", api_key=KEY, max_retries=0) as client:
        yield client


def test_a_response_has_text_usage_and_numbered_events(chat: OpenAI) -> None:
    response = chat.responses.create(model="sim", input="What now?", store=False)
    assert response.output_text == HELLO
    assert response.to_dict()["store"] is False
    assert response.usage is not None
    assert response.usage.input_tokens_details.cached_tokens == USAGE.cached
    events = list(chat.responses.create(model="sim", input="What now?", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == HELLO
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == HELLO


def test_a_response_calls_tools_and_takes_their_results(chat: OpenAI) -> None:
    tools: Any = [
        {"type": "function", "name": name, "parameters": CITY, "strict": True} for name in ("weather", "clock")
    ]
    events = list(chat.responses.create(model="sim-tools", input="What now?", tools=tools, stream=True))
    assert events[-1].type == "response.completed"
    response = events[-1].response
    calls = [item for item in response.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["weather", "clock"]
    assert [json.loads(call.arguments) for call in calls] == [IN_ZURICH] * 2
    results: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": call.name} for call in calls]
    asked: Any = [*ASK, *[call.to_dict() for call in calls], *results]
    after = chat.responses.create(model="sim-tools", input=asked, tools=tools)
    assert after.output_text == "; ".join(f"{call.call_id} said: {call.name}" for call in calls)


def test_a_response_shows_a_summary_of_its_reasoning_where_asked(chat: OpenAI) -> None:
    plain = chat.responses.create(model="sim-thinking", input="What now?")
    assert [item.type for item in plain.output] == ["reasoning", "message"]
    kept: Any = {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    events = list(chat.responses.create(model="sim-thinking", input="x", stream=True, **kept))
    text = "".join(event.delta for event in events if event.type == "response.reasoning_summary_text.delta")
    assert events[-1].type == "response.completed"
    item, message = events[-1].response.output
    assert text == THOUGHT
    assert item.type == "reasoning"
    assert item.encrypted_content
    turns: Any = [*ASK, item.to_dict(), message.to_dict(), *ASK]
    assert chat.responses.create(model="sim-thinking", input=turns).output_text == HELLO


def test_a_response_is_cut_off_refused_seen_and_by_schema(chat: OpenAI) -> None:
    assert chat.responses.create(model="sim-length", input="x").incomplete_details is not None
    (refused,) = chat.responses.create(model="sim-refusal", input="x").output
    assert refused.type == "message"
    assert refused.content[0].type == "refusal"
    image = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"}
    turns: Any = [{"role": "user", "content": [image]}]
    assert chat.responses.create(model="sim-image", input=turns).output_text == SEEN
    answer_format: Any = {"type": "json_schema", "name": "a", "strict": True, "schema": CITY}
    answer = chat.responses.create(model="sim-schema", input="x", text={"format": answer_format})
    assert json.loads(answer.output_text) == IN_ZURICH


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"max_tokens": 20}, "Unknown parameter: 'max_tokens'"),
        ({"max_output_tokens": 4}, "integer below minimum"),
        ({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, "input_text"),
        ({"input": [{"type": "function_call_output", "call_id": "call_9", "output": "x"}]}, "No tool call found"),
        ({"input": [{"type": "function_call", "id": "call_1", "call_id": "c", "name": "n", "arguments": ""}]}, "'fc'"),
        ({"reasoning": {"effort": "low"}}, "reasoning.effort"),
    ],
)
def test_responses_are_strict(chat: OpenAI, field: dict[str, Any], said: str) -> None:
    with pytest.raises(openai.BadRequestError, match=said):
        chat.post("/responses", body={"model": "sim", "input": "x", **field}, cast_to=object)
