# SPDX-License-Identifier: Apache-2.0
"""The items of a conversation: those of ``input`` as chat messages, and those of ``output`` as they are written."""

from typing import Any

from freehold.dialect.beyond import HARMLESS, note_beyond, note_carried, note_kind
from freehold.dialect.content import (
    Part,
    Readers,
    content_of,
    image_part,
    read_parts,
    read_refusal,
    read_text,
    text_in,
    tool_call,
)
from freehold.dialect.fields import Fields

_KNOWN_IN_ITEM = frozenset({"type", "id", "status", "phase"})  # kept by whoever wrote the item
_BEYOND_IN_CALL = {"caller": HARMLESS}


def read_input(body: Fields) -> list[dict[str, Any]]:
    """``input`` as the chat wire's messages. Raises InvalidRequest, Unsupported."""
    given = body.get("input")
    if isinstance(given, str) and given:
        return [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise body.invalid("input", "a string or a list of items, not empty")
    conversation = _Conversation()
    for item in body.each("input"):
        conversation.add(item)
    if not conversation.messages:
        if all(item.get("type") == "reasoning" for item in body.each("input")):
            raise body.invalid("input", "a list with at least one message")
        conversation.messages.append({"role": "user", "content": ""})  # what there was is no message of the hub
    return conversation.messages


class _Conversation:
    """The messages that the items read so far come to. An assistant's turn is several items and one message."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._thoughts: list[str] = []  # they stand before what they led to

    def add(self, item: Fields) -> None:
        kind = item.text("type") or "message"
        match kind:
            case "message":
                self._add_message(item)
            case "reasoning":
                note_carried(item, "", "reasoning", harmless=True)
                self._thoughts.append(_thoughts(item))
            case "function_call":
                note_beyond(item, _KNOWN_IN_ITEM | {"call_id", "name", "arguments"}, _BEYOND_IN_CALL)
                call = tool_call(item.need_text("call_id"), item.need_text("name"), item.text("arguments") or "")
                self._assistant().setdefault("tool_calls", []).append(call)
            case "function_call_output":
                note_beyond(item, _KNOWN_IN_ITEM | {"call_id", "name", "output"}, _BEYOND_IN_CALL)
                parts = _need_parts(item, "output", _READ_BY_USERS)
                message = {"role": "tool", "content": content_of(parts), "tool_call_id": item.need_text("call_id")}
                self.messages.append(message)
            case "item_reference":
                raise item.unsupported("type", "nothing is kept between calls here; send the item itself")
            case _:
                note_kind(item, "type", kind)

    def _add_message(self, item: Fields) -> None:
        note_beyond(item, _KNOWN_IN_ITEM | {"role", "content"}, {})
        role = item.need_one_of("role", "user", "assistant", "system", "developer")
        parts = _need_parts(item, "content", _READ_BY_USERS if role == "user" else _READ)
        if role == "assistant":
            self._think({"role": role, "content": text_in(parts)})
        elif role == "user":
            self.messages.append({"role": role, "content": content_of(parts)})
        else:
            self.messages.append({"role": "system", "content": text_in(parts)})

    def _assistant(self) -> dict[str, Any]:
        """The message to which a call belongs."""
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self._think({"role": "assistant", "content": ""})
        return self.messages[-1]

    def _think(self, message: dict[str, Any]) -> None:
        if thoughts := "\n".join(filter(None, self._thoughts)):
            message["reasoning_content"] = thoughts
        self._thoughts.clear()
        self.messages.append(message)


def _need_parts(item: Fields, name: str, readers: Readers) -> list[Part]:
    parts = read_parts(item, name, readers)
    if parts is None:
        raise item.invalid(name, "a string or a list of content parts")
    return parts


def _thoughts(item: Fields) -> str:
    """The thoughts themselves where they are shown, else the summary of them."""
    for name in ("content", "summary"):
        given = item.get(name)
        texts = [each.get("text") for each in given if isinstance(each, dict)] if isinstance(given, list) else []
        if thoughts := "\n".join(text for text in texts if isinstance(text, str)):
            return thoughts
    return ""


def _read_input_image(part: Fields) -> Part | None:
    note_beyond(part, ("type", "image_url", "detail", "file_id"), {})
    return image_part(part, part.get("image_url"), part.get("detail"))


_READ: Readers = {
    "input_text": read_text,
    "output_text": read_text,
    "refusal": read_refusal,
    "text": read_text,
    "summary_text": read_text,
}
_READ_BY_USERS: Readers = {**_READ, "input_image": _read_input_image}


def text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message_item(identity: str, status: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": identity, "type": "message", "role": "assistant", "status": status, "content": parts}


def call_item(identity: str, status: str, *, call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {
        "id": identity,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }
