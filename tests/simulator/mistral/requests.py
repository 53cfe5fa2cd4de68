# SPDX-License-Identifier: Apache-2.0
"""Chat and fill-in-the-middle as Mistral takes them: fields by name and type, and the order of messages."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

from tests.simulator.asked import Asked, NotAPicture, Picture, Result, Tool, picture_at
from tests.simulator.mistral.errors import order, problem
from tests.simulator.reading import Fields

_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_AFTER = {
    "system": {"user", "assistant", "system"},
    "user": {"assistant", "system", "user"},
    "assistant": {"assistant", "user", "tool"},
    "tool": {"assistant", "tool"},
}


class TextChunk(Fields, tag_field="type", tag="text"):
    text: str


class ImageUrl(Fields):
    url: str
    detail: Literal["low", "auto", "high"] | None = None


class ImageChunk(Fields, tag_field="type", tag="image_url"):
    image_url: ImageUrl | str


class ThinkChunk(Fields, tag_field="type", tag="thinking"):
    thinking: list[TextChunk]
    closed: bool = True
    signature: str | None = None


Content = str | list[TextChunk | ImageChunk | ThinkChunk] | None


class Called(Fields):
    name: str
    arguments: str | dict[str, Any]


class ToolCall(Fields):
    function: Called
    id: str = "null"
    type: str = "function"
    index: int = 0


class System(Fields, tag_field="role", tag="system"):
    content: Content


class User(Fields, tag_field="role", tag="user"):
    content: Content


class Assistant(Fields, tag_field="role", tag="assistant"):
    content: Content = None
    tool_calls: list[ToolCall] | None = None
    prefix: bool = False


class ToolResult(Fields, tag_field="role", tag="tool"):
    content: Content
    tool_call_id: str | None = None
    name: str | None = None


Message = System | User | Assistant | ToolResult


class Function(Fields):
    name: str
    parameters: dict[str, Any]
    description: str = ""
    strict: bool = False


class FunctionTool(Fields):
    function: Function
    type: Literal["function"] = "function"


class FunctionName(Fields):
    name: str


class NamedTool(Fields):
    function: FunctionName
    type: Literal["function"] = "function"


class Schema(Fields):
    name: str
    schema: dict[str, Any]
    description: str | None = None
    strict: bool = False


class ResponseFormat(Fields):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: Schema | None = None


class Common(Fields):
    model: str
    max_tokens: int | None = None
    metadata: dict[str, Any] | None = None
    min_tokens: int | None = None
    prompt_cache_key: str | None = None
    random_seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None


class FimRequest(Common, kw_only=True):
    prompt: str
    suffix: str | None = None


class ChatRequest(Common, kw_only=True):
    messages: list[Message]
    frequency_penalty: float | None = None
    guardrails: list[Any] | None = None
    logprobs: bool | None = None
    n: int | None = None
    parallel_tool_calls: bool = True
    prediction: dict[str, Any] | None = None
    presence_penalty: float | None = None
    prompt_mode: Literal["reasoning"] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    repetition_penalty: float | None = None
    response_format: ResponseFormat | None = None
    safe_prompt: bool = False
    service_tier: str | None = None
    tool_choice: Literal["auto", "none", "any", "required"] | NamedTool | None = None
    tools: list[FunctionTool] | None = None
    top_k: int | None = None
    top_logprobs: int | None = None


def checked(request: ChatRequest) -> Asked:
    """Raises Problem for what types cannot say."""
    if request.temperature is not None and not 0 <= request.temperature <= 1.5:
        said = "Input should be less than or equal to 1.5"
        detail = {"type": "less_than_equal", "loc": ["body", "temperature"], "msg": said, "input": request.temperature}
        raise problem({"detail": [detail]}, "invalid_request_error", None, 422)
    for tool in request.tools or ():
        if not _NAME.fullmatch(tool.function.name):
            raise problem(
                f"Function name was {tool.function.name} but must be a-z, A-Z, 0-9", "invalid_function_call", "3280"
            )
    _check_order(request.messages)
    _check_results(request.messages)
    last = request.messages[-1]
    turn = _last_turn(request.messages)
    schema = request.response_format.json_schema if request.response_format else None
    return Asked(
        model=request.model,
        stream=request.stream,
        system="\n".join(_text(message.content) for message in request.messages if isinstance(message, System)),
        last=_text(last.content),
        prefill=_text(last.content) if isinstance(last, Assistant) else "",
        repeats_prefill=isinstance(last, Assistant),
        pictures=tuple(_pictures(request.messages)),
        tools=tuple(Tool(name=tool.function.name, schema=tool.function.parameters) for tool in request.tools or ()),
        choice=_choice(request),
        parallel=request.parallel_tool_calls,
        results=tuple(
            Result(call_id=m.tool_call_id or "", text=_text(m.content)) for m in turn if isinstance(m, ToolResult)
        ),
        schema=schema.schema if schema else None,
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        thinks=True,
        choices=request.n or 1,
    )


def _check_order(messages: list[Message]) -> None:
    if not messages:
        raise order("Conversation must have at least one message")
    roles = [str(message.__struct_config__.tag) for message in messages]
    for before, role in pairwise(roles):
        if role not in _AFTER[before]:
            raise order(f"Unexpected role '{role}' after role '{before}'")
    last = messages[-1]
    if roles[-1] not in {"user", "tool"} and not (isinstance(last, Assistant) and last.prefix):
        said = "Expected last role User or Tool (or Assistant with prefix True) for serving but got"
        raise order(f"{said} {roles[-1]}")
    for message in messages:
        if isinstance(message, Assistant) and not message.content and not message.tool_calls:
            said = "Assistant message must have either content or tool_calls, but not none."
            raise problem(said, "invalid_request_assistant_message", "3240")


def _check_results(messages: list[Message]) -> None:
    waiting: list[str] = []
    for message in messages:
        if isinstance(message, ToolResult):
            if message.tool_call_id not in waiting:
                raise order(f"Unexpected tool call id {message.tool_call_id} in tool results")
            waiting.remove(message.tool_call_id)
            continue
        if waiting:
            raise order("Not the same number of function calls and responses")
        for call in (message.tool_calls or ()) if isinstance(message, Assistant) else ():
            if not _CALL_ID.fullmatch(call.id):
                said = f"Tool call id was {call.id} but must be a-z, A-Z, 0-9, with a length of 9."
                raise problem(said, "invalid_function_call", "3280")
            waiting.append(call.id)
    if waiting:
        raise order("Not the same number of function calls and responses")


def _text(content: Content) -> str:
    if isinstance(content, list):
        return "".join(chunk.text for chunk in content if isinstance(chunk, TextChunk))
    return content or ""


def _last_turn(messages: list[Message]) -> list[Message]:
    last = max((number for number, message in enumerate(messages) if isinstance(message, Assistant)), default=-1)
    return messages[last + 1 :]


def _pictures(messages: list[Message]) -> Iterator[Picture]:
    for message in messages:
        for chunk in message.content if isinstance(message.content, list) else ():
            if isinstance(chunk, ImageChunk):
                try:
                    yield picture_at(chunk.image_url if isinstance(chunk.image_url, str) else chunk.image_url.url)
                except NotAPicture:
                    raise problem("Image could not be loaded.", "invalid_request_file", "3310") from None


def _choice(request: ChatRequest) -> str:
    if isinstance(request.tool_choice, NamedTool):
        return request.tool_choice.function.name
    return {None: "auto", "required": "any"}.get(request.tool_choice, request.tool_choice or "auto")
