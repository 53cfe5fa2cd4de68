# SPDX-License-Identifier: Apache-2.0
"""Requests to ``/v1/responses``, put into the chat wire's words. Stateless: what would need a store is refused."""

from dataclasses import dataclass
from typing import Any

from freehold.contract.call import Operation
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.content import json_schema
from freehold.dialect.fields import Fields, present
from freehold.dialect.responses.items import read_input
from freehold.dialect.tools import Choice, ToolPlan, function_tool, read_plan

_STATELESS = "nothing is kept between calls here; send the whole conversation in input"
_STATE = ("previous_response_id", "store", "background", "conversation", "prompt")
_WORDS = {"auto": Choice.AUTO, "none": Choice.NONE, "required": Choice.FORCED}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesRequest(ChatRequest):
    """A chat request. ``repeated`` are the fields that the response repeats."""

    repeated: dict[str, Any]


def read_request(fields: dict[str, Any]) -> ResponsesRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    _refuse_what_cannot_be(body)
    messages = read_input(body)
    if instructions := body.text("instructions"):
        messages.insert(0, {"role": "system", "content": instructions})
    wire = present(
        messages=messages,
        max_tokens=body.max_tokens("max_output_tokens"),
        temperature=body.number("temperature", 0, 2),
        top_p=body.number("top_p", 0, 1),
        response_format=_text_format(body),
    )
    return ResponsesRequest(
        operation=Operation.CHAT,
        asked=asked,
        stream=body.flag("stream") or False,
        fields=fields,
        body=wire,
        tools=_read_tools(body),
        repeated=_repeated(body),
    )


def _refuse_what_cannot_be(body: Fields) -> None:
    for name in _STATE:
        body.refuse_if(name, _STATELESS)
    body.refuse_if("top_logprobs", "logprobs are given by /v1/chat/completions")
    if body.one_of("truncation", "auto", "disabled") == "auto":
        raise body.unsupported("truncation", "nothing is left out of a prompt here; use 'disabled'")
    included = body.get("include") or []
    if not isinstance(included, list):
        raise body.invalid("include", "a list of strings")
    if "message.output_text.logprobs" in included:
        raise body.unsupported("include", "logprobs are given by /v1/chat/completions")


def _text_format(body: Fields) -> dict[str, Any] | None:
    text = body.inner("text")
    wanted = text.inner("format") if text else None
    if wanted is None:
        return None
    kind = wanted.need_one_of("type", "text", "json_object", "json_schema")
    if kind == "text":
        return None
    return {"type": kind} if kind == "json_object" else json_schema(wanted)


def _read_tools(body: Fields) -> ToolPlan:
    tools = []
    for tool in body.each("tools"):
        kind = tool.need_text("type")
        if kind != "function":
            raise tool.unsupported("type", f"only functions can be called, not {kind[:40]!r}")
        tools.append(function_tool(tool, "parameters"))
    chosen = body.get("tool_choice")
    if isinstance(chosen, dict) and chosen.get("type") != "function":
        raise body.unsupported("tool_choice", "only a function can be chosen")
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
