# SPDX-License-Identifier: Apache-2.0
"""Two rounds with a tool and with reasoning, as applications do it: what the SDK gave goes back as the SDK gave it."""

from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic
from mistralai.client import Mistral
from mistralai.client.models import ToolMessage, UserMessage
from openai import OpenAI
from tests.simulator.faults import Play
from tests.simulator.server import Simulator
from tests.system import clients
from tests.system.estates import Estate
from tests.system.simulated import ASK, CITY, WEATHER

PROVIDERS = ["compatible-thinking", "responses-thinking", "anthropic-thinking", "mistral-thinking"]
RESULT = "Rain."


@pytest.fixture
def openai(provided: Estate) -> Iterator[OpenAI]:
    with clients.openai(provided) as client:
        yield client


@pytest.fixture
def anthropic(provided: Estate) -> Iterator[Anthropic]:
    with clients.anthropic(provided) as client:
        yield client


@pytest.fixture
def mistral(provided: Estate) -> Iterator[Mistral]:
    with clients.mistral(provided) as client:
        yield client


@pytest.fixture(autouse=True)
def _thinks_and_calls(simulator: Simulator) -> None:
    simulator.play(Play(script="think-and-call"))


@pytest.mark.parametrize("service", PROVIDERS)
def test_chat_goes_on(openai: OpenAI, service: str) -> None:
    asked: Any = {"model": service, "tools": [WEATHER], "reasoning_effort": "low"}
    turns: list[Any] = [*ASK]
    message = openai.chat.completions.create(messages=turns, **asked).choices[0].message
    (call,) = message.tool_calls or []
    turns += [message, {"role": "tool", "tool_call_id": call.id, "content": RESULT}]
    answer = openai.chat.completions.create(messages=turns, **asked).choices[0].message
    assert (answer.content or "").endswith(f" said: {RESULT}")


@pytest.mark.parametrize("service", PROVIDERS)
def test_responses_go_on(openai: OpenAI, service: str) -> None:
    tools: Any = [{"type": "function", "name": "weather", "parameters": CITY, "strict": True}]
    kept: Any = {"store": False, "include": ["reasoning.encrypted_content"]}
    asked: Any = {"model": service, "tools": tools, "reasoning": {"effort": "low", "summary": "auto"}, **kept}
    items: list[Any] = [*ASK]
    response = openai.responses.create(input=items, **asked)
    (call,) = [item for item in response.output if item.type == "function_call"]
    items += [*response.output, {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}]
    assert openai.responses.create(input=items, **asked).output_text.endswith(f" said: {RESULT}")


@pytest.mark.parametrize("service", PROVIDERS)
def test_messages_go_on(anthropic: Anthropic, service: str) -> None:
    tools: Any = [{"name": "weather", "input_schema": CITY}]
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    asked: Any = {"model": service, "max_tokens": 2048, "tools": tools, "thinking": thinking}
    turns: list[Any] = [*ASK]
    message = anthropic.messages.create(messages=turns, **asked)
    (use,) = [block for block in message.content if block.type == "tool_use"]
    assert any(block.type == "thinking" for block in message.content)
    result = {"type": "tool_result", "tool_use_id": use.id, "content": RESULT}
    turns += [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    answer = anthropic.messages.create(messages=turns, **asked)
    texts = [block.text for block in answer.content if block.type == "text"]
    assert texts[0].endswith(f" said: {RESULT}")


@pytest.mark.parametrize("service", PROVIDERS)
def test_mistrals_chat_goes_on(mistral: Mistral, service: str) -> None:
    tools: Any = [WEATHER]
    turns: list[Any] = [UserMessage(content="What now?")]
    message = mistral.chat.complete(model=service, messages=turns, tools=tools).choices[0].message
    assert message is not None
    (call,) = message.tool_calls or []
    turns += [message, ToolMessage(content=RESULT, tool_call_id=call.id, name="weather")]
    answer = mistral.chat.complete(model=service, messages=turns, tools=tools).choices[0].message
    assert answer is not None
    assert f" said: {RESULT}" in str(answer.content)


def test_another_vendors_reasoning_is_no_thought_of_anthropics(anthropic: Anthropic, simulator: Simulator) -> None:
    """Anthropic takes no thought but with its own signature: that of another is left out, and nothing breaks."""
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    asked: Any = {"max_tokens": 2048, "thinking": thinking}
    simulator.play(Play(script="thinking"))
    message = anthropic.messages.create(model="mistral-thinking", messages=ASK, **asked)
    assert message.content[0].type == "thinking"
    turns: Any = [*ASK, {"role": "assistant", "content": message.content}, *ASK]
    answer = anthropic.messages.create(model="anthropic-thinking", messages=turns, **asked)
    assert answer.stop_reason == "end_turn"
