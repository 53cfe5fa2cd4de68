# SPDX-License-Identifier: Apache-2.0
"""Answers of hosts that speak OpenAI's chat completions, each in its own way, are one way on the chat wire."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from tests.unit.dialect.hosts import delta, read, stream, usage_of

from freehold.dialect.chatwire import Chat, Choice, Message, ReasoningTokens, ToolCall, Usage
from freehold.dialect.openai.chat import read_request
from freehold.dialect.openai.exchange import ChunkWriter
from freehold.dialect.openai.reader import OpenAIReader
from freehold.errors import BackendBroke

USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def chunks(*sent: object) -> list[Chat]:
    reader = OpenAIReader()
    read_chats = read(reader, stream(*sent))
    assert reader.finished
    return read_chats


def said(chats: list[Chat], index: int = 0) -> list[Message]:
    return [choice.said for chat in chats for choice in chat.choices if choice.index == index]


def text(chats: list[Chat], index: int = 0) -> str:
    return "".join(message.content or "" for message in said(chats, index))


def finishes(chats: list[Chat], index: int = 0) -> list[str]:
    choices = [choice for chat in chats for choice in chat.choices]
    return [choice.finish_reason for choice in choices if choice.index == index and choice.finish_reason]


def calls(chats: list[Chat], index: int = 0) -> list[tuple[str, str, str]]:
    """Id, name and arguments of each call, put together as a caller does."""
    grown: dict[int, list[str]] = {}
    for message in said(chats, index):
        for call in message.tool_calls or ():
            assert call.index is not None
            known = grown.setdefault(call.index, ["", "", ""])
            known[0] += call.id or ""
            known[1] += call.function.name or ""
            known[2] += call.function.arguments or ""
    assert list(grown) == list(range(len(grown)))
    return [(each[0], each[1], each[2]) for each in grown.values()]


def call(index: int | None, identity: str | None, name: str | None, arguments: object) -> dict[str, Any]:
    given = {"index": index, "id": identity, "type": "function" if identity else None}
    function = {"name": name, "arguments": arguments}
    return {key: value for key, value in given.items() if value is not None} | {
        "function": {key: value for key, value in function.items() if value is not None}
    }


def whole(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> Chat:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    about = {"id": "chatcmpl-9", "object": "chat.completion", "created": 1_790_000_000, "model": "big-1-2026"}
    return OpenAIReader().whole(msgspec.json.encode({**about, "choices": [choice], "usage": USAGE, **more}))


# Streams


def test_openais_own_stream_is_read() -> None:
    read_chats = chunks(
        delta({"role": "assistant", "content": "", "refusal": None}, usage=None, system_fingerprint="fp_1"),
        delta({"content": "Hel"}, usage=None),
        delta({"content": "lo"}, usage=None),
        delta({}, "stop", usage=None),
        {**delta(usage=USAGE), "choices": []},
    )
    assert text(read_chats) == "Hello"
    assert finishes(read_chats) == ["stop"]
    assert usage_of(read_chats) == Usage(7, 3, 10)
    assert [message.role for message in said(read_chats)] == ["assistant", UNSET, UNSET, UNSET]
    first = read_chats[0]
    assert (first.id, first.created, first.model, first.system_fingerprint) == (
        "chatcmpl-9",
        1_790_000_000,
        "big-1-2026",
        "fp_1",
    )
    assert all(len(chat.choices) <= 1 for chat in read_chats)


def test_a_host_may_leave_out_and_repeat_nearly_everything() -> None:
    read_chats = chunks(
        b'data: {"choices": [ {"delta": {"role": "assistant", "content": null}} ]}\n\n',
        b'data:{"choices":[{"delta":{"role":"assistant","content":"a"},"finish_reason":""}]}\n\n',
        b": keep-alive\n\n",
        {"choices": [{"delta": {"role": "assistant", "content": "b", "tool_calls": None}, "finish_reason": None}]},
        {"choices": [{"delta": {}}]},
        {"choices": [{"delta": None}]},
        {"choices": None},
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
    )
    assert text(read_chats) == "ab"
    assert finishes(read_chats) == ["stop"]
    assert [message.role for message in said(read_chats)].count("assistant") == 1
    assert (read_chats[0].id, read_chats[0].created, read_chats[0].model) == ("", 0, "")


def test_azures_first_chunk_names_nothing_and_says_nothing() -> None:
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [{"x": 1}]}
    filtered = {"index": 0, "content_filter_results": {"hate": {}}, "finish_reason": None, "content_filter_offsets": {}}
    read_chats = chunks(first, delta({"role": "assistant"}), {**first, "choices": [filtered]}, delta({"content": "a"}))
    assert text(read_chats) == "a"
    assert {chat.model for chat in read_chats} == {"big-1-2026"}


def test_usage_in_every_chunk_is_counted_once_and_the_last_has_it_all() -> None:
    growing = [{**USAGE, "completion_tokens": tokens, "total_tokens": 7 + tokens} for tokens in (1, 2, 3)]
    read_chats = chunks(*(delta({"content": "a"}, usage=usage) for usage in growing))
    assert usage_of(read_chats) == Usage(7, 3, 10)


@pytest.mark.parametrize("last", [{}, {"usage": None}, {"usage": {}}, {"usage": dict.fromkeys(USAGE, 0)}])
def test_without_usage_what_came_is_counted(last: dict[str, Any]) -> None:
    read_chats = chunks(delta({"role": "assistant"}), delta({"content": "a"}), delta({"content": "b"}), delta(**last))
    assert usage_of(read_chats) == Usage(0, 2, 2)


def test_details_of_the_usage_may_be_null() -> None:
    details = {"prompt_tokens_details": None, "completion_tokens_details": None}
    assert usage_of(chunks(delta(usage=USAGE | details))) == Usage(7, 3, 10)


def test_reasoning_and_cached_tokens_are_read() -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 2}}
    usage = usage_of(chunks(delta(usage=USAGE | details)))
    assert usage.prompt_tokens_details.cached_tokens == 5
    assert usage.completion_tokens_details == ReasoningTokens(2)


def test_reasoning_that_a_host_counts_apart_is_counted_in() -> None:
    usage = {**USAGE, "total_tokens": 14, "completion_tokens_details": {"reasoning_tokens": 4}}
    assert usage_of(chunks(delta(usage=usage))).completion_tokens == 7


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_are_read_by_both_of_their_names(name: str) -> None:
    read_chats = chunks(delta({name: "hm"}), delta({"content": "a"}))
    assert [message.reasoning_content or "" for message in said(read_chats)] == ["hm", ""]


def test_thoughts_that_come_under_both_names_at_once_are_read_once() -> None:
    (message, *_) = said(chunks(delta({"reasoning_content": "hm", "reasoning": "hm", "reasoning_details": [{}]})))
    assert message.reasoning_content == "hm"


def test_a_refusal_is_read() -> None:
    (message, *_) = said(chunks(delta({"refusal": "no"})))
    assert message.refusal == "no"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("eos_token", "stop"),
    ],
)
def test_ends_are_put_into_the_chat_wires_words(theirs: str, ours: str) -> None:
    assert finishes(chunks(delta({"content": "a"}, theirs))) == [ours]
    assert whole({"content": "a"}, theirs).choices[0].finish_reason == ours


def test_a_stop_after_a_call_is_a_call() -> None:
    sent = delta({"tool_calls": [call(0, "c1", "clock", "{}")]})
    assert finishes(chunks(sent, delta({}, "stop"))) == ["tool_calls"]
    assert finishes(chunks(sent, delta({}, "length"))) == ["length"]


def test_several_choices_in_one_chunk_come_one_by_one() -> None:
    both = delta({"content": "a"})
    both["choices"].append({"index": 1, "delta": {"content": "b"}, "finish_reason": "stop"})
    read_chats = chunks(both, delta({"content": "c"}, "length"))
    assert (text(read_chats), text(read_chats, 1)) == ("ac", "b")
    assert (finishes(read_chats), finishes(read_chats, 1)) == (["length"], ["stop"])


def test_logprobs_are_read_and_those_of_an_unknown_shape_are_no_answer() -> None:
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    chunk = delta({"content": "a"})
    chunk["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    (choice,) = [chat.choices[0] for chat in chunks(chunk) if chat.choices]
    assert choice.logprobs
    assert [each.token for each in choice.logprobs.content or ()] == ["a"]
    chunk["choices"][0]["logprobs"] = {"content": [{"tokens": ["a"]}]}
    with pytest.raises(BackendBroke, match="logprobs"):
        chunks(chunk)


# Tool calls in streams

TWO = [("c1", "weather", '{"city":"Lyon"}'), ("c2", "clock", "{}")]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(
            [
                [call(0, "c1", "weather", "")],
                [call(0, None, None, '{"city":')],
                [call(0, None, None, '"Lyon"}')],
                [call(1, "c2", "clock", "{}")],
            ],
            id="as OpenAI has it",
        ),
        pytest.param([[call(0, "c1", "weather", '{"city":"Lyon"}'), call(1, "c2", "clock", "{}")]], id="whole"),
        pytest.param([[call(0, "c1", "weather", '{"city":"Lyon"}'), call(0, "c2", "clock", "{}")]], id="all zero"),
        pytest.param(
            [[call(0, "c1", "weather", '{"city":"Lyon"}')], [call(0, "c2", "clock", "{}")]], id="all zero, apart"
        ),
        pytest.param(
            [[call(None, "c1", "weather", '{"city":"Lyon"}')], [call(None, "c2", "clock", "{}")]], id="no index"
        ),
        pytest.param(
            [
                [call(None, "c1", "weather", '{"city":')],
                [call(None, None, None, '"Lyon"}')],
                [call(None, "c2", "clock", "{}")],
            ],
            id="no index, in pieces",
        ),
        pytest.param(
            [
                [call(0, "c1", "weather", '{"city":')],
                [call(0, "c1", "weather", '"Lyon"}')],
                [call(1, "c2", "clock", "{}")],
            ],
            id="id and name repeated",
        ),
        pytest.param(
            [
                [call(None, "c1", "weather", '{"city":')],
                [call(None, "c1", None, '"Lyon"}')],
                [call(None, "c2", "clock", "{}")],
            ],
            id="id repeated, no index",
        ),
        pytest.param(
            [[call(0, "c1", None, '{"city":')], [call(0, None, "weather", '"Lyon"}')], [call(1, "c2", "clock", "{}")]],
            id="name late",
        ),
        pytest.param([[call(0, "c1", "weather", {"city": "Lyon"})], [call(1, "c2", "clock", {})]], id="objects"),
        pytest.param(
            [
                [call(0, "c1", "weather", ""), call(1, "c2", "clock", None)],
                [call(1, None, None, "{}"), call(0, None, None, '{"city":"Lyon"}')],
            ],
            id="interleaved",
        ),
    ],
)
def test_calls_are_told_apart_however_they_come(sent: list[list[dict[str, Any]]]) -> None:
    read_chats = chunks(*(delta({"tool_calls": each}) for each in sent), delta({}, "tool_calls"))
    assert [(each[0], each[1], msgspec.json.decode(each[2] or "{}")) for each in calls(read_chats)] == [
        (each[0], each[1], msgspec.json.decode(each[2])) for each in TWO
    ]
    assert finishes(read_chats) == ["tool_calls"]


@pytest.mark.parametrize("given", [None, "", "null"])
def test_calls_without_ids_are_given_ids_of_their_own(given: str | None) -> None:
    sent = delta({"tool_calls": [call(0, given, "weather", "{}"), call(0, given, "clock", "{}")]})
    first, second = calls(chunks(sent))
    assert first[1:] == ("weather", "{}")
    assert second[1:] == ("clock", "{}")
    assert first[0].startswith("call_")
    assert len({first[0], second[0]}) == 2
    (again, _) = calls(chunks({**sent, "id": "chatcmpl-10"}))
    assert again[0] != first[0]


def test_a_call_that_ends_without_arguments_has_empty_ones() -> None:
    sent = [delta({"tool_calls": [call(0, "c1", "clock", ""), call(1, "c2", "clock", "{}")]}), delta({}, "tool_calls")]
    assert calls(chunks(*sent)) == [("c1", "clock", "{}"), ("c2", "clock", "{}")]


def test_a_call_without_a_name_is_no_answer() -> None:
    with pytest.raises(BackendBroke, match="without a name"):
        chunks(delta({"tool_calls": [call(0, "c1", None, "{}")]}))


# Ends and failures


def test_a_stream_without_its_end_is_not_finished() -> None:
    reader = OpenAIReader()
    assert finishes(read(reader, stream(delta({"content": "a"}, "stop", usage=USAGE), done=False))) == ["stop"]
    assert not reader.finished


def test_usage_is_told_as_soon_as_no_word_can_follow() -> None:
    beside_the_end = [delta({"content": "a"}), delta({}, "stop", usage=USAGE)]
    behind_it = [delta({"content": "a"}), delta({}, "stop"), {**delta(usage=USAGE), "choices": []}]
    for sent in (beside_the_end, behind_it, [*beside_the_end, behind_it[-1]]):
        assert usage_of(read(OpenAIReader(), stream(*sent, done=False))) == Usage(7, 3, 10)
        assert usage_of(chunks(*sent)) == Usage(7, 3, 10)


def test_a_choice_that_still_speaks_keeps_the_usage_open() -> None:
    sent = [delta({"content": "a"}), delta({"content": "b"}, index=1), delta({}, "stop", usage=USAGE)]
    last = delta({}, "stop", index=1, usage=USAGE | {"completion_tokens": 5})
    assert usage_of(chunks(*sent, last)).completion_tokens == 5


def test_nothing_is_read_behind_the_end() -> None:
    reader = OpenAIReader()
    assert usage_of(read(reader, stream(delta({"content": "a"})) + stream(delta({"content": "b"})))).total_tokens == 1


@pytest.mark.parametrize(
    "failure",
    [
        b'data: {"error": {"message": "overloaded", "code": 500}}\n\n',
        b'data: {"object":"error","message":"overloaded"}\n\n',
        b'event: error\ndata: {"message": "overloaded"}\n\n',
        b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"error"}],"error":{"code":502}}\n\n',
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"insufficient_system_resource"}]}\n\n',
    ],
)
def test_an_error_in_the_stream_is_the_backends_fault(failure: bytes) -> None:
    with pytest.raises(BackendBroke, match="failed while it answered"):
        read(OpenAIReader(), stream(delta({"content": "a"}), failure))


@pytest.mark.parametrize(
    "nonsense",
    [
        b"null",
        b"[]",
        b"<html>",
        b"\xff",
        b'{"choices":5}',
        b'{"choices":[{"index":-1}]}',
        b'{"choices":[{"index":99999}]}',
        b'{"choices":[{"delta":{"content":5}}]}',
        b'{"usage":{"prompt_tokens":-1}}',
        b'{"usage":{"prompt_tokens":1e300}}',
        b'{"usage":{"completion_tokens":100000000000000000000}}',
        b'{"usage":"many"}',
        b'{"choices":' + b"[" * 2000 + b"]" * 2000 + b"}",
    ],
)
def test_nonsense_is_the_backends_fault(nonsense: bytes) -> None:
    with pytest.raises(BackendBroke):
        read(OpenAIReader(), b"data: " + nonsense + b"\n\n")
    with pytest.raises(BackendBroke):
        OpenAIReader().whole(nonsense)


# Whole answers


def test_openais_own_answer_is_read() -> None:
    chat = whole({"content": "Hello", "refusal": None, "annotations": []}, logprobs=None, service_tier="default")
    assert chat.choices == [Choice(0, "stop", message=Message(role="assistant", content="Hello"))]
    assert chat.usage == Usage(7, 3, 10)
    assert (chat.id, chat.object, chat.created, chat.model) == (
        "chatcmpl-9",
        "chat.completion",
        1_790_000_000,
        "big-1-2026",
    )


def test_whole_calls_have_ids_names_and_arguments() -> None:
    sent = [
        call(None, "c1", "weather", {"city": "Lyon"}),
        call(None, "c1", "clock", ""),
        call(None, None, "clock", None),
    ]
    (choice,) = whole({"content": None, "tool_calls": sent}, "stop").choices
    assert choice.finish_reason == "tool_calls"
    assert choice.said.content is None
    made = choice.said.tool_calls or []
    assert [(each.function.name, each.function.arguments) for each in made] == [
        ("weather", '{"city":"Lyon"}'),
        ("clock", "{}"),
        ("clock", "{}"),
    ]
    assert all(each.id and each.type == "function" for each in made)


def test_a_whole_answer_may_lack_usage_and_an_end() -> None:
    chat = whole({"content": "Hello"}, None, usage=None)
    assert chat.usage == Usage()
    assert chat.choices[0].finish_reason == "stop"


def test_a_whole_refusal_and_whole_thoughts_are_read() -> None:
    assert whole({"content": None, "refusal": "no"}).choices[0].said.refusal == "no"
    assert whole({"content": "a", "reasoning": "hm"}).choices[0].said.reasoning_content == "hm"


@pytest.mark.parametrize("body", [b"{}", b'{"choices":[]}', b'{"error":{"message":"no"}}', b'{"object":"error"}'])
def test_what_is_no_answer_is_the_backends_fault(body: bytes) -> None:
    with pytest.raises(BackendBroke):
        OpenAIReader().whole(body)


# There and back

_texts = st.text(min_size=1, max_size=8)


@st.composite
def _messages(draw: st.DrawFn) -> Message:
    message = Message(role="assistant", content=None)
    if draw(st.booleans()):
        message.reasoning_content = draw(_texts)
    if names := draw(st.lists(st.sampled_from(["weather", "clock"]), max_size=3)):
        made = [ToolCall(at, f"call_{at}", "function") for at in range(len(names))]
        for each, name in zip(made, names, strict=True):
            each.function.name, each.function.arguments = name, draw(st.sampled_from(["{}", '{"city":"Lyon"}']))
        message.tool_calls = made
    if not names or draw(st.booleans()):
        message.content = draw(_texts)
    return message


@st.composite
def answers(draw: st.DrawFn) -> Chat:
    """Whole answers of any kind."""
    choices = []
    for index, message in enumerate(draw(st.lists(_messages(), min_size=1, max_size=3))):
        ends = ["tool_calls"] if message.tool_calls else ["stop", "length", "content_filter"]
        choices.append(Choice(index, draw(st.sampled_from(ends)), message=message))
    read_tokens, written = draw(st.integers(1, 999)), draw(st.integers(1, 999))
    usage = Usage(read_tokens, written, read_tokens + written)
    usage.prompt_tokens_details.cached_tokens = draw(st.integers(0, read_tokens))
    if draw(st.booleans()):
        usage.completion_tokens_details = ReasoningTokens(draw(st.integers(1, written)))
    return Chat("chatcmpl-1", "chat.completion", 1_790_000_000, "big-1", choices, usage)


def in_chunks(chat: Chat) -> list[Chat]:
    """A whole answer as the chunks that a reader makes of it."""
    written: list[Choice] = []
    for choice in chat.choices:
        said, deltas = choice.said, [Message(role="assistant")]
        if said.reasoning_content:
            deltas.extend(Message(reasoning_content=letter) for letter in said.reasoning_content)
        if said.content:
            deltas.extend(Message(content=letter) for letter in said.content)
        for each in said.tool_calls or ():
            opening = ToolCall(each.index, each.id, "function")
            opening.function.name = each.function.name
            growing = ToolCall(each.index)
            growing.function.arguments = each.function.arguments
            deltas.extend([Message(tool_calls=[opening]), Message(tool_calls=[growing])])
        written.extend(Choice(choice.index, delta=delta) for delta in deltas)
        written.append(Choice(choice.index, choice.finish_reason, delta=Message()))
    about = (chat.id, "chat.completion.chunk", chat.created, chat.model)
    return [Chat(*about, [choice]) for choice in written]


@settings(max_examples=60)
@given(answer=answers())
def test_a_whole_answer_is_written_and_read_again_without_loss(answer: Chat) -> None:
    request = read_request({"model": "m", "messages": [{"role": "user", "content": "x"}]})
    sent = msgspec.json.encode(answer)
    written = ChunkWriter(request).answer(msgspec.json.decode(sent, type=Chat))
    assert OpenAIReader().whole(written) == msgspec.json.decode(sent, type=Chat)


@settings(max_examples=60)
@given(answer=answers())
def test_a_stream_is_written_and_read_again_without_loss(answer: Chat) -> None:
    fields = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
    writer = ChunkWriter(read_request(fields | {"messages": [{"role": "user", "content": "x"}]}))
    assert isinstance(answer.usage, Usage)
    usage = answer.usage
    written = b"".join(writer.chunk(chunk) for chunk in in_chunks(answer)) + writer.end(usage)
    read_chats = read(OpenAIReader(), written)
    for choice in answer.choices:
        expected = [(each.id, each.function.name, each.function.arguments) for each in choice.said.tool_calls or ()]
        assert text(read_chats, choice.index) == (choice.said.content or "")
        assert calls(read_chats, choice.index) == expected
        assert finishes(read_chats, choice.index) == [choice.finish_reason]
        thoughts = [message.reasoning_content or "" for message in said(read_chats, choice.index)]
        assert "".join(thoughts) == (choice.said.reasoning_content or "")
    assert usage_of(read_chats) == usage


@pytest.mark.parametrize("said", [(), ({"choices": [], "usage": USAGE},), ({"detail": "no such model"},)])
def test_a_stream_that_ends_without_a_choice_is_no_answer(said: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(BackendBroke, match="without choices"):
        chunks(*said)
