# SPDX-License-Identifier: Apache-2.0
"""Mistral's chat as a provider's API: what it is asked, what is refused, and that nothing is lost on the way."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from mistralai.client.models import ChatCompletionRequest, ChatCompletionStreamRequest
from tests.unit.dialect.hosts import CALL, HI, IMAGE, PNG, RESULT, WEATHER, extra, host, hub, requests

from freehold.contract.endpoint import Prefill
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.interface import Backend, Wire
from freehold.dialect.losses import Losses
from freehold.dialect.mistral.ask import ask_mistral
from freehold.dialect.mistral.chat import read_request
from freehold.dialect.tools import Choice, ToolPlan
from freehold.errors import Unsupported

LAST = {"role": "assistant", "content": "I am"}
BRIDGE = {"role": "assistant", "content": " "}


def asked(request: ChatRequest, backend: Backend | None = None, losses: Losses | None = None) -> dict[str, Any]:
    """The body as the provider reads it. It has only fields that Mistral's SDK knows, for all others are refused."""
    body = ask_mistral(request, backend or host(Wire.MISTRAL_CHAT), losses or Losses(request))
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    model = ChatCompletionStreamRequest if document["stream"] else ChatCompletionRequest
    model.model_validate(document)
    assert document.keys() <= model.model_fields.keys()
    return document


def messages(*given: dict[str, Any], **foreign: Any) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = asked(hub(list(given)), host(Wire.MISTRAL_CHAT, **foreign))["messages"]
    return written


def test_the_models_own_name_is_asked_for_and_nothing_that_was_not_given() -> None:
    assert asked(hub()) == {"model": "big-1", "messages": HI, "stream": False}


def test_a_stream_is_asked_for_without_options_which_would_be_refused() -> None:
    assert asked(hub(stream=True)) == {"model": "big-1", "messages": HI, "stream": True}


def test_fields_have_mistrals_names() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True}}
    given: dict[str, Any] = {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "frequency_penalty": 0.1,
        "presence_penalty": -0.1,
        "repeat_penalty": 1.1,
        "seed": 3,
        "stop": ["a"],
        "logprobs": True,
        "top_logprobs": 2,
        "response_format": schema,
        "reasoning_effort": "high",
    }
    body = asked(hub(choices=2, extras=(extra("reasoning_effort"),), **given))
    renamed = given | {"random_seed": given["seed"], "repetition_penalty": given["repeat_penalty"], "n": 2}
    del renamed["seed"], renamed["repeat_penalty"]
    assert body == {"model": "big-1", "messages": HI, "stream": False} | renamed


