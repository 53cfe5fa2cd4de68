# SPDX-License-Identifier: Apache-2.0
"""The tools of a request, how free the model is to call them, and what of that is said to the backend.

The engine leaves a forced call to the model's good will: it turns a named tool into "any or none", and lets the model
talk before "any". So a forced call is made by constraint: the template still shows the tools, and the grammar of the
answer is the call itself. ``forced.py`` turns the answer back into a call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from freehold.dialect.beyond import HARMLESS, Beyond, note, note_beyond
from freehold.dialect.fields import Fields, present
from freehold.dialect.interface import Backend
from freehold.dialect.schemas import readable, rooted, without_true
from freehold.errors import Unsupported


class Choice(StrEnum):
    """How free the model is to call tools."""

    AUTO = "auto"
    NONE = "none"
    FORCED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolPlan:
    """Tools in the chat wire's shape. ``only`` names the one function that must be called, where one must."""

    tools: tuple[Mapping[str, Any], ...] = ()
    choice: Choice = Choice.AUTO
    only: str = ""
    parallel: bool | None = None

    @property
    def forced(self) -> bool:
        return bool(self.tools) and self.choice is Choice.FORCED

    def wire_fields(self, backend: Backend) -> dict[str, Any]:
        """The chat wire's fields for these tools. Raises Unsupported if the model's template has no tools."""
        if not self.tools or (self.choice is Choice.NONE and not backend.tools):
            return {}
        self.check(backend)
        fields: dict[str, Any] = {"tools": self.tools}
        if self.choice is Choice.FORCED:
            schema = {"name": "tool_call", "schema": self._call_schema()}
            return fields | {"response_format": {"type": "json_schema", "json_schema": schema}}
        fields["tools"] = [_shown(tool) for tool in self.tools]
        if self.choice is Choice.NONE:
            fields["tool_choice"] = "none"
        if self.parallel is not None:
            fields["parallel_tool_calls"] = self.parallel
        return fields

    def check(self, backend: Backend) -> None:
        """Raises Unsupported if there are tools that the model cannot be shown."""
        if self.tools and self.choice is not Choice.NONE and not backend.tools:
            raise Unsupported(f"tools: the chat template of {backend.model} has no tools", param="tools")

    def _call_schema(self) -> dict[str, Any]:
        """A call of one of the functions. Their schemas are definitions, so that what they refer to can be found."""
        functions = [tool["function"] for tool in self.tools]
        functions = [function for function in functions if self.only in ("", function["name"])]
        definitions, calls = {}, []
        for index, function in enumerate(functions):
            place = f"#/$defs/tool{index}"
            definitions[f"tool{index}"] = rooted(without_true(_arguments_schema(function)), place)
            calls.append(
                {
                    "type": "object",
                    "properties": {"name": {"const": function["name"]}, "arguments": {"$ref": place}},
                    "required": ["name", "arguments"],
                    "additionalProperties": False,
                }
            )
        return {"$defs": definitions, "anyOf": calls}


def _arguments_schema(function: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments are an object, also where the schema does not say so."""
    schema: dict[str, Any] = dict(function.get("parameters") or {})
    if not {"type", "$ref", "anyOf", "oneOf", "allOf"} & schema.keys():
        schema["type"] = "object"
    return schema


def _shown(tool: Mapping[str, Any]) -> dict[str, Any]:
    """The tool, as an engine is shown one that the model may call or not: it makes a grammar of the schema, too."""
    function = tool["function"]
    if function.get("parameters") is None:
        return dict(tool)
    return dict(tool) | {"function": dict(function) | {"parameters": readable(function["parameters"])}}


_CHOSEN_OTHERWISE = Beyond(why="only a function can be chosen by its name", passed_over=False)


def function_tool(function: Fields, schema_name: str) -> dict[str, Any]:
    """A tool in the chat wire's shape. ``schema_name`` is what the dialect calls the schema of the arguments."""
    known = ("type", "name", "description", schema_name, "strict")
    note_beyond(function, known, {"eager_input_streaming": HARMLESS})
    described = present(
        name=function.need_text("name"),
        description=function.text("description"),
        parameters=function.whole_object(schema_name),
        strict=function.flag("strict"),
    )
    return {"type": "function", "function": described}


def read_plan(body: Fields, tools: Sequence[Mapping[str, Any]], named: str, words: Mapping[str, Choice]) -> ToolPlan:
    """The plan, from ``tool_choice``: one of the dialect's words, or an object that names a function.

    ``named`` is the object's field that holds the name, or holds the object that does. A choice of a tool that is no
    function is noted.
    """
    choice, only = Choice.AUTO, ""
    asked, given = body.get("tool_choice"), body.each("tools")
    if isinstance(asked, dict):
        only = _chosen(body, named)
    elif word := body.one_of("tool_choice", *words):
        choice = words[word]
    if only and len(tools) < len(given) and only not in _names(tools):
        note(body, "tool_choice", _CHOSEN_OTHERWISE)  # another kind of tool, which has the name
        only = ""
    if only:
        choice = Choice.FORCED
    if choice is Choice.FORCED and not given:
        raise body.invalid("tool_choice", "left out where there are no tools")
    if only and only not in _names(tools):
        raise body.invalid("tool_choice", "the name of one of the tools")
    return ToolPlan(tools=tuple(tools), choice=choice, only=only, parallel=body.flag("parallel_tool_calls"))


def _chosen(body: Fields, named: str) -> str:
    """The name of the one function; empty where something else is chosen."""
    chosen = body.need_inner("tool_choice")
    kind = chosen.text("type")
    if kind == "function":
        return (chosen.need_inner(named) if named != "name" else chosen).need_text("name")
    if kind is None:
        raise chosen.invalid("type", "'function'")
    note(body, "tool_choice", _CHOSEN_OTHERWISE)
    return ""


def _names(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    return [tool["function"]["name"] for tool in tools]
