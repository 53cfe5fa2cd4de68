# SPDX-License-Identifier: Apache-2.0
"""Writes the chat wire as Mistral does: the last chunk has the usage, tool calls come whole, tokens have their ids."""

import msgspec
from msgspec import UNSET

from freehold.dialect.chatwire import Chat, Choice, TokenLogprob, ToolCall, Usage
from freehold.dialect.mistral.chat import MistralRequest
from freehold.dialect.sse import DONE, data_event


class MistralWriter:
    """One answer. Used once."""

    def __init__(self, request: MistralRequest) -> None:
        self._top_logprobs = request.top_logprobs
        self._calls: dict[tuple[int, int], ToolCall] = {}  # by choice and call, while they grow
        self._last: Chat | None = None  # a chunk that ends a choice, kept back until it is known for the last

    def answer(self, chat: Chat) -> bytes:
        for choice in chat.choices:
            self._name_logprobs(choice)
        return msgspec.json.encode(chat)

    def chunk(self, chat: Chat) -> bytes:
        chat.usage = UNSET
        for choice in chat.choices:
            self._name_logprobs(choice)
            self._hold_calls(choice)
        if any(choice.finish_reason for choice in chat.choices):
            earlier, self._last = self._last, chat
            return _written(earlier) if earlier else b""
        says = any(choice.said != type(choice.said)() for choice in chat.choices)
        return _written(chat) if says else b""

    def end(self, usage: Usage) -> bytes:
        if self._last is None:
            return DONE
        self._last.usage = usage
        return _written(self._last) + DONE

    def _hold_calls(self, choice: Choice) -> None:
        said = choice.said
        if said.role and not said.content:
            said.content = ""
        for call in said.tool_calls or ():
            known = self._calls.setdefault((choice.index, call.index or 0), call)
            if known is not call:
                known.function.arguments = (known.function.arguments or "") + (call.function.arguments or "")
        said.tool_calls = UNSET
        whole = [call for (index, _), call in self._calls.items() if index == choice.index]
        if choice.finish_reason and whole:
            for call in whole:
                call.function.arguments = call.function.arguments or "{}"
            said.content, said.tool_calls = "", whole

    def _name_logprobs(self, choice: Choice) -> None:
        if self._top_logprobs is None or not choice.logprobs:
            choice.logprobs = UNSET
            return
        for token in choice.logprobs.content or ():
            tops = (token.top_logprobs or [])[: self._top_logprobs]
            token.top_logprobs = tops
            for named in (token, *tops):
                _name_token(named)


def _name_token(token: TokenLogprob) -> None:
    token.token_id, token.id = token.id, UNSET
    token.bytes = token.bytes or []


def _written(chat: Chat) -> bytes:
    return data_event(msgspec.json.encode(chat))
