# SPDX-License-Identifier: Apache-2.0
"""Requests to ``/v1/chat/completions``, each field checked. What would need a store between calls is refused."""

from typing import Any

from freehold.contract.call import Operation
from freehold.dialect.beyond import HARMLESS, Beyond, note_beyond, note_kind
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.content import read_messages, read_response_format
from freehold.dialect.fields import Fields, present
from freehold.dialect.tools import Choice, ToolPlan, function_tool, read_plan
from freehold.dialect.wishes import read_effort, read_user, read_verbosity

MOST_CHOICES = 16
SAMPLING = frozenset(
    {
        "temperature",
        "top_p",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "logit_bias",
        "top_k",
        "min_p",
        "repeat_penalty",
    }
)
_NOT_KEPT = "nothing is kept between calls here"
_AS_TOOLS = "functions are given as tools"
_TEXT_ONLY = "the model writes text only"
_KNOWN = SAMPLING | {
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "n",
    "logprobs",
    "top_logprobs",
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "chat_template_kwargs",
    "reasoning_effort",
    "verbosity",
    "user",
    "safety_identifier",
    "store",
    "functions",
    "function_call",
}
_BEYOND = {
    "audio": Beyond(why=_TEXT_ONLY, passed_over=False),
    "modalities": Beyond(why=_TEXT_ONLY, passed_over=False, idle=(["text"],)),
    "web_search_options": Beyond(why="the target does not search the web", passed_over=False, even_empty=True),
    "prediction": HARMLESS,  # it makes the same answer faster
}
_WORDS = {"auto": Choice.AUTO, "none": Choice.NONE, "required": Choice.FORCED}


class OpenAIRequest(ChatRequest, frozen=True, kw_only=True):
    """A chat request, and what the caller wants to see of the answer. ``top_logprobs`` is None without logprobs."""

    include_usage: bool = False
    top_logprobs: int | None = None


def read_request(fields: dict[str, Any]) -> OpenAIRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    body.refuse_if("store", _NOT_KEPT)
    body.refuse_if("functions", _AS_TOOLS)
    body.refuse_if("function_call", _AS_TOOLS)
    note_beyond(body, _KNOWN, _BEYOND)
    user, top_logprobs = read_user(body, "safety_identifier", "user"), _top_logprobs(body)
    wire = present(
        messages=read_messages(body),
        max_tokens=_max_tokens(body),
        stop=body.stops("stop"),
        response_format=read_response_format(body),
        logprobs=True if top_logprobs is not None else None,
        top_logprobs=None if top_logprobs is None else max(1, top_logprobs),  # zero would turn logprobs off
        chat_template_kwargs=body.whole_object("chat_template_kwargs"),
        reasoning_effort=read_effort(body, "reasoning_effort"),
        verbosity=read_verbosity(body, "verbosity"),
        user=user[0] if user else None,
        **read_sampling(body),
    )
    tools = _read_tools(body)
    return OpenAIRequest(
        operation=Operation.CHAT,
        asked=asked,
        stream=body.flag("stream") or False,
        fields=fields,
        extras=body.extras,
        body=wire,
        tools=tools,
        choices=body.whole("n", 1, MOST_CHOICES) or 1,
        called=_called(body, user),
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


def _max_tokens(body: Fields) -> int | None:
    newer, older = body.max_tokens("max_completion_tokens"), body.max_tokens("max_tokens")
    return older if newer is None else newer


def _called(body: Fields, user: tuple[str, str] | None) -> dict[str, str]:
    newer = "max_completion_tokens"
    return present(
        max_tokens=None if body.get(newer) is None else newer,
        user=user[1] if user else None,
    )


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
        kind = tool.need_text("type")
        if kind == "function":
            note_beyond(tool, ("type", "function"), {})
            tools.append(function_tool(tool.need_inner("function"), "parameters"))
        else:
            note_kind(tool, "type", kind)
    return read_plan(body, tools, "function", _WORDS)