@pytest.mark.parametrize(
    ("plan", "choice"),
    [
        (ToolPlan(tools=(WEATHER,)), None),
        (ToolPlan(tools=(WEATHER,), choice=Choice.NONE), "none"),
        (ToolPlan(tools=(WEATHER,), choice=Choice.FORCED), "any"),
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


def test_calls_in_parallel_can_be_forbidden() -> None:
    assert asked(hub(tools=ToolPlan(tools=(WEATHER,), parallel=False)))["parallel_tool_calls"] is False


def test_a_function_without_arguments_says_so() -> None:
    bare = {"type": "function", "function": {"name": "clock"}}
    (tool,) = asked(hub(tools=ToolPlan(tools=(bare,))))["tools"]
    assert tool["function"] == {"name": "clock", "parameters": {"type": "object", "properties": {}}}


def test_ids_of_calls_are_made_nine_letters_in_the_call_and_its_result_alike() -> None:
    turn = {
        "role": "assistant",
        "content": "",
        "tool_calls": [CALL, CALL | {"id": "toolu_01"}, CALL | {"id": "abcDEF123"}],
    }
    results = [RESULT, RESULT | {"tool_call_id": "toolu_01"}, RESULT | {"tool_call_id": "abcDEF123"}]
    written = messages(*HI, turn, *results)
    ids = [call["id"] for call in written[1]["tool_calls"]]
    assert ids == [result["tool_call_id"] for result in written[2:]]
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", identity) for identity in ids)
    assert len(set(ids)) == 3
    assert ids[2] == "abcDEF123"


def test_an_id_is_made_the_same_in_every_request() -> None:
    turns: list[dict[str, Any]] = [{"role": "assistant", "content": "", "tool_calls": [CALL]}, RESULT]
    assert messages(*HI, *turns)[1:] == messages(*HI, *HI, *turns)[2:]


def test_the_name_of_a_result_stays() -> None:
    turn = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    assert messages(*HI, turn, RESULT | {"name": "weather"})[-1]["name"] == "weather"


CALLED: list[dict[str, Any]] = [*HI, {"role": "assistant", "content": "", "tool_calls": [CALL]}, RESULT]
RULE: dict[str, Any] = {"role": "system", "content": "Be brief."}


def test_between_a_result_and_a_user_stands_an_answer_that_says_nothing() -> None:
    written = messages(*CALLED, *HI)
    assert [message["role"] for message in written] == ["user", "assistant", "tool", "assistant", "user"]
    assert written[3] == BRIDGE
    assert written[4] == HI[0]


@pytest.mark.parametrize("content", ["", None])
def test_an_answer_that_says_nothing_and_calls_nothing_is_a_blank(content: str | None) -> None:
    assert messages(*HI, {"role": "assistant", "content": content}, *HI) == [*HI, BRIDGE, *HI]
    assert messages(*CALLED, {"role": "assistant", "content": content}, *HI)[2:4] == [messages(*CALLED)[2], BRIDGE]


def test_a_system_message_behind_an_answer_or_a_result_or_at_the_end_stands_at_the_head() -> None:
    late = RULE | {"content": "And kind."}
    answered = [*HI, {"role": "assistant", "content": "Hello"}]
    assert messages(RULE, *answered, late, *HI) == [RULE, late, *answered, *HI]
    assert messages(RULE, *CALLED, late)[:3] == [RULE, late, *HI]
    assert messages(*HI, RULE, *HI) == [*HI, RULE, *HI]
    assert messages(RULE, *HI, late) == [RULE, late, *HI]
    assert messages(RULE, late) == [RULE, late]


def test_images_are_named_by_their_url_unless_their_detail_matters() -> None:
    detailed = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
    parts = [{"type": "text", "text": "What is"}, IMAGE, detailed]
    (message,) = messages({"role": "user", "content": parts})
    assert message["content"] == [parts[0], {"type": "image_url", "image_url": PNG}, detailed]


def test_earlier_reasoning_goes_back_as_thoughts() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    turn = {"role": "assistant", "content": "Hello", "reasoning_content": "hm"}
    request = hub([*HI, turn, *HI], extras=(extra("reasoning", harmless=True),))
    losses = Losses(request)
    assert asked(request, losses=losses)["messages"][1] == {
        "role": "assistant",
        "content": [thinking, {"type": "text", "text": "Hello"}],
    }
    assert losses.names == ()
    silent = {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [CALL]}
    assert messages(*HI, silent, RESULT)[1]["content"] == [thinking]


def test_a_model_that_does_not_reason_gets_no_thoughts() -> None:
    turn = {"role": "assistant", "content": "Hello", "reasoning_content": "hm"}
    request = hub([*HI, turn, *HI], extras=(extra("reasoning", harmless=True),))
    losses = Losses(request)
    body = asked(request, host(Wire.MISTRAL_CHAT, reasoning=False), losses)
    assert body["messages"][1] == {"role": "assistant", "content": "Hello"}
    assert losses.names == ("reasoning",)


@pytest.mark.parametrize(
    ("field", "value"),
    [("min_p", 0.1), ("logit_bias", {"1": 5}), ("chat_template_kwargs", {"a": 1}), ("temperature", 1.8)],
)
def test_what_mistral_has_no_place_for_is_refused_under_the_callers_name_or_let_go(field: str, value: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        asked(hub(called={field: "theirs"}, **{field: value}))
    assert caught.value.param == "theirs"
    request = hub(drop=frozenset({field}), **{field: value})
    losses = Losses(request)
    assert asked(request, losses=losses) == {"model": "big-1", "messages": HI, "stream": False}
    assert losses.names == (field,)


@pytest.mark.parametrize(("name", "value"), [("verbosity", "low"), ("user", "u")])
def test_wishes_that_it_has_no_word_for_are_lost(name: str, value: Any) -> None:
    request = hub(extras=(extra(name),), drop=frozenset({name}), **{name: value})
    losses = Losses(request)
    assert name not in asked(request, losses=losses)
    assert losses.names == (name,)
    with pytest.raises(Unsupported, match=name):
        asked(hub(extras=(extra(name),), **{name: value}))


def test_an_assistants_last_message_is_marked_as_the_answers_beginning() -> None:
    assert messages(*HI, LAST, prefill=Prefill.PREFIX)[-1] == LAST | {"prefix": True}
    assert messages(*HI, LAST, prefill=Prefill.TEXT)[-1] == LAST
    with pytest.raises(Unsupported, match="cannot continue"):
        messages(*HI, LAST)


@settings(max_examples=60)
@given(request=requests())
def test_what_is_asked_reads_back_as_what_was_meant(request: ChatRequest) -> None:
    again = read_request(asked(request) | {"model": "support"})
    meant = [message for message in again.body["messages"] if message != BRIDGE]
    assert {**again.body, "messages": meant} == request.body
    assert again.tools == request.tools
    assert (again.choices, again.stream) == (request.choices, request.stream)
