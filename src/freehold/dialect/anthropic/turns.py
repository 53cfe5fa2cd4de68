# SPDX-License-Identifier: Apache-2.0
"""A conversation in the chat wire's words, put into the turns that Anthropic's messages take.

Instructions stand before the turns. The user's and the assistant's alternate, results of tools are the user's and come
first in a turn, and no text is blank: what says nothing is left out.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from freehold.contract.endpoint import Prefill
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.interface import Extra
from freehold.dialect.losses import Losses
from freehold.errors import InvalidRequest, Unsupported

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_DATA_URL = re.compile(r"data:([^;,]*)[^,]*;base64,(.*)", re.IGNORECASE | re.DOTALL)
_IDENTITY = re.compile(r"[a-zA-Z0-9_-]+")
_DETAIL = "the target's API chooses itself how closely it looks at an image"


def system_of(request: ChatRequest) -> str | None:
    """All instructions, wherever they stand."""
    texts = [_text(message["content"]) for message in request.body["messages"] if message["role"] == "system"]
    return "\n\n".join(text for text in texts if text.strip()) or None


def turns_of(request: ChatRequest, prefill: Prefill, losses: Losses) -> list[dict[str, Any]]:
    """Raises InvalidRequest naming the message, Unsupported where the conversation is not one that the API takes."""
    _check_end(request, prefill)
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    for index, message in enumerate(request.body["messages"]):
        if message["role"] == "system":
            continue
        role = "assistant" if message["role"] == "assistant" else "user"
        if blocks := list(_Place(request, index, losses).blocks(message)):
            if not turns or turns[-1][0] != role:
                turns.append((role, []))
            turns[-1][1].extend(blocks)
    if not turns:
        raise _refused(request, "the target's API needs a message that says something, besides instructions")
    return [{"role": role, "content": _content(blocks)} for role, blocks in turns]


def _check_end(request: ChatRequest, prefill: Prefill) -> None:
    last = request.body["messages"][-1]
    if last["role"] != "assistant":
        return
    if last.get("tool_calls"):
        raise _refused(request, "the last one calls tools, and their results are missing")
    if request.prefill and prefill is Prefill.NONE:
        raise _refused(request, "the target cannot go on with an answer that has begun")
    if request.prefill != request.prefill.rstrip():
        raise _refused(request, "the target cannot go on with an answer that ends in white space")


def _refused(request: ChatRequest, why: str) -> Unsupported:
    name = request.said_as("messages")
    return Unsupported(f"{name}: {why}", param=name)


def _content(blocks: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        return str(blocks[0]["text"])
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


class _Place:
    """One message, and where the caller wrote it."""

    def __init__(self, request: ChatRequest, index: int, losses: Losses) -> None:
        self._outer = request.called.get("messages")
        self._index = index
        self._losses = losses

    def blocks(self, message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if message["role"] == "tool":
            yield self._result(message)
            return
        yield from self._parts(message["content"])
        for index, call in enumerate(message.get("tool_calls") or ()):
            yield self._tool_use(call, f"tool_calls[{index}]")

    def _result(self, message: Mapping[str, Any]) -> dict[str, Any]:
        identity = self._identity(message.get("tool_call_id"), "tool_call_id")
        content = message["content"]
        given = content if isinstance(content, str) else list(self._parts(content))
        return {"type": "tool_result", "tool_use_id": identity, "content": given}

    def _tool_use(self, call: Mapping[str, Any], name: str) -> dict[str, Any]:
        function = call["function"]
        try:
            arguments = msgspec.json.decode(function["arguments"] or "{}", type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError) as exc:
            raise self._invalid(f"{name}.function.arguments", "a JSON object, which the target's API demands") from exc
        identity = self._identity(call.get("id"), f"{name}.id")
        return {"type": "tool_use", "id": identity, "name": function["name"], "input": arguments}

    def _identity(self, identity: object, name: str) -> str:
        """Ids that other APIs gave may have letters that this one refuses; they need only stay the same."""
        if not isinstance(identity, str) or not identity:
            raise self._invalid(name, "the id of a call, which the target's API demands")
        if _IDENTITY.fullmatch(identity):
            return identity
        return f"toolu_{hashlib.sha256(identity.encode()).hexdigest()[:24]}"

    def _parts(self, content: object) -> Iterator[dict[str, Any]]:
        if not isinstance(content, list):
            content = [{"type": "text", "text": content or ""}]
        for index, part in enumerate(content):
            if part["type"] == "image_url":
                yield self._image(part["image_url"], f"content[{index}]")
            elif part["text"].strip():
                yield {"type": "text", "text": part["text"]}

    def _image(self, image: Mapping[str, Any], name: str) -> dict[str, Any]:
        if image.get("detail") not in (None, "auto"):
            self._losses.lose(Extra(name="detail", param=self._path(name), why=_DETAIL, harmless=True))
        url = image["url"]
        if not url.startswith("data:"):
            return {"type": "image", "source": {"type": "url", "url": url}}
        found = _DATA_URL.fullmatch(url)
        kind = found[1].lower().replace("image/jpg", "image/jpeg") if found else ""
        if not found or kind not in _IMAGES:
            raise self._invalid(name, f"an image in base64, of one of the types {', '.join(_IMAGES)}")
        return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": found[2]}}

    def _invalid(self, name: str, expected: str) -> InvalidRequest:
        path = self._path(name)
        return InvalidRequest(f"{path} must be {expected}", param=path)

    def _path(self, name: str) -> str:
        """The field, where the caller's messages are the chat wire's; else the list that they were made of."""
        return self._outer or f"messages[{self._index}].{name}"


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part["type"] == "text")
    return str(content or "")
