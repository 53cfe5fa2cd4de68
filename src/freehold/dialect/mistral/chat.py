# SPDX-License-Identifier: Apache-2.0
"""Mistral's chat requests, put into the chat wire's words."""

from typing import Any

from msgspec import structs

from freehold.contract.call import Operation
from freehold.dialect.beyond import HARMLESS, Beyond, note_beyond, note_carried, note_kind
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.content import read_messages, read_response_format
from freehold.dialect.fields import Fields, present
from freehold.dialect.tools import Choice, ToolPlan, function_tool, read_plan
from freehold.dialect.wishes import read_effort

_MOST_CHOICES = 16
_SAFE_PROMPT = "Be truthful and useful. Do not answer with anything harmful, unlawful, hateful or demeaning."
_WORDS = {"auto": Choice.AUTO, "none": Choice.NONE, "any": Choice.FORCED, "required": Choice.FORCED}
_KNOWN = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "stream",
        "stop",
        "random_seed",
        "temperature",
        "top_p",
        "top_k",
        "n",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "response_format",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "logprobs",
        "top_logprobs",
        "safe_prompt",
        "prompt_mode",
        "reasoning_effort",
    }
)
_BEYOND = {
    "guardrails": Beyond(why="the target has no guardrails of Mistral's", passed_over=False),
    "min_tokens": Beyond(why="the target ends an answer where the model does", passed_over=False),
    "prompt_logprobs": Beyond(why="only the answer has logprobs", passed_over=False),
    "prediction": HARMLESS,  # it makes the same answer faster
    "stream_options": HARMLESS,
}
_CALLED = {"seed": "random_seed", "repeat_penalty": "repetition_penalty"}
_REASONING_MODE = "high"  # the mode is on or off


class MistralRequest(ChatRequest, frozen=True, kw_only=True):
    """A chat request, and what the caller wants to see. ``top_logprobs`` is None without logprobs."""

    top_logprobs: int | None = None
    reasoning_mode: bool = False


def read_request(fields: dict[str, Any]) -> MistralRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    note_beyond(body, _KNOWN, _BEYOND)
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
        **read_sampling(body),
        **_read_reasoning(body),
    )
    tools = _read_tools(body)
    return MistralRequest(
        operation=Operation.CHAT,
        asked=asked,
        stream=body.flag("stream") or False,
        fields=fields,
        extras=body.extras,
        body=wire,
        tools=tools,
        choices=body.whole("n", 1, _MOST_CHOICES) or 1,
        show_reasoning="reasoning_effort" in wire,
        called=_CALLED if body.get("reasoning_effort") else {**_CALLED, "reasoning_effort": "prompt_mode"},
        top_logprobs=top_logprobs,
        reasoning_mode=body.get("prompt_mode") is not None,
    )


def for_engine(request: MistralRequest) -> MistralRequest:
    """The mode as a switch of the chat template. Those of reasoning models know it; others pass over it."""
    if not request.reasoning_mode:
        return request
    body = {**request.body, "chat_template_kwargs": {"enable_thinking": True}}
    return structs.replace(request, body=body, extras=tuple(e for e in request.extras if e.param != "prompt_mode"))


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


def _read_reasoning(body: Fields) -> dict[str, Any]:
    effort = read_effort(body, "reasoning_effort")
    if body.one_of("prompt_mode", "reasoning"):
        note_carried(body, "prompt_mode", "reasoning_effort")
        effort = effort or _REASONING_MODE
    return present(reasoning_effort=effort)


def _read_tools(body: Fields) -> ToolPlan:
    tools = []
    for tool in body.each("tools"):
        if tool.get("type") not in (None, "function"):
            note_kind(tool, "type", tool.need_text("type"))
            continue
        note_beyond(tool, ("type", "function"), {})
        tools.append(function_tool(tool.need_inner("function"), "parameters"))
    return read_plan(body, tools, "function", _WORDS)
