# SPDX-License-Identifier: Apache-2.0
"""The items of a conversation: those of ``input`` as chat messages, and those of ``output`` as they are written."""

from typing import Any

from freehold.dialect.content import text_of, tool_call
from freehold.dialect.fields import Fields

_TEXT = ("input_text", "output_text", "refusal", "text", "summary_text")


def read_input(body: Fields) -> list[dict[str, Any]]:
    """``input`` as the chat wire's messages. Raises InvalidRequest, Unsupported."""
    given = body.get("input")
    if isinstance(given, str) and given:
        return [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise body.invalid("input", "a string or a list of items, not empty")
    messages: list[dict[str, Any]] = []
    for item in body.each("input"):
        _add(messages, item)
    if not messages:
        raise body.invalid("input", "a list with at least one message")
    return messages


def _add(messages: list[dict[str, Any]], item: Fields) -> None:
    kind = item.text("type") or "message"
    if kind == "message":
        messages.append(_message(item))
    elif kind == "function_call":
        call = tool_call(item.need_text("call_id"), item.need_text("name"), item.text("arguments") or "")
        if not messages or messages[-1]["role"] != "assistant":
            messages.append({"role": "assistant", "content": ""})
        messages[-1].setdefault("tool_calls", []).append(call)
    elif kind == "function_call_output":
        output = text_of(item, "output", reads=_TEXT)
        if output is None:
            raise item.invalid("output", "a string or a list of content parts")
        messages.append({"role": "tool", "content": output, "tool_call_id": item.need_text("call_id")})
    elif kind == "item_reference":
        raise item.unsupported("type", "nothing is kept between calls here; send the item itself")
    elif kind != "reasoning":  # which is of no use to another model
        raise item.unsupported("type", f"items of the type {kind[:40]!r} are not known here")


def _message(item: Fields) -> dict[str, Any]:
    role = item.need_one_of("role", "user", "assistant", "system", "developer")
    content = text_of(item, "content", reads=_TEXT)
    if content is None:
        raise item.invalid("content", "a string or a list of content parts")
    return {"role": "system" if role == "developer" else role, "content": content}


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
