# SPDX-License-Identifier: Apache-2.0
"""Reads answers in Anthropic's messages into the chat wire's words.

Kept are text, tool calls, and what the model thought where it is readable. Left aside is what says nothing by itself:
signatures, redacted thinking, where a citation points, and tools that ran at the provider, which no translated request
asks for. Everything else that could carry content and is not known here breaks the answer off.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from freehold.dialect.anthropic import wire
from freehold.dialect.anthropic.wire import kind_of, not_the_protocol, read, read_answer
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
from freehold.dialect.interface import Event

_FINISHES = {  # all other reasons are a natural end
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # not whole, and the caller cannot go on with it
    "refusal": "content_filter",
}
_GROWS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "tool_use"}  # a delta, and its block
_SILENT_DELTAS = ("signature_delta", "citations_delta")
_SILENT_BLOCKS = ("redacted_thinking", "server_tool_use", "mcp_tool_use", "container_upload")
_RESULT = "_tool_result"  # how blocks end that hold what a tool at the provider gave
_CONTENT = frozenset({"message", "content_block", "content", "delta", "text"})  # where an event would carry any


class _Content(Struct):
    """A block, whole or at its beginning."""

    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None


class _Answer(wire.Answer, kw_only=True):
    content: list[_Content]  # type: ignore[assignment]  # the same JSON, read further


class _BlockStart(Struct):
    index: int
    content_block: _Content


class _Delta(Struct):
    type: str
    text: str = ""
    thinking: str = ""
    partial_json: str = ""


class _BlockDelta(Struct):
    index: int
    delta: _Delta


class _BlockStop(Struct):
    index: int


@dataclass(slots=True)
class _Block:
    """A block that has begun."""

    kind: str  # empty: nothing is taken from it
    call: int = 0  # of a tool_use: its index among the calls
    given: dict[str, Any] = field(default_factory=dict)  # the arguments that its beginning had already
    has_arguments: bool = False


class MessagesReader:
    """One answer. Used once."""

    def __init__(self) -> None:
        self.finished = False
        self._begun = False
        self._id = ""
        self._model = ""
        self._usage = wire.Usage()
        self._stop = wire.Stop()
        self._open: dict[int, _Block] = {}
        self._blocks = 0  # the least index that the next block may have
        self._calls = 0

    @property
    def usage(self) -> Usage:
        """As far as it was told: the prompt's at the beginning, the answer's at the end."""
        return self._total()

    def event(self, event: Event) -> list[Chat]:
        kind = kind_of(event)
        if kind.startswith(("message_", "content_block_")):
            begins_again_or_late = self._begun is (kind == "message_start")
            if begins_again_or_late or self.finished:
                raise not_the_protocol()
        if kind == "content_block_delta":  # nearly all of them
            choice = self._grow(read(event.data, _BlockDelta))
            return [self._chunk(choice)] if choice else []
        return [self._chunk(choice) for choice in self._read(kind, event.data)]

    def whole(self, body: bytes) -> Chat:
        message = read_answer(body, _Answer)
        self._begin(message)
        self._stop = message
        said, finish = Message(role="assistant", content=None), None
        for choice in self._whole(message.content):
            _add(said, choice.said)
            finish = choice.finish_reason
        answer = Choice(0, finish, message=said)
        return Chat(self._id, "chat.completion", 0, self._model, [answer], self._total())

    def _read(self, kind: str, data: bytes) -> Iterator[Choice]:
        match kind:
            case "message_start":
                self._begin(read(data, wire.MessageStart).message)
                yield Choice(0, delta=Message(role="assistant"))
            case "content_block_start":
                start = read(data, _BlockStart)
                yield from self._open_block(start.index, start.content_block)
            case "content_block_stop":
                index = read(data, _BlockStop).index
                yield from self._close(self._opened(index))
                del self._open[index]
            case "message_delta":
                told = read(data, wire.MessageDelta)
                self._usage.update(told.usage)
                if told.delta.stop_reason and not self._stop.stop_reason:
                    self._stop = told.delta
                    yield self._end()
            case "message_stop" if self._stop.stop_reason:
                self.finished = True
            case "message_stop":
                raise not_the_protocol()
            case _ if _CONTENT & read(data, dict[str, Any]).keys():
                raise not_the_protocol()

    def _whole(self, content: list[_Content]) -> Iterator[Choice]:
        for index, block in enumerate(content):
            yield from self._open_block(index, block)
            yield from self._close(self._open.pop(index))
        yield self._end()

    def _begin(self, message: wire.Message) -> None:
        self._begun = True
        self._id, self._model = message.id, message.model
        self._usage.update(message.usage)

    def _open_block(self, index: int, block: _Content) -> Iterator[Choice]:
        if index < self._blocks:
            raise not_the_protocol()
        self._blocks = index + 1
        match block.type:
            case "text" | "thinking":
                self._open[index] = _Block(block.type)
                if said := _said(block.type, block.text if block.type == "text" else block.thinking):
                    yield said
            case "tool_use":
                if not block.id or not block.name:
                    raise not_the_protocol()
                self._open[index] = _Block(block.type, self._calls, block.input or {})
                function = CalledFunction(block.name, "")
                yield _called(ToolCall(self._calls, block.id, "function", function))
                self._calls += 1
            case silent if silent in _SILENT_BLOCKS or silent.endswith(_RESULT):
                self._open[index] = _Block("")
            case _:
                raise not_the_protocol()

    def _opened(self, index: int) -> _Block:
        if index not in self._open:
            raise not_the_protocol()
        return self._open[index]

    def _grow(self, grown: _BlockDelta) -> Choice | None:
        """None where there is nothing in it."""
        block, delta = self._open.get(grown.index), grown.delta
        if block is None:
            raise not_the_protocol()
        if not block.kind or delta.type in _SILENT_DELTAS:
            return None
        if _GROWS.get(delta.type) != block.kind:
            raise not_the_protocol()
        if block.kind != "tool_use":
            return _said(block.kind, delta.text if block.kind == "text" else delta.thinking)
        if not delta.partial_json:
            return None
        block.has_arguments = True
        return _arguments(block, delta.partial_json)

    def _close(self, block: _Block) -> Iterator[Choice]:
        """A call without arguments has an empty object of them, in words that the chat wire's readers can decode."""
        if block.kind == "tool_use" and not block.has_arguments:
            yield _arguments(block, msgspec.json.encode(block.given).decode())

    def _end(self) -> Choice:
        reason = self._stop.stop_reason
        if self._open or not reason:
            raise not_the_protocol()
        details = self._stop.stop_details
        why = details.explanation if details and reason == "refusal" else None
        return Choice(0, _FINISHES.get(reason, "stop"), delta=Message(refusal=why) if why else Message())

    def _chunk(self, choice: Choice) -> Chat:
        chat = Chat(self._id, "chat.completion.chunk", 0, self._model, [choice])
        if choice.finish_reason:
            chat.usage = self._total()
        return chat

    def _total(self) -> Usage:
        prompt, completion = self._usage.prompt_tokens, self._usage.output_tokens or 0
        usage = Usage(prompt, completion, prompt + completion, CachedTokens(self._usage.cache_read_input_tokens or 0))
        if details := self._usage.output_tokens_details:
            usage.completion_tokens_details = ReasoningTokens(details.thinking_tokens or 0)
        return usage


def _said(kind: str, text: str | None) -> Choice | None:
    if not text:
        return None
    return Choice(0, delta=Message(content=text) if kind == "text" else Message(reasoning_content=text))


def _called(call: ToolCall) -> Choice:
    return Choice(0, delta=Message(tool_calls=[call]))


def _arguments(block: _Block, text: str) -> Choice:
    return _called(ToolCall(block.call, function=CalledFunction(arguments=text)))


def _add(said: Message, part: Message) -> None:
    """Put a part of an answer to what there is of it."""
    if part.content:
        said.content = (said.content or "") + part.content
    if part.reasoning_content:
        said.reasoning_content = (said.reasoning_content or "") + part.reasoning_content
    if part.refusal:
        said.refusal = part.refusal
    for call in part.tool_calls or ():
        calls = said.tool_calls = said.tool_calls or []
        if call.id:
            calls.append(call)
        else:
            function = calls[-1].function
            function.arguments = (function.arguments or "") + (call.function.arguments or "")
