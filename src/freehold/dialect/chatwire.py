# SPDX-License-Identifier: Apache-2.0
"""The backend's chat wire, ``/v1/chat/completions``: what of its answers is read here, and how they are counted.

A whole answer and a chunk of a stream have one shape; a chunk has ``delta`` where the answer has ``message``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, Struct, UnsetType

from freehold.dialect.interface import Backend, Event, Request, Tally, Upstream, Wire
from freehold.dialect.sse import ping_for
from freehold.dialect.tools import ToolPlan
from freehold.errors import EngineBroke, Unsupported


class CachedTokens(Struct):
    cached_tokens: int = 0


class Usage(Struct, omit_defaults=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: CachedTokens = msgspec.field(default_factory=CachedTokens)


class CalledFunction(Struct, omit_defaults=True):
    name: str | None = None
    arguments: str | None = None


class ToolCall(Struct, omit_defaults=True):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: CalledFunction = msgspec.field(default_factory=CalledFunction)


class Message(Struct, omit_defaults=True):
    role: str | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    reasoning_content: str | UnsetType | None = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET


class TokenLogprob(Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None
    id: int | UnsetType = UNSET
    token_id: int | UnsetType = UNSET  # Mistral's name for ``id``
    top_logprobs: "list[TokenLogprob] | UnsetType" = UNSET


class Logprobs(Struct):
    content: list[TokenLogprob] | None = None


class Choice(Struct):
    index: int
    finish_reason: str | None = None
    delta: Message | UnsetType = UNSET
    message: Message | UnsetType = UNSET
    logprobs: Logprobs | UnsetType | None = UNSET

    @property
    def said(self) -> Message:
        """What was said, in an answer or in a chunk."""
        return self.delta or self.message or Message()


class Chat(Struct):
    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | UnsetType = UNSET
    system_fingerprint: str | UnsetType = UNSET


_decoder = msgspec.json.Decoder(Chat)


def read_chat(data: bytes) -> Chat:
    """Raises EngineBroke for what is not the chat wire, an error in mid-stream too."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol(data) from exc


def not_the_protocol(data: bytes) -> EngineBroke:
    if data.startswith(b'{"error"'):
        return EngineBroke("the engine failed while it answered")
    return EngineBroke("the engine answered what is not its protocol")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest(Request):
    """A request put into the chat wire's words: all of ``body`` but the model, the tools and the stream."""

    body: Mapping[str, Any]
    tools: ToolPlan
    choices: int = 1

    @property
    def prefill(self) -> str:
        """What the answer goes on from. The engine repeats it in an answer that is not streamed."""
        last = self.body["messages"][-1]
        return str(last["content"]) if last["role"] == "assistant" else ""


def upstream(request: ChatRequest, backend: Backend) -> Upstream:
    """What to send. Raises Unsupported where the backend cannot do it."""
    demand(Wire.CHAT, backend)
    check_choices(request.choices, backend)
    body = {"model": backend.model, **request.body, **request.tools.wire_fields(backend)}
    if request.tools.forced:
        body.pop("stop", None)  # it would cut the call short
        if request.prefill:  # the engine counts it as a part of what the grammar must hold
            raise Unsupported("a tool call cannot be forced after an assistant's last message", param="tool_choice")
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if request.choices > 1:
        body["n"] = request.choices
        if not request.stream:  # the engine counts the first choice alone; the others are counted by their logprobs
            body |= {"logprobs": True, "top_logprobs": body.get("top_logprobs", 1)}
    return Upstream(wire=Wire.CHAT, body=msgspec.json.encode(body), stream=request.stream)


def demand(wire: Wire, backend: Backend) -> None:
    if wire not in backend.wires:
        raise Unsupported(f"{backend.model} does not offer this endpoint")


def check_choices(choices: int, backend: Backend) -> None:
    if choices > backend.most_choices:
        most = backend.most_choices
        raise Unsupported(f"n: {backend.model} gives at most {most} choices to one prompt", param="n")


class ChatWriter(Protocol):
    """Writes what was read from the chat wire in a dialect of its own."""

    def chunk(self, chat: Chat) -> bytes:
        """The caller's bytes for one chunk with choices."""
        ...

    def end(self, usage: Usage) -> bytes:
        """The caller's bytes for the end of a whole stream."""
        ...

    def answer(self, chat: Chat) -> bytes:
        """The caller's body for a whole answer, whose usage is that of all its choices."""
        ...


class Change(Protocol):
    """What is done to chunks and answers on their way to the writer."""

    def chunk(self, chat: Chat) -> list[Chat]: ...

    def answer(self, chat: Chat) -> None: ...


class Unchanged:
    """Nothing is done to them."""

    def chunk(self, chat: Chat) -> list[Chat]:
        return [chat] if chat.choices else []

    def answer(self, chat: Chat) -> None:
        """Leave it as it is."""


class ChatExchange:
    """An answer read from the chat wire and written anew."""

    def __init__(self, upstream: Upstream, writer: ChatWriter, change: Change) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self._writer = writer
        self._change = change
        self._usage = Usage()

    def event(self, event: Event) -> bytes:
        if not event.data:
            return ping_for(event)
        if event.data == b"[DONE]":
            self.tally.finished = True
            return self._writer.end(self._usage)
        chat = read_chat(event.data)
        count_chunk(chat, self._usage, self.tally)
        written = []
        for changed in self._change.chunk(chat):
            self.tally.finish = finish_of(changed) or self.tally.finish
            written.append(self._writer.chunk(changed))
        return b"".join(written)

    def whole(self, body: bytes) -> bytes:
        chat = read_chat(body)
        count_answer(chat, self.tally)
        self._change.answer(chat)
        self.tally.finish = finish_of(chat)
        return self._writer.answer(chat)


def count_chunk(chat: Chat, usage: Usage, tally: Tally) -> None:
    """Count a chunk: by the engine's own numbers where it has them, until then a token for each that says something.

    With more choices than one, each has its own usage; they have the prompt in common.
    """
    if isinstance(chat.usage, Usage):
        usage.prompt_tokens = tally.input_tokens = max(usage.prompt_tokens, chat.usage.prompt_tokens)
        usage.prompt_tokens_details = chat.usage.prompt_tokens_details
        usage.completion_tokens += chat.usage.completion_tokens
        usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
        tally.output_tokens = usage.completion_tokens
    for choice in chat.choices:
        said = choice.said
        if said.content or said.tool_calls or said.reasoning_content:
            tally.output_tokens += 1


def count_answer(chat: Chat, tally: Tally) -> None:
    """Count a whole answer, and put right the usage of one with more choices than one."""
    if not isinstance(chat.usage, Usage) or not chat.choices:
        raise EngineBroke("the engine answered without usage or choices")
    usage = chat.usage
    for choice in chat.choices[1:]:
        usage.completion_tokens += len(choice.logprobs.content or ()) if choice.logprobs else 0
    usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
    tally.input_tokens, tally.output_tokens = usage.prompt_tokens, usage.completion_tokens
    tally.finished = True


def finish_of(chat: Chat) -> str:
    """Why the answer ended; empty while it has not."""
    return next((choice.finish_reason for choice in chat.choices if choice.finish_reason), "")
