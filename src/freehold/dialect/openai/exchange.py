# SPDX-License-Identifier: Apache-2.0
"""Chat completions on their way back. As a rule the engine's bytes are the caller's bytes."""

import msgspec
from msgspec import UNSET

from freehold.dialect.chatwire import (
    Chat,
    ChatExchange,
    Choice,
    Usage,
    count_answer,
    count_chunk,
    finish_of,
    read_chat,
    upstream,
)
from freehold.dialect.forced import change_for
from freehold.dialect.interface import Backend, Event, Exchange, Tally, Upstream
from freehold.dialect.openai.chat import OpenAIRequest
from freehold.dialect.sse import DONE, data_event, ping_for


def chat_exchange(request: OpenAIRequest, backend: Backend) -> Exchange:
    """The engine's own bytes, but where it cannot do what was asked without help."""
    planned = upstream(request, backend)
    if request.tools.forced or request.choices > 1 or request.top_logprobs == 0:
        return ChatExchange(planned, _ChunkWriter(request), change_for(request))
    return NativeChat(planned, include_usage=request.include_usage)


class NativeChat:
    """Forwards, and reads on the way only the events that may say how the answer ends and what it cost."""

    def __init__(self, upstream: Upstream, *, include_usage: bool) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self._usage = Usage()
        self._include_usage = include_usage

    def event(self, event: Event) -> bytes:
        data = event.data
        # A quote inside a JSON string is escaped, so text cannot pass for these keys.
        if b'"finish_reason":null' in data and b'"usage"' not in data:
            if b'"role":' not in data:
                self.tally.output_tokens += 1
            return event.raw
        if not data:
            return ping_for(event)
        if data == b"[DONE]":
            self.tally.finished = True
            return event.raw
        chat = read_chat(data)
        count_chunk(chat, self._usage, self.tally)
        self.tally.finish = finish_of(chat) or self.tally.finish
        only_usage = not chat.choices and chat.usage is not UNSET
        return b"" if only_usage and not self._include_usage else event.raw

    def whole(self, body: bytes) -> bytes:
        chat = read_chat(body)
        count_answer(chat, self.tally)
        self.tally.finish = finish_of(chat)
        return body


class _ChunkWriter:
    """Writes the chat wire, which is this dialect, without what the caller did not ask for."""

    def __init__(self, request: OpenAIRequest) -> None:
        self._include_usage = request.include_usage
        self._top_logprobs = request.top_logprobs
        self._last: Chat | None = None

    def chunk(self, chat: Chat) -> bytes:
        self._last = chat
        chat.usage = UNSET
        self._trim(chat.choices)
        return data_event(msgspec.json.encode(chat))

    def end(self, usage: Usage) -> bytes:
        if not self._include_usage or self._last is None:
            return DONE
        self._last.choices, self._last.usage = [], usage
        return data_event(msgspec.json.encode(self._last)) + DONE

    def answer(self, chat: Chat) -> bytes:
        self._trim(chat.choices)
        return msgspec.json.encode(chat)

    def _trim(self, choices: list[Choice]) -> None:
        for choice in choices:
            if self._top_logprobs is None:
                choice.logprobs = UNSET
            elif self._top_logprobs == 0 and choice.logprobs:
                for token in choice.logprobs.content or ():
                    token.top_logprobs = []
