# SPDX-License-Identifier: Apache-2.0
"""Chat completions on their way back to callers who speak them. As a rule the engine's bytes are the caller's bytes."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from freehold.dialect.chatwire import (
    Chat,
    ChatExchange,
    Choice,
    Logprobs,
    Message,
    ToolCall,
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
        return ChatExchange(planned, ChunkWriter(request), change_for(request))
    return NativeChat(planned, include_usage=request.include_usage)


class NativeChat:
    """Forwards, and reads on the way only the events that may say how the answer ends and what it cost."""

    def __init__(self, upstream: Upstream, *, include_usage: bool) -> None:
        self.upstream = upstream
        self.tally = Tally()
        self.dropped: tuple[str, ...] = ()
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
        only_usage = not chat.choices and isinstance(chat.usage, Usage)
        return b"" if only_usage and not self._include_usage else event.raw

    def whole(self, body: bytes) -> bytes:
        chat = read_chat(body)
        count_answer(chat, self.tally)
        self.tally.finish = finish_of(chat)
        return body


class _Said(Struct):
    """A choice as it is written, in an answer or in a chunk."""

    index: int
    delta: Message | UnsetType
    message: dict[str, Any] | UnsetType
    finish_reason: str | None
    logprobs: Logprobs | UnsetType


class _Written(Struct):
    """An answer, or a chunk of one."""

    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str | UnsetType
    choices: list[_Said]
    usage: dict[str, Any] | UnsetType


class ChunkWriter:
    """Writes the chat wire, which is this dialect, as OpenAI does: without what the caller did not ask for.

    One answer. What the backend did not name or date is named and dated after the request.
    """

    def __init__(self, request: OpenAIRequest) -> None:
        self._request = request
        self._begun: set[int] = set()  # choices
        self._last = Chat()
        self._created = 0  # of the first chunk: an engine dates each by itself

    def chunk(self, chat: Chat) -> bytes:
        self._last = chat
        return data_event(self._written(chat, "chat.completion.chunk", list(map(self._chunk_choice, chat.choices))))

    def end(self, usage: Usage) -> bytes:
        if not self._request.include_usage:
            return DONE
        return data_event(self._written(self._last, "chat.completion.chunk", [], _usage(usage))) + DONE

    def answer(self, chat: Chat) -> bytes:
        usage = chat.usage if isinstance(chat.usage, Usage) else Usage()
        return self._written(chat, "chat.completion", list(map(self._answer_choice, chat.choices)), _usage(usage))

    def _written(self, chat: Chat, kind: str, choices: list[_Said], usage: dict[str, Any] | UnsetType = UNSET) -> bytes:
        request = self._request
        identity, fingerprint = chat.id or f"chatcmpl-{request.id}", chat.system_fingerprint or UNSET
        self._created = self._created or chat.created or request.at_unix
        return msgspec.json.encode(_Written(identity, kind, self._created, chat.model, fingerprint, choices, usage))

    def _chunk_choice(self, choice: Choice) -> _Said:
        said = choice.said
        calls = said.tool_calls or UNSET
        delta = Message(UNSET, said.content or UNSET, said.reasoning_content or UNSET, said.refusal or UNSET, calls)
        if choice.index not in self._begun:
            self._begun.add(choice.index)
            delta.role, delta.content = "assistant", said.content or (None if calls else "")
        return _Said(choice.index, delta, UNSET, choice.finish_reason, self._logprobs(choice))

    def _answer_choice(self, choice: Choice) -> _Said:
        texts, calls = _texts(choice), choice.said.tool_calls
        message = {"role": "assistant", "content": texts.pop("content", None), "refusal": texts.pop("refusal", None)}
        message |= {name: value for name, value in texts.items() if value}
        if calls:
            message["tool_calls"] = [_whole_call(call) for call in calls]
        return _Said(choice.index, UNSET, message, choice.finish_reason, self._logprobs(choice))

    def _logprobs(self, choice: Choice) -> Logprobs | UnsetType:
        """What was asked for of them."""
        if self._request.top_logprobs is None or not choice.logprobs:
            return UNSET
        if self._request.top_logprobs == 0:
            for token in choice.logprobs.content or ():
                token.top_logprobs = []
        return choice.logprobs


def _texts(choice: Choice) -> dict[str, Any]:
    said = choice.said
    texts = {"content": said.content, "reasoning_content": said.reasoning_content, "refusal": said.refusal}
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _whole_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.function.name or "", "arguments": call.function.arguments or "{}"}
    return {"id": call.id or "", "type": "function", "function": function}


def _usage(usage: Usage) -> dict[str, Any]:
    """With all of its fields: the SDKs take none for granted."""
    written = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": usage.prompt_tokens_details,
    }
    if details := usage.completion_tokens_details:
        written["completion_tokens_details"] = details
    return written
