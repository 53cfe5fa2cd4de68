# SPDX-License-Identifier: Apache-2.0
"""LangChain's chat models, unmodified but for the base URL, streaming and not."""

import operator
from collections.abc import Sequence
from functools import reduce

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from tests.system.estates import MODEL, Estate
from tests.system.waiting import LONG_S

QUESTION: Sequence[BaseMessage] = (SystemMessage("Be brief."), HumanMessage("Name three colours."))
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


def chat_model(vendor: str, estate: Estate) -> BaseChatModel:
    if vendor == "openai":
        return ChatOpenAI(
            model="gpt-4o",
            base_url=f"{estate.base_url}/v1",
            api_key=SecretStr(estate.key),
            temperature=0,
            max_completion_tokens=40,
            max_retries=0,
            stream_usage=True,
        )
    return ChatAnthropic(
        model_name="claude-sonnet-4-5",
        base_url=estate.base_url,
        api_key=SecretStr(estate.key),
        temperature=0,
        max_tokens_to_sample=40,
        max_retries=0,
        timeout=LONG_S,
        stop=None,
    )


@pytest.fixture(params=["openai", "anthropic"])
def model(request: pytest.FixtureRequest, estate: Estate) -> BaseChatModel:
    return chat_model(request.param, estate)


@pytest.fixture(params=["openai", "anthropic"])
def tool_model(request: pytest.FixtureRequest, tool_estate: Estate) -> BaseChatModel:
    return chat_model(request.param, tool_estate)


def test_an_invocation_is_answered_with_usage_and_the_owned_models_name(model: BaseChatModel) -> None:
    answer = model.invoke(QUESTION)
    assert answer.text
    assert MODEL in {answer.response_metadata.get("model_name"), answer.response_metadata.get("model")}
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["output_tokens"] <= 40
    assert answer.usage_metadata["input_tokens"] > 5


def test_a_stream_adds_up_to_the_invocation(model: BaseChatModel) -> None:
    chunks = list(model.stream(QUESTION))
    assert len(chunks) > 6
    assert "".join(chunk.text for chunk in chunks) == model.invoke(QUESTION).text
    total = reduce(operator.add, chunks)
    assert isinstance(total, AIMessage)
    assert total.usage_metadata is not None
    assert total.usage_metadata["output_tokens"] > 6


async def test_both_are_answered_asynchronously(model: BaseChatModel) -> None:
    streamed = "".join([chunk.text async for chunk in model.astream(QUESTION)])
    assert streamed == (await model.ainvoke(QUESTION)).text


def test_a_forced_tool_is_called_with_arguments_that_fit(tool_model: BaseChatModel) -> None:
    forced = tool_model.bind_tools([WEATHER], tool_choice="get_weather")
    answer = forced.invoke("Weather?")
    assert isinstance(answer, AIMessage)
    (call,) = answer.tool_calls
    assert call["name"] == "get_weather"
    assert call["args"]["city"] in {"Paris", "Rome"}
    result = ToolMessage("Rain, 7 degrees.", tool_call_id=str(call["id"]))
    after = tool_model.bind_tools([WEATHER]).invoke([HumanMessage("Weather?"), answer, result])
    assert isinstance(after, AIMessage)
    assert after.text or after.tool_calls


def test_a_forced_tool_is_called_in_a_stream(tool_model: BaseChatModel) -> None:
    chunks = list(tool_model.bind_tools([WEATHER], tool_choice="get_weather").stream("Weather?"))
    total = reduce(operator.add, chunks)
    assert isinstance(total, AIMessage)
    (call,) = total.tool_calls
    assert call["args"]["city"] in {"Paris", "Rome"}
