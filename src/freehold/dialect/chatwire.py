# SPDX-License-Identifier: Apache-2.0
"""The backend's chat wire, ``/v1/chat/completions``: what of its answers is read here, and how they are counted.

A whole answer and a chunk of a stream have one shape; a chunk has ``delta`` where the answer has ``message``.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, Struct, UnsetType

from freehold.dialect.interface import Backend, Event, Extra, Request, Tally, Upstream, Wire
from freehold.dialect.schemas import readable
from freehold.dialect.sse import ping_for
from freehold.dialect.tools import ToolPlan
from freehold.errors import BackendBroke, Unsupported

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")  # how much to reason, from the least
_HUB_ONLY = ("reasoning_effort", "verbosity", "user")


class CachedTokens(Struct):
    cached_tokens: int = 0


class ReasoningTokens(Struct):
    reasoning_tokens: int = 0


class Usage(Struct, omit_defaults=True):
    prompt_tokens: int = 0  # those read from a cache included
    completion_tokens: int = 0  # those of reasoning included
    total_tokens: int = 0
    prompt_tokens_details: CachedTokens = msgspec.field(default_factory=CachedTokens)
    completion_tokens_details: ReasoningTokens | UnsetType | None = UNSET


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
    refusal: str | UnsetType | None = UNSET
    tool_calls: list[ToolCall] | UnsetType | None = UNSET


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
    id: str = ""
    object: str = ""
    created: int = 0
    model: str = ""
    choices: list[Choice] = msgspec.field(default_factory=list)
    usage: Usage | UnsetType = UNSET
    system_fingerprint: str | UnsetType = UNSET


_decoder = msgspec.json.Decoder(Chat)


def read_chat(data: bytes) -> Chat:
    """What an engine says. Raises BackendBroke for what is not the chat wire, an error in mid-stream too."""
    try:
        chat = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol(data) from exc
    if not chat.object:
        raise not_the_protocol(data)
    return chat


def not_the_protocol(data: bytes) -> BackendBroke:
    if data.startswith(b'{"error"'):
        return BackendBroke("the backend failed while it answered")
    return BackendBroke("the backend answered what is not its protocol")


class ChatRequest(Request, frozen=True, kw_only=True):
    """A request put into the chat wire's words: all of ``body`` but the model, the tools and the stream.

    ``body`` has ``messages``, and of these what the caller gave: ``max_tokens``, ``temperature``, ``top_p``, ``top_k``,
    ``min_p``, ``frequency_penalty``, ``presence_penalty``, ``repeat_penalty``, ``seed``, ``stop`` (a list),
    ``logit_bias``, ``logprobs``, ``top_logprobs``, ``response_format``, ``chat_template_kwargs``.

    A message has ``role`` (``system``, ``user``, ``assistant``, ``tool``) and ``content``: a string, or where there is
    an image in it a list of parts ``{"type": "text", "text"}`` and ``{"type": "image_url", "image_url": {"url",
    "detail"}}``, whose url is a ``data:`` or an ``https:`` one. An assistant's may have ``tool_calls`` and
    ``reasoning_content``; a tool's has ``tool_call_id``.

    What an engine of this estate has no place for is there too, and among ``extras`` besides: images (``image``),
    earlier reasoning (``reasoning``), and in ``body`` ``reasoning_effort`` (one of EFFORTS), ``verbosity`` (``low``,
    ``medium``, ``high``), ``user``, each under its own name. Extras of any other name are not in ``body`` at all.
    """

    body: Mapping[str, Any]
    tools: ToolPlan
    choices: int = 1
    show_reasoning: bool = False  # whether the caller asked to be shown it, where an API shows it to those who ask
    called: Mapping[str, str] = msgspec.field(default_factory=dict)  # the caller's names of fields of body

    def said_as(self, name: str) -> str:
        """What the caller calls a field of the body."""
        return self.called.get(name, name)

    def as_extra(self, name: str, why: str) -> Extra:
        """A field of the body that a backend has no place for, as the caller is told of it."""
        return Extra(name=name, param=self.said_as(name), why=why)

    @property
    def prefill(self) -> str:
        """What the answer goes on from. The engine repeats it in an answer that is not streamed."""
        last = self.body["messages"][-1]
        return str(last["content"]) if last["role"] == "assistant" else ""


def upstream(request: ChatRequest, backend: Backend) -> Upstream:
    """What to send to an engine. Raises Unsupported where it cannot do what is asked."""
    demand(Wire.CHAT, backend)
    check_choices(request.choices, backend)
    body = {"model": backend.model, **_engine_body(request.body), **request.tools.wire_fields(backend)}
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


def _engine_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what engines have no place for, which was counted as lost when the call was planned."""
    kept = {name: value for name, value in body.items() if name not in _HUB_ONLY}
    if wanted := kept.get("response_format"):
        kept["response_format"] = _engine_format(wanted)
    return kept | {"messages": [_engine_message(message) for message in body["messages"]]}


