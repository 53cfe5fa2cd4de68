# SPDX-License-Identifier: Apache-2.0
"""Chat completions as a provider's API: what it is asked, what is refused, and that nothing is lost on the way."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import TypeAdapter
from tests.unit.dialect.hosts import CALL, HI, IMAGE, RESULT, WEATHER, extra, host, hub, requests

from freehold.contract.endpoint import Prefill
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.interface import Backend
from freehold.dialect.losses import Losses
from freehold.dialect.openai.ask import ask_chat
from freehold.dialect.openai.chat import read_request
from freehold.dialect.tools import Choice, ToolPlan
from freehold.errors import Unsupported

WHOLE = TypeAdapter(CompletionCreateParamsNonStreaming)
STREAMED = TypeAdapter(CompletionCreateParamsStreaming)


def asked(request: ChatRequest, backend: Backend | None = None, losses: Losses | None = None) -> dict[str, Any]:
    """The body as the provider reads it. It is one that OpenAI's SDK could have written."""
    body = ask_chat(request, backend or host(), losses or Losses(request))
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    (STREAMED if document.get("stream") else WHOLE).validate_python(document)
    return document


def messages(*given: dict[str, Any], **foreign: Any) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = asked(hub(list(given)), host(**foreign))["messages"]
    return written


def test_the_models_own_name_is_asked_for_and_nothing_that_was_not_given() -> None:
    assert asked(hub()) == {"model": "big-1", "messages": HI}


def test_a_stream_is_asked_for_with_its_usage() -> None:
    assert asked(hub(stream=True)) == {
        "model": "big-1",
        "messages": HI,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_bound_on_the_answer_has_the_hosts_own_name() -> None:
    assert asked(hub(max_tokens=9))["max_tokens"] == 9
    newer = asked(hub(max_tokens=9), host(max_tokens_name="max_completion_tokens"))
    assert newer["max_completion_tokens"] == 9
    assert "max_tokens" not in newer


def test_openai_itself_is_told_to_keep_nothing() -> None:
    assert asked(hub(), host(max_tokens_name="max_completion_tokens"))["store"] is False


def test_what_the_hub_shares_with_the_api_stays_as_it_is() -> None:
    same: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.9,
        "frequency_penalty": 0.1,
        "presence_penalty": -0.1,
        "seed": 3,
        "stop": ["a", "b"],
        "logit_bias": {"1": -100},
        "logprobs": True,
        "top_logprobs": 2,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "verbosity": "high",
        "user": "u",
    }
    extras = (extra("reasoning_effort"), extra("verbosity"), extra("user", harmless=True))
    request = hub(extras=extras, choices=2, **same)
    losses = Losses(request)
    assert asked(request, losses=losses) == {"model": "big-1", "messages": HI, "n": 2, **same}
    assert losses.names == ()


@pytest.mark.parametrize(
    ("plan", "choice"),
    [
        (ToolPlan(tools=(WEATHER,)), None),
        (ToolPlan(tools=(WEATHER,), choice=Choice.NONE), "none"),
        (ToolPlan(tools=(WEATHER,), choice=Choice.FORCED), "required"),
        (
            ToolPlan(tools=(WEATHER,), choice=Choice.FORCED, only="weather"),
            {"type": "function", "function": {"name": "weather"}},
        ),
    ],
)
def test_tools_go_with_how_free_the_model_is_to_call_them(plan: ToolPlan, choice: object) -> None:
    body = asked(hub(tools=plan))
    assert body["tools"] == [WEATHER]
    assert body.get("tool_choice") == choice
    assert "parallel_tool_calls" not in body


def test_no_tools_means_no_word_of_them() -> None:
    assert asked(hub(tools=ToolPlan(choice=Choice.NONE, parallel=True))).keys() == {"model", "messages"}


def test_calls_in_parallel_can_be_forbidden() -> None:
    assert asked(hub(tools=ToolPlan(tools=(WEATHER,), parallel=False)))["parallel_tool_calls"] is False


def test_a_message_that_only_calls_has_null_for_content() -> None:
    turn = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    assert messages(*HI, turn, RESULT)[1:] == [turn | {"content": None}, RESULT]
    assert messages(*HI, turn | {"content": "I look"}, RESULT)[1]["content"] == "I look"


