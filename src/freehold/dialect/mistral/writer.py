# SPDX-License-Identifier: Apache-2.0
"""Writes the chat wire as Mistral does: the last chunk has the usage, tool calls come whole, tokens have their ids.

Thoughts are parts of the content, and an answer that goes on from the assistant's last message repeats it. A refusal,
for which Mistral has no word, is text.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from freehold.dialect.chatwire import Chat, Choice, Logprobs, TokenLogprob, ToolCall, Usage
from freehold.dialect.mistral.chat import MistralRequest
from freehold.dialect.sse import DONE, data_event


class MistralWriter:
    """One answer. Used once. What the backend did not name or date is named and dated after the request."""

    def __init__(self, request: MistralRequest) -> None:
        self._request = request
        self._begun: set[int] = set()  # choices
        self._calls: dict[tuple[int, int], ToolCall] = {}  # by choice and call, while they grow
        self._kept: dict[str, Any] | None = None  # a chunk that ends a choice, until it is known for the last
        self._created = 0  # of the first chunk: an engine dates each by itself

    def answer(self, chat: Chat) -> bytes:
        usage = chat.usage if isinstance(chat.usage, Usage) else Usage()
        choices = [self._answer_choice(choice) for choice in chat.choices]
        return msgspec.json.encode(self._about(chat, "chat.completion") | {"choices": choices, "usage": _usage(usage)})

    def chunk(self, chat: Chat) -> bytes:
        choices = [written for choice in chat.choices if (written := self._chunk_choice(choice))]
        if not choices:
            return b""
        chunk = self._about(chat, "chat.completion.chunk") | {"choices": choices}
        if any(choice["finish_reason"] for choice in choices):
            earlier, self._kept = self._kept, chunk
            return _event(earlier) if earlier else b""
        return _event(chunk)

    def end(self, usage: Usage) -> bytes:
        return _event(self._kept | {"usage": _usage(usage)}) + DONE if self._kept else DONE

    def _about(self, chat: Chat, kind: str) -> dict[str, Any]:
        self._created = self._created or chat.created or self._request.at_unix
        return {"id": chat.id or self._request.id, "object": kind, "created": self._created, "model": chat.model}

    def _answer_choice(self, choice: Choice) -> dict[str, Any]:
        prefill, (text, thoughts) = self._request.prefill, _told(choice)
        begun = text if text.startswith(prefill) else prefill + text  # an engine has repeated it already
        calls = [_call(call) for call in choice.said.tool_calls or ()]
        message = {"role": "assistant", "content": _content(begun, thoughts), "tool_calls": calls or None}
        return self._written(choice, message=message)

    def _chunk_choice(self, choice: Choice) -> dict[str, Any] | None:
        """None where there is nothing to say."""
        self._hold_calls(choice)
        text, thoughts = _told(choice)
        delta: dict[str, Any] = {"content": _content(text, thoughts)}
        if choice.index not in self._begun:
            self._begun.add(choice.index)
            delta = {"role": "assistant", "content": _content(self._request.prefill + text, thoughts)}
        elif not (text or thoughts or choice.finish_reason or choice.logprobs):
            return None
        if choice.finish_reason and (whole := self._whole_calls(choice.index)):
            delta["tool_calls"] = [_call(call) for call in whole]
        return self._written(choice, delta=delta)

    def _hold_calls(self, choice: Choice) -> None:
        for call in choice.said.tool_calls or ():
            known = self._calls.setdefault((choice.index, call.index or 0), call)
            if known is not call:
                known.function.arguments = (known.function.arguments or "") + (call.function.arguments or "")

    def _whole_calls(self, index: int) -> list[ToolCall]:
        return [call for (choice, _), call in self._calls.items() if choice == index]

    def _written(self, choice: Choice, **said: object) -> dict[str, Any]:
        written = {"index": choice.index, **said, "finish_reason": choice.finish_reason}
        if self._request.top_logprobs is None or not choice.logprobs:
            return written
        return written | {"logprobs": _named(choice.logprobs, self._request.top_logprobs)}


def _told(choice: Choice) -> tuple[str, str]:
    """Text and thoughts."""
    said = choice.said
    return said.content or said.refusal or "", said.reasoning_content or ""


def _content(text: str, thoughts: str) -> str | list[dict[str, Any]]:
    if not thoughts:
        return text
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
    return [thinking, {"type": "text", "text": text}] if text else [thinking]


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.function.name or "", "arguments": call.function.arguments or "{}"}
    return {"index": call.index or 0, "id": call.id or "", "type": "function", "function": function}


def _named(logprobs: Logprobs, most: int) -> Logprobs:
    for token in logprobs.content or ():
        tops = (token.top_logprobs or [])[:most]
        token.top_logprobs = tops
        for named in (token, *tops):
            _name_token(named)
    return logprobs


def _name_token(token: TokenLogprob) -> None:
    if token.id is not UNSET:  # an API that is not an engine of this estate may not say it, or has said it in this way
        token.token_id, token.id = token.id, UNSET
    token.bytes = token.bytes or []


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": usage.prompt_tokens_details,
    }


def _event(chunk: dict[str, Any]) -> bytes:
    return data_event(msgspec.json.encode(chunk))
