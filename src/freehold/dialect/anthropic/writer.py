# SPDX-License-Identifier: Apache-2.0
"""Writes the chat wire as Anthropic's messages: one object, or the events in which it grows.

The chat wire tells the size of the prompt at the end, so ``message_start`` has zero for it and ``message_delta`` the
truth.
"""

from typing import Any

import msgspec

from freehold.dialect.chatwire import Chat, ToolCall, Usage
from freehold.dialect.sse import named_event
from freehold.errors import EngineBroke

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


class MessageWriter:
    """One message. Used once."""

    def __init__(self, prefill: str) -> None:
        self._prefill = prefill
        self._events: list[bytes] = []
        self._begun = False
        self._block = -1  # index of the block that grows
        self._growing: str | int | None = None  # "text", or the index of the call that grows in it
        self._finish = ""

    def answer(self, chat: Chat) -> bytes:
        choice = chat.choices[0]
        content: list[dict[str, Any]] = []
        if text := (choice.said.content or "").removeprefix(self._prefill):
            content.append({"type": "text", "text": text})
        content.extend(_tool_use(call, _arguments(call)) for call in choice.said.tool_calls or ())
        usage = chat.usage if isinstance(chat.usage, Usage) else Usage()
        return msgspec.json.encode(_message(chat, content, choice.finish_reason, _usage(usage)))

    def chunk(self, chat: Chat) -> bytes:
        if not self._begun:
            self._begun = True
            self._emit("message_start", message=_message(chat, [], None, {"input_tokens": 0, "output_tokens": 0}))
        for choice in chat.choices:
            self._finish = choice.finish_reason or self._finish
            if choice.said.content:
                self._grow_text(choice.said.content)
            for call in choice.said.tool_calls or ():
                self._grow_call(call)
        return self._take()

    def end(self, usage: Usage) -> bytes:
        self._close()
        stop = {"stop_reason": _REASONS.get(self._finish, "end_turn"), "stop_sequence": None}
        self._emit("message_delta", delta=stop, usage=_usage(usage))
        self._emit("message_stop")
        return self._take()

    def _grow_text(self, text: str) -> None:
        if self._growing != "text":
            self._open("text", {"type": "text", "text": ""})
        self._emit("content_block_delta", index=self._block, delta={"type": "text_delta", "text": text})

    def _grow_call(self, call: ToolCall) -> None:
        if self._growing != call.index:
            self._open(call.index, _tool_use(call, {}))
        if call.function.arguments:
            delta = {"type": "input_json_delta", "partial_json": call.function.arguments}
            self._emit("content_block_delta", index=self._block, delta=delta)

    def _open(self, growing: str | int | None, block: dict[str, Any]) -> None:
        self._close()
        self._growing = growing
        self._block += 1
        self._emit("content_block_start", index=self._block, content_block=block)

    def _close(self) -> None:
        if self._growing is not None:
            self._emit("content_block_stop", index=self._block)
            self._growing = None

    def _emit(self, kind: str, /, **fields: object) -> None:
        self._events.append(named_event(kind, msgspec.json.encode({"type": kind, **fields})))

    def _take(self) -> bytes:
        written = b"".join(self._events)
        self._events.clear()
        return written


def _message(chat: Chat, content: list[dict[str, Any]], finish: str | None, usage: dict[str, int]) -> dict[str, Any]:
    return {
        "id": chat.id,
        "type": "message",
        "role": "assistant",
        "model": chat.model,
        "content": content,
        "stop_reason": _REASONS.get(finish, "end_turn") if finish else None,
        "stop_sequence": None,
        "usage": usage,
    }


def _tool_use(call: ToolCall, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id or "", "name": call.function.name or "", "input": arguments}


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        return msgspec.json.decode(call.function.arguments or "{}", type=dict[str, Any])
    except msgspec.MsgspecError as exc:
        raise EngineBroke("the engine made a tool call whose arguments are not an object") from exc


def _usage(usage: Usage) -> dict[str, int]:
    cached = usage.prompt_tokens_details.cached_tokens
    return {
        "input_tokens": usage.prompt_tokens - cached,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion_tokens,
    }
