# SPDX-License-Identifier: Apache-2.0
"""Answers in Anthropic's messages, read into the chat wire's words, and what vendors' SDKs make of them after that."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter
from tests.unit.dialect.conftest import Desk
from tests.unit.dialect.test_anthropic_ask import provider

from freehold.contract.call import Dialect
from freehold.dialect.anthropic.reader import MessagesReader
from freehold.dialect.chatwire import (
    CachedTokens,
    CalledFunction,
    Chat,
    Choice,
    Message,
    ReasoningTokens,
    ToolCall,
    Usage,
)
from freehold.dialect.interface import Event, Upstream
from freehold.dialect.sse import Splitter, named_event
from freehold.errors import BackendBroke

SDK_EVENTS: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)
START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-8",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 20,
            "output_tokens": 1,
        },
    },
}
STOP: dict[str, Any] = {"type": "message_stop"}


def ended(reason: str = "end_turn", **more: Any) -> dict[str, Any]:
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def stream(*events: dict[str, Any]) -> bytes:
    return b"".join(named_event(event["type"], msgspec.json.encode(event)) for event in events)


def chunks(sent: bytes, reader: MessagesReader | None = None) -> list[Chat]:
    reader = reader or MessagesReader()
    read = [chat for event in Splitter().feed(sent) if event.data for chat in reader.event(event)]
    assert reader.finished
    return read


def gathered(read: Sequence[Chat]) -> Chat:
    """The whole answer that chunks make. Whoever reads chunks does the same."""
    said, finish, usages = Message(role="assistant", content=None), None, []
    calls: dict[int, ToolCall] = {}
    for chat in read:
        for choice in chat.choices:
            part, finish = choice.said, choice.finish_reason or finish
            for name in ("content", "reasoning_content", "refusal"):
                if piece := getattr(part, name):
                    setattr(said, name, (getattr(said, name) or "") + piece)
            for piece in part.tool_calls or ():
                assert piece.index is not None
                known = calls.setdefault(
                    piece.index, ToolCall(piece.index, piece.id, piece.type, CalledFunction("", ""))
                )
                known.function.name = (known.function.name or "") + (piece.function.name or "")
                known.function.arguments = (known.function.arguments or "") + (piece.function.arguments or "")
        if isinstance(chat.usage, Usage):
            usages.append(chat.usage)
    if calls:
        said.tool_calls = list(calls.values())
    (usage,) = usages
    return Chat(read[0].id, "chat.completion", 0, read[0].model, [Choice(0, finish, message=said)], usage)


def whole_of(*events: dict[str, Any]) -> bytes:
    """The whole answer that Anthropic's SDK makes of a stream: what the API would have sent at once."""
    snapshot, buffers = None, dict[int, bytes]()
    for event in events:
        if event["type"] != "ping":
            built = SDK_EVENTS.validate_python(event)
            snapshot = accumulate_event(event=built, current_snapshot=snapshot, json_bufs=buffers)
    assert snapshot is not None
    return snapshot.to_json().encode()


# What is read


CALLS = [
    START,
    {"type": "ping"},
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Two "},
        {"type": "thinking_delta", "thinking": "cities."},
        {"type": "signature_delta", "signature": "EqQB"},
    ),
    *block(1, {"type": "redacted_thinking", "data": "x"}),
    *text(2, "I look", " it up."),
    *block(
        3,
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"city": '},
        {"type": "input_json_delta", "partial_json": '"Paris"}'},
    ),
    *block(
        4,
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
        {"type": "input_json_delta", "partial_json": ""},
    ),
    ended("tool_use"),
    STOP,
]


def test_stream_is_read_into_the_chat_wires_chunks() -> None:
    read = chunks(stream(*CALLS))
    assert all(chat.id == "msg_01" and chat.model == "claude-opus-4-8" for chat in read)
    assert [len(chat.choices) for chat in read] == [1] * len(read)
    assert gathered(read) == Chat(
        "msg_01",
        "chat.completion",
        0,
        "claude-opus-4-8",
        [
            Choice(
                0,
                "tool_calls",
                message=Message(
                    role="assistant",
                    content="I look it up.",
                    reasoning_content="Two cities.",
                    tool_calls=[
                        ToolCall(0, "toolu_1", "function", CalledFunction("weather", '{"city": "Paris"}')),
                        ToolCall(1, "toolu_2", "function", CalledFunction("now", "{}")),
                    ],
                ),
            )
        ],
        Usage(33, 7, 40, CachedTokens(20)),
    )


def test_whole_answer_says_what_its_stream_does() -> None:
    whole, streamed = MessagesReader().whole(whole_of(*CALLS)), gathered(chunks(stream(*CALLS)))
    for chat in (whole, streamed):
        for call in chat.choices[0].said.tool_calls or ():
            call.function.arguments = (call.function.arguments or "").replace(" ", "")
    assert whole == streamed


