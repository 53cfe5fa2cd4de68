# SPDX-License-Identifier: Apache-2.0
"""Asks Mistral's chat in its own words. It refuses a request for any field that it does not know, in messages too.

Earlier reasoning goes back to it as thoughts. What its language has no word for is lost: biases of tokens, a least
probability, switches of chat templates, a name for the user.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from freehold.dialect.callids import CallIds
from freehold.dialect.chatwire import ChatRequest, check_choices
from freehold.dialect.interface import Backend
from freehold.dialect.losses import Losses
from freehold.dialect.openai.ask import foreign_of, last_message_fields, lose_fields, tool_fields

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "max_tokens": "max_tokens",
        "top_p": "top_p",
        "top_k": "top_k",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "repeat_penalty": "repetition_penalty",
        "seed": "random_seed",
        "stop": "stop",
        "logprobs": "logprobs",
        "top_logprobs": "top_logprobs",
        "response_format": "response_format",
    }
)
_NO_PLACE: Mapping[str, object] = MappingProxyType({"min_p": 0, "logit_bias": {}, "chat_template_kwargs": {}})
_NO_ARGUMENTS = {"type": "object", "properties": {}}
_HOTTEST = 1.5  # temperature
_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")  # all other ids are refused
_BRIDGE: Mapping[str, str] = MappingProxyType({"role": "assistant", "content": " "})  # empty ones are refused


def ask_mistral(request: ChatRequest, backend: Backend, losses: Losses) -> dict[str, Any]:
    """The whole body. Raises Unsupported for what may not be lost."""
    foreign = foreign_of(backend)
    carried = {"image", "reasoning", "reasoning_effort"} if foreign.reasoning else {"image"}
    losses.lose_all_but(carried, request.extras)
    lose_fields(_NO_PLACE, request, losses)
    request.tools.check(backend)
    check_choices(request.choices, backend)
    given = request.body
    messages = _in_order(_messages(request, thoughts=foreign.reasoning))
    messages[-1] |= last_message_fields(request, foreign)
    body = {"model": backend.model, "messages": messages, "stream": request.stream}
    body |= {name: given[hub] for hub, name in _NAMES.items() if hub in given}
    body |= _temperature(request, losses)
    if "reasoning_effort" in given and foreign.reasoning:
        body["reasoning_effort"] = given["reasoning_effort"]
    body |= _tools(request)
    if request.choices > 1:
        body["n"] = request.choices
    return body


def _temperature(request: ChatRequest, losses: Losses) -> dict[str, Any]:
    temperature = request.body.get("temperature")
    if temperature is None:
        return {}
    if temperature > _HOTTEST:
        losses.lose(request.as_extra("temperature", f"the target's API takes at most {_HOTTEST}"))
        return {}
    return {"temperature": temperature}


def _tools(request: ChatRequest) -> dict[str, Any]:
    """Tools, whose arguments must have a schema."""
    fields = tool_fields(request.tools, forced="any")
    if fields:
        fields["tools"] = [
            {"type": "function", "function": {"parameters": _NO_ARGUMENTS, **tool["function"]}}
            for tool in fields["tools"]
        ]
    return fields


def _messages(request: ChatRequest, *, thoughts: bool) -> list[dict[str, Any]]:
    ids = CallIds(_CALL_ID)
    messages = []
    for message in request.body["messages"]:
        match message["role"]:
            case "assistant":
                messages.append(_assistant(message, ids, thoughts=thoughts))
            case "tool":
                messages.append(_result(message, ids))
            case role:
                messages.append({"role": role, "content": _content(message["content"])})
    return messages


def _in_order(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """In an order that the API takes.

    It refuses a user's message behind a result, and a system's behind an answer or at the end.
    """
    ordered: list[dict[str, Any]] = []
    late: list[dict[str, Any]] = []
    for message in messages:
        before = ordered[-1]["role"] if ordered else ""
        if message["role"] == "system" and before in ("assistant", "tool"):
            late.append(message)
            continue
        if message["role"] == "user" and before == "tool":
            ordered.append(dict(_BRIDGE))
        ordered.append(message)
    head = next((at for at, message in enumerate(ordered) if message["role"] != "system"), len(ordered))
    end = len(ordered)
    while end > head and ordered[end - 1]["role"] == "system":
        end -= 1
    return [*ordered[:head], *late, *ordered[end:], *ordered[head:end]]


def _assistant(message: Mapping[str, Any], ids: CallIds, *, thoughts: bool) -> dict[str, Any]:
    text, thought = message.get("content") or "", message.get("reasoning_content")
    written: dict[str, Any] = {"role": "assistant", "content": text}
    if thought and thoughts:
        parts = [{"type": "thinking", "thinking": [{"type": "text", "text": thought}]}]
        written["content"] = [*parts, {"type": "text", "text": text}] if text else parts
    if calls := message.get("tool_calls"):
        written["tool_calls"] = ids.in_calls(calls)
    return written if written["content"] or calls else dict(_BRIDGE)


def _result(message: Mapping[str, Any], ids: CallIds) -> dict[str, Any]:
    written = {"role": "tool", "content": _content(message["content"])}
    if identity := message.get("tool_call_id"):
        written["tool_call_id"] = ids.of(identity)
    if name := message.get("name"):
        written["name"] = name
    return written


def _content(content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Text, or parts, whose images are named by their URL alone where nothing is said of the detail."""
    if isinstance(content, str):
        return content
    return [_image(part) if part["type"] == "image_url" else part for part in content]


def _image(part: Mapping[str, Any]) -> dict[str, Any]:
    image = part["image_url"]
    return {"type": "image_url", "image_url": image if image.get("detail") else image["url"]}
