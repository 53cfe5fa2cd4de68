# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Responses: what becomes of a request, and events that OpenAI's own types accept."""

from collections.abc import Callable
from typing import Any

import msgspec
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter
from tests.unit.dialect.conftest import ANSWERED, BACKEND, Desk, asset, drive, engine_takes, foreign, hub_of

from freehold.contract.call import Dialect, Operation
from freehold.dialect import codecs
from freehold.dialect.interface import Exchange, Tally, Wire
from freehold.dialect.sse import Splitter
from freehold.errors import InvalidRequest, Unsupported

Replay = Callable[[Dialect, str], Desk]
CODEC = codecs[Dialect.RESPONSES]
HELLO: dict[str, Any] = {"model": "gpt-4o", "input": "Say hi"}
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
EVENTS: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


def plan(body: dict[str, Any]) -> Exchange:
    return CODEC.exchange(CODEC.parse(Operation.CHAT, msgspec.json.encode(body)), BACKEND)


def sent(body: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(plan(body).upstream.body)
    return document


def kinds(written: bytes) -> list[str]:
    """The names of the events, each checked against OpenAI's type for it and for its place in the stream."""
    events = Splitter().feed(written)
    for number, event in enumerate(events):
        read = EVENTS.validate_json(event.data, strict=True)
        assert (read.type, read.sequence_number) == (event.name, number)
    return [event.name.removeprefix("response.") for event in events]


def test_request_goes_over_the_chat_wire() -> None:
    exchange = plan(HELLO | {"instructions": "Be brief.", "max_output_tokens": 9, "stream": True, "temperature": 0.5})
    assert exchange.upstream.wire is Wire.CHAT
    assert msgspec.json.decode(exchange.upstream.body) == {
        "model": "smollm2",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hi"}],
        "max_tokens": 9,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_items_become_messages() -> None:
    items = [
        {"role": "developer", "content": "a"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "b"}]},
        {"type": "reasoning", "id": "r", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "c", "annotations": []}]},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "2", "name": "g", "arguments": '{"x":1}'},
        {"type": "function_call_output", "call_id": "1", "output": "one"},
        {"type": "function_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "two"}]},
    ]
    calls = [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "2", "type": "function", "function": {"name": "g", "arguments": '{"x":1}'}},
    ]
    assert sent(HELLO | {"input": items})["messages"] == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c", "tool_calls": calls},
        {"role": "tool", "content": "one", "tool_call_id": "1"},
        {"role": "tool", "content": "two", "tool_call_id": "2"},
    ]


PNG = "data:image/png;base64,iVBORw0KGgo="


def test_images_and_thoughts_are_put_into_the_hub() -> None:
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": PNG}]},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "e"},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_image", "file_id": "file_1"}]},
        {"type": "reasoning", "id": "s", "summary": [], "content": [{"type": "reasoning_text", "text": "so"}]},
        {"role": "assistant", "content": "b"},
    ]
    request = hub_of(Dialect.RESPONSES, HELLO | {"input": items})
    picture = {"type": "image_url", "image_url": {"url": PNG}}
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert request.body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, picture]},
        {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [call]},
        {"role": "tool", "content": "", "tool_call_id": "1"},
        {"role": "assistant", "content": "b", "reasoning_content": "so"},
    ]
    assert [(extra.name, extra.param) for extra in request.extras] == [
        ("image", "input[0].content[1]"),
        ("reasoning", "input[1]"),
        ("other_image", "input[3].output[0]"),
        ("reasoning", "input[4]"),
    ]


def test_wishes_are_told_and_called_by_their_names_here() -> None:
    asked = {
        "reasoning": {"effort": "minimal", "summary": "auto"},
        "text": {"verbosity": "high", "format": {"type": "json_object"}},
        "safety_identifier": "s",
        "include": ["reasoning.encrypted_content"],
    }
    request = hub_of(Dialect.RESPONSES, HELLO | asked)
    told = {name: request.body[name] for name in ("reasoning_effort", "verbosity", "user")}
    assert told == {"reasoning_effort": "minimal", "verbosity": "high", "user": "s"}
    assert [request.called[name] for name in (*told, "response_format", "max_tokens", "messages")] == [
        "reasoning.effort",
        "text.verbosity",
        "safety_identifier",
        "text.format",
        "max_output_tokens",
        "input",
    ]
    assert {extra.name for extra in request.extras if not extra.harmless} == {"reasoning_effort", "verbosity"}
    reached, dropped = engine_takes(Dialect.RESPONSES, HELLO | asked)
    assert reached.keys() == {"model", "messages", "response_format"}
    assert set(dropped) == {"reasoning_effort", "verbosity", "user", "summary", "include"}


def test_item_that_is_no_message_may_be_let_go() -> None:
    items = [{"type": "computer_call"}]
    assert engine_takes(Dialect.RESPONSES, HELLO | {"input": items}, "computer_call")[0]["messages"] == [
        {"role": "user", "content": ""}
    ]


def test_api_that_speaks_responses_keeps_nothing_and_gets_the_rest_as_it_was() -> None:
    body = HELLO | {"tools": [{"type": "web_search"}], "truncation": "auto", "tool_choice": {"type": "web_search"}}
    request = CODEC.parse(Operation.CHAT, msgspec.json.encode(body))
    reached = msgspec.json.decode(CODEC.exchange(request, foreign(Wire.CHAT, Wire.RESPONSES)).upstream.body)
    assert reached == body | {"model": "theirs", "store": False}
    with pytest.raises(Unsupported) as caught:
        CODEC.exchange(request, foreign(Wire.CHAT))
    assert caught.value.param == "truncation"


