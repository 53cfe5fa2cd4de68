# SPDX-License-Identifier: Apache-2.0
"""Requests to ``/v1/messages`` and ``/v1/messages/count_tokens``.

Coding agents send much that asks for nothing that a model of this estate has (``thinking``, ``cache_control``,
``context_management``, ``effort``): it is let be. Tools that run at Anthropic are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freehold.contract.call import Operation
from freehold.dialect.anthropic.content import chat_messages, read_messages, read_system
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.content import json_schema
from freehold.dialect.fields import Fields, present
from freehold.dialect.interface import Request
from freehold.dialect.tools import Choice, ToolPlan, function_tool, read_plan

_WORDS = {"auto": Choice.AUTO, "none": Choice.NONE, "any": Choice.FORCED}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesRequest(Request):
    """A request in Anthropic's words, checked. ``prefill`` is what the answer goes on from."""

    system: str | None
    messages: list[dict[str, Any]]
    sampling: Mapping[str, Any]
    stops: list[str] | None
    tools: ToolPlan
    response_format: Mapping[str, Any] | None

    @property
    def prefill(self) -> str:
        last = self.messages[-1]
        return last["content"] if last["role"] == "assistant" else ""

    @property
    def beyond_native(self) -> bool:
        """Whether it asks for what the engine does on its chat wire only."""
        return self.response_format is not None or bool(self.tools.tools and self.tools.choice is not Choice.AUTO)

    def native_body(self) -> dict[str, Any]:
        """What the engine's own messages wire takes, but for the model and the stream."""
        tools = [_native_tool(tool["function"]) for tool in self.tools.tools]
        return present(
            system=self.system,
            messages=self.messages,
            stop_sequences=self.stops,
            tools=tools or None,
            **self.sampling,
        )

    def chat_request(self) -> ChatRequest:
        """The same request in the chat wire's words."""
        body = present(
            messages=chat_messages(self.system, self.messages),
            stop=self.stops,
            response_format=self.response_format,
            **self.sampling,
        )
        return ChatRequest(
            operation=self.operation,
            asked=self.asked,
            stream=self.stream,
            fields=self.fields,
            body=body,
            tools=self.tools,
        )


def read_request(operation: Operation, fields: dict[str, Any]) -> MessagesRequest:
    """Raises InvalidRequest, Unsupported."""
    body = Fields(fields)
    asked = body.need_text("model")
    body.refuse_if("mcp_servers", "this estate does not connect to MCP servers")
    body.refuse_if("container", "this estate runs no code")
    answering = operation is Operation.CHAT
    return MessagesRequest(
        operation=operation,
        asked=asked,
        stream=answering and (body.flag("stream") or False),
        fields=fields,
        system=read_system(body),
        messages=read_messages(body),
        sampling=_read_sampling(body) if answering else {},
        stops=body.stops("stop_sequences") if answering else None,
        tools=_read_tools(body),
        response_format=_read_format(body) if answering else None,
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
            raise tool.unsupported("type", f"only tools with an input_schema are known here, not {kind[:40]!r}")
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
    return read_plan(Fields(words), tools, "name", _WORDS)


def _read_format(body: Fields) -> dict[str, Any] | None:
    """A JSON schema for the answer, where it stood in the beta or where it stands now."""
    config = body.inner("output_config")
    wanted = (config.inner("format") if config else None) or body.inner("output_format")
    if wanted is None:
        return None
    wanted.need_one_of("type", "json_schema")
    return json_schema(wanted)


def _native_tool(function: Mapping[str, Any]) -> dict[str, Any]:
    return present(
        name=function["name"], description=function.get("description"), input_schema=function.get("parameters")
    )
