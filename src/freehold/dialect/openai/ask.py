# SPDX-License-Identifier: Apache-2.0
"""Asks somebody else's API in OpenAI's chat completions, which are the chat wire's own words but for a few.

Messages and tools are written field by field: some hosts refuse a request for a field that they do not know.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from freehold.contract.endpoint import Prefill
from freehold.dialect.callids import CallIds
from freehold.dialect.chatwire import ChatRequest, check_choices
from freehold.dialect.interface import Backend, Extra, Foreign
from freehold.dialect.losses import Losses
from freehold.dialect.tools import Choice, ToolPlan
from freehold.errors import Unsupported

_CARRIED = frozenset({"image", "reasoning_effort", "verbosity", "user"})
_SAME = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "stop",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "response_format",
    "verbosity",
    "user",
)
_NO_PLACE: Mapping[str, object] = MappingProxyType(
    {"top_k": 0, "min_p": 0, "repeat_penalty": 1, "chat_template_kwargs": {}}
)
_CALL_ID = re.compile(r".{1,40}", re.DOTALL)  # OpenAI refuses longer ones
_OWN_NAME = "max_completion_tokens"  # OpenAI's and Azure's for the bound on an answer; most others have the older one


def ask_chat(request: ChatRequest, backend: Backend, losses: Losses) -> dict[str, Any]:
    """The whole body. Raises Unsupported for what may not be lost."""
    foreign = foreign_of(backend)
    losses.lose_all_but(_CARRIED if foreign.reasoning else _CARRIED - {"reasoning_effort"}, request.extras)
    lose_fields(_NO_PLACE, request, losses)
    request.tools.check(backend)
    check_choices(request.choices, backend)
    given = request.body
    body: dict[str, Any] = {"model": backend.model, "messages": _messages(request, foreign, losses)}
    body |= {name: given[name] for name in _SAME if name in given}
    if "max_tokens" in given:
        body[foreign.max_tokens_name] = given["max_tokens"]
    if "reasoning_effort" in given and foreign.reasoning:
        body["reasoning_effort"] = given["reasoning_effort"]
    body |= tool_fields(request.tools, forced="required")
    if request.choices > 1:
        body["n"] = request.choices
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body | unkept(foreign)


def foreign_of(backend: Backend) -> Foreign:
    assert backend.foreign, "an engine is asked in its own words"  # noqa: S101
    return backend.foreign


def unkept(foreign: Foreign) -> dict[str, Any]:
    """What turns off the keeping of answers: OpenAI does so for newer accounts. Other hosts may not know the field."""
    return {"store": False} if foreign.max_tokens_name == _OWN_NAME else {}


def lose_fields(neutral: Mapping[str, object], request: ChatRequest, losses: Losses) -> None:
    """Lose what the body has of these, but where its value is the neutral one. Raises Unsupported."""
    for name, idle in neutral.items():
        if name in request.body and request.body[name] != idle:
            losses.lose(request.as_extra(name, "the target's API has no place for it"))


def tool_fields(tools: ToolPlan, *, forced: str) -> dict[str, Any]:
    """Tools, and how free the model is to call them. ``forced`` is what the API says for "any of them"."""
    if not tools.tools:
        return {}
    fields: dict[str, Any] = {"tools": tools.tools}
    if tools.only:
        fields["tool_choice"] = {"type": "function", "function": {"name": tools.only}}
    elif tools.choice is not Choice.AUTO:
        fields["tool_choice"] = forced if tools.choice is Choice.FORCED else tools.choice.value
    if tools.parallel is not None:
        fields["parallel_tool_calls"] = tools.parallel
    return fields


def last_message_fields(request: ChatRequest, foreign: Foreign) -> dict[str, Any]:
    """What marks an assistant's last message as the answer's beginning. Raises Unsupported where there is no way."""
    if request.body["messages"][-1]["role"] != "assistant" or foreign.prefill is Prefill.TEXT:
        return {}
    if foreign.prefill is Prefill.PREFIX:
        return {"prefix": True}
    param = f"messages[{len(request.body['messages']) - 1}]"
    raise Unsupported(f"{param}: the target's API cannot continue an assistant's last message", param="messages")


def _messages(request: ChatRequest, foreign: Foreign, losses: Losses) -> list[dict[str, Any]]:
    ids = CallIds(_CALL_ID)
    messages = []
    for message in request.body["messages"]:
        match message["role"]:
            case "assistant":
                messages.append(_assistant(message, ids))
            case "tool":
                messages.append(_result(message, ids, losses))
            case role:
                messages.append({"role": role, "content": message["content"]})
    messages[-1] |= last_message_fields(request, foreign)
    return messages


def _assistant(message: Mapping[str, Any], ids: CallIds) -> dict[str, Any]:
    calls = message.get("tool_calls")
    if not calls:
        return {"role": "assistant", "content": message.get("content") or ""}
    return {"role": "assistant", "content": message.get("content") or None, "tool_calls": ids.in_calls(calls)}


def _result(message: Mapping[str, Any], ids: CallIds, losses: Losses) -> dict[str, Any]:
    content = message["content"]
    if not isinstance(content, str):
        losses.lose(Extra(name="image", param="messages", why="the target's API takes results of tools as text only"))
        content = "\n".join(part["text"] for part in content if part["type"] == "text")
    return {"role": "tool", "tool_call_id": ids.of(message.get("tool_call_id") or ""), "content": content}
