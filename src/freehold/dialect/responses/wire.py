# SPDX-License-Identifier: Apache-2.0
"""What of the Responses API's answers is read here: the whole response, and the events in which it grows.

An output item is decoded once its type is known: there are many types, and fields of one name differ between them.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from freehold.dialect import chatwire
from freehold.dialect.chatwire import CachedTokens, ReasoningTokens, TokenLogprob, not_the_protocol
from freehold.dialect.interface import Event
from freehold.errors import BackendBroke

_Shape = TypeVar("_Shape")

NO_ITEM = b"null"

_LOST = MappingProxyType(
    {"failed": "the backend failed while it answered", "cancelled": "the backend cancelled its answer"}
)


class PartType(StrEnum):
    """The kinds of parts that can be said. A call's arguments are its only part, and the API has no name for it."""

    TEXT = "output_text"
    REFUSAL = "refusal"
    SUMMARY = "summary_text"
    THOUGHT = "reasoning_text"
    ARGUMENTS = "arguments"


class Part(Struct):
    """A part of a message, of a summary, or of thoughts."""

    type: str
    text: str | None = None
    refusal: str | None = None
    logprobs: list[TokenLogprob] | None = None

    @property
    def whole(self) -> str | None:
        return self.text or self.refusal


class Item(Struct):
    """An output item of a type that can be said: ``message``, ``reasoning`` or ``function_call``."""

    type: str
    content: list[Part] | None = None
    summary: list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class Usage(Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: CachedTokens | None = None
    output_tokens_details: ReasoningTokens | None = None

    def in_chat_words(self) -> chatwire.Usage:
        return chatwire.Usage(
            prompt_tokens=self.input_tokens,
            completion_tokens=self.output_tokens,
            total_tokens=self.input_tokens + self.output_tokens,
            prompt_tokens_details=self.input_tokens_details or CachedTokens(),
            completion_tokens_details=self.output_tokens_details or UNSET,
        )


class Incomplete(Struct):
    reason: str | None = None


class Response(Struct):
    """The response, whole or as far as an event knows it. Some leave the output out of the last event."""

    id: str = ""
    created_at: float = 0
    model: str = ""
    status: str | None = None
    output: list[Raw] | None = None
    usage: Usage | UnsetType | None = UNSET
    incomplete_details: Incomplete | None = None

    def cut(self) -> str:
        """Why it ended before it was complete, in the chat wire's words; empty where it is. Raises BackendBroke."""
        if lost := _LOST.get(self.status or ""):
            raise BackendBroke(lost)
        if self.status != "incomplete":
            return ""
        reason = self.incomplete_details.reason if self.incomplete_details else None
        return "content_filter" if reason == "content_filter" else "length"


class Lifecycle(Struct):
    """An event about the whole response."""

    response: Response


class _Placed(Struct, kw_only=True):
    """Where in the output an event adds something. A summary's parts are counted under a name of their own."""

    output_index: int
    content_index: int = 0
    summary_index: int = 0
    logprobs: list[TokenLogprob] | None = None

    @property
    def part_index(self) -> int:
        return self.content_index or self.summary_index


class Delta(_Placed):
    """An event that adds to a part or to a call's arguments."""

    delta: str


class Done(_Placed):
    """An event that says a part, or a call's arguments, once more and whole: by one of three names."""

    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None

    @property
    def whole(self) -> str | None:
        return self.text or self.refusal or self.arguments


class ItemEvent(Struct):
    """An event that an item begins, or is whole. Some leave the item out where it begins."""

    output_index: int
    item: Raw = Raw(NO_ITEM)


class _Kind(Struct):
    type: str


_kind_decoder = msgspec.json.Decoder(_Kind)


def kind_of(event: Event) -> str:
    """What an event is. Not all who speak this API name it outside of its data too. Raises BackendBroke for no JSON."""
    if not event.name.startswith("response."):
        return type_of(event.data)
    read(event.data, Raw)  # it may be handed on unread
    return event.name


def type_of(data: bytes | Raw) -> str:
    try:
        return _kind_decoder.decode(data).type
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol(bytes(data)) from exc


def read(data: bytes | Raw, shape: type[_Shape]) -> _Shape:
    """Raises BackendBroke for what is not the protocol."""
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol(bytes(data)) from exc


def read_whole(body: bytes) -> Response:
    """A whole answer. Raises BackendBroke, also for one that the backend is still at."""
    response = read(body, Response)
    if response.output is None or response.status in ("queued", "in_progress"):
        raise BackendBroke("the backend answered before its answer was whole")
    return response
