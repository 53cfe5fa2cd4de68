# SPDX-License-Identifier: Apache-2.0
"""A request of another dialect put to the Responses API. Stateless: the provider is told to keep nothing.

The API has no place for stop sequences, penalties, seeds and further choices, and it does not go on from an assistant's
last message: where a provider's does all the same, its settings say ``prefill = "text"``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from freehold.contract.endpoint import Prefill
from freehold.dialect.callids import CallIds
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.fields import present
from freehold.dialect.interface import Backend
from freehold.dialect.losses import Losses
from freehold.dialect.tools import Choice
from freehold.errors import Unsupported

_CARRIED = frozenset({"image", "reasoning_effort", "verbosity", "user"})
_NAMES = {"max_tokens": "max_output_tokens", "temperature": "temperature", "top_p": "top_p", "user": "user"}
_PLACED = frozenset({"messages", "response_format", "reasoning_effort", "verbosity", "logprobs", "top_logprobs"})
_NO_PLACE = "OpenAI's Responses API has no place for it"
_IDLE: Mapping[str, object] = {  # values that ask for nothing
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repeat_penalty": 1,
    "top_k": 0,
    "min_p": 0,
    "logit_bias": {},
    "chat_template_kwargs": {},
}
_CALL_ID = re.compile(r".{1,64}", re.DOTALL)  # longer ones are refused
_LOGPROBS = "message.output_text.logprobs"
_NO_ARGUMENTS = {"type": "object", "properties": {}}


def ask_responses(request: ChatRequest, backend: Backend, losses: Losses) -> dict[str, Any]:
    """The whole body. Raises Unsupported for what has no place and may not be left out."""
    assert backend.foreign, "an engine is asked in its own words"  # noqa: S101
    foreign = backend.foreign
    losses.lose_all_but(_CARRIED if foreign.reasoning else _CARRIED - {"reasoning_effort"}, request.extras)
    _lose_the_rest(request, losses)
    _check_prefill(request, foreign.prefill)
    request.tools.check(backend)
    instructions, messages = _instructions(request.body["messages"])
    return {
        "model": backend.model,
        "store": False,
        "stream": request.stream,
        **present(instructions=instructions, input=list(_items(messages))),
        **{name: request.body[known] for known, name in _NAMES.items() if known in request.body},
        **_tools(request),
        **present(text=_text(request.body), reasoning=_reasoning(request) if foreign.reasoning else None),
        **_logprobs(request.body),
    }


def _lose_the_rest(request: ChatRequest, losses: Losses) -> None:
    for name, value in request.body.items():
        if name not in _NAMES and name not in _PLACED and _IDLE.get(name) != value:
            losses.lose(request.as_extra(name, _NO_PLACE))
    if request.choices > 1:
        losses.lose(request.as_extra("n", _NO_PLACE))


def _check_prefill(request: ChatRequest, prefill: Prefill) -> None:
    if request.body["messages"][-1]["role"] == "assistant" and prefill is not Prefill.TEXT:
        param = request.said_as("messages")
        raise Unsupported(f"{param}: the target cannot go on from an assistant's last message", param=param)


def _instructions(messages: list[dict[str, Any]]) -> tuple[str | None, list[dict[str, Any]]]:
    """The first system message, and the others, which stay where they are: there must be some input."""
    first = messages[0]
    if first["role"] == "system" and first["content"] and len(messages) > 1:
        return first["content"], messages[1:]
    return None, messages


def _items(messages: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    ids = CallIds(_CALL_ID)
    for message in messages:
        content = message["content"]
        if message["role"] == "tool":
            call_id = ids.of(_need_id(message.get("tool_call_id")))
            yield {"type": "function_call_output", "call_id": call_id, "output": _content(content)}
            continue
        calls = message.get("tool_calls") or ()
        if content or not calls:
            yield {"type": "message", "role": message["role"], "content": _content(content)}
        for call in calls:
            yield {"type": "function_call", "call_id": ids.of(_need_id(call["id"])), **call["function"]}


def _need_id(call_id: str | None) -> str:
    if not call_id:
        raise Unsupported("messages: this target needs an id in every tool call and its result", param="messages")
    return call_id


def _content(content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    return content if isinstance(content, str) else [_part(part) for part in content]


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": "input_text", "text": part["text"]}
    image = part["image_url"]
    return {"type": "input_image", "image_url": image["url"], "detail": image.get("detail") or "auto"}


def _tools(request: ChatRequest) -> dict[str, Any]:
    """The tools, which the API takes to be strict unless it is told otherwise."""
    plan = request.tools
    if not plan.tools:
        return {}
    tools = [
        {"type": "function", "parameters": _NO_ARGUMENTS, "strict": False, **tool["function"]} for tool in plan.tools
    ]
    only = {"type": "function", "name": plan.only}
    choice = None if plan.choice is Choice.AUTO else only if plan.only else plan.choice.value
    return present(tools=tools, tool_choice=choice, parallel_tool_calls=plan.parallel)


def _text(body: Mapping[str, Any]) -> dict[str, Any] | None:
    wanted = body.get("response_format")
    described = {"type": wanted["type"], **wanted.get("json_schema", {})} if wanted else None
    return present(format=described, verbosity=body.get("verbosity")) or None


def _reasoning(request: ChatRequest) -> dict[str, Any] | None:
    effort = request.body.get("reasoning_effort")
    if effort is None:
        return None
    shown = request.show_reasoning and effort != "none"
    return {"effort": effort} | ({"summary": "auto"} if shown else {})


def _logprobs(body: Mapping[str, Any]) -> dict[str, Any]:
    if not body.get("logprobs"):
        return {}
    return {"include": [_LOGPROBS], **present(top_logprobs=body.get("top_logprobs"))}
