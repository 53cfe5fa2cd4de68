# SPDX-License-Identifier: Apache-2.0
"""Writes the chat wire as Responses: one object, or the events in which it grows.

Every event carries all its fields, ``sequence_number``, ``output_index`` and ``content_index`` among them. An answer
that ran into the limit of tokens is ``incomplete``, never ``completed``. A reasoning model's thoughts are not shown.
"""

from typing import Any

import msgspec

from freehold.dialect.chatwire import Chat, Message, ToolCall, Usage
from freehold.dialect.responses.items import call_item, message_item, text_part
from freehold.dialect.responses.request import ResponsesRequest
from freehold.dialect.sse import named_event


class ResponseWriter:
    """One response. Used once, for a whole answer or for a stream."""

    def __init__(self, request: ResponsesRequest) -> None:
        self._request = request
        self._chat: Chat | None = None  # the first of the stream: it names and dates the response
        self._events: list[bytes] = []
        self._sequence = 0
        self._output: list[dict[str, Any]] = []
        self._growing: _Text | _Call | None = None
        self._finish = ""

    def answer(self, chat: Chat) -> bytes:
        choice = chat.choices[0]
        status = _status(choice.finish_reason or "")
        output = []
        text = (choice.said.content or "").removeprefix(self._request.prefill)
        calls = choice.said.tool_calls or []
        if text or (not calls and status == "completed"):
            output.append(message_item(_identity("msg", chat, 0), status, [text_part(text)]))
        for call in calls:
            output.append(_Call(_identity("fc", chat, len(output)), call).item("completed"))
        usage = chat.usage if isinstance(chat.usage, Usage) else None
        return msgspec.json.encode(self._response(chat, status, output, usage))

    def chunk(self, chat: Chat) -> bytes:
        if self._chat is None:
            self._chat = chat
            for kind in ("response.created", "response.in_progress"):
                self._emit(kind, response=self._response(chat, "in_progress", []))
        for choice in chat.choices:
            self._add(choice.said)
            self._finish = choice.finish_reason or self._finish
        return self._take()

    def end(self, usage: Usage) -> bytes:
        if self._chat is None:
            return b""
        status = _status(self._finish)
        if not self._output and self._growing is None and status == "completed":
            self._open(_Text(_identity("msg", self._chat, 0)))
        self._close(status)
        response = self._response(self._chat, status, self._output, usage)
        self._emit(f"response.{status}", response=response)
        return self._take()

    def _add(self, said: Message) -> None:
        if said.content:
            if not isinstance(self._growing, _Text):
                self._open(_Text(self._next_identity("msg")))
            self._grow(said.content)
        for call in said.tool_calls or ():
            if not isinstance(self._growing, _Call) or self._growing.index != call.index:
                self._open(_Call(self._next_identity("fc"), call))
            if call.function.arguments:
                self._grow(call.function.arguments)

    def _next_identity(self, kind: str) -> str:
        assert self._chat is not None, "items come after the first chunk"  # noqa: S101
        return _identity(kind, self._chat, len(self._output) + (self._growing is not None))

    def _open(self, item: "_Text | _Call") -> None:
        self._close("completed")
        self._growing = item
        index = len(self._output)
        self._emit("response.output_item.added", output_index=index, item=item.beginning())
        if isinstance(item, _Text):
            part = text_part("")
            self._emit("response.content_part.added", **item.place(index), part=part)

    def _grow(self, delta: str) -> None:
        item = self._growing
        if isinstance(item, _Text):
            item.text += delta
            place = item.place(len(self._output))
            self._emit("response.output_text.delta", **place, delta=delta, logprobs=[])
        elif isinstance(item, _Call):
            item.arguments += delta
            place = item.place(len(self._output))
            self._emit("response.function_call_arguments.delta", **place, delta=delta)

    def _close(self, status: str) -> None:
        item, index = self._growing, len(self._output)
        if item is None:
            return
        place = item.place(index)
        if isinstance(item, _Text):
            self._emit("response.output_text.done", **place, text=item.text, logprobs=[])
            self._emit("response.content_part.done", **place, part=text_part(item.text))
        else:
            self._emit("response.function_call_arguments.done", **place, name=item.name, arguments=item.arguments)
        done = item.item(status)
        self._emit("response.output_item.done", output_index=index, item=done)
        self._output.append(done)
        self._growing = None

    def _response(
        self, chat: Chat, status: str, output: list[dict[str, Any]], usage: Usage | None = None
    ) -> dict[str, Any]:
        return {
            "id": f"resp_{_tail(chat)}",
            "object": "response",
            "created_at": chat.created,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "model": chat.model,
            "output": output,
            "usage": _usage(usage) if usage else None,
            **self._request.repeated,
        }

    def _emit(self, kind: str, /, **fields: object) -> None:
        event = {"type": kind, "sequence_number": self._sequence, **fields}
        self._events.append(named_event(kind, msgspec.json.encode(event)))
        self._sequence += 1

    def _take(self) -> bytes:
        written = b"".join(self._events)
        self._events.clear()
        return written


class _Text:
    """A message while it grows."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.text = ""

    def beginning(self) -> dict[str, Any]:
        return message_item(self.identity, "in_progress", [])

    def place(self, output_index: int) -> dict[str, Any]:
        return {"item_id": self.identity, "output_index": output_index, "content_index": 0}

    def item(self, status: str) -> dict[str, Any]:
        return message_item(self.identity, status, [text_part(self.text)])


class _Call:
    """A function call while it grows. From a whole answer it is whole at once."""

    def __init__(self, identity: str, call: ToolCall) -> None:
        self.identity = identity
        self.index = call.index
        self.call_id = call.id or f"call_{identity}"
        self.name = call.function.name or ""
        self.arguments = ""
        self._given = call.function.arguments or ""

    def beginning(self) -> dict[str, Any]:
        return self._written("in_progress", "")

    def place(self, output_index: int) -> dict[str, Any]:
        return {"item_id": self.identity, "output_index": output_index}

    def item(self, status: str) -> dict[str, Any]:
        return self._written(status, self.arguments or self._given)

    def _written(self, status: str, arguments: str) -> dict[str, Any]:
        return call_item(self.identity, status, call_id=self.call_id, name=self.name, arguments=arguments)


def _status(finish: str) -> str:
    return "incomplete" if finish == "length" else "completed"


def _tail(chat: Chat) -> str:
    return chat.id.rpartition("-")[2]


def _identity(kind: str, chat: Chat, output_index: int) -> str:
    return f"{kind}_{_tail(chat)}_{output_index}"


def _usage(usage: Usage) -> dict[str, Any]:
    cached = usage.prompt_tokens_details.cached_tokens
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total_tokens,
    }
