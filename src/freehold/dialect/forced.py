# SPDX-License-Identifier: Apache-2.0
"""A forced call on its way back: text that the grammar made a call becomes a call in the chat wire's own words.

It is held until whole, so that none goes out cut or malformed. One that ran into the limit of tokens is dropped, and
the finish reason says why.
"""

from typing import Any

import msgspec
from msgspec import UNSET, Struct

from freehold.dialect.chatwire import (
    CalledFunction,
    Change,
    Chat,
    ChatRequest,
    Choice,
    Message,
    ToolCall,
    Unchanged,
)
from freehold.errors import BackendBroke


class _Call(Struct):
    name: str
    arguments: dict[str, Any]


_decoder = msgspec.json.Decoder(_Call)


def change_for(request: ChatRequest) -> Change:
    """What is done to an answer before it is written."""
    return HeldCalls() if request.tools.forced else Unchanged()


class HeldCalls:
    """Holds each choice's text until it ends. Used once, for one answer."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def chunk(self, chat: Chat) -> list[Chat]:
        """Nothing while the call grows; then the call, and the end."""
        written = []
        for choice in chat.choices:
            text = self._texts.pop(choice.index, "") + (choice.said.content or "")
            if choice.finish_reason is None:
                self._texts[choice.index] = text
                if choice.said.role:
                    opening = Message(role=choice.said.role, content=None)
                    written.append(_with(chat, Choice(choice.index, delta=opening)))
                continue
            calls = _calls(chat, choice, text)
            if calls:
                written.append(_with(chat, Choice(choice.index, delta=Message(tool_calls=calls))))
            finish = "tool_calls" if calls else choice.finish_reason
            written.append(_with(chat, Choice(choice.index, finish, delta=Message())))
        return written

    def answer(self, chat: Chat) -> None:
        for choice in chat.choices:
            calls = _calls(chat, choice, choice.said.content or "")
            choice.logprobs = UNSET
            choice.message = Message(role="assistant", content=None, tool_calls=calls or UNSET)
            choice.finish_reason = "tool_calls" if calls else choice.finish_reason


def _with(chat: Chat, choice: Choice) -> Chat:
    return Chat(chat.id, chat.object, chat.created, chat.model, [choice], system_fingerprint=chat.system_fingerprint)


def _calls(chat: Chat, choice: Choice, text: str) -> list[ToolCall]:
    if choice.finish_reason == "length":
        return []
    try:
        call = _decoder.decode(text)
    except msgspec.MsgspecError as exc:
        raise BackendBroke("the engine left the grammar of a forced tool call") from exc
    arguments = msgspec.json.encode(call.arguments).decode()
    identity = f"call_{chat.id.rpartition('-')[2]}{choice.index or ''}"
    return [ToolCall(0, identity, "function", CalledFunction(call.name, arguments))]
