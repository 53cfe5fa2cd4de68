# SPDX-License-Identifier: Apache-2.0
"""What is read of answers of somebody else's API that speaks OpenAI's chat or text completions, or nearly.

Hosts leave out, repeat and add, so little is demanded of an answer here. Counts that cannot be, and an error in the
place of an answer, are not let pass: they raise BackendBroke.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct

from freehold.dialect.chatwire import CachedTokens, ReasoningTokens, Usage, not_the_protocol
from freehold.dialect.interface import Event, Tally
from freehold.errors import BackendBroke

_Tokens = Annotated[int, Meta(ge=0, le=2**53)]
_Seconds = Annotated[float, Meta(ge=0, lt=2**53)]  # some hosts give fractions
_Index = Annotated[int, Meta(ge=0, lt=1024)]
_FAILED = ("error", "abort", "insufficient_system_resource")  # finish reasons: Mistral's, vLLM's, DeepSeek's


class _CachedTokens(Struct):
    cached_tokens: _Tokens | None = None


class _ReasoningTokens(Struct):
    reasoning_tokens: _Tokens | None = None


class HostUsage(Struct):
    prompt_tokens: _Tokens | None = None
    completion_tokens: _Tokens | None = None
    total_tokens: _Tokens | None = None
    prompt_tokens_details: _CachedTokens | None = None
    completion_tokens_details: _ReasoningTokens | None = None

    @property
    def says(self) -> bool:
        """Whether it has any numbers. Some hosts send zeros until the end."""
        return bool(self.prompt_tokens or self.completion_tokens)

    @property
    def written_tokens(self) -> int:
        """Those of the answer. Some hosts leave reasoning out of it, and count it in the total alone."""
        written, reasoned = self.completion_tokens or 0, self._reasoning_tokens or 0
        apart = reasoned and self.total_tokens == (self.prompt_tokens or 0) + written + reasoned
        return written + reasoned if apart else written

    @property
    def _reasoning_tokens(self) -> int | None:
        return self.completion_tokens_details.reasoning_tokens if self.completion_tokens_details else None

    def in_chat_words(self) -> Usage:
        read, written, reasoned = self.prompt_tokens or 0, self.written_tokens, self._reasoning_tokens
        cached = self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None
        details = UNSET if reasoned is None else ReasoningTokens(reasoned)
        return Usage(read, written, read + written, CachedTokens(cached or 0), details)


class HostFunction(Struct):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class HostCall(Struct):
    index: _Index | None = None
    id: str | None = None
    function: HostFunction | None = None


class HostMessage(Struct):
    content: str | list[dict[str, Any]] | None = None  # a list of parts is Mistral's way
    reasoning_content: str | None = None
    reasoning: Any = None  # what some hosts call it; others have an object there
    refusal: str | None = None
    tool_calls: list[HostCall] | None = None

    @property
    def says(self) -> bool:
        return bool(self.content or self.reasoning_content or self.reasoning or self.refusal or self.tool_calls)


class HostChoice(Struct):
    index: _Index = 0
    finish_reason: str | None = None
    delta: HostMessage | None = None
    message: HostMessage | None = None
    text: str | None = None  # of text completions
    logprobs: Raw = Raw(b"null")

    @property
    def said(self) -> HostMessage:
        """What was said, in an answer or in a chunk."""
        return self.delta or self.message or HostMessage()


class HostChat(Struct):
    """A whole answer, or a chunk of one."""

    id: str | None = None
    object: str | None = None
    created: _Seconds | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    choices: list[HostChoice] | None = None
    usage: HostUsage | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(HostChat)


def is_done(event: Event) -> bool:
    """Whether it says that the stream is whole."""
    return event.data.strip() == b"[DONE]"


def read_whole(body: bytes) -> HostChat:
    """A whole answer. Raises BackendBroke."""
    host = read_host(body)
    if not host.choices:
        raise no_choices()
    return host


def no_choices() -> BackendBroke:
    """For an answer that is whole, and says nothing."""
    return BackendBroke("the backend answered without choices")


def read_host(data: bytes, name: str = "") -> HostChat:
    """A whole answer, or a chunk in an event of that name. Raises BackendBroke."""
    if name == "error":
        raise _failed()
    try:
        host = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise not_the_protocol(data) from exc
    if host.error or host.object == "error":
        raise _failed()
    for choice in host.choices or ():
        if choice.finish_reason in _FAILED:
            raise _failed()
    return host


def _failed() -> BackendBroke:
    return BackendBroke("the backend failed while it answered")


def count(host: HostChat, tally: Tally) -> None:
    """Count a chunk: one token for each that says something, until the host says how many there are."""
    tally.model = host.model or tally.model
    for choice in host.choices or ():
        tally.finish = choice.finish_reason or tally.finish
        said = choice.delta or choice.message
        if choice.text or (said is not None and (said.content or said.says)):
            tally.output_tokens += 1
    if host.usage and host.usage.says:
        tally.input_tokens = host.usage.prompt_tokens or 0
        tally.output_tokens = host.usage.written_tokens or tally.output_tokens
