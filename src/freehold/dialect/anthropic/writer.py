# SPDX-License-Identifier: Apache-2.0
"""Writes the chat wire as Anthropic's messages: one object, or the events in which it grows.

The chat wire tells the size of the prompt at the end, so ``message_start`` has zero for it and ``message_delta`` the
truth. Blocks grow one after the other: of calls that grow at the same time the first goes out at once, the others when
it is whole.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from freehold.dialect.chatwire import Chat, Message, ReasoningTokens, ToolCall, Usage
from freehold.dialect.sse import named_event
from freehold.errors import BackendBroke

UNSIGNED = "freehold"  # the signature of reasoning that no model of Anthropic's wrote

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


class MessageWriter:
    """One message. Used once. ``call`` is what its id is made of where the backend gives it none."""

    def __init__(self, prefill: str, call: str = "") -> None:
        self._prefill = prefill
        self._call = call
        self._events: list[bytes] = []
        self._begun = False
        self._id = ""
        self._block = -1  # index of the block that grows
        self._growing: str | int | None = None  # "text", "thinking", or the index of the call that grows in it
        self._waiting: dict[int, list[ToolCall]] = {}  # pieces of the calls after it, by their index
        self._called: set[int] = set()  # indexes of the calls that have a block
        self._refused = False
        self._finish = ""

    def answer(self, chat: Chat) -> bytes:
        choice = chat.choices[0]
        usage = chat.usage if isinstance(chat.usage, Usage) else Usage()
        self._id = chat.id or self._call
        content = self._content(choice.said, cut=choice.finish_reason == "length")
        called = any(block["type"] == "tool_use" for block in content)
        reason = _reason(choice.finish_reason or "", called=called, refused=bool(choice.said.refusal))
        return msgspec.json.encode(self._message(chat, content, reason, _usage(usage)))

    def chunk(self, chat: Chat) -> bytes:
        self._begin(chat)
        for choice in chat.choices:
            self._finish = choice.finish_reason or self._finish
            self._refused = self._refused or bool(choice.said.refusal)
            self._grow("thinking", choice.said.reasoning_content)
            self._grow("text", choice.said.content)
            self._grow("text", choice.said.refusal)
            for call in choice.said.tool_calls or ():
                self._grow_call(call)
        return self._take()

    def end(self, usage: Usage) -> bytes:
        self._begin(Chat())
        self._close_all()
        reason = _reason(self._finish, called=bool(self._called), refused=self._refused)
        self._emit("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage=_usage(usage))
        self._emit("message_stop")
        return self._take()

    def stand_behind(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Go on in a message that another wrote, of which the caller has these events. Thoughts begin anew."""
        for event in events:
            match event.get("type"):
                case "message_start":
                    self._begun, self._id = True, event.get("message", {}).get("id", "")
                case "content_block_start":
                    self._block += 1
                    self._growing = event.get("content_block", {}).get("type")
                case "content_block_stop":
                    self._growing = None
        if self._growing == "thinking":
            self._close()

    def _content(self, said: Message, *, cut: bool) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = []
        if said.reasoning_content:
            content.append({"type": "thinking", "thinking": said.reasoning_content, "signature": UNSIGNED})
        texts = ((said.content or "").removeprefix(self._prefill), said.refusal)
        content.extend({"type": "text", "text": text} for text in texts if text)
        for index, call in enumerate(said.tool_calls or ()):
            arguments = _arguments(call)
            if arguments is None and not cut:
                raise BackendBroke("the backend made a tool call whose arguments are not an object")
            if arguments is not None:  # else it ran into the limit of tokens, and the reason says so
                content.append(_tool_use(self._id, index, call, arguments))
        return content

    def _message(
        self, chat: Chat, content: list[dict[str, Any]], reason: str | None, usage: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": _identity(self._id),
            "type": "message",
            "role": "assistant",
            "model": chat.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": usage,
        }

    def _begin(self, chat: Chat) -> None:
        if not self._begun:
            self._begun = True
            self._id = chat.id or self._call
            opening = self._message(chat, [], None, {"input_tokens": 0, "output_tokens": 0})
            self._emit("message_start", message=opening)

    def _grow(self, kind: str, text: object) -> None:
        if not isinstance(text, str) or not text:
            return
        if self._growing != kind:
            self._open(kind, {"type": kind, kind: ""} | ({"signature": ""} if kind == "thinking" else {}))
        self._emit("content_block_delta", index=self._block, delta={"type": f"{kind}_delta", kind: text})

    def _grow_call(self, call: ToolCall) -> None:
        index = call.index or 0
        if isinstance(self._growing, int) and self._growing != index and index not in self._called:
            self._waiting.setdefault(index, []).append(call)
            return
        if self._growing != index:
            if index in self._called:
                raise BackendBroke("the backend went on with a tool call that it had ended")
            self._open(index, _tool_use(self._id, index, call, {}))
            self._called.add(index)
        if call.function.arguments:
            delta = {"type": "input_json_delta", "partial_json": call.function.arguments}
            self._emit("content_block_delta", index=self._block, delta=delta)

    def _open(self, growing: str | int, block: dict[str, Any]) -> None:
        if isinstance(growing, str):
            self._close_all()
        else:
            self._close()
        self._growing = growing
        self._block += 1
        self._emit("content_block_start", index=self._block, content_block=block)

    def _close_all(self) -> None:
        self._close()
        waiting, self._waiting = self._waiting, {}
        for pieces in waiting.values():
            for piece in pieces:
                self._grow_call(piece)
            self._close()

    def _close(self) -> None:
        if self._growing == "thinking":
            delta = {"type": "signature_delta", "signature": UNSIGNED}
            self._emit("content_block_delta", index=self._block, delta=delta)
        if self._growing is not None:
            self._emit("content_block_stop", index=self._block)
            self._growing = None

    def _emit(self, kind: str, /, **fields: object) -> None:
        self._events.append(named_event(kind, msgspec.json.encode({"type": kind, **fields})))

    def _take(self) -> bytes:
        written = b"".join(self._events)
        self._events.clear()
        return written


def _reason(finish: str, *, called: bool, refused: bool) -> str:
    """Some APIs end a call that was forced with ``stop``."""
    if refused:
        return "refusal"
    return "tool_use" if called and finish == "stop" else _REASONS.get(finish, "end_turn")


def _identity(identity: str) -> str:
    """The backend's own, where it is one of a message; else one made of it."""
    return identity if identity.startswith("msg_") else f"msg_{_digest(identity)}"


def _tool_use(message: str, index: int, call: ToolCall, arguments: dict[str, Any]) -> dict[str, Any]:
    if not call.function.name:
        raise BackendBroke("the backend made a tool call without a name")
    identity = call.id or f"toolu_{_digest(f'{message} {index}')}"  # a result must be able to name its call
    return {"type": "tool_use", "id": identity, "name": call.function.name, "input": arguments}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(call.function.arguments or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        return None


def _usage(usage: Usage) -> dict[str, Any]:
    cached = usage.prompt_tokens_details.cached_tokens
    written: dict[str, Any] = {
        "input_tokens": max(0, usage.prompt_tokens - cached),
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion_tokens,
    }
    details = usage.completion_tokens_details
    if isinstance(details, ReasoningTokens) and details.reasoning_tokens:
        written["output_tokens_details"] = {"thinking_tokens": details.reasoning_tokens}
    return written
