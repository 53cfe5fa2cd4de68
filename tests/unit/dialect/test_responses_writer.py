# SPDX-License-Identifier: Apache-2.0
"""Answers of other APIs as callers of Responses get them: read with OpenAI's SDK."""

from collections.abc import Sequence
from typing import Any

import httpx2
import msgspec
import openai
from msgspec import UNSET, structs
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
from freehold.dialect.responses.request import ResponsesRequest, read_request
from freehold.dialect.responses.writer import ResponseWriter
from freehold.dialect.sse import Splitter

EVENTS: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
USAGE = Usage(20, 9, 29, CachedTokens(16), ReasoningTokens(5))


def request() -> ResponsesRequest:
    return structs.replace(read_request({"model": "support", "input": "Say hi"}), id="call-7f", at_unix=1795370000)


def call(index: int, name: str = "", arguments: str = "") -> Message:
    identity = f"call_{index}" if name else None
    return Message(tool_calls=[ToolCall(index, identity, "function", CalledFunction(name or None, arguments))])


def streamed(deltas: Sequence[Message], finish: str = "stop") -> bytes:
    writer = ResponseWriter(request())
    chunks = [Chat(model="m", choices=[Choice(0, delta=delta)]) for delta in deltas]
    chunks.append(Chat(model="m", choices=[Choice(0, finish, delta=Message())]))
    stream = b"".join(writer.chunk(chunk) for chunk in chunks) + writer.end(USAGE)
    for number, event in enumerate(Splitter().feed(stream)):
        read = EVENTS.validate_json(event.data, strict=True)
        assert (read.type, read.sequence_number) == (event.name, number)
    return stream


def kinds(stream: bytes) -> list[str]:
    return [event.name.removeprefix("response.") for event in Splitter().feed(stream)]


def client(stream: bytes) -> Any:
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=stream, headers=headers))
    http = httpx2.Client(transport=transport)
    return openai.OpenAI(base_url="http://gateway/v1", api_key="key", http_client=http, max_retries=0)


def final(stream: bytes) -> Response:
    with client(stream).responses.stream(model="support", input="Say hi") as reading:
        response: Response = reading.get_final_response()
    return response


def test_thoughts_are_a_reasoning_item_before_the_message() -> None:
    stream = streamed([Message(reasoning_content="Hm"), Message(reasoning_content=". Yes"), Message(content="Hi")])
    assert kinds(stream) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    thought, message = final(stream).output
    assert thought.type == "reasoning"
    assert [part.text for part in thought.summary] == ["Hm. Yes"]
    assert message.type == "message"


def test_a_refusal_is_a_part_of_its_own() -> None:
    stream = streamed([Message(content="Well, "), Message(refusal="I can't"), Message(refusal=" do that.")])
    assert kinds(stream)[4:-2] == [
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
    ]
    (message,) = final(stream).output
    assert message.type == "message"
    said, refused = message.content
    assert (said.type, refused.type) == ("output_text", "refusal")
    assert refused.type == "refusal"
    assert refused.refusal == "I can't do that."


def test_calls_that_grow_in_turns_stay_apart() -> None:
    deltas = [call(0, "see"), call(1, "hear"), call(0, "", '{"a"'), call(1, "", "{}"), call(0, "", ":1}")]
    first, second = final(streamed(deltas, "tool_calls")).output
    assert first.type == second.type == "function_call"
    assert (first.call_id, first.name, first.arguments) == ("call_0", "see", '{"a":1}')
    assert (second.call_id, second.name, second.arguments) == ("call_1", "hear", "{}")


def test_only_what_was_cut_short_is_incomplete() -> None:
    stream = streamed([call(0, "see", "{}"), call(1, "hear", '{"a')], "length")
    last = msgspec.json.decode(Splitter().feed(stream)[-1].data)
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["status"] for item in last["response"]["output"]] == ["completed", "incomplete"]


def test_a_filtered_answer_is_incomplete_and_says_why() -> None:
    answer = Chat(model="m", choices=[Choice(0, "content_filter", message=Message(content="Par"))], usage=USAGE)
    response = Response.model_validate_json(ResponseWriter(request()).answer(answer), strict=True)
    assert response.status == "incomplete"
    assert response.incomplete_details
    assert response.incomplete_details.reason == "content_filter"


def test_usage_tells_what_was_cached_and_what_was_thought() -> None:
    usage = final(streamed([Message(content="Hi")])).usage
    assert usage
    assert (usage.input_tokens, usage.input_tokens_details.cached_tokens) == (20, 16)
    assert (usage.output_tokens, usage.output_tokens_details.reasoning_tokens) == (9, 5)


def test_an_answer_without_a_name_is_named_and_dated_by_the_call() -> None:
    answer = Chat(model="m", choices=[Choice(0, "stop", message=Message(content="Hi"))], usage=USAGE)
    whole = Response.model_validate_json(ResponseWriter(request()).answer(answer))
    for response in (whole, final(streamed([Message(content="Hi")]))):
        assert (response.id, response.created_at, response.model) == ("resp_7f", 1795370000, "m")
        assert response.output[0].id == "msg_7f_0"


def test_an_answer_that_has_a_name_keeps_it() -> None:
    for given, named in (("resp_ab", "resp_ab"), ("chatcmpl-ab", "resp_ab"), ("msg_01", "resp_msg_01")):
        answer = Chat(given, created=7, choices=[Choice(0, "stop", message=Message(content="Hi"))], usage=USAGE)
        response = Response.model_validate_json(ResponseWriter(request()).answer(answer))
        assert (response.id, response.created_at) == (named, 7)


def test_an_answer_that_says_nothing_is_an_empty_message() -> None:
    answer = Chat(model="m", choices=[Choice(0, "stop", message=Message(content=None))], usage=UNSET)
    response = Response.model_validate_json(ResponseWriter(request()).answer(answer), strict=True)
    assert (response.output_text, len(response.output)) == ("", 1)
    assert final(streamed([])).output_text == ""


def test_nothing_is_written_before_there_is_something_to_say() -> None:
    writer = ResponseWriter(request())
    opening = Chat(model="m", choices=[Choice(0, delta=Message(role="assistant", content=""))])
    assert writer.chunk(opening) == b""
    said = writer.chunk(Chat(model="m", choices=[Choice(0, delta=Message(content="Hi"))]))
    assert kinds(said)[:2] == ["created", "in_progress"]
