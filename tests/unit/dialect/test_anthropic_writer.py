# SPDX-License-Identifier: Apache-2.0
"""The chat wire's words written as Anthropic's messages: lawful events, and the same answer when they are read back."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from anthropic.types import Message as SdkMessage
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dialect.test_anthropic_reader import gathered, whole_of

from freehold.dialect.anthropic.reader import MessagesReader
from freehold.dialect.anthropic.writer import UNSIGNED, MessageWriter
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
from freehold.dialect.sse import Splitter
from freehold.errors import BackendBroke


def written(read: Sequence[Chat], usage: Usage, prefill: str = "") -> bytes:
    writer = MessageWriter(prefill)
    return b"".join([*(writer.chunk(chat) for chat in read), writer.end(usage)])


def chunk(**said: Any) -> Chat:
    finish = said.pop("finish", None)
    return Chat("chatcmpl-1", "", 0, "m", [Choice(0, finish, delta=Message(**said))])


def piece(index: int | None, arguments: str = "", *, identity: str | None = None, name: str | None = None) -> Chat:
    return chunk(tool_calls=[ToolCall(index, identity, "function", CalledFunction(name, arguments))])


def sdk_message(sent: bytes) -> SdkMessage:
    """What Anthropic's SDK makes of a stream, each event of which its types allow. Blocks do not overlap."""
    events = [msgspec.json.decode(event.data) for event in Splitter().feed(sent)]
    growing = None
    for event in events:
        if event["type"] == "content_block_start":
            assert growing is None
            growing = event["index"]
        elif event["type"].startswith("content_block"):
            assert event["index"] == growing
            growing = None if event["type"] == "content_block_stop" else growing
    return SdkMessage.model_validate_json(whole_of(*events))


def test_reasoning_is_written_as_thinking_with_this_estates_mark() -> None:
    read = [chunk(role="assistant"), chunk(reasoning_content="Hm"), chunk(reasoning_content="."), chunk(content="Yes")]
    message = sdk_message(written([*read, chunk(finish="stop")], Usage(5, 4, 9, CachedTokens(2), ReasoningTokens(3))))
    blocks: list[Any] = message.content
    thought, said = blocks
    assert (thought.type, thought.thinking, thought.signature) == ("thinking", "Hm.", UNSIGNED)
    assert (said.type, said.text) == ("text", "Yes")
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (3, 2, 4)
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 3


@pytest.mark.parametrize(
    ("said", "finish", "reason"),
    [
        ({"content": "a"}, "stop", "end_turn"),
        ({"content": "a"}, "length", "max_tokens"),
        ({"content": "a"}, "content_filter", "refusal"),
        ({"refusal": "No."}, "stop", "refusal"),
        ({"tool_calls": [ToolCall(0, "c", "function", CalledFunction("f", "{}"))]}, "tool_calls", "tool_use"),
        ({"tool_calls": [ToolCall(0, "c", "function", CalledFunction("f", "{}"))]}, "stop", "tool_use"),
        ({"tool_calls": [ToolCall(0, "c", "function", CalledFunction("f", "{}"))]}, "length", "max_tokens"),
    ],
)
def test_finish_reason_is_a_reason_to_stop(said: dict[str, Any], finish: str, reason: str) -> None:
    message = Message(**said)
    whole = Chat("c", "", 0, "m", [Choice(0, finish, message=message)], Usage(1, 1))
    answers = (
        SdkMessage.model_validate_json(MessageWriter("").answer(whole)),
        sdk_message(written([chunk(**said), chunk(finish=finish)], Usage(1, 1))),
    )
    for answer in answers:
        assert answer.stop_reason == reason
        assert [getattr(one, "text", "") for one in answer.content] == [message.refusal or message.content or ""]


def test_calls_that_grow_at_the_same_time_are_written_one_after_the_other() -> None:
    read = [
        chunk(content="I look."),
        piece(0, identity="c0", name="f"),
        piece(1, identity="c1", name="g"),
        piece(1, '{"b"'),
        piece(0, '{"a":1}'),
        piece(1, ":2}"),
        chunk(finish="tool_calls"),
    ]
    message = sdk_message(written(read, Usage()))
    assert [getattr(one, "input", one.type) for one in message.content] == ["text", {"a": 1}, {"b": 2}]


def test_first_call_is_not_held_back() -> None:
    writer = MessageWriter("")
    assert b'"c0"' in writer.chunk(piece(0, identity="c0", name="f"))
    assert b'{\\"a\\":1}' in writer.chunk(piece(0, '{"a":1}'))


def test_text_after_calls_follows_them() -> None:
    read = [piece(0, "{}", identity="c0", name="f"), piece(1, "{}", identity="c1", name="g"), chunk(content="Done.")]
    message = sdk_message(written(read, Usage()))
    assert [one.type for one in message.content] == ["tool_use", "tool_use", "text"]


def test_call_that_goes_on_after_its_end_breaks() -> None:
    with pytest.raises(BackendBroke, match="ended"):
        written([piece(0, "{", identity="c", name="f"), chunk(content="x"), piece(0, "}")], Usage())


