# SPDX-License-Identifier: Apache-2.0
"""The items of a response's output while they grow: what each of them is by then, and the events in which it grows.

Thoughts are written as a reasoning item's summary: that is where clients of this API look for what they may show.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from freehold.dialect.chatwire import ToolCall
from freehold.dialect.responses.items import call_item, message_item, text_part

Written = tuple[str, dict[str, Any]]  # an event's type, without "response.", and its fields


class Item(Protocol):
    """One item. ``index`` is its place in the output."""

    index: int

    def beginning(self) -> dict[str, Any]:
        """The item before anything was said."""
        ...

    def close(self) -> Iterator[Written]:
        """The events that end what is still open in it."""
        ...

    def whole(self, status: str) -> dict[str, Any]:
        """The item as it is now."""
        ...


class ReasoningItem:
    """Thoughts, as one part of a summary."""

    def __init__(self, identity: str, index: int) -> None:
        self.index = index
        self._place = {"item_id": identity, "output_index": index, "summary_index": 0}
        self._pieces: list[str] = []

    def beginning(self) -> dict[str, Any]:
        return self._item([])

    def grow(self, delta: str) -> Iterator[Written]:
        if not self._pieces:
            yield "reasoning_summary_part.added", {**self._place, "part": _summary("")}
        self._pieces.append(delta)
        yield "reasoning_summary_text.delta", {**self._place, "delta": delta}

    def close(self) -> Iterator[Written]:
        text = "".join(self._pieces)
        yield "reasoning_summary_text.done", {**self._place, "text": text}
        yield "reasoning_summary_part.done", {**self._place, "part": _summary(text)}

    def whole(self, status: str) -> dict[str, Any]:  # noqa: ARG002 - thoughts have no status
        return self._item([_summary("".join(self._pieces))])

    def _item(self, summary: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self._place["item_id"], "type": "reasoning", "summary": summary}


class MessageItem:
    """A message: text, a refusal, or one after the other."""

    def __init__(self, identity: str, index: int) -> None:
        self.index = index
        self._identity = identity
        self._parts: list[_Text | _Refusal] = []

    def beginning(self) -> dict[str, Any]:
        return message_item(self._identity, "in_progress", [])

    def grow_text(self, delta: str) -> Iterator[Written]:
        """Say more; where nothing is said, at least that there is a text."""
        part = self._parts[-1] if self._parts else None
        if not isinstance(part, _Text):
            yield from self._open(part := _Text())
        part.pieces.append(delta)
        if delta:
            yield "output_text.delta", {**self._place(), "delta": delta, "logprobs": []}

    def grow_refusal(self, delta: str) -> Iterator[Written]:
        part = self._parts[-1] if self._parts else None
        if not isinstance(part, _Refusal):
            yield from self._open(part := _Refusal())
        part.pieces.append(delta)
        yield "refusal.delta", {**self._place(), "delta": delta}

    def close(self) -> Iterator[Written]:
        if self._parts:
            kind, said = self._parts[-1].done()
            yield kind, self._place() | said
            yield "content_part.done", {**self._place(), "part": self._parts[-1].written()}

    def whole(self, status: str) -> dict[str, Any]:
        return message_item(self._identity, status, [part.written() for part in self._parts])

    def _open(self, part: "_Text | _Refusal") -> Iterator[Written]:
        yield from self.close()
        self._parts.append(part)
        yield "content_part.added", {**self._place(), "part": part.written()}

    def _place(self) -> dict[str, Any]:
        return {"item_id": self._identity, "output_index": self.index, "content_index": len(self._parts) - 1}


class CallItem:
    """A function call. From a whole answer it is whole at once."""

    def __init__(self, identity: str, index: int, call: ToolCall) -> None:
        self.index = index
        self._identity = identity
        self._call_id = call.id or f"call_{identity}"
        self._name = call.function.name or ""
        self._pieces: list[str] = []

    def beginning(self) -> dict[str, Any]:
        return self._item("in_progress", "")

    def grow(self, delta: str) -> Iterator[Written]:
        self._pieces.append(delta)
        place = {"item_id": self._identity, "output_index": self.index}
        yield "function_call_arguments.delta", {**place, "delta": delta}

    def close(self) -> Iterator[Written]:
        place = {"item_id": self._identity, "output_index": self.index}
        arguments = "".join(self._pieces)
        yield "function_call_arguments.done", {**place, "name": self._name, "arguments": arguments}

    def whole(self, status: str) -> dict[str, Any]:
        """Where an answer was cut short, a call of it may be whole all the same."""
        arguments = "".join(self._pieces)
        return self._item("completed" if _is_json(arguments) else status, arguments)

    def _item(self, status: str, arguments: str) -> dict[str, Any]:
        return call_item(self._identity, status, call_id=self._call_id, name=self._name, arguments=arguments)


class Told:
    """An item that the caller has whole, or that nothing can be added to."""

    def __init__(self, item: dict[str, Any], index: int) -> None:
        self.index = index
        self._written = item

    def beginning(self) -> dict[str, Any]:
        return self._written

    def close(self) -> Iterator[Written]:
        yield from ()

    def whole(self, status: str) -> dict[str, Any]:  # noqa: ARG002 - it has its own
        return self._written


class _Text:
    """A part of a message that answers."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def done(self) -> Written:
        return "output_text.done", {"text": "".join(self.pieces), "logprobs": []}

    def written(self) -> dict[str, Any]:
        return text_part("".join(self.pieces))


class _Refusal:
    """A part of a message that refuses to."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def done(self) -> Written:
        return "refusal.done", {"refusal": "".join(self.pieces)}

    def written(self) -> dict[str, Any]:
        return {"type": "refusal", "refusal": "".join(self.pieces)}


def _summary(text: str) -> dict[str, Any]:
    return {"type": "summary_text", "text": text}


def _is_json(arguments: str) -> bool:
    try:
        msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
