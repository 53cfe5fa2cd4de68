# SPDX-License-Identifier: Apache-2.0
"""OpenAI's chat and text completions: what is refused, what the engine is sent, what OpenAI's SDK makes of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import openai
import pytest
from msgspec import structs
from tests.unit.dialect.conftest import (
    ANSWERED,
    BACKEND,
    Desk,
    asset,
    drive,
    engine_takes,
    foreign,
    hub_of,
    names_of,
)

from freehold.contract.call import Dialect, Operation
from freehold.dialect import codecs
from freehold.dialect.interface import Exchange, Extra, Tally, Wire
from freehold.errors import BackendBroke, InvalidRequest, Unsupported

Replay = Callable[[Dialect, str], Desk]
CODEC = codecs[Dialect.OPENAI]
HELLO: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say hi"}]}
PROMPT: dict[str, Any] = {"model": "gpt-4o", "prompt": "Once upon"}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def plan(body: dict[str, Any], operation: Operation = Operation.CHAT) -> Exchange:
    return CODEC.exchange(CODEC.parse(operation, msgspec.json.encode(body)), BACKEND)


def sent(body: dict[str, Any], operation: Operation = Operation.CHAT) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(plan(body, operation).upstream.body)
    return document


# What the engine is sent


def test_backend_is_asked_by_its_own_name_and_for_its_usage() -> None:
    assert sent(HELLO) == {"model": "smollm2", "messages": HELLO["messages"]}
    assert sent(HELLO | {"stream": True})["stream_options"] == {"include_usage": True}


def test_only_known_fields_reach_the_engine() -> None:
    body = HELLO | {"user": "u", "metadata": {}, "service_tier": "auto", "store": False, "id_slot": 3, "n_predict": 9}
    assert sent(body).keys() == {"model", "messages"}


def test_newer_name_of_max_tokens_wins() -> None:
    assert sent(HELLO | {"max_tokens": 5, "max_completion_tokens": 7})["max_tokens"] == 7


def test_developer_is_the_system_and_parts_are_one_text() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = sent(HELLO | {"messages": [{"role": "developer", "content": parts}, *HELLO["messages"]]})["messages"]
    assert messages[0] == {"role": "system", "content": "a\nb"}


@pytest.mark.parametrize(
    ("arguments", "reached"), [('{"a":1}', '{"a":1}'), ("", "{}"), ('{"a":', '"{\\"a\\":"'), ("plain", '"plain"')]
)
def test_earlier_calls_reach_the_engine_as_json(arguments: str, reached: str) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    turns = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "1", "content": "ok"}]
    message = sent(HELLO | {"messages": HELLO["messages"] + turns})["messages"][1]
    assert message["content"] == ""
    assert message["tool_calls"][0]["function"]["arguments"] == reached


def test_duplicate_keys_reach_the_engine_once() -> None:
    body = b'{"model":"a","model":"b","max_tokens":9,"max_tokens":3,"messages":[{"role":"user","content":"x"}]}'
    request = CODEC.parse(Operation.CHAT, body)
    assert request.asked == "b"
    assert CODEC.exchange(request, BACKEND).upstream.body.count(b'"max_tokens":3') == 1


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 4}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "boss", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_completion_tokens": 1_048_577}, "max_completion_tokens"),
        ({"temperature": 2.5}, "temperature"),
        ({"top_p": "1"}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 17}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stop": [1]}, "stop"),
        ({"seed": 1.5}, "seed"),
        ({"logprobs": 3}, "logprobs"),
        ({"top_logprobs": 3}, "logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logit_bias": {"a": 1}}, "logit_bias.a"),
        ({"logit_bias": {"1": 101}}, "logit_bias.1"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.schema"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function"}}, "tool_choice.function"),
    ],
)
def test_wrong_field_is_named(wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(HELLO | wrong)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("beyond", "param"),
    [
        ({"store": True}, "store"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"audio": {"voice": "x"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}]},
            "messages[0].content[1]",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0]"),
    ],
)
def test_what_no_model_here_can_do_is_refused_by_name(beyond: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(HELLO | beyond)
    assert caught.value.param == param


def test_model_without_tools_refuses_them_and_lets_be_those_not_to_be_used() -> None:
    toolless = replace(BACKEND, tools=False)
    request = CODEC.parse(Operation.CHAT, msgspec.json.encode(HELLO | {"tools": [WEATHER]}))
    with pytest.raises(Unsupported, match="tools: the chat template") as caught:
        CODEC.exchange(request, toolless)
    assert caught.value.param == "tools"
    unused = CODEC.parse(Operation.CHAT, msgspec.json.encode(HELLO | {"tools": [WEATHER], "tool_choice": "none"}))
    assert b"tools" not in CODEC.exchange(unused, toolless).upstream.body


def test_more_choices_than_the_backend_gives_are_refused() -> None:
    request = CODEC.parse(Operation.CHAT, msgspec.json.encode(HELLO | {"n": 3}))
    with pytest.raises(Unsupported, match="at most 2 choices"):
        CODEC.exchange(request, replace(BACKEND, most_choices=2))


def test_backend_without_the_wire_refuses() -> None:
    request = CODEC.parse(Operation.CHAT, msgspec.json.encode(HELLO))
    with pytest.raises(Unsupported, match="does not offer"):
        CODEC.exchange(request, replace(BACKEND, wires=frozenset()))


# What the hub is told

PNG = "data:image/png;base64,iVBORw0KGgo="
PICTURE: dict[str, Any] = {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}
LOOK: dict[str, Any] = {"role": "user", "content": [{"type": "text", "text": "Look"}, PICTURE]}


def test_image_stays_among_its_words() -> None:
    request = hub_of(Dialect.OPENAI, HELLO | {"messages": [LOOK]})
    assert request.body["messages"] == [LOOK]
    assert [(extra.name, extra.param) for extra in request.extras] == [("image", "messages[0].content[1]")]


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://example.org/a.png", "https://example.org/a.png"),
        ("data:image/PNG;charset=utf-8;base64,AAAA", "data:image/png;base64,AAAA"),
        ("http://example.org/a.png", None),
        ("file:///etc/passwd", None),
        ("data:text/html;base64,AAAA", None),
        ("data:image/png,AAAA", None),
        (None, None),
        (5, None),
    ],
)
def test_only_images_that_any_api_could_read_are_put_into_the_hub(url: object, known: str | None) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    request = hub_of(Dialect.OPENAI, HELLO | {"messages": [{"role": "user", "content": [part]}]})
    assert names_of(request) == ["image" if known else "other_image"]
    content = request.body["messages"][0]["content"]
    assert content == ([{"type": "image_url", "image_url": {"url": known}}] if known else "")


def test_wishes_are_told_and_noted_under_their_own_names() -> None:
    asked = {"reasoning_effort": "max", "verbosity": "low", "user": "u", "safety_identifier": "s"}
    request = hub_of(Dialect.OPENAI, HELLO | asked | {"max_completion_tokens": 5})
    told = {name: request.body[name] for name in ("reasoning_effort", "verbosity", "user")}
    assert told == {"reasoning_effort": "xhigh", "verbosity": "low", "user": "s"}
    assert set(names_of(request)) == {"reasoning_effort", "verbosity", "user"}
    assert request.called == {"max_tokens": "max_completion_tokens", "user": "safety_identifier"}


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"reasoning_effort": "enormous"}, "other_reasoning_effort"),
        ({"verbosity": 3}, "other_verbosity"),
        ({"reasoning": {"effort": "high"}}, "other_reasoning"),
        ({"image": "x"}, "other_image"),
        ({"user": 7}, "other_user"),
        ({"a b\r\nSet-Cookie: x": 1}, "unknown"),
    ],
)
def test_what_the_hub_does_not_say_never_passes_for_what_it_says(asked: dict[str, Any], name: str) -> None:
    request = hub_of(Dialect.OPENAI, HELLO | asked)
    assert names_of(request) == [name]
    assert request.body.keys() == {"messages"}


def test_earlier_reasoning_goes_with_its_message_and_asks_for_nothing() -> None:
    said = {"role": "assistant", "content": "Hi", "reasoning_content": "hm"}
    request = hub_of(Dialect.OPENAI, HELLO | {"messages": [*HELLO["messages"], said, *HELLO["messages"]]})
    assert request.body["messages"][1] == said
    (extra,) = request.extras
    assert (extra.name, extra.param, extra.harmless) == ("reasoning", "messages[1].reasoning_content", True)


def test_what_asks_for_nothing_that_shows_is_harmless_and_the_unknown_is_not() -> None:
    body = HELLO | {"metadata": {"a": "b"}, "service_tier": "flex", "prompt_cache_key": "k", "novelty": False}
    assert {extra.name: extra.harmless for extra in hub_of(Dialect.OPENAI, body).extras} == {
        "metadata": True,
        "service_tier": True,
        "prompt_cache_key": True,
        "novelty": False,
    }


def test_empty_values_ask_for_nothing() -> None:
    said: dict[str, Any] = {"role": "assistant", "content": "x", "refusal": None, "annotations": [], "audio": None}
    body = HELLO | {"modalities": ["text"], "metadata": {}, "audio": None, "prediction": None, "store": False}
    assert hub_of(Dialect.OPENAI, body | {"messages": [said, *HELLO["messages"]]}).extras == ()


def test_schema_keeps_its_name_and_strictness() -> None:
    described = {"name": "city", "schema": {"type": "object"}, "strict": True}
    wanted = {"type": "json_schema", "json_schema": described}
    assert hub_of(Dialect.OPENAI, HELLO | {"response_format": wanted}).body["response_format"] == wanted


def test_tools_that_are_no_functions_are_noted_and_those_that_are_stay() -> None:
    custom = {"type": "custom", "custom": {"name": "shell"}}
    chosen = {"type": "custom", "custom": {"name": "shell"}}
    request = hub_of(Dialect.OPENAI, HELLO | {"tools": [custom, WEATHER], "tool_choice": chosen})
    assert [(extra.name, extra.param) for extra in request.extras] == [
        ("custom", "tools[0].type"),
        ("tool_choice", "tool_choice"),
    ]
    assert [tool["function"]["name"] for tool in request.tools.tools] == ["get_weather"]


# What an engine is not told


def test_engine_is_told_nothing_that_only_the_hub_says() -> None:
    said = {"role": "assistant", "content": "Hi", "reasoning_content": "hm"}
    asked = {"reasoning_effort": "low", "verbosity": "low", "user": "u", "metadata": {"a": "b"}, "novelty": 1}
    body = HELLO | asked | {"messages": [*HELLO["messages"], said, *HELLO["messages"]]}
    reached, dropped = engine_takes(Dialect.OPENAI, body)
    assert reached.keys() == {"model", "messages"}
    assert reached["messages"][1] == {"role": "assistant", "content": "Hi"}
    assert set(dropped) == {"reasoning_effort", "verbosity", "user", "metadata", "novelty", "reasoning"}


@pytest.mark.parametrize("drop", ["image", "*"])
def test_image_that_the_service_lets_go_is_taken_out_and_the_words_stay(drop: str) -> None:
    with pytest.raises(Unsupported, match="reads text only"):
        engine_takes(Dialect.OPENAI, HELLO | {"messages": [LOOK]})
    reached, dropped = engine_takes(Dialect.OPENAI, HELLO | {"messages": [LOOK]}, drop)
    assert reached["messages"] == [{"role": "user", "content": "Look"}]
    assert dropped == ("image",)


def test_leave_for_one_extra_is_no_leave_for_another() -> None:
    body = HELLO | {"messages": [LOOK], "web_search_options": {}}
    with pytest.raises(Unsupported) as caught:
        engine_takes(Dialect.OPENAI, body, "image")
    assert caught.value.param == "web_search_options"


def test_many_unknown_fields_do_not_make_a_long_header() -> None:
    _, dropped = engine_takes(Dialect.OPENAI, HELLO | {f"field{number}": 1 for number in range(100)})
    assert (len(dropped), dropped[-1]) == (33, "and 68 more")


# Who gets it


def test_api_that_speaks_the_dialect_gets_the_callers_own_words() -> None:
    request = CODEC.parse(Operation.CHAT, msgspec.json.encode(HELLO | {"messages": [LOOK], "novelty": 1}))
    exchange = CODEC.exchange(request, foreign(Wire.MESSAGES, Wire.CHAT))
    reached = msgspec.json.decode(exchange.upstream.body)
    assert exchange.upstream.wire is Wire.CHAT
    assert (reached["messages"], reached["novelty"], reached["model"]) == ([LOOK], 1, "theirs")


def test_other_api_is_asked_over_its_preferred_wire() -> None:
    request = CODEC.parse(Operation.CHAT, msgspec.json.encode(HELLO | {"user": "u"}))
    exchange = CODEC.exchange(request, foreign(Wire.MESSAGES, Wire.COUNT_TOKENS))
    assert exchange.upstream.wire is Wire.MESSAGES
    with pytest.raises(Unsupported):
        CODEC.exchange(structs.replace(request, extras=(Extra(name="x", param="x", why="no"),)), foreign(Wire.MESSAGES))


def test_text_completion_is_never_translated() -> None:
    request = CODEC.parse(Operation.COMPLETION, msgspec.json.encode(PROMPT | {"prompt": ["a", "b"], "echo": True}))
    exchange = CODEC.exchange(request, foreign(Wire.CHAT, Wire.COMPLETIONS))
    assert msgspec.json.decode(exchange.upstream.body)["prompt"] == ["a", "b"]
    with pytest.raises(Unsupported, match="does not offer"):
        CODEC.exchange(request, foreign(Wire.CHAT))
    with pytest.raises(Unsupported, match="one prompt") as caught:
        CODEC.exchange(structs.replace(request, drop=frozenset("*")), BACKEND)
    assert caught.value.param == "prompt"


# What comes back


def test_stream_is_forwarded_as_it_came_but_for_the_usage_that_was_not_asked_for() -> None:
    exchange = plan(HELLO | {"stream": True})
    events = asset("chat.sse").split(b"\n\n")
    usage = [event for event in events if b'"usage"' in event]
    assert len(usage) == 1
    assert drive(exchange, asset("chat.sse")) == b"\n\n".join(event for event in events if event not in usage)
    assert exchange.tally == Tally(11, 4, "length", model=ANSWERED, finished=True)


def test_stream_is_forwarded_byte_for_byte_where_usage_is_asked_for() -> None:
    exchange = plan(HELLO | {"stream": True, "stream_options": {"include_usage": True}})
    assert drive(exchange, asset("chat.sse")) == asset("chat.sse")


def test_whole_answer_is_forwarded_byte_for_byte() -> None:
    exchange = plan(HELLO)
    assert drive(exchange, asset("chat.json")) == asset("chat.json")
    assert exchange.tally == Tally(11, 4, "length", model=ANSWERED, finished=True)


def test_text_that_looks_like_usage_is_forwarded() -> None:
    event = b'data: {"id":"a","object":"o","created":1,"model":"m","choices":[{"index":0,"finish_reason":null,"delta":'
    event += b'{"content":"usage"}}]}\n\n'
    exchange = plan(HELLO | {"stream": True})
    assert drive(exchange, event) == event
    assert exchange.tally == Tally(0, 1, model="m")


def test_stream_that_was_cut_is_counted_but_not_finished() -> None:
    exchange = plan(HELLO | {"stream": True})
    whole = asset("chat.sse")
    drive(exchange, whole[: whole.index(b"finish_reason", 1200)])
    assert not exchange.tally.finished
    assert exchange.tally.output_tokens == 4


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"<html>", b'{"error":{"code":500}}', b"\xff"])
@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COMPLETION])
def test_answer_that_is_not_the_protocol_is_the_engines_fault(body: bytes, operation: Operation) -> None:
    with pytest.raises(BackendBroke, match="the backend"):
        plan(HELLO | PROMPT, operation).whole(body)


def test_error_in_mid_stream_is_the_engines_fault() -> None:
    with pytest.raises(BackendBroke, match="failed while it answered"):
        drive(plan(HELLO | {"stream": True, "tools": [WEATHER]}), asset("chat-breaks.sse"))


def test_sdk_sees_all_choices_and_the_tokens_of_all(replay: Replay) -> None:
    desk = replay(Dialect.OPENAI, "chat-two-choices.json")
    answer = desk.openai().chat.completions.create(**HELLO, n=2)
    assert answer.usage
    assert answer.usage.completion_tokens == 8
    assert [choice.logprobs for choice in answer.choices] == [None, None]  # which were only for counting
    desk = replay(Dialect.OPENAI, "chat-two-choices.sse")
    usages = [
        chunk.usage
        for chunk in desk.openai().chat.completions.create(
            **HELLO, n=2, stream=True, stream_options={"include_usage": True}
        )
        if chunk.usage
    ]
    assert [usage.completion_tokens for usage in usages] == [8]
    assert desk.exchange
    assert desk.exchange.tally.output_tokens == 8


def test_logprobs_without_alternatives_have_none(replay: Replay) -> None:
    desk = replay(Dialect.OPENAI, "chat-logprobs.sse")
    chunks = list(desk.openai().chat.completions.create(**HELLO, logprobs=True, stream=True))
    logprobs = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices[0].logprobs]
    assert len(logprobs) == 4
    assert all(each.content and each.content[0].top_logprobs == [] for each in logprobs)


def test_sdk_reads_a_native_tool_call_streamed(replay: Replay) -> None:
    with (
        replay(Dialect.OPENAI, "chat-tool-call.sse")
        .openai()
        .chat.completions.stream(**HELLO, tools=[WEATHER]) as stream
    ):
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls
    assert choice.message.tool_calls[0].function.arguments == '{"city": "Paris"}'


# Forced calls


def test_forced_call_is_asked_for_by_grammar() -> None:
    body = sent(HELLO | {"tools": [WEATHER], "tool_choice": "required", "stop": ["}"]})
    assert body["tools"] == [WEATHER]
    assert "tool_choice" not in body
    assert "stop" not in body
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["anyOf"][0]["properties"] == {
        "name": {"const": "get_weather"},
        "arguments": {"$ref": "#/$defs/tool0"},
    }
    assert schema["$defs"]["tool0"] == WEATHER["function"]["parameters"]


def test_named_tool_is_the_only_one_in_the_grammar_but_all_are_shown() -> None:
    other = {"type": "function", "function": {"name": "other"}}
    choice = {"type": "function", "function": {"name": "other"}}
    body = sent(HELLO | {"tools": [WEATHER, other], "tool_choice": choice})
    schema = body["response_format"]["json_schema"]["schema"]
    assert [call["properties"]["name"]["const"] for call in schema["anyOf"]] == ["other"]
    assert schema["$defs"] == {"tool0": {"type": "object"}}
    assert len(body["tools"]) == 2


def test_references_inside_a_tools_schema_still_lead_somewhere() -> None:
    parameters = {
        "type": "object",
        "$defs": {"Place": {"type": "string"}},
        "properties": {"a": {"$ref": "#/$defs/Place"}, "b": {"type": "array", "items": [{"$ref": "#"}]}},
    }
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    body = sent(HELLO | {"tools": [tool], "tool_choice": "required"})
    rooted = body["response_format"]["json_schema"]["schema"]["$defs"]["tool0"]
    assert rooted["properties"]["a"] == {"$ref": "#/$defs/tool0/$defs/Place"}
    assert rooted["properties"]["b"]["items"] == [{"$ref": "#/$defs/tool0"}]
    assert body["tools"][0]["function"]["parameters"] == parameters


TREE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "value": True,
        "next": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/End"}]},
        "kind": {"const": {"items": True}},
    },
    "additionalProperties": True,
    "$defs": {"End": {"type": "null"}},
}
PLAIN_TREE: dict[str, Any] = {
    "$ref": "#/$defs/whole",
    "$defs": {
        "whole": TREE
        | {
            "properties": {
                "value": {},
                "next": {"anyOf": [{"$ref": "#/$defs/whole"}, {"$ref": "#/$defs/whole/$defs/End"}]},
                "kind": {"const": {"items": True}},
            }
        }
    },
}


def test_a_schema_that_refers_to_itself_or_says_true_is_put_so_that_the_engine_reads_it() -> None:
    described = {"name": "tree", "schema": TREE, "strict": True}
    body = sent(HELLO | {"response_format": {"type": "json_schema", "json_schema": described}})
    assert body["response_format"]["json_schema"] == described | {"schema": PLAIN_TREE}


def test_so_is_the_schema_of_a_tool_that_the_model_may_call() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": TREE}}
    body = sent(HELLO | {"tools": [tool, WEATHER]})
    assert [shown["function"]["parameters"] for shown in body["tools"]] == [
        PLAIN_TREE,
        WEATHER["function"]["parameters"],
    ]


def test_true_for_anything_is_read_in_a_forced_call_too() -> None:
    parameters = {"type": "object", "properties": {"a": True, "b": {"type": "array", "items": True}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    body = sent(HELLO | {"tools": [tool], "tool_choice": "required"})
    grammar = body["response_format"]["json_schema"]["schema"]["$defs"]["tool0"]
    assert grammar["properties"] == {"a": {}, "b": {"type": "array", "items": {}}}


def test_sdk_reads_a_forced_call(replay: Replay) -> None:
    desk = replay(Dialect.OPENAI, "forced.json")
    answer = desk.openai().chat.completions.create(**HELLO, tools=[WEATHER], tool_choice="required")
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls
    assert choice.message.tool_calls[0].function.arguments == '{"city":"Paris"}'


def test_sdk_reads_a_forced_call_streamed_in_one_piece(replay: Replay) -> None:
    desk = replay(Dialect.OPENAI, "forced.sse")
    chunks = list(desk.openai().chat.completions.create(**HELLO, tools=[WEATHER], tool_choice="required", stream=True))
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert [call.function and call.function.arguments for call in calls] == ['{"city":"Paris"}']
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, "tool_calls"]
    assert desk.exchange
    assert desk.exchange.tally == Tally(183, 33, "tool_calls", model=ANSWERED, finished=True)


@pytest.mark.parametrize(("name", "stream"), [("forced-cut.json", False), ("forced-cut.sse", True)])
def test_forced_call_that_was_cut_short_is_no_call(name: str, stream: bool) -> None:
    exchange = plan(HELLO | {"tools": [WEATHER], "tool_choice": "required", "stream": stream})
    written = drive(exchange, asset(name))
    assert b"tool_calls" not in written
    assert exchange.tally == Tally(183, 5, "length", model=ANSWERED, finished=True)


def test_call_cannot_be_forced_after_the_assistants_last_words() -> None:
    begun = [*HELLO["messages"], {"role": "assistant", "content": "Let me see: "}]
    with pytest.raises(Unsupported, match="cannot be forced after") as caught:
        plan(HELLO | {"messages": begun, "tools": [WEATHER], "tool_choice": "required"})
    assert caught.value.param == "tool_choice"


def test_forced_call_outside_the_grammar_is_the_engines_fault() -> None:
    exchange = plan(HELLO | {"tools": [WEATHER], "tool_choice": "required"})
    with pytest.raises(BackendBroke, match="left the grammar"):
        exchange.whole(asset("chat.json").replace(b'"length"', b'"stop"'))


# Completions


def test_completion_is_forwarded_as_it_came() -> None:
    for name, stream in (("completion.json", False), ("completion.sse", True)):
        exchange = plan(PROMPT | {"stream": stream}, Operation.COMPLETION)
        assert exchange.upstream.wire is Wire.COMPLETIONS
        assert drive(exchange, asset(name)) == asset(name)
        assert exchange.tally == Tally(2, 4, "length", finished=True)


def test_bogus_first_event_of_a_completion_is_dropped() -> None:
    exchange = plan(PROMPT | {"stream": True}, Operation.COMPLETION)
    assert drive(exchange, b"data: null\n\n" + asset("completion.sse")) == asset("completion.sse")


def test_sdk_reads_legacy_logprobs(replay: Replay) -> None:
    desk = replay(Dialect.OPENAI, "completion-logprobs.json")
    choice = desk.openai().completions.create(**PROMPT, logprobs=2).choices[0]
    logprobs = choice.logprobs
    assert logprobs
    assert logprobs.tokens
    assert logprobs.text_offset
    for token, offset in zip(logprobs.tokens, logprobs.text_offset, strict=True):
        assert choice.text[offset:].startswith(token)
    assert logprobs.top_logprobs
    assert [len(top) for top in logprobs.top_logprobs] == [2, 2, 2, 2]


def test_offsets_go_on_through_a_stream(replay: Replay) -> None:
    desk = replay(Dialect.OPENAI, "completion-logprobs.sse")
    chunks = list(desk.openai().completions.create(**PROMPT, logprobs=0, stream=True))
    text = "".join(chunk.choices[0].text for chunk in chunks)
    for chunk in chunks[:-1]:
        logprobs = chunk.choices[0].logprobs
        assert logprobs
        assert logprobs.text_offset
        assert logprobs.top_logprobs is None
        assert text[logprobs.text_offset[0] :].startswith(chunk.choices[0].text)


def test_usage_of_a_streamed_completion_comes_in_an_event_of_its_own(replay: Replay) -> None:
    desk = replay(Dialect.OPENAI, "completion-two-choices.sse")
    stream = desk.openai().completions.create(**PROMPT, n=2, stream=True, stream_options={"include_usage": True})
    told = [(len(chunk.choices), chunk.usage.completion_tokens) for chunk in stream if chunk.usage]
    assert told == [(0, 8)]


def test_all_choices_of_a_completion_are_counted(replay: Replay) -> None:
    answer = replay(Dialect.OPENAI, "completion-two-choices.json").openai().completions.create(**PROMPT, n=2)
    assert answer.usage
    assert answer.usage.completion_tokens == 8
    assert [choice.logprobs for choice in answer.choices] == [None, None]


def test_completion_has_openais_default_length() -> None:
    assert sent(PROMPT, Operation.COMPLETION) == {"model": "smollm2", "prompt": "Once upon", "max_tokens": 16}


@pytest.mark.parametrize(("prompt", "reached"), [(["a"], "a"), ([1, 2], [1, 2]), ([[1, 2]], [1, 2])])
def test_prompt_may_be_one_in_a_list_or_tokens(prompt: object, reached: object) -> None:
    assert sent(PROMPT | {"prompt": prompt}, Operation.COMPLETION)["prompt"] == reached


@pytest.mark.parametrize(
    ("beyond", "param"),
    [
        ({"echo": True}, "echo"),
        ({"suffix": "x"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"prompt": ["a", "b"]}, "prompt"),
    ],
)
def test_what_the_engine_would_leave_out_is_refused(beyond: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(PROMPT | beyond, Operation.COMPLETION)
    assert caught.value.param == param


@pytest.mark.parametrize("prompt", [None, "", [], [1, "a"], [[]], [True], {"a": 1}, [-1]])
def test_wrong_prompt_is_refused(prompt: object) -> None:
    with pytest.raises(InvalidRequest, match="prompt must be"):
        plan(PROMPT | {"prompt": prompt}, Operation.COMPLETION)


# Errors


def test_sdk_raises_for_a_refused_request(replay: Replay) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        replay(Dialect.OPENAI, "chat.json").openai().chat.completions.create(**HELLO, max_tokens=-1)
    assert caught.value.param == "max_tokens"
    assert caught.value.code == "invalid_request"


def test_sdk_raises_for_a_stream_that_broke_off() -> None:
    desk = Desk(Dialect.OPENAI, lambda _: asset("chat.sse")[:900])
    with pytest.raises(openai.APIError, match="broke off"):
        list(desk.openai().chat.completions.create(**HELLO, stream=True))
    assert b"[DONE]" not in desk.sent
