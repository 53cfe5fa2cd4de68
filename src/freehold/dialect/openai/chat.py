# SPDX-License-Identifier: Apache-2.0
"""Requests to ``/v1/chat/completions``. Only fields that are known here go to the engine, each checked.

Fields that ask for nothing that shows in the answer (``user``, ``metadata``, ``service_tier``, a cache key) are let be.
"""

from dataclasses import dataclass
from typing import Any

from freehold.contract.call import Operation
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.content import read_messages, read_response_format
from freehold.dialect.fields import Fields, present
from freehold.dialect.tools import Choice, ToolPlan, function_tool, read_plan

MOST_CHOICES = 16
_NOT_KEPT = "nothing is kept between calls here"
_AS_TOOLS = "functions are given as tools"
_TEXT_ONLY = "the model writes text only"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIRequest(ChatRequest):
    """A chat request, and what the caller wants to see of the answer. ``top_logprobs`` is None without logprobs."""

    include_usage: bool = False
    top_logprobs: int | None = None


def read_request(fields: dict[str, Any]) -> OpenAIRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    _refuse_what_cannot_be(body)
    top_logprobs = _top_logprobs(body)
    wire = present(
        messages=read_messages(body),
        max_tokens=_max_tokens(body),
        stop=body.stops("stop"),
        response_format=read_response_format(body),
        logprobs=True if top_logprobs is not None else None,
        top_logprobs=None if top_logprobs is None else max(1, top_logprobs),  # zero would turn logprobs off
        chat_template_kwargs=body.whole_object("chat_template_kwargs"),
        **read_sampling(body),
    )
    return OpenAIRequest(
        operation=Operation.CHAT,
        asked=asked,
        stream=body.flag("stream") or False,
        fields=fields,
        body=wire,
        tools=_read_tools(body),
        choices=body.whole("n", 1, MOST_CHOICES) or 1,
        include_usage=reads_usage(body),
        top_logprobs=top_logprobs,
    )


def read_sampling(body: Fields) -> dict[str, Any]:
    """How tokens are drawn: OpenAI's fields, and three of the engine's that callers of local models use."""
    return present(
        temperature=body.number("temperature", 0, 2),
        top_p=body.number("top_p", 0, 1),
        frequency_penalty=body.number("frequency_penalty", -2, 2),
        presence_penalty=body.number("presence_penalty", -2, 2),
        seed=body.seed("seed"),
        logit_bias=_logit_bias(body),
        top_k=body.whole("top_k", 0, 1_000_000),
        min_p=body.number("min_p", 0, 1),
        repeat_penalty=body.number("repeat_penalty", 0, 10),
    )


def reads_usage(body: Fields) -> bool:
    """Whether the caller asked for the stream's usage."""
    options = body.inner("stream_options")
    return bool(options and options.flag("include_usage"))


def _refuse_what_cannot_be(body: Fields) -> None:
    body.refuse_if("store", _NOT_KEPT)
    body.refuse_if("functions", _AS_TOOLS)
    body.refuse_if("function_call", _AS_TOOLS)
    body.refuse_if("audio", _TEXT_ONLY)
    if body.get("modalities") not in (None, [], ["text"]):
        raise body.unsupported("modalities", _TEXT_ONLY)
    if body.get("web_search_options") is not None:
        raise body.unsupported("web_search_options", "this estate does not search the web")


def _max_tokens(body: Fields) -> int | None:
    newer, older = body.max_tokens("max_completion_tokens"), body.max_tokens("max_tokens")
    return older if newer is None else newer


def _top_logprobs(body: Fields) -> int | None:
    top = body.whole("top_logprobs", 0, 20)
    if body.flag("logprobs"):
        return top or 0
    if top:
        raise body.invalid("logprobs", "true where top_logprobs is given")
    return None


def _logit_bias(body: Fields) -> dict[str, Any] | None:
    given = body.inner("logit_bias")
    biases = body.whole_object("logit_bias")
    if given is None or not biases:
        return None
    for token in biases:
        if not token.isdecimal():
            raise given.invalid(token, "left out: the keys are token ids")
        given.number(token, -100, 100)
    return biases


def _read_tools(body: Fields) -> ToolPlan:
    tools = []
    for tool in body.each("tools"):
        if tool.need_text("type") != "function":
            raise tool.unsupported("type", "only tools of the type 'function' are known here")
        tools.append(function_tool(tool.need_inner("function"), "parameters"))
    chosen = body.get("tool_choice")
    if isinstance(chosen, dict) and chosen.get("type") in ("allowed_tools", "custom"):
        raise body.unsupported("tool_choice", "give only the tools that may be called")
    words = {"auto": Choice.AUTO, "none": Choice.NONE, "required": Choice.FORCED}
    return read_plan(body, tools, "function", words)