def test_images_stay_in_their_place() -> None:
    parts = [{"type": "text", "text": "What is"}, IMAGE, {"type": "text", "text": "?"}]
    assert messages({"role": "user", "content": parts})[0]["content"] == parts


def test_an_image_in_a_tools_result_is_refused_or_let_go() -> None:
    turns = [*HI, {"role": "assistant", "content": "", "tool_calls": [CALL]}]
    parts = [{"type": "text", "text": "a map"}, IMAGE]
    request = hub([*turns, RESULT | {"content": parts}], extras=(extra("image"),))
    with pytest.raises(Unsupported, match="results of tools as text"):
        asked(request)
    request = hub([*turns, RESULT | {"content": parts}], extras=(extra("image"),), drop=frozenset({"image"}))
    losses = Losses(request)
    assert asked(request, losses=losses)["messages"][-1]["content"] == "a map"
    assert losses.names == ("image",)


def test_ids_that_are_too_long_are_shortened_in_the_call_and_its_result_alike() -> None:
    long = "x" * 41
    turn, result = messages(
        *HI,
        {"role": "assistant", "content": "", "tool_calls": [CALL | {"id": long}]},
        RESULT | {"tool_call_id": long},
    )[1:]
    assert turn["tool_calls"][0]["id"] == result["tool_call_id"]
    assert len(result["tool_call_id"]) <= 40


def test_the_name_of_a_result_is_left_out_since_hosts_refuse_it() -> None:
    turn = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    assert messages(*HI, turn, RESULT | {"name": "weather"})[-1] == RESULT


def test_earlier_reasoning_is_left_out_and_said_to_be() -> None:
    turn = {"role": "assistant", "content": "Hello", "reasoning_content": "a greeting"}
    request = hub([*HI, turn, *HI], extras=(extra("reasoning", harmless=True),))
    losses = Losses(request)
    assert asked(request, losses=losses)["messages"][1] == {"role": "assistant", "content": "Hello"}
    assert losses.names == ("reasoning",)


def test_a_model_that_cannot_be_told_how_much_to_reason_is_not_told() -> None:
    request = hub(reasoning_effort="high", extras=(extra("reasoning_effort"),))
    with pytest.raises(Unsupported, match="reasoning_effort"):
        asked(request, host(reasoning=False))
    request = hub(reasoning_effort="high", extras=(extra("reasoning_effort"),), drop=frozenset({"*"}))
    assert "reasoning_effort" not in asked(request, host(reasoning=False))


@pytest.mark.parametrize(
    ("field", "value"),
    [("top_k", 3), ("min_p", 0.1), ("repeat_penalty", 1.2), ("chat_template_kwargs", {"enable_thinking": False})],
)
def test_an_engines_field_is_refused_under_the_callers_name_or_let_go(field: str, value: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        asked(hub(called={field: "theirs"}, **{field: value}))
    assert caught.value.param == "theirs"
    request = hub(drop=frozenset({field}), **{field: value})
    losses = Losses(request)
    assert field not in asked(request, losses=losses)
    assert losses.names == (field,)


@pytest.mark.parametrize(("field", "neutral"), [("top_k", 0), ("min_p", 0), ("repeat_penalty", 1)])
def test_an_engines_field_that_asks_for_nothing_is_let_be(field: str, neutral: Any) -> None:
    assert asked(hub(**{field: neutral})) == {"model": "big-1", "messages": HI}


def test_an_assistants_last_message_is_continued_as_the_host_does_it() -> None:
    last = {"role": "assistant", "content": "I am"}
    assert messages(*HI, last, prefill=Prefill.TEXT)[-1] == last
    assert messages(*HI, last, prefill=Prefill.PREFIX)[-1] == last | {"prefix": True}
    with pytest.raises(Unsupported, match="cannot continue") as caught:
        messages(*HI, last)
    assert caught.value.param == "messages"


def test_an_extra_that_nobody_has_words_for_is_refused() -> None:
    with pytest.raises(Unsupported, match="documents"):
        asked(hub(extras=(extra("documents"),)))


@settings(max_examples=60)
@given(request=requests())
def test_what_is_asked_reads_back_as_what_was_meant(request: ChatRequest) -> None:
    document = asked(request)
    again = read_request(document | {"model": "support"})
    assert again.body == request.body
    assert again.tools == request.tools
    assert (again.choices, again.stream) == (request.choices, request.stream)
