# SPDX-License-Identifier: Apache-2.0
"""Requests to ``/v1/messages`` and ``/v1/messages/count_tokens``, for engines that speak it and for the hub.

Coding agents send much that asks for nothing that a model of this estate has (``thinking``, ``cache_control``,
``context_management``, ``effort``). It is noted, and engines pass it over.
"""

from collections.abc import Mapping
from typing import Any

from freehold.contract.call import Operation
from freehold.dialect.anthropic.content import (
    Turn,
    chat_messages,
    native_messages,
    prefill_of,
    read_system,
    read_turns,
)
from freehold.dialect.beyond import HARMLESS, Beyond, note, note_beyond, note_carried, note_kind
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.content import json_schema
from freehold.dialect.fields import Fields, present
from freehold.dialect.interface import Request
from freehold.dialect.schemas import readable
from freehold.dialect.tools import Choice, ToolPlan, function_tool, read_plan
from freehold.dialect.wishes import read_effort, read_user

_WORDS = {"auto": Choice.AUTO, "none": Choice.NONE, "any": Choice.FORCED}
_KNOWN = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "stream",
        "system",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "tools",
        "tool_choice",
        "output_config",
        "output_format",
        "thinking",
        "metadata",
    }
)
_BEYOND = {
    "mcp_servers": Beyond(why="this estate does not connect to MCP servers", passed_over=False),
    "container": Beyond(why="this estate runs no code", passed_over=False),
    "context_management": HARMLESS,  # without it the conversation is shown whole
    "speed": HARMLESS,
    "betas": HARMLESS,
}
_CALLED = {
    "messages": "messages",  # but others than the hub's: one here may be several there
    "stop": "stop_sequences",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
}
_LEAST_BUDGETS = {"high": 16_384, "medium": 4_096, "low": 1}  # in tokens of reasoning
_ADAPTIVE = "high"  # Anthropic's own default


class MessagesRequest(Request, frozen=True, kw_only=True):
    """A request that was read. ``sampling`` is in words that both wires share; ``asides`` are the hub's alone."""

    system: str | None
    turns: list[Turn]
    sampling: Mapping[str, Any]
    stops: list[str] | None
    tools: ToolPlan
    response_format: Mapping[str, Any] | None
    asides: Mapping[str, Any]
    called: Mapping[str, str]

    @property
    def prefill(self) -> str:
        """What the answer goes on from."""
        return prefill_of(self.turns)

    @property
    def beyond_native(self) -> bool:
        """Whether it asks for what the engine does on its chat wire only."""
        if self.response_format is not None or any(turn.role == "system" for turn in self.turns):
            return True
        return bool(self.tools.tools and self.tools.choice is not Choice.AUTO)

    def native_body(self) -> dict[str, Any]:
        """What the engine's own messages wire takes, but for the model and the stream."""
        tools = [_native_tool(tool["function"]) for tool in self.tools.tools]
        return present(
            system=self.system,
            messages=native_messages(self.turns),
            stop_sequences=self.stops,
            tools=tools or None,
            **self.sampling,
        )

    def chat_request(self) -> ChatRequest:
        """The same request in the chat wire's words."""
        body = present(
            messages=chat_messages(self.system, self.turns),
            stop=self.stops,
            response_format=self.response_format,
            **self.sampling,
            **self.asides,
        )
        return ChatRequest(
            operation=self.operation,
            asked=self.asked,
            stream=self.stream,
            fields=self.fields,
            extras=self.extras,
            id=self.id,
            at_unix=self.at_unix,
            drop=self.drop,
            body=body,
            tools=self.tools,
            show_reasoning=isinstance(self.fields.get("thinking"), dict),
            called=self.called,
        )


def read_request(operation: Operation, fields: dict[str, Any]) -> MessagesRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    note_beyond(body, _KNOWN, _BEYOND)
    answering = operation is Operation.CHAT
    stream = answering and (body.flag("stream") or False)
    system, turns, tools = read_system(body), read_turns(body), _read_tools(body)
    sampling, stops = (_read_sampling(body), body.stops("stop_sequences")) if answering else ({}, None)
    described = _described_format(body) if answering else None
    asides, called = _read_asides(body)
    return MessagesRequest(
        operation=operation,
        asked=asked,
        stream=stream,
        fields=fields,
        extras=body.extras,
        system=system,
        turns=turns,
        sampling=sampling,
        stops=stops,
        tools=tools,
        response_format=json_schema(described, strict=True) if described else None,
        asides=asides,
        called={**_CALLED, **called, **({"response_format": described.path("")} if described else {})},
    )