@pytest.mark.parametrize(
    ("beyond", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"conversation": "c"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"truncation": "auto"}, "truncation"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "file_search"}}, "tool_choice"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0]"),
    ],
)
def test_what_would_need_a_store_or_a_server_is_refused(beyond: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        plan(HELLO | beyond)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": [1]}, "input[0]"),
        ({"input": [{"type": "reasoning"}]}, "input"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"instructions": 3}, "instructions"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"include": "x"}, "include"),
    ],
)
def test_wrong_field_is_named(wrong: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(HELLO | wrong)
    assert caught.value.param == param


def test_sdk_reads_a_whole_answer(replay: Replay) -> None:
    desk = replay(Dialect.RESPONSES, "chat.json")
    answer = desk.openai().responses.create(**HELLO)
    Response.model_validate_json(desk.sent, strict=True)
    assert answer.id.startswith("resp_")
    assert answer.output_text == "I'm glad to"
    assert answer.status == "incomplete"
    assert answer.incomplete_details
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.usage
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (11, 4, 15)
    assert desk.exchange
    assert desk.exchange.tally == Tally(11, 4, "length", model=ANSWERED, finished=True)


def test_prefill_is_not_repeated() -> None:
    turns = [{"role": "user", "content": "Say hi"}, {"role": "assistant", "content": "I'm "}]
    written = drive(plan(HELLO | {"input": turns}), asset("chat.json"))
    assert msgspec.json.decode(written)["output"][0]["content"][0]["text"] == "glad to"


def test_stream_of_text_has_every_event_in_order() -> None:
    exchange = plan(HELLO | {"stream": True})
    names = kinds(drive(exchange, asset("chat.sse")))
    assert names == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * 4,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "incomplete",
    ]
    assert exchange.tally == Tally(11, 4, "length", model=ANSWERED, finished=True)


def test_stream_of_a_native_call_has_every_event_in_order() -> None:
    names = kinds(drive(plan(HELLO | {"stream": True, "tools": [WEATHER]}), asset("chat-tool-call.sse")))
    assert names == [
        "created",
        "in_progress",
        "output_item.added",
        *["function_call_arguments.delta"] * 8,
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_empty_answer_is_an_empty_message() -> None:
    exchange = plan(HELLO | {"stream": True})
    events = asset("chat.sse").replace(b'"length"', b'"stop"').split(b"\n\n")
    silent = b"\n\n".join(event for event in events if b'"delta":{"content"' not in event)
    assert kinds(drive(exchange, silent))[2:4] == ["output_item.added", "content_part.added"]


def test_sdk_reads_a_forced_call_whole_and_streamed(replay: Replay) -> None:
    choice: Any = {"type": "function", "name": "get_weather"}
    whole = replay(Dialect.RESPONSES, "forced.json").openai()
    answer = whole.responses.create(**HELLO, tools=[WEATHER], tool_choice=choice)
    streamed = replay(Dialect.RESPONSES, "forced.sse").openai()
    with streamed.responses.stream(**HELLO, tools=[WEATHER], tool_choice=choice) as stream:
        final = stream.get_final_response()
    for response in (answer, final):
        assert response.status == "completed"
        (call,) = response.output
        assert call.type == "function_call"
        assert (call.name, call.arguments) == ("get_weather", '{"city":"Paris"}')


def test_forced_call_that_was_cut_short_is_incomplete_and_empty(replay: Replay) -> None:
    desk = replay(Dialect.RESPONSES, "forced-cut.json")
    answer = desk.openai().responses.create(**HELLO, tools=[WEATHER], tool_choice="required")
    assert (answer.status, answer.output) == ("incomplete", [])


class City(BaseModel):
    city: str


def test_sdk_parses_an_answer_that_follows_a_schema() -> None:
    def engine(_: object) -> bytes:
        document = msgspec.json.decode(asset("chat.json"))
        document["choices"][0]["message"]["content"] = '{"city":"Paris"}'
        document["choices"][0]["finish_reason"] = "stop"
        return msgspec.json.encode(document)

    desk = Desk(Dialect.RESPONSES, engine)
    answer = desk.openai().responses.parse(**HELLO, text_format=City)
    assert answer.output_parsed == City(city="Paris")
    assert desk.exchange
    body = msgspec.json.decode(desk.exchange.upstream.body)
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["city"]


def test_response_repeats_what_was_asked(replay: Replay) -> None:
    desk = replay(Dialect.RESPONSES, "chat.json")
    answer = desk.openai().responses.create(**HELLO, metadata={"a": "b"}, instructions="Be brief.", temperature=0.5)
    assert (answer.metadata, answer.instructions, answer.temperature) == ({"a": "b"}, "Be brief.", 0.5)
    assert answer.model == "smollm2-135m-instruct"


def test_sdk_raises_for_a_stream_that_broke_off() -> None:
    desk = Desk(Dialect.RESPONSES, lambda _: asset("chat.sse")[:900])
    with pytest.raises(openai.APIError, match="broke off"):
        list(desk.openai().responses.create(**HELLO, stream=True))
    assert EVENTS.validate_json(Splitter().feed(desk.sent)[-1].data).type == "error"
