# SPDX-License-Identifier: Apache-2.0
"""Mistral's chat and fill-in-the-middle: its own fields, and its own SDK on everything that comes back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from mistralai.client.errors import SDKError
from mistralai.client.models import ModelList
from msgspec import structs
from tests.unit.dialect.conftest import ANSWERED, BACKEND, Desk, asset, drive, engine_takes, foreign, hub_of

from freehold.contract.call import Dialect, Operation
from freehold.dialect import codecs
from freehold.dialect.interface import Exchange, Tally, Upstream, Wire
from freehold.errors import BackendBroke, InvalidRequest, Unsupported

Replay = Callable[[Dialect, str], Desk]
CODEC = codecs[Dialect.MISTRAL]
HELLO: dict[str, Any] = {"model": "mistral-small-latest", "messages": [{"role": "user", "content": "Say hi"}]}
MIDDLE: dict[str, Any] = {"model": "codestral-latest", "prompt": "def f(", "suffix": "return x"}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
INFILL = b'{"index":0,"content":"x):","stop":true,"stop_type":"eos","tokens_predicted":3,"tokens_evaluated":9}'


def plan(body: dict[str, Any], operation: Operation = Operation.CHAT) -> Exchange:
    return CODEC.exchange(CODEC.parse(operation, msgspec.json.encode(body)), BACKEND)


def sent(body: dict[str, Any], operation: Operation = Operation.CHAT) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(plan(body, operation).upstream.body)
    return document


def test_its_own_fields_are_put_into_the_engines_words() -> None:
    body = sent(HELLO | {"random_seed": 3, "repetition_penalty": 1.1, "prompt_mode": "reasoning", "prediction": {}})
    assert body == {
        "model": "smollm2",
        "messages": HELLO["messages"],
        "seed": 3,
        "repeat_penalty": 1.1,
        "chat_template_kwargs": {"enable_thinking": True},
    }


def test_safe_prompt_stands_before_the_system_prompt() -> None:
    (system, _) = sent(HELLO | {"safe_prompt": True})["messages"]
    assert system["role"] == "system"
    given = [{"role": "system", "content": "Be kind."}, *HELLO["messages"]]
    joined = sent(HELLO | {"messages": given, "safe_prompt": True})["messages"][0]["content"]
    assert joined == f"{system['content']}\n\nBe kind."


def test_answer_goes_on_from_the_assistants_words_only_with_prefix() -> None:
    last = {"role": "assistant", "content": "I am"}
    assert sent(HELLO | {"messages": [*HELLO["messages"], last | {"prefix": True}]})["messages"][-1] == last
    with pytest.raises(InvalidRequest, match="prefix") as caught:
        plan(HELLO | {"messages": [*HELLO["messages"], last]})
    assert caught.value.param == "messages[1].role"


def test_prefix_is_repeated_in_the_answer_as_mistral_does() -> None:
    last = {"role": "assistant", "content": "I'm", "prefix": True}
    written = drive(plan(HELLO | {"messages": [*HELLO["messages"], last]}), asset("chat.json"))
    assert msgspec.json.decode(written)["choices"][0]["message"]["content"] == "I'm glad to"


def test_thoughts_of_another_model_are_left_out_and_arguments_may_be_an_object() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    call = {"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}
    turns = [
        {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}], "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "name": "f", "content": "ok"},
    ]
    message = sent(HELLO | {"messages": HELLO["messages"] + turns})["messages"][1]
    assert message["content"] == "x"
    assert message["tool_calls"][0]["function"]["arguments"] == '{"a":1}'


PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize("given", [PNG, {"url": PNG}])
def test_image_is_a_string_or_an_object(given: object) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": given}]
    request = hub_of(Dialect.MISTRAL, HELLO | {"messages": [{"role": "user", "content": parts}]})
    picture = {"type": "image_url", "image_url": {"url": PNG}}
    assert request.body["messages"][0]["content"] == [{"type": "text", "text": "a"}, picture]


def test_thoughts_go_beside_the_words_and_the_mode_is_an_effort() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, {"type": "reference"}]}
    said = {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}]}
    turns = [*HELLO["messages"], said, *HELLO["messages"]]
    request = hub_of(Dialect.MISTRAL, HELLO | {"messages": turns, "prompt_mode": "reasoning", "random_seed": 3})
    assert request.body["messages"][1] == {"role": "assistant", "content": "x", "reasoning_content": "hm"}
    assert (request.body["reasoning_effort"], request.body["seed"]) == ("high", 3)
    assert (request.called["reasoning_effort"], request.called["seed"]) == ("prompt_mode", "random_seed")
    assert [(extra.name, extra.param) for extra in request.extras] == [
        ("reasoning", "messages[1].content[0]"),
        ("reasoning_effort", "prompt_mode"),
    ]


def test_engine_has_a_switch_for_the_mode_and_none_for_the_effort() -> None:
    reached, dropped = engine_takes(Dialect.MISTRAL, HELLO | {"prompt_mode": "reasoning"})
    assert (reached["chat_template_kwargs"], dropped) == ({"enable_thinking": True}, ())
    reached, dropped = engine_takes(Dialect.MISTRAL, HELLO | {"reasoning_effort": "high"})
    assert (set(reached), dropped) == ({"model", "messages"}, ("reasoning_effort",))


def test_api_that_speaks_mistral_gets_its_own_words() -> None:
    body = HELLO | {"safe_prompt": True, "guardrails": [{}], "random_seed": 3}
    request = CODEC.parse(Operation.CHAT, msgspec.json.encode(body))
    reached = msgspec.json.decode(CODEC.exchange(request, foreign(Wire.CHAT, Wire.MISTRAL_CHAT)).upstream.body)
    assert {name: reached[name] for name in body} == body | {"model": "theirs"}


def test_middle_is_asked_of_an_api_that_fills_it_in() -> None:
    request = CODEC.parse(Operation.FIM, msgspec.json.encode(MIDDLE | {"min_tokens": 3}))
    assert CODEC.exchange(request, foreign(Wire.MISTRAL_CHAT, Wire.FIM)).upstream.wire is Wire.FIM
    for backend in (foreign(Wire.MISTRAL_CHAT), foreign(Wire.CHAT)):
        with pytest.raises(Unsupported, match="cannot fill in the middle"):
            CODEC.exchange(request, backend)
    with pytest.raises(Unsupported) as caught:
        CODEC.exchange(request, BACKEND)
    assert caught.value.param == "min_tokens"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": 1.6}, "temperature"),
        ({"random_seed": "1"}, "random_seed"),
        ({"safe_prompt": "yes"}, "safe_prompt"),
        ({"prompt_mode": "fast"}, "prompt_mode"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"tools": [WEATHER], "tool_choice": "all"}, "tool_choice"),
    ],
)
def test_wrong_field_is_named(wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(HELLO | wrong)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("beyond", "param"),
    [
        ({"guardrails": [{}]}, "guardrails"),
        ({"min_tokens": 5}, "min_tokens"),
        ({"prompt_logprobs": True}, "prompt_logprobs"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
            "messages[0].content[0]",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "document_url"}]}]}, "messages[0].content[0]"),
    ],
)
def test_what_no_model_here_can_do_is_refused_by_name(beyond: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(HELLO | beyond)
    assert caught.value.param == param


def test_sdk_reads_a_whole_answer(replay: Replay) -> None:
    desk = replay(Dialect.MISTRAL, "chat.json")
    answer = desk.mistral().chat.complete(**HELLO)
    message = answer.choices[0].message
    assert message
    assert message.content == "I'm glad to"
    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", 4)
    assert desk.exchange
    assert desk.exchange.tally == Tally(11, 4, "length", model=ANSWERED, finished=True)


def test_sdk_finds_the_usage_in_the_last_chunk(replay: Replay) -> None:
    desk = replay(Dialect.MISTRAL, "chat.sse")
    chunks = [event.data for event in desk.mistral().chat.stream(**HELLO)]
    assert "".join(str(chunk.choices[0].delta.content) for chunk in chunks) == "I'm glad to"
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices[0].finish_reason == "length"
    assert desk.sent.endswith(b"data: [DONE]\n\n")


def test_sdk_sees_the_tokens_of_all_choices_in_the_last_chunk(replay: Replay) -> None:
    desk = replay(Dialect.MISTRAL, "chat-two-choices.sse")
    chunks = [event.data for event in desk.mistral().chat.stream(**HELLO, n=2)]
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [8]
    assert sum(chunk.choices[0].finish_reason == "length" for chunk in chunks) == 2


def test_sdk_reads_a_tool_call_that_comes_whole(replay: Replay) -> None:
    for name, asked in (("chat-tool-call.sse", "auto"), ("forced.sse", "any")):
        desk = replay(Dialect.MISTRAL, name)
        chunks = [event.data for event in desk.mistral().chat.stream(**HELLO, tools=[WEATHER], tool_choice=asked)]
        calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
        assert [msgspec.json.decode(str(call.function.arguments)) for call in calls] == [{"city": "Paris"}]
        assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_sdk_reads_logprobs_with_token_ids(replay: Replay) -> None:
    desk = replay(Dialect.MISTRAL, "chat-logprobs.json")
    answer = desk.mistral().chat.complete(**HELLO, logprobs=True, top_logprobs=1)
    logprobs = answer.choices[0].logprobs
    assert logprobs
    assert all(token.token_id > 0 and len(token.top_logprobs or []) == 1 for token in logprobs.content)


def test_sdk_raises_for_a_refused_request_and_for_a_stream_that_broke_off(replay: Replay) -> None:
    with pytest.raises(SDKError, match="max_tokens must be"):
        replay(Dialect.MISTRAL, "chat.json").mistral().chat.complete(**HELLO, max_tokens=-1)
    desk = Desk(Dialect.MISTRAL, lambda _: asset("chat.sse")[:900])
    with pytest.raises(Exception, match="validation error"):  # the SDK knows no error in a stream
        list(desk.mistral().chat.stream(**HELLO))
    assert b"[DONE]" not in desk.sent


def test_sdk_reads_the_list_of_models() -> None:
    cards = ModelList.model_validate_json(CODEC.models(["default"], 7)).data
    assert cards
    assert [(card.type, getattr(card, "id", "")) for card in cards] == [("base", "default")]


# Fill in the middle


def test_middle_is_asked_for_in_the_engines_words() -> None:
    exchange = plan(MIDDLE | {"max_tokens": 9, "random_seed": 1, "stop": "\n"}, Operation.FIM)
    assert exchange.upstream.wire is Wire.INFILL
    assert msgspec.json.decode(exchange.upstream.body) == {
        "stream": False,
        "input_prefix": "def f(",
        "input_suffix": "return x",
        "n_predict": 9,
        "stop": ["\n"],
        "seed": 1,
    }


def test_model_that_cannot_fill_in_the_middle_says_so() -> None:
    request = CODEC.parse(Operation.FIM, msgspec.json.encode(MIDDLE))
    with pytest.raises(Unsupported, match="cannot fill in the middle"):
        CODEC.exchange(request, replace(BACKEND, fim=False))


def infill_stream(upstream: Upstream) -> bytes:
    assert upstream.stream
    part = b'data: {"index":0,"content":"x","stop":false,"tokens_predicted":1,"tokens_evaluated":9}\n\n'
    return part + b"data: " + INFILL.replace(b"eos", b"limit") + b"\n\n"


def test_sdk_reads_a_middle_whole_and_streamed() -> None:
    desk = Desk(Dialect.MISTRAL, lambda _: INFILL)
    answer = desk.mistral().fim.complete(**MIDDLE)
    message = answer.choices[0].message
    assert message
    assert (message.content, answer.choices[0].finish_reason, answer.usage.total_tokens) == ("x):", "stop", 12)
    assert desk.exchange
    assert desk.exchange.tally == Tally(9, 3, "stop", finished=True)
    chunks = [event.data for event in Desk(Dialect.MISTRAL, infill_stream).mistral().fim.stream(**MIDDLE)]
    assert "".join(str(chunk.choices[0].delta.content) for chunk in chunks) == "xx):"
    assert (chunks[-1].choices[0].finish_reason, chunks[0].usage) == ("length", None)


def test_middle_is_named_and_dated_by_its_request() -> None:
    request = structs.replace(
        CODEC.parse(Operation.FIM, msgspec.json.encode(MIDDLE)), id="call_7", at_unix=1_795_000_000
    )
    written = msgspec.json.decode(CODEC.exchange(request, BACKEND).whole(INFILL))
    assert (written["id"], written["created"], written["model"]) == ("call_7", 1_795_000_000, "smollm2")


def test_infill_that_is_not_the_protocol_is_the_engines_fault() -> None:
    with pytest.raises(BackendBroke, match="not its protocol"):
        plan(MIDDLE, Operation.FIM).whole(b"{}")