def test_the_finish_is_known_before_the_stream_is_closed() -> None:
    reader = MessagesReader()
    sent = Splitter().feed(stream(START, *text(0, "a"), ended()))
    last = [chat for event in sent for chat in reader.event(event)][-1]
    assert not reader.finished
    assert last.choices[0].finish_reason == "stop"
    assert last.usage


def test_usage_is_told_once_and_at_the_end() -> None:
    read = chunks(stream(START, *text(0, "a"), ended(), ended(), STOP))
    assert [isinstance(chat.usage, Usage) for chat in read] == [False, False, True]
    assert read[-1].choices[0].finish_reason == "stop"


def test_later_usage_replaces_earlier() -> None:
    usage = {"input_tokens": 5, "cache_read_input_tokens": None, "output_tokens": 9}
    details = {"output_tokens_details": {"thinking_tokens": 4}}
    end = ended() | {"usage": usage | details}
    assert gathered(chunks(stream(START, end, STOP))).usage == Usage(28, 9, 37, CachedTokens(20), ReasoningTokens(4))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
        ("a_later_reason", "stop"),
    ],
)
def test_reason_to_stop_is_a_finish_reason(reason: str, finish: str) -> None:
    events = (START, *text(0, "a"), ended(reason), STOP)
    assert gathered(chunks(stream(*events))).choices[0].finish_reason == finish
    body = stream_free(reason)
    assert MessagesReader().whole(body).choices[0].finish_reason == finish


def stream_free(reason: str) -> bytes:
    content = [{"type": "text", "text": "a"}]
    return msgspec.json.encode(START["message"] | {"content": content, "stop_reason": reason})


def test_refusal_brings_its_explanation() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "Not this."}
    read = gathered(chunks(stream(START, *text(0, "Well"), ended("refusal", stop_details=details), STOP)))
    assert (read.choices[0].said.content, read.choices[0].said.refusal) == ("Well", "Not this.")


def test_text_and_arguments_that_come_with_a_blocks_beginning_are_kept() -> None:
    read = gathered(
        chunks(
            stream(
                START,
                *block(0, {"type": "thinking", "thinking": "Hm", "signature": ""}),
                *block(1, {"type": "text", "text": "He"}, {"type": "text_delta", "text": "llo"}),
                *block(2, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}),
                ended("tool_use"),
                STOP,
            )
        )
    )
    said = read.choices[0].said
    assert (said.reasoning_content, said.content) == ("Hm", "Hello")
    assert said.tool_calls == [ToolCall(0, "t", "function", CalledFunction("f", '{"a":1}'))]


def test_blocks_may_grow_at_the_same_time() -> None:
    first, second = text(0, "a", "b"), block(1, {"type": "tool_use", "id": "t", "name": "f", "input": {}})
    read = gathered(
        chunks(stream(START, first[0], first[1], second[0], first[2], first[3], second[1], ended("tool_use"), STOP))
    )
    assert read.choices[0].said.content == "ab"


def test_what_ran_at_the_provider_and_citations_lose_no_text() -> None:
    citation = {
        "type": "web_search_result_location",
        "cited_text": "x",
        "url": "u",
        "title": "t",
        "encrypted_index": "e",
    }
    events = [
        START,
        *text(0, "I search. "),
        *block(
            1,
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"query":"x"}'},
        ),
        *block(2, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
        *block(
            3,
            {"type": "text", "text": "", "citations": []},
            {"type": "citations_delta", "citation": citation},
            {"type": "text_delta", "text": "Found."},
        ),
        ended(),
        STOP,
    ]
    for read in (gathered(chunks(stream(*events))), MessagesReader().whole(whole_of(*events))):
        assert read.choices[0].said == Message(role="assistant", content="I search. Found.")


def test_events_without_content_that_came_later_are_passed_over() -> None:
    odd = {"type": "bill", "cents": 5}
    assert len(chunks(stream({"type": "ping"}, START, odd, ended(), STOP, {"type": "ping"}))) == 2


# What is not the protocol


