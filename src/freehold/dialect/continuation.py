# SPDX-License-Identifier: Apache-2.0
"""The rest of an answer that broke off: asked of another backend, and written on as if nothing had happened.

What the caller has is read back in the caller's own dialect, whoever wrote it. So a writer is brought to where the
answer stands, and the text said so far becomes what the next backend goes on from.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import UNSET, structs

from freehold.contract.backend import Priority
from freehold.contract.call import Dialect
from freehold.contract.record import Seam
from freehold.dialect.anthropic.reader import MessagesReader
from freehold.dialect.anthropic.request import MessagesRequest
from freehold.dialect.anthropic.writer import MessageWriter
from freehold.dialect.chatwire import AnswerReader, Chat, ChatExchange, ChatRequest, ChatWriter, Choice, Usage, upstream
from freehold.dialect.forced import change_for
from freehold.dialect.interface import Backend, Codec, Event, Exchange, Request
from freehold.dialect.losses import lost_at_engine
from freehold.dialect.mistral.chat import MistralRequest
from freehold.dialect.mistral.reader import MistralReader
from freehold.dialect.mistral.writer import MistralWriter
from freehold.dialect.openai.chat import OpenAIRequest
from freehold.dialect.openai.exchange import ChunkWriter
from freehold.dialect.openai.reader import OpenAIReader
from freehold.dialect.responses.reader import ResponsesReader
from freehold.dialect.responses.request import ResponsesRequest
from freehold.dialect.responses.writer import ResponseWriter
from freehold.dialect.sse import DONE, PING, Splitter, named_event
from freehold.dialect.translate import translated
from freehold.errors import Unsupported

_ANEW = "\n\n"  # between thoughts that were cut and those that begin anew, where nothing else parts them


class CallPlan:
    """One request in its dialect, put to whichever backend answers it."""

    __slots__ = ("_codec", "_hold_tools", "_priority", "_request", "_show_seam", "_voice", "ping")

    def __init__(
        self,
        codec: Codec,
        request: Request,
        *,
        priority: Priority = Priority.NORMAL,
        hold_tools: bool = True,
        show_seam: bool = False,
    ) -> None:
        self._codec = codec
        self._request = request
        self._priority = priority
        self._voice = _VOICES[codec.dialect]
        self._hold_tools = hold_tools
        self._show_seam = show_seam
        self.ping = self._voice.ping

    def begin(self, backend: Backend) -> Exchange:
        """Ask for the answer. Raises Unsupported where the backend cannot do what is asked."""
        return _ranked(self._codec.exchange(self._request, backend), self._priority)

    def go_on(self, backend: Backend, sent: bytes) -> Exchange:
        """Ask for the rest of an answer of which the caller has ``sent``, before all that has not begun.

        Raises Unsupported.
        """
        hub, events, said = self._hub(), Splitter().feed(sent), _Said()
        writer = self._written(events, said)
        if self._voice.repeats_prefill:
            said.text = said.text.removeprefix(hub.prefill)
        rest = _RestWriter(writer, said, parts_thoughts=self._voice.parts_thoughts)
        exchange = _asked(_rest_of(hub, said), backend, rest)
        exchange.count_from(said.tokens, prompt_tokens=said.usage.prompt_tokens, read_tokens=said.text_tokens)
        return _ranked(exchange, Priority.BEGUN)

    def ending(self, exchange: Exchange) -> bytes:
        """The end of a stream whose backend said why it ends, and did not close it."""
        return exchange.ending() if isinstance(exchange, ChatExchange) else self._voice.end

    def holds(self, piece: bytes) -> bool:
        """Whether the answer is to be held from this piece on: a tool call, or JSON that must follow a schema."""
        if isinstance(self._request, ChatRequest | MessagesRequest) and self._hub().body.get("response_format"):
            return True
        return (
            self._hold_tools
            and self._voice.call_mark in piece
            and any(self._voice.calls(_document(event.data)) for event in Splitter().feed(piece) if event.data)
        )

    def told(self, seam: Seam) -> bytes:
        """What the caller is told of a seam: nothing, or a comment where that was asked for."""
        if not self._show_seam:
            return b""
        return f": seam {seam.kind}; from {seam.left} to {seam.taken_by}; {seam.error}\n\n".encode()

    def _hub(self) -> ChatRequest:
        request = self._request
        if isinstance(request, MessagesRequest):
            return request.chat_request()
        if not isinstance(request, ChatRequest):
            raise Unsupported("an answer of this endpoint cannot be gone on with")
        return request

    def _written(self, events: list[Event], said: "_Said") -> ChatWriter:
        """A writer that stands behind these events, as if it had written them itself."""
        writer, reader = self._writer(), self._voice.reader()
        for event in events:
            for chat in reader.event(event) if event.data else ():
                said.add(chat)
                if not isinstance(writer, MessageWriter | ResponseWriter):
                    writer.chunk(chat)
        if isinstance(reader, MessagesReader):
            said.usage = reader.usage  # which no chunk has before the end
        if isinstance(writer, MessageWriter | ResponseWriter):  # whose events number blocks, and name items
            writer.stand_behind(_document(event.data) for event in events if event.data)
        return writer

    def _writer(self) -> ChatWriter:
        match self._request:
            case OpenAIRequest():
                return ChunkWriter(self._request)
            case ResponsesRequest():
                return ResponseWriter(self._request)
            case MistralRequest():
                return MistralWriter(self._request)
            case MessagesRequest():
                return MessageWriter(self._request.prefill)
        raise Unsupported("an answer of this endpoint cannot be gone on with")


def _ranked(exchange: Exchange, priority: Priority) -> Exchange:
    if priority != Priority.NORMAL:
        exchange.upstream = structs.replace(exchange.upstream, priority=priority)
    return exchange


@dataclass(slots=True)
class _Said:
    """What the caller has of an answer."""

    text: str = ""
    tokens: int = 0  # pieces, which is near enough
    text_tokens: int = 0  # those of the text, which whoever goes on gets to read
    called: bool = False
    thought: bool = False
    first: Chat = field(default_factory=Chat)  # names and dates the answer
    usage: Usage = field(default_factory=Usage)

    def add(self, chat: Chat) -> None:
        if not self.first.id:
            self.first = chat
        if isinstance(chat.usage, Usage):
            self.usage = chat.usage
        for choice in chat.choices:
            said = choice.said
            self.text += said.content or ""
            self.called = self.called or bool(said.tool_calls)
            self.tokens += bool(said.content or said.reasoning_content or said.refusal)
            self.text_tokens += bool(said.content)
            self.thought = self.thought or bool(said.reasoning_content)

    @property
    def space(self) -> str:
        """White space at its end. APIs and templates cut it off, so the next backend may say it again."""
        return self.text[len(self.text.rstrip()) :]


def _rest_of(hub: ChatRequest, said: _Said) -> ChatRequest:
    """The request for what is missing. Raises Unsupported where no other model could go on."""
    if hub.choices > 1 or said.called:
        raise Unsupported("nobody can go on with several choices at once, or after a tool was called")
    if not said.text.strip():
        return hub
    if hub.body.get("response_format") or hub.tools.forced:
        raise Unsupported("nobody can go on in the middle of what must follow a schema")
    begun = hub.prefill + said.text.rstrip()
    earlier = hub.body["messages"][:-1] if hub.prefill else hub.body["messages"]
    body: dict[str, Any] = {**hub.body, "messages": [*earlier, {"role": "assistant", "content": begun}]}
    if "max_tokens" in body:
        body["max_tokens"] = max(1, body["max_tokens"] - said.tokens)
    return structs.replace(hub, body=body)


def _asked(rest: ChatRequest, backend: Backend, writer: ChatWriter) -> ChatExchange:
    if backend.foreign:
        return translated(rest, backend, writer)
    return ChatExchange(upstream(rest, backend), writer, change_for(rest), dropped=lost_at_engine(rest))


class _RestWriter:
    """Writes the rest with a writer that stands where the caller is. One answer has one name, one date and one role."""

    def __init__(self, writer: ChatWriter, said: _Said, *, parts_thoughts: bool) -> None:
        self._writer = writer
        self._said = said
        self._space = said.space
        self._anew = _ANEW if said.thought and not parts_thoughts else ""

    def chunk(self, chat: Chat) -> bytes:
        first = self._said.first
        if first.id:
            chat.id, chat.created, chat.model = first.id, first.created, first.model
            chat.system_fingerprint = first.system_fingerprint
        says = [choice for choice in chat.choices if self._fits(choice, begun=bool(first.id))]
        return self._writer.chunk(chat) if says else b""

    def end(self, usage: Usage) -> bytes:
        return self._writer.end(usage)

    def answer(self, chat: Chat) -> bytes:
        raise RuntimeError(f"the rest of an answer is streamed, yet here is all of {chat.id!r}")

    def _fits(self, choice: Choice, *, begun: bool) -> bool:
        """Make a chunk one in the middle of the answer. False if nothing is left of it."""
        said = choice.said
        if begun:
            said.role = UNSET
        if said.content:
            said.content = self._after_space(said.content)
        if said.reasoning_content:
            said.reasoning_content, self._anew = self._anew + said.reasoning_content, ""
        return bool(said != type(said)() or choice.finish_reason)

    def _after_space(self, text: str) -> str:
        again = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self._space, text, strict=False)))
        self._space = self._space[again:] if again == len(text) else ""
        return text[again:]


def _document(data: bytes) -> Mapping[str, Any]:
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _chat_calls(event: Mapping[str, Any]) -> bool:
    return any((choice.get("delta") or {}).get("tool_calls") for choice in event.get("choices") or ())


def _message_calls(event: Mapping[str, Any]) -> bool:
    return (event.get("content_block") or {}).get("type") == "tool_use"


def _response_calls(event: Mapping[str, Any]) -> bool:
    return (event.get("item") or {}).get("type") == "function_call"


@dataclass(frozen=True, slots=True)
class _Voice:
    """One dialect, as the caller hears it."""

    reader: Callable[[], AnswerReader]
    call_mark: bytes  # stands wherever a tool call begins; in text its quotes would be escaped
    calls: Callable[[Mapping[str, Any]], bool]  # whether one does begin in an event
    end: bytes = DONE
    repeats_prefill: bool = False  # whether an answer begins with the assistant's message that it goes on from
    parts_thoughts: bool = True  # whether thoughts that begin anew have a block of their own
    ping: bytes = PING


_VOICES: Mapping[Dialect, _Voice] = MappingProxyType(
    {
        Dialect.OPENAI: _Voice(OpenAIReader, b'"tool_calls"', _chat_calls, parts_thoughts=False),
        Dialect.MISTRAL: _Voice(
            MistralReader, b'"tool_calls"', _chat_calls, repeats_prefill=True, parts_thoughts=False
        ),
        Dialect.RESPONSES: _Voice(ResponsesReader, b'"function_call"', _response_calls, end=b""),
        Dialect.ANTHROPIC: _Voice(
            MessagesReader,
            b'"tool_use"',
            _message_calls,
            end=named_event("message_stop", b'{"type":"message_stop"}'),
            ping=named_event("ping", b'{"type":"ping"}'),
        ),
    }
)
