# SPDX-License-Identifier: Apache-2.0
"""Answers of a provider that speaks Responses, read into the chat wire's words: each word once, and all of them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

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
from freehold.dialect.responses.reader import ResponsesReader
from freehold.dialect.responses.request import read_request
from freehold.dialect.responses.writer import ResponseWriter
from freehold.dialect.sse import Splitter, named_event
from freehold.errors import BackendBroke

RECORDED = Path(__file__).parents[2] / "golden" / "v0.1" / "dialect" / "responses" / "read"
ANSWERS = sorted(path.name.removesuffix(".responses.json") for path in RECORDED.glob("*.responses.json"))
EVENTS: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
Told = list[dict[str, Any]]


def told(name: str) -> Told:
    """The events of a recorded stream."""
    stream = (RECORDED / f"{name}.responses.sse").read_bytes()
    return [msgspec.json.decode(event.data) for event in Splitter().feed(stream)]


def streamed(events: Told, reader: ResponsesReader | None = None) -> list[Chat]:
    reader = reader or ResponsesReader()
    splitter, chunks = Splitter(), list[Chat]()
    for fields in events:
        for event in splitter.feed(named_event(fields["type"], msgspec.json.encode(fields))):
            chunks += reader.event(event)
    return chunks


def whole(response: dict[str, Any]) -> Chat:
    return ResponsesReader().whole(msgspec.json.encode(response))


def summed(chunks: list[Chat]) -> dict[str, Any]:
    """All that the chunks of an answer say."""
    texts = {"content": "", "reasoning_content": "", "refusal": ""}
    calls: dict[int, list[str]] = {}
    logprobs: list[Any] = []
    finish, usage = None, UNSET
    for chunk in chunks:
        usage = chunk.usage or usage  # type: ignore[assignment]  # it is one or the other
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            for name in texts:
                texts[name] += getattr(choice.said, name) or ""
            for call in choice.said.tool_calls or ():
                assert call.index is not None
                if call.id:
                    assert call.index == len(calls)
                    calls[call.index] = [call.id, call.function.name or "", ""]
                calls[call.index][2] += call.function.arguments or ""
            logprobs += (choice.logprobs and choice.logprobs.content) or ()
    return texts | {"calls": list(calls.values()), "finish": finish, "usage": usage, "logprobs": logprobs}


def without(events: Told, *kinds: str) -> Told:
    return [event for event in events if not event["type"].removeprefix("response.").startswith(kinds)]


def test_recorded_answers_are_what_the_vendors_types_describe() -> None:
    for name in ANSWERS:
        Response.model_validate_json((RECORDED / f"{name}.responses.json").read_bytes(), strict=True)
        for event in told(name):
            EVENTS.validate_python(event)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_says_what_the_whole_answer_says(name: str) -> None:
    reader = ResponsesReader()
    chunks = streamed(told(name), reader)
    answer = ResponsesReader().whole((RECORDED / f"{name}.responses.json").read_bytes())
    assert summed(chunks) == summed([answer])
    assert reader.finished
    assert {chunk.model for chunk in [*chunks, answer]} == {"gpt-5.4-mini-2026-03-17"}
    assert sum(chunk.usage is not UNSET for chunk in chunks) == 1


def test_nothing_is_said_before_the_models_first_word() -> None:
    assert streamed(told("text")[:4]) == []
    (first,) = streamed(told("text")[:5])
    assert first.choices[0].said.role == "assistant"


def test_thoughts_come_as_paragraphs_and_are_counted() -> None:
    said = summed(streamed(told("reasoning")))
    assert said["reasoning_content"] == "**Weighing it**\n\nParis.\n\n**Checking**\n\nYes."
    assert said["usage"].completion_tokens_details == ReasoningTokens(64)
    assert summed(streamed(told("cached")))["usage"].prompt_tokens_details == CachedTokens(1920)


def test_calls_that_grow_in_turns_are_told_apart() -> None:
    assert summed(streamed(told("interleaved-calls")))["calls"] == [
        ["call_a1", "get_weather", '{"city":"Paris"}'],
        ["call_b2", "get_time", "{}"],
    ]


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize(
    "kinds",
    [
        ("output_text.delta", "refusal.delta", "reasoning_summary_text.delta", "function_call_arguments.delta"),
        ("output_text.done", "refusal.done", "reasoning_summary_text.done", "function_call_arguments.done"),
        ("output_text", "refusal", "reasoning", "function_call"),
        ("output_text", "refusal", "reasoning", "function_call", "output_item.added", "content_part"),
        ("output_text", "refusal", "reasoning", "function_call", "output_item", "content_part"),
        ("output_item.done", "content_part"),
        ("created", "in_progress"),
    ],
)
def test_whatever_a_provider_leaves_out_all_is_said_once(name: str, kinds: tuple[str, ...]) -> None:
    assert summed(streamed(without(told(name), *kinds))) == summed(streamed(told(name)))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_end_without_output_or_with_other_places_says_nothing_twice(name: str) -> None:
    events = told(name)
    expected = summed(streamed(events))
    events[-1]["response"]["output"] = None
    assert summed(streamed(events)) == expected
    shifted = told(name)
    for event in shifted:
        if "output_index" in event:
            event["output_index"] += 3
    assert summed(streamed(shifted)) == expected


def test_an_end_that_divides_the_text_otherwise_says_nothing_twice() -> None:
    events = told("text")
    for event in events[6:-1]:
        if "output_index" in event:
            event["output_index"] = 1
    assert summed(streamed(events)) == summed(streamed(told("text")))


def test_an_item_that_begins_as_nothing_is_passed_over() -> None:
    events = told("text")
    empty = {"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": None}
    assert summed(streamed([*events[:2], empty, *events[2:]])) == summed(streamed(events))


def test_text_stands_as_it_was_said_first_and_a_longer_end_is_added() -> None:
    events = told("text")
    for event in events:
        if event["type"] == "response.output_text.done":
            event["text"] = "Berlin is not."
    assert summed(streamed(events))["content"] == "Paris is the capital of France."
    del events[7]  # the last delta
    assert summed(streamed(events))["content"] == "Paris is the capital of France."


def test_call_whose_arguments_change_fails_the_answer() -> None:
    events = told("interleaved-calls")
    for event in events:
        if event["type"] == "response.function_call_arguments.done":
            event["arguments"] = '{"city":"Lyon"}'
    with pytest.raises(BackendBroke, match="changed the arguments"):
        streamed(events)


def test_arguments_that_differ_in_spaces_only_are_the_same() -> None:
    events = told("interleaved-calls")
    for event in events:
        if event["type"] == "response.function_call_arguments.done" and "city" in event["arguments"]:
            event["arguments"] = '{ "city": "Paris" }'
    assert summed(streamed(events))["calls"][0][2] == '{"city":"Paris"}'


def test_call_that_is_never_named_fails_the_answer() -> None:
    events = without(told("interleaved-calls"), "output_item")
    events[-1]["response"]["output"] = None
    with pytest.raises(BackendBroke, match="without saying which"):
        streamed(events)


def test_two_calls_in_one_place_fail_the_answer() -> None:
    events = told("interleaved-calls")
    for event in events:
        if "output_index" in event:
            event["output_index"] = 0
    with pytest.raises(BackendBroke, match="two items in one place"):
        streamed(events)


@pytest.mark.parametrize("first", ["reasoning_text", "reasoning_summary_text"])
def test_thoughts_given_in_two_forms_are_read_in_the_first(first: str) -> None:
    at = {"output_index": 0, "item_id": "rs", "content_index": 0, "summary_index": 0}
    deltas = [
        {"type": f"response.{kind}.delta", "sequence_number": 0, "delta": kind, **at}
        for kind in (first, "reasoning_text", "reasoning_summary_text")
    ]
    assert summed(streamed(deltas))["reasoning_content"].replace(first, "") == ""


@pytest.mark.parametrize("kind", ["web_search_call", "file_search_call", "mcp_list_tools"])
def test_steps_of_the_apis_own_tools_are_passed_over(kind: str) -> None:
    step = {"type": kind, "id": "x", "status": "completed", "action": {"type": "search"}, "arguments": {}}
    events = told("text")
    added = {"type": "response.output_item.added", "sequence_number": 2, "output_index": 9, "item": step}
    events[-1]["response"]["output"].insert(0, step)
    assert summed(streamed([*events[:2], added, *events[2:]])) == summed(streamed(told("text")))


@pytest.mark.parametrize(
    "kind", ["computer_call", "custom_tool_call", "mcp_approval_request", "image_generation_call", "new"]
)
def test_a_step_that_asks_something_of_the_caller_fails_the_answer(kind: str) -> None:
    item = {"type": kind, "id": "x", "call_id": "c", "name": "n", "input": "i", "result": "r"}
    with pytest.raises(BackendBroke, match="no function call"):
        whole({"output": [item]})
    with pytest.raises(BackendBroke, match="no function call"):
        streamed([{"type": "response.output_item.added", "output_index": 0, "item": item}])


def test_content_that_is_no_text_fails_the_answer() -> None:
    message = {"type": "message", "content": [{"type": "output_audio", "data": ""}]}
    with pytest.raises(BackendBroke, match="kind of content"):
        whole({"output": [message]})


@pytest.mark.parametrize("kind", ["response.failed", "response.cancelled", "error"])
def test_an_answer_that_fails_is_no_answer(kind: str) -> None:
    with pytest.raises(BackendBroke, match="failed"):
        streamed([*told("text")[:5], {"type": kind, "message": "secret"}])


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"output":1}', b'{"output":[{}]}', b'{"output":[],"status":"failed"}', b'{"error":{}}', b"\xff"],
)
def test_what_is_not_the_protocol_is_refused(body: bytes) -> None:
    with pytest.raises(BackendBroke):
        ResponsesReader().whole(body)
    with pytest.raises(BackendBroke):
        ResponsesReader().event(Splitter().feed(b"data: " + (body or b"{") + b"\n\n")[0])


def test_events_that_are_new_or_come_after_the_end_are_let_be() -> None:
    extra = {"type": "response.something.new", "delta": {"a": 1}}
    assert summed(streamed([extra, *told("text"), told("text")[5]])) == summed(streamed(told("text")))


# The answers of any backend, written for callers of Responses, are read back as what they were.

_texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_calls = st.lists(st.tuples(st.text("abc_", min_size=1, max_size=5), st.integers(0, 99)), max_size=3)
_usages = st.builds(
    lambda prompt, cached, output, thought: Usage(
        prompt + cached,
        output + thought,
        prompt + cached + output + thought,
        CachedTokens(cached),
        ReasoningTokens(thought),
    ),
    *[st.integers(0, 9)] * 4,
)


def pieces_of(text: str, draw: st.DrawFn) -> list[str]:
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=3)))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True) if text[begin:end]]


@st.composite
def answers(draw: st.DrawFn) -> tuple[Message, str, list[Message]]:
    """A message, why it ended, and the deltas in which it might come."""
    thoughts, content, refusal = (draw(st.none() | _texts) for _ in range(3))
    calls = [
        ToolCall(index, f"call_{index}", "function", CalledFunction(name, f'{{"a":{number}}}'))
        for index, (name, number) in enumerate(draw(_calls))
    ]
    if not calls and not refusal:
        content = content or ""
    deltas = [Message(reasoning_content=piece) for piece in pieces_of(thoughts or "", draw)]
    deltas += [Message(content=piece) for piece in pieces_of(content or "", draw)]
    deltas += [Message(refusal=piece) for piece in pieces_of(refusal or "", draw)]
    opened = [
        Message(tool_calls=[ToolCall(call.index, call.id, call.type, CalledFunction(call.function.name, ""))])
        for call in calls
    ]
    queues = [
        [
            Message(tool_calls=[ToolCall(call.index, function=CalledFunction(arguments=piece))])
            for piece in pieces_of(call.function.arguments or "", draw)
        ]
        for call in calls
    ]
    grown = []
    while queues := [queue for queue in queues if queue]:  # in turns, in any order
        grown.append(draw(st.sampled_from(queues)).pop(0))
    finish = draw(st.sampled_from(["length", "content_filter", "tool_calls" if calls else "stop"]))
    message = Message("assistant", content, thoughts or UNSET, refusal or UNSET, calls or UNSET)
    return message, finish, [*deltas, *opened, *grown]


def writer() -> ResponseWriter:
    return ResponseWriter(read_request({"model": "support", "input": "Say hi"}))


@given(answers(), _usages)
def test_a_written_answer_is_read_back_as_the_same(answer: tuple[Message, str, list[Message]], usage: Usage) -> None:
    message, finish, _ = answer
    chat = Chat(model="m", choices=[Choice(0, finish, message=message)], usage=usage)
    expected = summed([chat])
    written = writer().answer(chat)
    Response.model_validate_json(written, strict=True)
    read = ResponsesReader().whole(written)
    assert summed([read]) == expected
    assert read.model == "m"


@settings(max_examples=200)
@given(answers(), _usages, st.lists(st.integers(1, 400), max_size=30))
def test_a_written_stream_is_read_back_as_the_same_wherever_it_is_cut(
    answer: tuple[Message, str, list[Message]], usage: Usage, sizes: list[int]
) -> None:
    _, finish, deltas = answer
    chunks = [Chat(model="m", choices=[Choice(0, delta=delta)]) for delta in deltas]
    chunks.append(Chat(model="m", choices=[Choice(0, finish, delta=Message())]))
    write = writer()
    stream = b"".join(write.chunk(chunk) for chunk in chunks) + write.end(usage)
    reader, splitter, read, at = ResponsesReader(), Splitter(), list[Chat](), 0
    for size in [*sizes, len(stream)]:
        for event in splitter.feed(stream[at : at + size]):
            EVENTS.validate_json(event.data, strict=True)
            read += reader.event(event)
        at += size
    assert reader.finished
    assert summed(read) == summed([*chunks, Chat(usage=usage)])
