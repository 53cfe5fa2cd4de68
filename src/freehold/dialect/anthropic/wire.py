# SPDX-License-Identifier: Apache-2.0
"""What is read of answers in Anthropic's messages, whoever sends them: an engine or somebody else's API.

Only the parts that are read here have a shape; all else in an answer may be what it likes.
"""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from freehold.dialect.interface import Event, Tally, Upstream
from freehold.errors import BackendBroke

_Shape = TypeVar("_Shape")
Tokens = Annotated[int, Meta(ge=0, le=2**53)]


class OutputDetails(Struct):
    thinking_tokens: Tokens | None = None


class Usage(Struct):
    """Cumulative: a later one replaces what it gives of an earlier one."""

    input_tokens: Tokens | None = None  # those of the cache not included
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None  # those of thinking included
    output_tokens_details: OutputDetails | None = None

    def update(self, later: "Usage") -> None:
        for name in self.__struct_fields__:
            if (value := getattr(later, name)) is not None:
                setattr(self, name, value)

    @property
    def prompt_tokens(self) -> int:
        cached = (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        return (self.input_tokens or 0) + cached


class StopDetails(Struct):
    explanation: str | None = None


class Stop(Struct):
    """Why an answer ended: a part of a whole message, and the last delta of a stream."""

    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None

    @property
    def reason(self) -> str:
        """An engine calls a stop sequence the end of the turn; the API's own reason says the same as this."""
        return "stop_sequence" if self.stop_sequence is not None else self.stop_reason or ""


class Message(Stop):
    id: str = ""
    type: str = ""
    model: str = ""
    content: list[dict[str, Any]] = msgspec.field(default_factory=list)
    usage: Usage = msgspec.field(default_factory=Usage)


class MessageStart(Struct):
    message: Message


class MessageDelta(Struct):
    delta: Stop
    usage: Usage = msgspec.field(default_factory=Usage)


class _Kind(Struct):
    type: str


class Answer(Message, kw_only=True):
    """A whole answer: what a stream may say later it has."""

    content: list[dict[str, Any]]
    usage: Usage


class _Count(Struct):
    input_tokens: Tokens


_decoders: dict[type, msgspec.json.Decoder[Any]] = {}  # by shape


def read(data: bytes, shape: type[_Shape]) -> _Shape:
    """Raises BackendBroke for what has not this shape."""
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    try:
        found: _Shape = decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol() from exc
    return found


def kind_of(event: Event) -> str:
    """What an event is. Raises BackendBroke for an error, and for what is no event of this API."""
    kind = "error" if event.name == "error" else read(event.data, _Kind).type
    if kind == "error":
        raise _failed()
    return kind


def read_answer(body: bytes, shape: type[_Shape]) -> _Shape:
    """A whole answer. Raises BackendBroke."""
    kind = read(body, _Kind).type
    if kind == "error":
        raise _failed()
    if kind != "message":
        raise not_the_protocol()
    return read(body, shape)


def _failed() -> BackendBroke:
    return BackendBroke("the backend failed while it answered")


def not_the_protocol() -> BackendBroke:
    return BackendBroke("the backend answered what is not its protocol")


class Follower:
    """Reads, of an answer that is handed on, what it costs and how it ends."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._usage = Usage()

    def event(self, event: Event) -> None:
        """Read an event that has data. Raises BackendBroke."""
        match kind_of(event):
            case "content_block_delta":
                self.tally.output_tokens += 1  # until the answer's end says it exactly
            case "message_start":
                message = read(event.data, MessageStart).message
                self.tally.model = message.model
                self._usage.update(message.usage)  # which has a token of output, though nothing is said yet
                self.tally.input_tokens = self._usage.prompt_tokens
            case "message_delta":
                told = read(event.data, MessageDelta)
                self.tally.finish = told.delta.reason
                self._count(told.usage)
            case "message_stop":
                self.tally.finished = True

    def whole(self, body: bytes) -> Answer:
        """Read a whole answer. Raises BackendBroke."""
        message = read_answer(body, Answer)
        self.tally.model = message.model
        self.tally.finish = message.reason
        self._count(message.usage)
        self.tally.finished = True
        return message

    def _count(self, usage: Usage) -> None:
        self._usage.update(usage)
        self.tally.input_tokens = self._usage.prompt_tokens
        if usage.output_tokens is not None:
            self.tally.output_tokens = usage.output_tokens


class Count:
    """How many tokens a prompt has. Nothing is answered."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self.dropped: tuple[str, ...] = ()

    def event(self, event: Event) -> bytes:
        raise RuntimeError(f"a count of tokens is never streamed, yet here is {event.name!r}")

    def whole(self, body: bytes) -> bytes:
        self.tally = Tally(input_tokens=read(body, _Count).input_tokens, finished=True)
        return body
