# SPDX-License-Identifier: Apache-2.0
"""Requests to ``/v1/responses``, put into the chat wire's words. Stateless: what would need a store is refused."""

from typing import Any

from freehold.contract.call import Operation
from freehold.dialect.beyond import HARMLESS, Beyond, note, note_beyond, note_kind
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.content import json_schema
from freehold.dialect.fields import Fields, present
from freehold.dialect.responses.items import read_input
from freehold.dialect.tools import Choice, ToolPlan, function_tool, read_plan
from freehold.dialect.wishes import read_effort, read_user, read_verbosity

_STATELESS = "nothing is kept between calls here; send the whole conversation in input"
_STATE = ("previous_response_id", "store", "background", "conversation", "prompt")
_WORDS = {"auto": Choice.AUTO, "none": Choice.NONE, "required": Choice.FORCED}
_CALLED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
_KNOWN = frozenset(_STATE) | {
    "model",
    "input",
    "instructions",
    "max_output_tokens",
    "temperature",
    "top_p",
    "text",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "stream",
    "reasoning",
    "user",
    "safety_identifier",
    "include",
}
_ELSEWHERE = "logprobs are given by /v1/chat/completions"
_BEYOND = {
    "truncation": Beyond(
        why="nothing is left out of a prompt here; use 'disabled'", passed_over=False, idle=("disabled",)
    ),
    "top_logprobs": Beyond(why=_ELSEWHERE, passed_over=False),
    "stream_options": HARMLESS,
    "max_tool_calls": HARMLESS,  # it bounds the calls of tools that run at the API, which are extras themselves
}
_LOGPROBS = "message.output_text.logprobs"
_ENCRYPTED = "reasoning.encrypted_content"  # only its own API can read it, so none other has any use for it


class ResponsesRequest(ChatRequest, frozen=True, kw_only=True):
    """A chat request. ``repeated`` are the fields that the response repeats."""

    repeated: dict[str, Any]


def read_request(fields: dict[str, Any]) -> ResponsesRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    for name in _STATE:
        body.refuse_if(name, _STATELESS)
    body.one_of("truncation", "auto", "disabled")
    note_beyond(body, _KNOWN, _BEYOND)
    _note_included(body)
    user = read_user(body, "safety_identifier", "user")
    messages = read_input(body)
    if instructions := body.text("instructions"):
        messages.insert(0, {"role": "system", "content": instructions})
    wire = present(
        messages=messages,
        max_tokens=body.max_tokens("max_output_tokens"),
        temperature=body.number("temperature", 0, 2),
        top_p=body.number("top_p", 0, 1),
        user=user[0] if user else None,
        **_read_text(body),
        **_read_reasoning(body),
    )
    tools = _read_tools(body)
    return ResponsesRequest(
        operation=Operation.CHAT,
        asked=asked,
        stream=body.flag("stream") or False,
        fields=fields,
        extras=body.extras,
        body=wire,
        tools=tools,
        show_reasoning=bool((body.whole_object("reasoning") or {}).get("summary")),
        called={**_CALLED, "user": user[1]} if user else _CALLED,
        repeated=_repeated(body),
    )


def _note_included(body: Fields) -> None:
    included = body.get("include") or []
    if not isinstance(included, list):
        raise body.invalid("include", "a list of strings")
    if _LOGPROBS in included:
        note(body, "include", Beyond(why=_ELSEWHERE, passed_over=False))
    elif any(each != _ENCRYPTED for each in included):
        note(body, "include", Beyond())
    elif included:
        note(body, "include", HARMLESS)


def _read_text(body: Fields) -> dict[str, Any]:
    text = body.inner("text")
    if text is None:
        return {}
    note_beyond(text, ("format", "verbosity"), {})
    return present(response_format=_read_format(text), verbosity=read_verbosity(text, "verbosity"))


def _read_format(text: Fields) -> dict[str, Any] | None:
    wanted = text.inner("format")
    if wanted is None:
        return None
    kind = wanted.need_one_of("type", "text", "json_object", "json_schema")
    if kind == "text":
        return None
    return {"type": kind} if kind == "json_object" else json_schema(wanted)


def _read_reasoning(body: Fields) -> dict[str, Any]:
    """A summary is what any backend shows of its thoughts, so asking for one asks for nothing else."""
    reasoning = body.inner("reasoning")
    if reasoning is None:
        return {}
    note_beyond(reasoning, ("effort",), {"summary": HARMLESS, "generate_summary": HARMLESS})
    return present(reasoning_effort=read_effort(reasoning, "effort"))


def _read_tools(body: Fields) -> ToolPlan:
    tools = []
    for tool in body.each("tools"):
        kind = tool.need_text("type")
        if kind == "function":
            tools.append(function_tool(tool, "parameters"))
        else:
            note_kind(tool, "type", kind)
    return read_plan(body, tools, "name", _WORDS)


def _repeated(body: Fields) -> dict[str, Any]:
    parallel = body.flag("parallel_tool_calls")
    return {
        "instructions": body.text("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.whole_object("metadata") or {},
        "parallel_tool_calls": True if parallel is None else parallel,
        "previous_response_id": None,
        "reasoning": body.whole_object("reasoning") or {"effort": None, "summary": None},
        "store": False,
        "background": False,
        "temperature": body.get("temperature"),
        "text": {"format": {"type": "text"}, **(body.whole_object("text") or {})},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p"),
        "truncation": "disabled",
        "user": body.text("user"),
    }