def _engine_format(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    described = wanted.get("json_schema")
    if described is None:
        return wanted
    return {**wanted, "json_schema": {**described, "schema": readable(described["schema"])}}


def _engine_message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message["content"]
    if isinstance(content, str) and "reasoning_content" not in message:
        return message
    if not isinstance(content, str):
        content = "\n".join(part["text"] for part in content if part["type"] == "text")
    return {name: value for name, value in message.items() if name != "reasoning_content"} | {"content": content}


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


class AnswerReader(Protocol):
    """Reads a backend's answer into the chat wire's words. Used once.

    A chunk has one choice or none. One chunk of a stream, near its end, has the usage of the whole answer. ``model`` is
    what the backend says that answered.
    """

    finished: bool  # the backend said that the stream is whole

    def event(self, event: Event) -> list[Chat]:
        """The chunks in one event, which has data. Raises BackendBroke for what is not its protocol, or an error."""
        ...

    def whole(self, body: bytes) -> Chat:
        """A whole answer, with its usage. Raises BackendBroke."""
        ...


class ChatReader:
    """The chat wire itself."""

    def __init__(self) -> None:
        self.finished = False

    def event(self, event: Event) -> list[Chat]:
        if event.data == b"[DONE]":
            self.finished = True
            return []
        return [read_chat(event.data)]

    def whole(self, body: bytes) -> Chat:
        """With the usage of all its choices. The engine counts the first alone; the others have logprobs, asked for."""
        chat = read_chat(body)
        if isinstance(chat.usage, Usage):
            for choice in chat.choices[1:]:
                chat.usage.completion_tokens += len(choice.logprobs.content or ()) if choice.logprobs else 0
            chat.usage.total_tokens = chat.usage.prompt_tokens + chat.usage.completion_tokens
        return chat


class ChatExchange:
    """An answer read into the chat wire's words and written anew."""

    def __init__(
        self,
        upstream: Upstream,
        writer: ChatWriter,
        change: Change,
        *,
        reader: AnswerReader | None = None,
        dropped: tuple[str, ...] = (),
    ) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self.dropped = dropped
        self._reader = reader or ChatReader()
        self._writer = writer
        self._change = change
        self._usage = Usage()
        self._prompt_tokens = self._read_tokens = 0

    def event(self, event: Event) -> bytes:
        if not event.data:
            return ping_for(event)
        written = []
        for chat in self._reader.event(event):
            if isinstance(chat.usage, Usage):
                chat.usage.prompt_tokens = self._prompt_tokens or max(0, chat.usage.prompt_tokens - self._read_tokens)
            count_chunk(chat, self._usage, self.tally)
            for changed in self._change.chunk(chat):
                self.tally.finish = finish_of(changed) or self.tally.finish
                written.append(self._writer.chunk(changed))
        if self._reader.finished and not self.tally.finished:
            self.tally.finished = True
            written.append(self._writer.end(self._usage))
        return b"".join(written)

    def ending(self) -> bytes:
        """The end of an answer whose backend did not end it, by what was counted where it did not say."""
        usage = self._usage
        usage.completion_tokens = max(usage.completion_tokens, self.tally.output_tokens)
        usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
        return self._writer.end(usage)

    def count_from(self, output_tokens: int, *, prompt_tokens: int, read_tokens: int) -> None:
        """Go on counting from what another backend said of the answer.

        ``prompt_tokens`` has the caller's prompt, 0 where that backend did not tell. ``read_tokens`` are those of the
        answer that are a part of the prompt now.
        """
        self._usage.completion_tokens = self.tally.output_tokens = output_tokens
        self._usage.prompt_tokens = self.tally.input_tokens = self._prompt_tokens = prompt_tokens
        self._read_tokens = read_tokens

    def whole(self, body: bytes) -> bytes:
        chat = self._reader.whole(body)
        count_answer(chat, self.tally)
        self._change.answer(chat)
        self.tally.finish = finish_of(chat)
        return self._writer.answer(chat)


def count_chunk(chat: Chat, usage: Usage, tally: Tally) -> None:
    """Count a chunk: by the engine's own numbers where it has them, until then a token for each that says something.

    With more choices than one, each has its own usage; they have the prompt in common.
    """
    tally.model = chat.model or tally.model
    if isinstance(chat.usage, Usage):
        usage.prompt_tokens = tally.input_tokens = max(usage.prompt_tokens, chat.usage.prompt_tokens)
        usage.prompt_tokens_details = chat.usage.prompt_tokens_details
        usage.completion_tokens_details = chat.usage.completion_tokens_details
        usage.completion_tokens += chat.usage.completion_tokens
        usage.total_tokens = usage.prompt_tokens + usage.completion_tokens
        tally.output_tokens = usage.completion_tokens
    for choice in chat.choices:
        said = choice.said
        if said.content or said.tool_calls or said.reasoning_content:
            tally.output_tokens += 1


def count_answer(chat: Chat, tally: Tally) -> None:
    """Count a whole answer by its usage, which is that of all its choices."""
    if not isinstance(chat.usage, Usage) or not chat.choices:
        raise BackendBroke("the backend answered without usage or choices")
    tally.input_tokens, tally.output_tokens = chat.usage.prompt_tokens, chat.usage.completion_tokens
    tally.model = chat.model
    tally.finished = True


def finish_of(chat: Chat) -> str:
    """Why the answer ended; empty while it has not."""
    for choice in chat.choices:
        if choice.finish_reason:
            return choice.finish_reason
    return ""
