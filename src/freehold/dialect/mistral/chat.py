# SPDX-License-Identifier: Apache-2.0
"""Mistral's chat requests, put into the chat wire's words. What the engine would silently leave out is refused."""

from dataclasses import dataclass
from typing import Any

from freehold.contract.call import Operation
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.content import read_messages, read_response_format
from freehold.dialect.fields import Fields, present
from freehold.dialect.tools import Choice, ToolPlan, function_tool, read_plan

_MOST_CHOICES = 16
_SAFE_PROMPT = "Be truthful and useful. Do not answer with anything harmful, unlawful, hateful or demeaning."
_WORDS = {"auto": Choice.AUTO, "none": Choice.NONE, "any": Choice.FORCED, "required": Choice.FORCED}


@dataclass(frozen=True, slots=True, kw_only=True)
class MistralRequest(ChatRequest):
    """A chat request, and what the caller wants to see. ``top_logprobs`` is None without logprobs."""

    top_logprobs: int | None = None


def read_request(fields: dict[str, Any]) -> MistralRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    body.refuse_if("guardrails", "this estate has no guardrails of Mistral's")
    body.refuse_if("min_tokens", "the engine ends an answer where the model does")
    body.refuse_if("prompt_logprobs", "only the answer has logprobs")
    top_logprobs = (body.whole("top_logprobs", 0, 20) or 0) if body.flag("logprobs") else None
    wire = present(
        messages=_read_messages(body),
        max_tokens=body.max_tokens("max_tokens"),
        stop=body.stops("stop"),
        response_format=read_response_format(body),
        frequency_penalty=body.number("frequency_penalty", -2, 2),
        presence_penalty=body.number("presence_penalty", -2, 2),
        repeat_penalty=body.number("repetition_penalty", 0, 10),
        top_k=body.whole("top_k", 0, 1_000_000),
        logprobs=True if top_logprobs is not None else None,
        top_logprobs=None if top_logprobs is None else max(1, top_logprobs),  # zero would turn logprobs off
        chat_template_kwargs=_template_fields(body),
        **read_sampling(body),
    )
    return MistralRequest(
        operation=Operation.CHAT,
        asked=asked,
        stream=body.flag("stream") or False,
        fields=fields,
        body=wire,
        tools=_read_tools(body),
        choices=body.whole("n", 1, _MOST_CHOICES) or 1,
        top_logprobs=top_logprobs,
    )


def read_sampling(body: Fields) -> dict[str, Any]:
    return present(
        temperature=body.number("temperature", 0, 1.5),
        top_p=body.number("top_p", 0, 1),
        seed=body.seed("random_seed"),
    )


def _read_messages(body: Fields) -> list[dict[str, Any]]:
    messages = read_messages(body)
    _check_last(body)
    if body.flag("safe_prompt"):
        if messages[0]["role"] == "system":
            messages[0]["content"] = f"{_SAFE_PROMPT}\n\n{messages[0]['content']}"
        else:
            messages.insert(0, {"role": "system", "content": _SAFE_PROMPT})
    return messages


def _check_last(body: Fields) -> None:
    """An answer goes on from the assistant's last message only where ``prefix`` says so."""
    last = body.each("messages")[-1]
    if last.get("role") == "assistant" and not last.flag("prefix"):
        raise last.invalid("role", "'user' or 'tool' in the last message, or 'assistant' with prefix")


def _template_fields(body: Fields) -> dict[str, Any] | None:
    """Templates of reasoning models know this switch; others pass over it."""
    return {"enable_thinking": True} if body.one_of("prompt_mode", "reasoning") else None


def _read_tools(body: Fields) -> ToolPlan:
    tools = []
    for tool in body.each("tools"):
        if tool.get("type") not in (None, "function"):
            raise tool.unsupported("type", "only tools of the type 'function' are known here")
        tools.append(function_tool(tool.need_inner("function"), "parameters"))
    return read_plan(body, tools, "function", _WORDS)
