# SPDX-License-Identifier: Apache-2.0
"""Answers of other APIs, written for OpenAI's callers: what OpenAI's own SDK makes of them."""

from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import openai
from msgspec import structs
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.unit.dialect.hosts import HI

from freehold.dialect.chatwire import (
    CalledFunction,
    Chat,
    Choice,
    Logprobs,
    Message,
    ReasoningTokens,
    TokenLogprob,
    ToolCall,
    Usage,
)
from freehold.dialect.openai.chat import read_request
from freehold.dialect.openai.exchange import ChunkWriter


def writer(**asked: Any) -> ChunkWriter:
    request = read_request({"model": "support", "messages": HI, **asked})
    return ChunkWriter(structs.replace(request, id="call_7", at_unix=1_790_000_000))


def chunk(said: Message, finish: str | None = None, index: int = 0) -> Chat:
    return Chat(model="big-1", choices=[Choice(index, finish, delta=said)])


def called(index: int, identity: str | None, name: str | None, arguments: str | None) -> ToolCall:
    return ToolCall(index, identity, "function" if identity else None, CalledFunction(name, arguments))


def client(answer: bytes, kind: str) -> Any:
    respond: Callable[[httpx2.Request], httpx2.Response] = lambda _: httpx2.Response(  # noqa: E731
        200, content=answer, headers={"content-type": kind}
    )
    http = httpx2.Client(transport=httpx2.MockTransport(respond))
    return openai.OpenAI(base_url="http://gateway/v1", api_key="key", http_client=http, max_retries=0)


def streamed(sent: bytes) -> list[ChatCompletionChunk]:
    """What the SDK reads of it; each chunk is one of OpenAI's, whole."""
    read = list(client(sent, "text/event-stream").chat.completions.create(model="m", messages=HI, stream=True))
    return [ChatCompletionChunk.model_validate(each.model_dump(exclude_unset=True)) for each in read]


def test_a_whole_answer_is_one_of_openais() -> None:
    message = Message(role="assistant", content="Hi", reasoning_content="a greeting")
    usage = Usage(5, 0, 5, completion_tokens_details=ReasoningTokens(3))
    body = writer().answer(Chat(model="big-1", choices=[Choice(0, "stop", message=message)], usage=usage))
    answer = ChatCompletion.model_validate_json(body, strict=True)
    assert (answer.id, answer.created, answer.object, answer.model) == (
        "chatcmpl-call_7",
        1_790_000_000,
        "chat.completion",
        "big-1",
    )
    assert answer.choices[0].message.content == "Hi"
    assert answer.choices[0].message.model_extra == {"reasoning_content": "a greeting"}
    assert answer.usage
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (5, 0, 5)
    assert answer.usage.completion_tokens_details
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3
    assert answer.usage.prompt_tokens_details
    assert answer.usage.prompt_tokens_details.cached_tokens == 0


def test_names_that_the_backend_gave_stay() -> None:
    chat = Chat("gen-1", "x", 5, "big-1", [Choice(0, "stop", message=Message(content="a"))], system_fingerprint="fp")
    answer = ChatCompletion.model_validate_json(writer().answer(chat))
    assert (answer.id, answer.created, answer.object, answer.system_fingerprint) == (
        "gen-1",
        5,
        "chat.completion",
        "fp",
    )


def test_whole_calls_and_refusals_are_openais() -> None:
    said = Message(content=None, tool_calls=[called(0, "c1", "weather", ""), called(1, "c2", "clock", "{}")])
    body = writer().answer(Chat(choices=[Choice(0, "tool_calls", message=said)]))
    message = ChatCompletion.model_validate_json(body, strict=True).choices[0].message
    assert message.content is None
    assert [each.to_dict() for each in message.tool_calls or ()] == [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        {"id": "c2", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
    ]
    body = writer().answer(Chat(choices=[Choice(0, "stop", message=Message(refusal="no"))]))
    assert ChatCompletion.model_validate_json(body, strict=True).choices[0].message.refusal == "no"


def test_a_stream_opens_with_its_role_and_ends_with_its_usage() -> None:
    writes = writer(stream=True, stream_options={"include_usage": True})
    said = [Message(reasoning_content="hm"), Message(content="He"), Message(content="y"), Message(refusal="no")]
    sent = b"".join(writes.chunk(chunk(each)) for each in said) + writes.chunk(chunk(Message(), "stop"))
    sent += writes.end(Usage(5, 4, 9, completion_tokens_details=ReasoningTokens(1)))
    *chunks, last = streamed(sent)
    assert [each.choices[0].delta.role for each in chunks] == ["assistant", None, None, None, None]
    assert "".join(each.choices[0].delta.content or "" for each in chunks) == "Hey"
    assert chunks[3].choices[0].delta.refusal == "no"
    assert chunks[0].choices[0].delta.model_extra == {"reasoning_content": "hm"}
    assert {(each.id, each.created, each.object) for each in [*chunks, last]} == {
        ("chatcmpl-call_7", 1_790_000_000, "chat.completion.chunk")
    }
    assert [each.choices[0].finish_reason for each in chunks][-1] == "stop"
    assert last.choices == []
    assert last.usage
    assert (last.usage.total_tokens, last.usage.completion_tokens) == (9, 4)


def test_usage_that_was_not_asked_for_is_not_written() -> None:
    writes = writer(stream=True)
    sent = writes.chunk(chunk(Message(content="a"), "stop")) + writes.end(Usage(5, 4, 9))
    assert b"usage" not in sent
    assert sent.endswith(b"data: [DONE]\n\n")


def test_an_answer_without_a_word_still_has_its_usage() -> None:
    (last,) = streamed(writer(stream=True, stream_options={"include_usage": True}).end(Usage(5, 0, 5)))
    assert last.usage
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (5, 0)


def test_the_sdk_puts_streamed_calls_together() -> None:
    writes, sent = writer(stream=True), b""
    for made in (
        called(0, "c1", "weather", ""),
        called(0, None, None, '{"city":'),
        called(0, None, None, '"Lyon"}'),
        called(1, "c2", "clock", "{}"),
    ):
        sent += writes.chunk(chunk(Message(tool_calls=[made])))
    sent += writes.chunk(chunk(Message(), "tool_calls")) + writes.end(Usage())
    with client(sent, "text/event-stream").chat.completions.stream(model="m", messages=HI) as events:
        final = events.get_final_completion()
    put_together = final.choices[0].message.tool_calls or []
    assert [(each.id, each.function.name, each.function.arguments) for each in put_together] == [
        ("c1", "weather", '{"city":"Lyon"}'),
        ("c2", "clock", "{}"),
    ]


def test_each_choice_opens_with_its_own_role() -> None:
    writes = writer(stream=True, n=2)
    sent = b"".join(writes.chunk(chunk(Message(content="a"), index=index)) for index in (0, 1, 0)) + writes.end(Usage())
    roles = [(each.choices[0].index, each.choices[0].delta.role) for each in streamed(sent)]
    assert roles == [(0, "assistant"), (1, "assistant"), (0, None)]


def test_logprobs_are_written_for_those_who_asked() -> None:
    token = msgspec.convert({"token": "a", "logprob": -1.0, "top_logprobs": []}, type=TokenLogprob)
    said = Choice(0, "stop", message=Message(content="a"), logprobs=Logprobs([token]))
    assert b"logprobs" not in writer().answer(Chat(choices=[said]))
    answer = ChatCompletion.model_validate_json(writer(logprobs=True, top_logprobs=1).answer(Chat(choices=[said])))
    assert answer.choices[0].logprobs
    assert [each.token for each in answer.choices[0].logprobs.content or ()] == ["a"]
