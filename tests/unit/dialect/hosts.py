# SPDX-License-Identifier: Apache-2.0
"""Somebody else's API that speaks OpenAI's or Mistral's chat, and requests for it in the chat wire's words."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from freehold.contract.call import Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect.chatwire import EFFORTS, AnswerReader, Chat, ChatRequest, Usage
from freehold.dialect.interface import Backend, Event, Exchange, Extra, Foreign, Wire
from freehold.dialect.sse import DONE, Splitter, data_event
from freehold.dialect.tools import Choice, ToolPlan

HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Now", "parameters": PARAMETERS}}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
PNG = "data:image/png;base64,iVBORw0KGgo="
IMAGE = {"type": "image_url", "image_url": {"url": PNG}}
CALL = {"id": "call_AbCdEf123", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Lyon"}'}}
RESULT = {"role": "tool", "tool_call_id": "call_AbCdEf123", "content": "18"}


def hub(messages: list[dict[str, Any]] = HI, **asked: Any) -> ChatRequest:
    """A request in the chat wire's words. What is not one of its fields stands in its body."""
    names = {"tools", "choices", "called", "extras", "drop", "stream"} & asked.keys()
    named: dict[str, Any] = {"tools": ToolPlan(), "stream": False} | {name: asked.pop(name) for name in names}
    return ChatRequest(
        operation=Operation.CHAT, asked="support", fields={}, body={"messages": messages, **asked}, **named
    )


def host(wire: Wire = Wire.CHAT, *, model: str = "big-1", **foreign: Any) -> Backend:
    beside = {Wire.CHAT: Wire.COMPLETIONS, Wire.MISTRAL_CHAT: Wire.FIM}
    given: dict[str, Any] = {"preferred": wire, "prefill": Prefill.NONE, "answer_tokens": 8192} | foreign
    wires = frozenset({wire, beside[wire]})
    return Backend(model=model, wires=wires, context_tokens=0, tools=True, foreign=Foreign(**given))


def extra(name: str, *, harmless: bool = False) -> Extra:
    return Extra(name=name, param=name, why="the target has no place for it", harmless=harmless)


def stream(*chunks: object, done: bool = True) -> bytes:
    """Events of these documents; bytes stand for themselves."""
    written = [chunk if isinstance(chunk, bytes) else data_event(msgspec.json.encode(chunk)) for chunk in chunks]
    return b"".join(written) + (DONE if done else b"")


def events(sent: bytes) -> list[Event]:
    splitter = Splitter()
    return [*splitter.feed(sent), *splitter.close()]


def read(reader: AnswerReader, sent: bytes) -> list[Chat]:
    """All that the reader makes of a stream."""
    return [chat for event in events(sent) if event.data for chat in reader.event(event)]


def drive(exchange: Exchange, sent: bytes) -> bytes:
    return b"".join(exchange.event(event) for event in events(sent))


def delta(
    delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0, **more: Any
) -> dict[str, Any]:
    """A chunk as most hosts write it."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    about = {"id": "chatcmpl-9", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "big-1-2026"}
    return {**about, "choices": [choice], **more}


def usage_of(chats: list[Chat]) -> Usage:
    """The usage of a stream, which must come once."""
    (usage,) = [chat.usage for chat in chats if isinstance(chat.usage, Usage)]
    return usage


# Requests of any kind that both APIs have all the words for

_texts = st.text(min_size=1, max_size=12).filter(str.strip)
_names = st.sampled_from(["weather", "clock"])
_ids = st.text(alphabet="abcXYZ019", min_size=9, max_size=9)
_arguments = st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=2).map(
    lambda arguments: msgspec.json.encode(arguments).decode()
)


@st.composite
def _exchanges(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A turn of the assistant, with the results of the calls in it, and what the user says then."""
    turn: dict[str, Any] = {"role": "assistant", "content": draw(_texts)}
    ids = draw(st.lists(_ids, max_size=3, unique=True))
    if ids:
        turn["content"] = draw(_texts | st.just(""))
        turn["tool_calls"] = [
            {"id": each, "type": "function", "function": {"name": draw(_names), "arguments": draw(_arguments)}}
            for each in ids
        ]
    results = [{"role": "tool", "tool_call_id": each, "content": draw(_texts)} for each in ids]
    return [turn, *results, {"role": "user", "content": draw(_users)}]


_users: st.SearchStrategy[Any] = _texts | st.lists(
    _texts.map(lambda text: {"type": "text", "text": text}), min_size=1, max_size=2
).map(lambda parts: [*parts, IMAGE])


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    messages: list[dict[str, Any]] = [{"role": "system", "content": draw(_texts)}] if draw(st.booleans()) else []
    messages.append({"role": "user", "content": draw(_users)})
    for turns in draw(st.lists(_exchanges(), max_size=2)):
        messages.extend(turns)
    schema = {"name": "answer", "schema": PARAMETERS, "strict": True}
    body = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "max_tokens": st.integers(1, 9999),
                "temperature": st.floats(0, 1.5),
                "top_p": st.floats(0, 1),
                "frequency_penalty": st.floats(-2, 2),
                "presence_penalty": st.floats(-2, 2),
                "seed": st.integers(0, 2**32 - 2),
                "stop": st.lists(_texts, min_size=1, max_size=4),
                "response_format": st.sampled_from(
                    [{"type": "json_object"}, {"type": "json_schema", "json_schema": schema}]
                ),
                "reasoning_effort": st.sampled_from(EFFORTS),
            },
        )
    )
    return hub(messages, tools=draw(_plans()), choices=draw(st.integers(1, 4)), stream=draw(st.booleans()), **body)


@st.composite
def _plans(draw: st.DrawFn) -> ToolPlan:
    if not draw(st.booleans()):
        return ToolPlan()
    choice = draw(st.sampled_from(Choice))
    only = draw(st.sampled_from(["", "clock"])) if choice is Choice.FORCED else ""
    return ToolPlan(tools=(WEATHER, CLOCK), choice=choice, only=only, parallel=draw(st.none() | st.booleans()))
