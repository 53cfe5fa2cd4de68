# SPDX-License-Identifier: Apache-2.0
"""Answers of Mistral's chat, whole and streamed, on the chat wire; and again in Mistral's words."""

from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given, settings
from mistralai.client import Mistral
from mistralai.client.models import ChatCompletionResponse, ThinkChunk
from msgspec import structs
from tests.unit.dialect.hosts import HI, read, stream, usage_of
from tests.unit.dialect.test_openai_reader import answers, call, calls, finishes, in_chunks, said, text

from freehold.dialect.chatwire import Chat, Choice, Message, Usage
from freehold.dialect.mistral.chat import read_request
from freehold.dialect.mistral.reader import MistralReader
from freehold.dialect.mistral.writer import MistralWriter
from freehold.errors import BackendBroke

USAGE = {"prompt_tokens": 7, "total_tokens": 10, "completion_tokens": 3, "num_cached_tokens": 0}
THINKING = {
    "type": "thinking",
    "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}],
    "closed": True,
}


def delta(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk as Mistral writes it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    about = {
        "id": "cmpl-1f",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "mistral-small-2603",
    }
    return {**about, "choices": [choice], **more}


def whole(message: dict[str, Any], finish: str = "stop") -> Chat:
    choice = {"index": 0, "message": {"role": "assistant", "tool_calls": None, **message}, "finish_reason": finish}
    about = {"id": "1f", "object": "chat.completion", "created": 1, "model": "mistral-small-2603"}
    return MistralReader().whole(msgspec.json.encode({**about, "choices": [choice], "usage": USAGE}))


# Reading


def test_mistrals_own_stream_is_read() -> None:
    chats = read(
        MistralReader(),
        stream(
            delta({"role": "assistant", "content": ""}),
            delta({"content": "Hel"}),
            delta({"content": "lo"}, "stop", usage=USAGE),
        ),
    )
    assert text(chats) == "Hello"
    assert finishes(chats) == ["stop"]
    assert usage_of(chats) == Usage(7, 3, 10)


def test_thoughts_come_as_parts_and_text_as_text() -> None:
    chats = read(
        MistralReader(),
        stream(
            delta({"role": "assistant", "content": ""}),
            delta({"content": [THINKING]}),
            delta({"content": [{"type": "thinking", "thinking": "!"}]}),
            delta({"content": [{"type": "text", "text": "a"}, {"type": "reference", "reference_ids": [1]}]}),
            delta({"content": "b"}, "stop", usage=USAGE),
        ),
    )
    assert "".join(message.reasoning_content or "" for message in said(chats)) == "hm!"
    assert text(chats) == "ab"


def test_whole_calls_come_in_one_chunk() -> None:
    made = [call(0, "abcDEF123", "weather", '{"city": "Lyon"}'), call(1, "null", "clock", {})]
    chats = read(MistralReader(), stream(delta({"content": "", "tool_calls": made}, "tool_calls", usage=USAGE)))
    first, second = calls(chats)
    assert first == ("abcDEF123", "weather", '{"city": "Lyon"}')
    assert second[1:] == ("clock", "{}")
    assert second[0].startswith("call_")
    assert finishes(chats) == ["tool_calls"]


def test_a_whole_answer_with_thoughts_is_read() -> None:
    message = whole({"content": [THINKING, {"type": "text", "text": "Hello"}]}).choices[0].said
    assert (message.reasoning_content, message.content) == ("hm", "Hello")


def test_a_full_context_is_a_cut_and_an_error_is_the_backends_fault() -> None:
    assert whole({"content": "a"}, "model_length").choices[0].finish_reason == "length"
    with pytest.raises(BackendBroke):
        whole({"content": "a"}, "error")
    with pytest.raises(BackendBroke):
        read(MistralReader(), stream(delta({"content": ""}, "error")))


# Writing


def writer(**asked: Any) -> MistralWriter:
    request = read_request({"model": "support", "messages": HI, **asked})
    return MistralWriter(structs.replace(request, id="call_7", at_unix=1_790_000_000))


def client(answer: bytes) -> Any:
    respond: Callable[[httpx2.Request], httpx2.Response] = lambda _: httpx2.Response(  # noqa: E731
        200, content=answer, headers={"content-type": "text/event-stream"}
    )
    http = httpx2.Client(transport=httpx2.MockTransport(respond))
    return Mistral(server_url="http://gateway", api_key="key", client=http)


def chunk(said: Message, finish: str | None = None) -> Chat:
    return Chat(model="big-1", choices=[Choice(0, finish, delta=said)])


def test_a_whole_answer_is_one_of_mistrals() -> None:
    message = Message(content="Hi", reasoning_content="a greeting")
    body = writer().answer(Chat(model="big-1", choices=[Choice(0, "stop", message=message)], usage=Usage(5, 0, 5)))
    answer = ChatCompletionResponse.model_validate_json(body)
    assert (answer.id, answer.created, answer.object, answer.model) == (
        "call_7",
        1_790_000_000,
        "chat.completion",
        "big-1",
    )
    assert answer.usage.total_tokens == 5
    content: Any = answer.choices[0].message and answer.choices[0].message.content
    thought, words = content
    assert isinstance(thought, ThinkChunk)
    assert thought.model_dump()["thinking"][0]["text"] == "a greeting"
    assert words.text == "Hi"


def test_the_sdk_reads_thoughts_and_calls_of_a_stream() -> None:
    writes, sent = writer(stream=True), b""
    opened = call(0, "c1", "weather", "{}")
    for each in (Message(role="assistant"), Message(reasoning_content="hm"), Message(content="I look")):
        sent += writes.chunk(chunk(each))
    sent += writes.chunk(chunk(msgspec.convert({"tool_calls": [opened]}, type=Message)))
    assert sent.count(b"data: ") == 3
    sent += writes.chunk(chunk(Message(), "tool_calls")) + writes.end(Usage(5, 4, 9))
    chunks = [event.data for event in client(sent).chat.stream(model="m", messages=HI)]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[1].choices[0].delta.content[0].thinking[0].text == "hm"
    assert chunks[2].choices[0].delta.content == "I look"
    last = chunks[3]
    (made,) = last.choices[0].delta.tool_calls
    assert (made.id, made.function.name, made.function.arguments) == ("c1", "weather", "{}")
    assert last.choices[0].finish_reason == "tool_calls"
    assert last.usage.total_tokens == 9


def test_a_refusal_is_text_for_mistrals_callers() -> None:
    body = writer().answer(Chat(choices=[Choice(0, "stop", message=Message(refusal="no"))]))
    assert msgspec.json.decode(body)["choices"][0]["message"]["content"] == "no"


def test_the_answer_repeats_what_it_goes_on_from_as_mistrals_does() -> None:
    turns = [*HI, {"role": "assistant", "content": "I am", "prefix": True}]
    chat = Chat(choices=[Choice(0, "stop", message=Message(content=" fine"))])
    assert msgspec.json.decode(writer(messages=turns).answer(chat))["choices"][0]["message"]["content"] == "I am fine"
    writes = writer(messages=turns, stream=True)
    sent = b"".join(writes.chunk(chunk(each)) for each in (Message(role="assistant"), Message(content=" fine")))
    sent += writes.chunk(chunk(Message(), "stop")) + writes.end(Usage())
    chunks = [event.data for event in client(sent).chat.stream(model="m", messages=turns)]
    assert "".join(each.choices[0].delta.content for each in chunks) == "I am fine"


# There and back


def without_details(answer: Chat) -> Chat:
    """Mistral has no word for how many tokens were reasoning."""
    assert isinstance(answer.usage, Usage)
    answer.usage = Usage(
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
        answer.usage.total_tokens,
        answer.usage.prompt_tokens_details,
    )
    return answer


@settings(max_examples=60)
@given(answer=answers().map(without_details))
def test_a_whole_answer_is_written_and_read_again_without_loss(answer: Chat) -> None:
    sent = msgspec.json.encode(answer)
    written = writer().answer(msgspec.json.decode(sent, type=Chat))
    ChatCompletionResponse.model_validate_json(written)
    assert MistralReader().whole(written) == msgspec.json.decode(sent, type=Chat)


@settings(max_examples=60)
@given(answer=answers().map(without_details))
def test_a_stream_is_written_and_read_again_without_loss(answer: Chat) -> None:
    writes = writer(stream=True)
    assert isinstance(answer.usage, Usage)
    written = b"".join(writes.chunk(each) for each in in_chunks(answer)) + writes.end(answer.usage)
    chats = read(MistralReader(), written)
    for choice in answer.choices:
        expected = [(each.id, each.function.name, each.function.arguments) for each in choice.said.tool_calls or ()]
        assert text(chats, choice.index) == (choice.said.content or "")
        assert calls(chats, choice.index) == expected
        assert finishes(chats, choice.index) == [choice.finish_reason]
        thoughts = [message.reasoning_content or "" for message in said(chats, choice.index)]
        assert "".join(thoughts) == (choice.said.reasoning_content or "")
    assert usage_of(chats) == answer.usage
