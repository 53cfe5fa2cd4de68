# SPDX-License-Identifier: Apache-2.0
"""System prompts and messages in Anthropic's blocks: checked, and put into the words of two wires."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.dialect.beyond import HARMLESS, note_beyond, note_carried
from freehold.dialect.content import (
    Part,
    Readers,
    content_of,
    image_part,
    read_parts,
    read_text,
    text_in,
    text_part,
    thoughts_in,
    tool_call,
)
from freehold.dialect.fields import Fields, present

# Coding agents put a line of accounting at the head of the system prompt that changes with every call. It says nothing
# to the model, and with it no call could go on from the engine's cache of the call before.
_BILLING = re.compile(r"\A\s*x-anthropic-billing-header:[^\n]*\n*", re.IGNORECASE)
_BESIDES = {"caller": HARMLESS, "toolset_name": HARMLESS, "transformations": HARMLESS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message. Its blocks are Anthropic's ``text``, ``tool_use`` and ``tool_result``, and the hub's other parts."""

    role: str
    blocks: list[Part]
    plain: bool  # its content was a string


def read_system(body: Fields) -> str | None:
    parts = read_parts(body, "system", {"text": read_text})
    system = text_in(parts, "\n\n") if parts else ""
    return _BILLING.sub("", system) or None


def read_turns(body: Fields) -> list[Turn]:
    """The messages. Raises InvalidRequest."""
    turns = [_turn(message) for message in body.need_each("messages")]
    last = turns[-1]
    if last.role == "assistant" and any(block["type"] not in ("text", "reasoning") for block in last.blocks):
        raise body.invalid("messages", "ended by a user message where the assistant's last has a tool_use")
    return turns


def _turn(message: Fields) -> Turn:
    note_beyond(message, ("role", "content"), {})
    role = message.need_one_of("role", *_BLOCKS_OF)
    blocks = read_parts(message, "content", _BLOCKS_OF[role])
    if blocks is None:
        raise message.invalid("content", "a string or a list of content blocks")
    return Turn(role=role, blocks=blocks, plain=isinstance(message.get("content"), str))


def _read_image(block: Fields) -> Part | None:
    note_beyond(block, ("type", "source"), _BESIDES)
    source = block.get("source")
    if not isinstance(source, dict):
        return image_part(block, None)
    if source.get("type") == "base64":
        return image_part(block, f"data:{source.get('media_type')};base64,{source.get('data')}")
    return image_part(block, source.get("url"))


def _read_thinking(block: Fields) -> Part:
    """Signed for the model that thought so; what can be read of it, another may read."""
    note_carried(block, "", "reasoning", harmless=True)
    thoughts = block.get("thinking")
    return {"type": "reasoning", "text": thoughts if isinstance(thoughts, str) else ""}


def _read_tool_use(block: Fields) -> Part:
    note_beyond(block, ("type", "id", "name", "input"), _BESIDES)
    arguments = block.whole_object("input") or {}
    return {"type": "tool_use", "id": block.need_text("id"), "name": block.need_text("name"), "input": arguments}


def _read_tool_result(block: Fields) -> Part:
    """Other wires have no place for ``is_error``, so the text says it."""
    note_beyond(block, ("type", "tool_use_id", "content", "is_error"), _BESIDES)
    call_id = block.need_text("tool_use_id")
    parts = read_parts(block, "content", _BLOCKS_OF_RESULTS) or []
    if block.flag("is_error"):
        first = parts.pop(0)["text"] if parts and parts[0]["type"] == "text" else ""
        parts.insert(0, text_part(f"Error: {first}"))
    return {"type": "tool_result", "tool_use_id": call_id, "content": content_of(parts)}


_BLOCKS_OF_RESULTS: Readers = {"text": read_text, "image": _read_image}
_BLOCKS: Readers = {
    "text": read_text,
    "tool_use": _read_tool_use,
    "tool_result": _read_tool_result,
    "thinking": _read_thinking,
    "redacted_thinking": _read_thinking,
}
_BLOCKS_OF: Mapping[str, Readers] = {  # by role
    "user": {**_BLOCKS, "image": _read_image},
    "assistant": _BLOCKS,
    "system": {"text": read_text},  # instructions from the middle of a conversation on
}


def prefill_of(turns: Sequence[Turn]) -> str:
    """What the answer goes on from."""
    return text_in(turns[-1].blocks, "") if turns[-1].role == "assistant" else ""


def native_messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """As an engine's own messages wire takes them: texts, tool calls and results only."""
    messages = [{"role": turn.role, "content": _native_content(turn)} for turn in turns]
    if turns[-1].role == "assistant":
        messages[-1]["content"] = prefill_of(turns)
    return messages


def _native_content(turn: Turn) -> str | list[Part]:
    if turn.plain:
        return text_in(turn.blocks)
    return [_native_block(block) for block in turn.blocks if block["type"] not in ("image_url", "reasoning")] or ""


def _native_block(block: Part) -> Part:
    content = block.get("content")
    return {**block, "content": text_in(content)} if isinstance(content, list) else block


def chat_messages(system: str | None, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """As the chat wire has them."""
    chat: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        chat.extend(_chat_messages(turn))
    if turns[-1].role == "assistant":
        chat[-1]["content"] = prefill_of(turns)
    return chat


def _chat_messages(turn: Turn) -> list[dict[str, Any]]:
    """Results are messages of their own; they stand first, after the calls that they answer."""
    chat: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": block["tool_use_id"], "content": block["content"]}
        for block in turn.blocks
        if block["type"] == "tool_result"
    ]
    content = content_of(block for block in turn.blocks if block["type"] in ("text", "image_url"))
    calls = [
        tool_call(block["id"], block["name"], msgspec.json.encode(block["input"]).decode())
        for block in turn.blocks
        if block["type"] == "tool_use"
    ]
    if content or calls or not chat:
        thoughts = thoughts_in(turn.blocks) if turn.role == "assistant" else None
        chat.append(present(role=turn.role, content=content, reasoning_content=thoughts, tool_calls=calls or None))
    return chat
