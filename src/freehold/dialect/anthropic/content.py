# SPDX-License-Identifier: Apache-2.0
"""System prompts and messages in Anthropic's blocks: checked, and freed of what a model of this estate cannot use."""

import re
from typing import Any

import msgspec

from freehold.dialect.content import text_of, tool_call
from freehold.dialect.fields import Fields

# Coding agents put a line of accounting at the head of the system prompt that changes with every call. It says nothing
# to the model, and with it no call could go on from the engine's cache of the call before.
_BILLING = re.compile(r"\A\s*x-anthropic-billing-header:[^\n]*\n*", re.IGNORECASE)
_THOUGHTS = ("thinking", "redacted_thinking")  # signed for their own model; of no use to another


def read_system(body: Fields) -> str | None:
    system = text_of(body, "system", joint="\n\n")
    return _BILLING.sub("", system) or None if system else None


def read_messages(body: Fields) -> list[dict[str, Any]]:
    """The messages, in Anthropic's shape still. Raises InvalidRequest, Unsupported."""
    messages = [_message(message) for message in body.need_each("messages")]
    last = messages[-1]
    if last["role"] == "assistant" and isinstance(last["content"], list):
        if any(block["type"] != "text" for block in last["content"]):
            raise body.invalid("messages", "ended by a user message where the assistant's last has a tool_use")
        last["content"] = "".join(block["text"] for block in last["content"])  # what the answer goes on from
    return messages


def _message(message: Fields) -> dict[str, Any]:
    role = message.need_one_of("role", "user", "assistant")
    content = message.get("content")
    if isinstance(content, str):
        return {"role": role, "content": content}
    if not isinstance(content, list):
        raise message.invalid("content", "a string or a list of content blocks")
    blocks = message.each("content")
    kinds = [block.need_text("type") for block in blocks]
    kept = [
        _block(message, f"content[{index}]", kind, block)
        for index, (kind, block) in enumerate(zip(kinds, blocks, strict=True))
        if kind not in _THOUGHTS
    ]
    return {"role": role, "content": kept or ""}


def _block(message: Fields, name: str, kind: str, block: Fields) -> dict[str, Any]:
    if kind == "text":
        text = block.text("text")
        if text is None:
            raise block.invalid("text", "a string")
        return {"type": kind, "text": text}
    if kind == "tool_use":
        arguments = block.whole_object("input") or {}
        return {"type": kind, "id": block.need_text("id"), "name": block.need_text("name"), "input": arguments}
    if kind == "tool_result":
        return {"type": kind, "tool_use_id": block.need_text("tool_use_id"), "content": _result(block)}
    raise message.unsupported(name, f"the model reads text and tool results only, not {kind[:40]!r}")


def _result(block: Fields) -> str:
    """The engine has no place for ``is_error``, so the text says it."""
    text = text_of(block, "content") or ""
    return f"Error: {text}" if block.flag("is_error") else text


def chat_messages(system: str | None, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same conversation in the chat wire's messages."""
    chat: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for message in messages:
        chat.extend(_chat_messages(message["role"], message["content"]))
    return chat


def _chat_messages(role: str, content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    results = [block for block in content if block["type"] == "tool_result"]
    chat = [{"role": "tool", "tool_call_id": result["tool_use_id"], "content": result["content"]} for result in results]
    text = "\n".join(block["text"] for block in content if block["type"] == "text")
    calls = [
        tool_call(block["id"], block["name"], msgspec.json.encode(block["input"]).decode())
        for block in content
        if block["type"] == "tool_use"
    ]
    if calls:
        chat.append({"role": role, "content": text, "tool_calls": calls})
    elif text or not results:
        chat.append({"role": role, "content": text})
    return chat