BAD_STREAMS = {
    "no_json": b"event: content_block_delta\ndata: {\n\n",
    "no_object": b"data: [1]\n\n",
    "done_of_another_api": b"data: [DONE]\n\n",
    "not_begun": stream(*text(0, "a")),
    "ends_before_it_begins": stream(STOP),
    "begins_twice": stream(START, START),
    "no_reason": stream(START, STOP),
    "open_block": stream(START, *text(0, "a")[:-1], ended(), STOP),
    "delta_of_no_block": stream(START, text(0, "a")[1]),
    "stop_of_no_block": stream(START, text(0, "a")[-1]),
    "block_twice": stream(START, *text(0, "a"), *text(0, "b")),
    "blocks_reordered": stream(START, *text(1, "a"), *text(0, "b")),
    "delta_after_the_blocks_end": stream(START, *text(0, "a"), text(0, "b")[1]),
    "text_in_a_call": stream(
        START, *block(0, {"type": "tool_use", "id": "t", "name": "f"}, {"type": "text_delta", "text": "a"})
    ),
    "unknown_delta": stream(START, *block(0, {"type": "text", "text": ""}, {"type": "sound_delta", "data": "a"})),
    "unknown_block": stream(START, *block(0, {"type": "sound", "data": "a"})),
    "unknown_event_with_content": stream(START, {"type": "text", "text": "a"}),
    "unknown_event_with_a_delta": stream(START, {"type": "content_block_patch", "index": 0, "delta": {}}),
    "call_without_a_name": stream(START, *block(0, {"type": "tool_use", "id": "t", "input": {}})),
    "call_without_an_id": stream(START, *block(0, {"type": "tool_use", "name": "f", "input": {}})),
    "text_that_is_none": stream(START, *block(0, {"type": "text", "text": 5})),
    "negative_usage": stream(START, ended() | {"usage": {"output_tokens": -1}}),
    "content_after_the_end": stream(START, ended(), STOP, *text(0, "a")),
}


@pytest.mark.parametrize("sent", BAD_STREAMS.values(), ids=BAD_STREAMS.keys())
def test_stream_that_is_not_the_protocol_breaks(sent: bytes) -> None:
    with pytest.raises(BackendBroke, match="not its protocol"):
        chunks(sent)


@pytest.mark.parametrize("name", ["error", "", "ping"])
def test_error_in_mid_stream_breaks_and_repeats_nothing(name: str) -> None:
    reader = MessagesReader()
    data = b'{"type":"error","error":{"type":"overloaded_error","message":"secret"}}'
    with pytest.raises(BackendBroke, match="failed while it answered") as caught:
        reader.event(Event(b"", name, data))
    assert "secret" not in caught.value.message
    assert not reader.finished


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"type":"error","error":{}}',
        b'{"type":"message"}',
        b'{"type":"message","content":[],"usage":{},"stop_reason":null}',
        b'{"type":"message","content":[1],"usage":{},"stop_reason":"end_turn"}',
        b'{"type":"message","content":[{"type":"sound"}],"usage":{},"stop_reason":"end_turn"}',
        b'{"type":"message","content":[],"stop_reason":"end_turn"}',
        b"[" * 10_000,
    ],
)
def test_whole_answer_that_is_not_the_protocol_breaks(body: bytes) -> None:
    with pytest.raises(BackendBroke):
        MessagesReader().whole(body)


# What callers of other dialects make of it, by their vendors' SDKs


def engine(upstream: Upstream) -> bytes:
    return stream(*CALLS) if upstream.stream else whole_of(*CALLS)


def test_openais_sdk_reads_the_answer_whole_and_streamed() -> None:
    client = Desk(Dialect.OPENAI, engine, provider()).openai()
    asked: dict[str, Any] = {"model": "support", "messages": [{"role": "user", "content": "Hi"}]}
    whole = client.chat.completions.create(**asked)
    with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
        streamed = events.get_final_completion()
    for completion in (whole, streamed):
        (choice,) = completion.choices
        assert (choice.message.content, choice.finish_reason) == ("I look it up.", "tool_calls")
        assert [call.function.name for call in choice.message.tool_calls] == ["weather", "now"]
        assert completion.usage.total_tokens == 40


def test_openais_sdk_reads_the_answer_as_a_response_whole_and_streamed() -> None:
    client = Desk(Dialect.RESPONSES, engine, provider()).openai()
    whole = client.responses.create(model="support", input="Hi")
    with client.responses.stream(model="support", input="Hi") as events:
        streamed = events.get_final_response()
    for response in (whole, streamed):
        assert response.output_text == "I look it up."
        assert [item.name for item in response.output if item.type == "function_call"] == ["weather", "now"]


def test_mistrals_sdk_reads_the_answer_whole_and_streamed() -> None:
    client = Desk(Dialect.MISTRAL, engine, provider()).mistral()
    asked: dict[str, Any] = {"model": "support", "messages": [{"role": "user", "content": "Hi"}]}
    message = client.chat.complete(**asked).choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["weather", "now"]
    reasons = [event.data.choices[0].finish_reason for event in client.chat.stream(**asked)]
    assert reasons[-1] == "tool_calls"


def test_anthropics_sdk_reads_the_answer_handed_on() -> None:
    client = Desk(Dialect.ANTHROPIC, engine, provider()).anthropic()
    asked: dict[str, Any] = {"model": "support", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as events:
        streamed = events.get_final_message()
    assert whole.to_dict() == streamed.to_dict()
    assert [block.type for block in whole.content][2:] == ["text", "tool_use", "tool_use"]