def _read_sampling(body: Fields) -> dict[str, Any]:
    max_tokens = body.max_tokens("max_tokens")
    if max_tokens is None:
        raise body.invalid("max_tokens", "a whole number of at least 1")
    return present(
        max_tokens=max_tokens,
        temperature=body.number("temperature", 0, 1),
        top_p=body.number("top_p", 0, 1),
        top_k=body.whole("top_k", 0, 1_000_000),
    )


def _read_tools(body: Fields) -> ToolPlan:
    tools = []
    for tool in body.each("tools"):
        kind = tool.text("type") or "custom"
        if kind != "custom":
            note_kind(tool, "type", kind)
            continue
        if tool.whole_object("input_schema") is None:
            raise tool.invalid("input_schema", "a JSON schema")
        tools.append(function_tool(tool, "input_schema"))
    return _read_choice(body, tools)


def _read_choice(body: Fields, tools: list[dict[str, Any]]) -> ToolPlan:
    """Anthropic's choice is an object, whose type is the word that other dialects write alone."""
    chosen = body.inner("tool_choice")
    if chosen is None:
        return ToolPlan(tools=tuple(tools))
    kind = chosen.need_one_of("type", "auto", "any", "tool", "none")
    told = {"type": "function", "name": chosen.need_text("name")} if kind == "tool" else kind
    single = chosen.flag("disable_parallel_tool_use")
    words = {"tool_choice": told, "parallel_tool_calls": None if single is None else not single}
    return read_plan(body.told_as(words), tools, "name", _WORDS)


def _described_format(body: Fields) -> Fields | None:
    """Where a JSON schema for the answer is described: where it stood in the beta, or where it stands now."""
    config = body.inner("output_config")
    wanted = (config.inner("format") if config else None) or body.inner("output_format")
    if wanted is not None:
        wanted.need_one_of("type", "json_schema")
    return wanted


def _read_asides(body: Fields) -> tuple[dict[str, Any], dict[str, str]]:
    """How much to reason and on whose behalf, for the hub; and what these are called here."""
    config, metadata = body.inner("output_config"), body.get("metadata")
    effort = effort_path = user = None
    if config is not None:
        note_beyond(config, ("format", "effort"), {})
        effort, effort_path = read_effort(config, "effort"), config.path("effort")
    thinking = _read_thinking(body)
    if thinking and (effort is None or thinking == "none"):
        effort, effort_path = thinking, "thinking"
    if isinstance(metadata, dict):
        user = read_user(body.need_inner("metadata"), "user_id")
    if metadata and (user is None or metadata != {"user_id": user[0]}):
        note(body, "metadata", HARMLESS)
    asides = present(reasoning_effort=effort, user=user[0] if user else None)
    return asides, present(reasoning_effort=effort_path if effort else None, user=user[1] if user else None)


def _read_thinking(body: Fields) -> str | None:
    """How much to reason, as the hub says it. Told in tokens here, or left to the model."""
    thinking = body.get("thinking")
    if not isinstance(thinking, dict):
        if thinking is not None:
            note(body, "thinking", Beyond())
        return None
    kind, budget = thinking.get("type"), thinking.get("budget_tokens")
    effort = {"disabled": "none", "adaptive": _ADAPTIVE}.get(str(kind))
    if kind == "enabled" and isinstance(budget, int):
        effort = next((word for word, least in _LEAST_BUDGETS.items() if budget >= least), None)
    if effort is None:
        note(body, "thinking", Beyond())
    else:
        note_carried(body, "thinking", "reasoning_effort", harmless=effort == "none")
    return effort


def _native_tool(function: Mapping[str, Any]) -> dict[str, Any]:
    return present(
        name=function["name"], description=function.get("description"), input_schema=readable(function["parameters"])
    )