def test_call_without_an_id_gets_one_that_stays() -> None:
    read = [piece(None, "{}", name="f"), chunk(finish="tool_calls")]
    identities = [getattr(sdk_message(written(read, Usage())).content[0], "id", "") for _ in range(2)]
    assert identities[0] == identities[1]
    assert identities[0].startswith("toolu_")


def test_call_without_a_name_breaks() -> None:
    with pytest.raises(BackendBroke, match="without a name"):
        MessageWriter("").chunk(piece(0, "{}", identity="c"))


def test_call_that_was_cut_short_is_no_call() -> None:
    cut = Message(content="a", tool_calls=[ToolCall(0, "c", "function", CalledFunction("f", '{"a"'))])
    whole = Chat("c", "", 0, "m", [Choice(0, "length", message=cut)], Usage(1, 1))
    document = msgspec.json.decode(MessageWriter("").answer(whole))
    assert (document["content"], document["stop_reason"]) == ([{"type": "text", "text": "a"}], "max_tokens")


def test_id_is_a_messages_own_or_made_of_what_there_is() -> None:
    def identity(chat_id: str, call: str = "") -> str:
        chat = Chat(chat_id, "", 0, "m", [Choice(0, "stop", message=Message(content="a"))], Usage())
        found: str = msgspec.json.decode(MessageWriter("", call).answer(chat))["id"]
        return found

    assert identity("msg_01") == "msg_01"
    made = [identity("chatcmpl-1"), identity("chatcmpl-2"), identity("", "call_1"), identity("", "call_2")]
    assert len(set(made)) == 4
    assert all(one.startswith("msg_") and len(one) == 28 for one in made)
    assert made[0] == identity("chatcmpl-1", "call_1")


def test_stream_without_a_chunk_is_a_message_all_the_same() -> None:
    assert sdk_message(MessageWriter("").end(Usage(1, 0))).content == []


# There and back


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
VALUES = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3)


@st.composite
def answers(draw: st.DrawFn) -> Chat:
    """A whole answer in the chat wire's words, such as any API may give."""
    calls = [
        ToolCall(index, f"call_{index}", "function", CalledFunction(draw(TEXT), msgspec.json.encode(value).decode()))
        for index, value in enumerate(draw(st.lists(VALUES, max_size=3)))
    ]
    said = Message(role="assistant", content=draw(st.none() | TEXT))
    if thoughts := draw(st.none() | TEXT):
        said.reasoning_content = thoughts
    if calls:
        said.tool_calls = calls
    finish = "tool_calls" if calls else draw(st.sampled_from(["stop", "length", "content_filter"]))
    prompt, completion, cached = (draw(st.integers(0, 1000)) for _ in range(3))
    usage = Usage(prompt + cached, completion, prompt + cached + completion, CachedTokens(cached))
    if thought := draw(st.integers(0, 100)):
        usage.completion_tokens_details = ReasoningTokens(thought)
    return Chat("msg_1", "chat.completion", 0, "m", [Choice(0, finish, message=said)], usage)


@st.composite
def streamed(draw: st.DrawFn, answer: Chat) -> list[Chat]:
    """The answer in chunks: texts cut anywhere, calls growing one after the other or at the same time."""

    def pieces(whole: str) -> list[str]:
        cut = draw(st.integers(0, len(whole)))
        return [part for part in (whole[:cut], whole[cut:]) if part]

    said = answer.choices[0].said
    deltas = [Message(role="assistant")]
    deltas += [Message(reasoning_content=part) for part in pieces(said.reasoning_content or "")]
    deltas += [Message(content=part) for part in pieces(said.content or "")]
    grown = []
    for call in said.tool_calls or ():
        opening = ToolCall(call.index, call.id, "function", CalledFunction(call.function.name, ""))
        rest = [
            ToolCall(call.index, function=CalledFunction(None, part)) for part in pieces(call.function.arguments or "")
        ]
        grown.append([opening, *rest])
    while any(grown):
        growing = draw(st.sampled_from([pieces for pieces in grown if pieces]))
        deltas.append(Message(tool_calls=[growing.pop(0)]))
    chats = [Chat(answer.id, "", 0, answer.model, [Choice(0, delta=delta)]) for delta in deltas]
    return [*chats, Chat(answer.id, "", 0, answer.model, [Choice(0, answer.choices[0].finish_reason, delta=Message())])]


@settings(deadline=None)
@given(st.data(), answers())
def test_answer_comes_back_from_anthropics_words_as_it_was(data: st.DataObject, answer: Chat) -> None:
    assert isinstance(answer.usage, Usage)
    expected = msgspec.json.encode(answer)
    assert msgspec.json.encode(MessagesReader().whole(MessageWriter("").answer(answer))) == expected

    sent = written(data.draw(streamed(answer)), answer.usage)
    cut = data.draw(st.integers(0, len(sent)))
    splitter, reader = Splitter(), MessagesReader()
    events = [*splitter.feed(sent[:cut]), *splitter.feed(sent[cut:]), *splitter.close()]
    back = gathered([chat for event in events if event.data for chat in reader.event(event)])
    calls = back.choices[0].said.tool_calls or []
    calls.sort(key=lambda call: int((call.id or "").removeprefix("call_")))
    for index, call in enumerate(calls):
        call.index = index  # the order of calls is that in which they began
    assert msgspec.json.encode(back) == expected
