# SPDX-License-Identifier: Apache-2.0
"""Writes the chat wire as Responses: one object, or the events in which it grows.

Every event carries all its fields, ``sequence_number``, ``output_index`` and ``content_index`` among them. An answer
that ran into the limit of tokens, or into a filter, is ``incomplete``, never ``completed``. The caller hears nothing
before there is something to say: until then another target may answer instead.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from freehold.dialect.chatwire import Chat, Message, ToolCall, Usage
from freehold.dialect.responses.output import CallItem, Item, MessageItem, ReasoningItem, Told, Written
from freehold.dialect.responses.request import ResponsesRequest
from freehold.dialect.sse import named_event

_Item = TypeVar("_Item", bound=Item)

_PREFIX = "resp_"
_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}


class ResponseWriter:
    """One response. Used once, for a whole answer or for a stream."""

    def __init__(self, request: ResponsesRequest) -> None:
        self._request = request
        self._chat: Chat | None = None  # the first of the stream: it names and dates the response
        self._events: list[bytes] = []
        self._sequence = 0
        self._items: list[Item] = []  # in the order of the output
        self._talk: ReasoningItem | MessageItem | None = None  # what is being thought or said
        self._calls: dict[int | None, CallItem] = {}  # by how the chat wire counts them
        self._finish = ""

    def answer(self, chat: Chat) -> bytes:
        self._chat = chat
        choice = chat.choices[0]
        said = choice.said
        if isinstance(said.content, str):
            said.content = said.content.removeprefix(self._request.prefill)
        for index, call in enumerate(said.tool_calls or ()):
            call.index = index
        self._add(said)
        self._finish = choice.finish_reason or ""
        usage = chat.usage if isinstance(chat.usage, Usage) else None
        return msgspec.json.encode(self._ended(usage))

    def chunk(self, chat: Chat) -> bytes:
        self._chat = self._chat or chat
        for choice in chat.choices:
            self._add(choice.said)
            self._finish = choice.finish_reason or self._finish
        return self._take()

    def end(self, usage: Usage) -> bytes:
        if self._chat is None:
            return b""
        response = self._ended(usage)
        self._emit(response["status"], response=response)
        return self._take()

    def stand_behind(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Go on in a stream that another wrote, of which the caller has these events."""
        for event in events:
            self._sequence = event.get("sequence_number", self._sequence) + 1
            kind = str(event.get("type", "")).removeprefix("response.")
            delta = str(event.get("delta", ""))
            if kind == "created":
                response = event.get("response", {})
                self._chat = Chat(response.get("id", ""), "", response.get("created_at", 0), response.get("model", ""))
            elif kind == "output_item.added":
                self._adopt(event.get("item", {}))
            elif kind == "output_item.done":
                self._items[-1:] = [Told(event.get("item", {}), len(self._items) - 1)]
                self._talk = None
            elif isinstance(self._talk, MessageItem) and kind == "content_part.added":
                _unwritten(self._talk.grow_text(""))
            elif isinstance(self._talk, ReasoningItem) and kind.startswith("reasoning") and delta:
                _unwritten(self._talk.grow(delta))
            elif isinstance(self._talk, MessageItem) and kind in ("output_text.delta", "refusal.delta"):
                grown = self._talk.grow_text if kind == "output_text.delta" else self._talk.grow_refusal
                _unwritten(grown(delta))
        if isinstance(self._talk, ReasoningItem):
            self._end_talk()  # thoughts begin anew in an item of their own

    def _adopt(self, item: dict[str, Any]) -> None:
        identity, index = str(item.get("id", "")), len(self._items)
        match item.get("type"):
            case "message":
                self._talk = MessageItem(identity, index)
            case "reasoning":
                self._talk = ReasoningItem(identity, index)
            case _:
                self._talk = None
        self._items.append(self._talk or Told(item, index))

    def _add(self, said: Message) -> None:
        if said.reasoning_content:
            self._emit_all(self._thinking().grow(said.reasoning_content))
        if said.content:
            self._emit_all(self._speaking().grow_text(said.content))
        if said.refusal:
            self._emit_all(self._speaking().grow_refusal(said.refusal))
        for call in said.tool_calls or ():
            item = self._calling(call)
            if call.function.arguments:
                self._emit_all(item.grow(call.function.arguments))

    def _thinking(self) -> ReasoningItem:
        if not isinstance(self._talk, ReasoningItem):
            self._end_talk()
            self._talk = self._begin(ReasoningItem(self._identity("rs"), len(self._items)))
        return self._talk

    def _speaking(self) -> MessageItem:
        if not isinstance(self._talk, MessageItem):
            self._end_talk()
            self._talk = self._begin(MessageItem(self._identity("msg"), len(self._items)))
        return self._talk

    def _calling(self, call: ToolCall) -> CallItem:
        """Calls stay open to the end: those of one answer may grow in turns."""
        if call.index not in self._calls:
            self._end_talk()
            self._calls[call.index] = self._begin(CallItem(self._identity("fc"), len(self._items), call))
        return self._calls[call.index]

    def _begin(self, item: _Item) -> _Item:
        self._items.append(item)
        self._emit("output_item.added", output_index=item.index, item=item.beginning())
        return item

    def _end_talk(self) -> None:
        if self._talk:
            self._close(self._talk, "completed")
            self._talk = None

    def _close(self, item: Item, status: str) -> None:
        self._emit_all(item.close())
        self._emit("output_item.done", output_index=item.index, item=item.whole(status))

    def _ended(self, usage: Usage | None) -> dict[str, Any]:
        """The response, once everything in it has ended. One that says nothing has an empty message."""
        status = "incomplete" if self._finish in _CUT else "completed"
        if not self._items and status == "completed":
            self._emit_all(self._speaking().grow_text(""))
        ends = {item.index: "completed" for item in self._items}
        for item in (self._talk, *self._calls.values()):
            if item:
                ends[item.index] = status
                self._close(item, status)
        return self._response(status, [item.whole(ends[item.index]) for item in self._items], usage)

    def _response(self, status: str, output: list[dict[str, Any]], usage: Usage | None = None) -> dict[str, Any]:
        chat = self._chat or Chat()
        return {
            "id": _PREFIX + self._tail(),
            "object": "response",
            "created_at": chat.created or self._request.at_unix,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": _CUT[self._finish]} if status == "incomplete" else None,
            "model": chat.model,
            "output": output,
            "usage": _usage(usage) if usage else None,
            **self._request.repeated,
        }

    def _identity(self, kind: str) -> str:
        return f"{kind}_{self._tail()}_{len(self._items)}"

    def _tail(self) -> str:
        """What all ids of this answer have in common: from the backend's own where it has one, else from the call's."""
        identity = (self._chat.id if self._chat else "") or self._request.id
        return identity.removeprefix(_PREFIX) if identity.startswith(_PREFIX) else identity.rpartition("-")[2]

    def _emit_all(self, written: Iterable[Written]) -> None:
        for kind, fields in written:
            self._emit(kind, **fields)

    def _emit(self, kind: str, /, **fields: object) -> None:
        if self._sequence == 0:
            for opening in ("created", "in_progress"):
                self._write(opening, response=self._response("in_progress", []))
        self._write(kind, **fields)

    def _write(self, kind: str, /, **fields: object) -> None:
        kind = f"response.{kind}"
        event = {"type": kind, "sequence_number": self._sequence, **fields}
        self._events.append(named_event(kind, msgspec.json.encode(event)))
        self._sequence += 1

    def _take(self) -> bytes:
        written = b"".join(self._events)
        self._events.clear()
        return written


def _unwritten(written: Iterable[Written]) -> None:
    """Take note of what is said, for somebody else has written it."""
    deque(written, maxlen=0)


def _usage(usage: Usage) -> dict[str, Any]:
    cached = usage.prompt_tokens_details.cached_tokens
    details = usage.completion_tokens_details
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": details.reasoning_tokens if details else 0},
        "total_tokens": usage.total_tokens,
    }
