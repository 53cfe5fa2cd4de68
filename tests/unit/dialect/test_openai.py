# SPDX-License-Identifier: Apache-2.0
"""OpenAI's chat and text completions: what is refused, what the engine is sent, what OpenAI's SDK makes of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import openai
import pytest
from tests.unit.dialect.conftest import BACKEND, Desk, asset, drive

from freehold.contract.call import Dialect, Operation
from freehold.dialect import codecs
from freehold.dialect.interface import Exchange, Tally, Wire
from freehold.errors import EngineBroke, InvalidRequest, Unsupported

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


# What comes back


def test_stream_is_forwarded_as_it_came_but_for_the_usage_that_was_not_asked_for() -> None:
    exchange = plan(HELLO | {"stream": True})
    events = asset("chat.sse").split(b"\n\n")
    usage = [event for event in events if b'"usage"' in event]
    assert len(usage) == 1
    assert drive(exchange, asset("chat.sse")) == b"\n\n".join(event for event in events if event not in usage)
    assert exchange.tally == Tally(11, 4, "length", finished=True)


def test_stream_is_forwarded_byte_for_byte_where_usage_is_asked_for() -> None:
    exchange = plan(HELLO | {"stream": True, "stream_options": {"include_usage": True}})
    assert drive(exchange, asset("chat.sse")) == asset("chat.sse")


def test_whole_answer_is_forwarded_byte_for_byte() -> None:
    exchange = plan(HELLO)
    assert drive(exchange, asset("chat.json")) == asset("chat.json")
    assert exchange.tally == Tally(11, 4, "length", finished=True)


def test_text_that_looks_like_usage_is_forwarded() -> None:
    event = b'data: {"id":"a","object":"o","created":1,"model":"m","choices":[{"index":0,"finish_reason":null,"delta":'
    event += b'{"content":"usage"}}]}\n\n'
    exchange = plan(HELLO | {"stream": True})
    assert drive(exchange, event) == event
    assert exchange.tally == Tally(0, 1)


def test_stream_that_was_cut_is_counted_but_not_finished() -> None:
    exchange = plan(HELLO | {"stream": True})
    whole = asset("chat.sse")
    drive(exchange, whole[: whole.index(b"finish_reason", 1200)])
    assert not exchange.tally.finished
    assert exchange.tally.output_tokens == 4


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"<html>", b'{"error":{"code":500}}', b"\xff"])
@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COMPLETION])
def test_answer_that_is_not_the_protocol_is_the_engines_fault(body: bytes, operation: Operation) -> None:
    with pytest.raises(EngineBroke, match="the engine"):
        plan(HELLO | PROMPT, operation).whole(body)


def test_error_in_mid_stream_is_the_engines_fault() -> None:
    with pytest.raises(EngineBroke, match="failed while it answered"):
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
    assert desk.exchange.tally == Tally(183, 33, "tool_calls", finished=True)


@pytest.mark.parametrize(("name", "stream"), [("forced-cut.json", False), ("forced-cut.sse", True)])
def test_forced_call_that_was_cut_short_is_no_call(name: str, stream: bool) -> None:
    exchange = plan(HELLO | {"tools": [WEATHER], "tool_choice": "required", "stream": stream})
    written = drive(exchange, asset(name))
    assert b"tool_calls" not in written
    assert exchange.tally == Tally(183, 5, "length", finished=True)


def test_call_cannot_be_forced_after_the_assistants_last_words() -> None:
    begun = [*HELLO["messages"], {"role": "assistant", "content": "Let me see: "}]
    with pytest.raises(Unsupported, match="cannot be forced after") as caught:
        plan(HELLO | {"messages": begun, "tools": [WEATHER], "tool_choice": "required"})
    assert caught.value.param == "tool_choice"


def test_forced_call_outside_the_grammar_is_the_engines_fault() -> None:
    exchange = plan(HELLO | {"tools": [WEATHER], "tool_choice": "required"})
    with pytest.raises(EngineBroke, match="left the grammar"):
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
