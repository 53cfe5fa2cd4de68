# SPDX-License-Identifier: Apache-2.0
"""Chat completions as OpenAI takes them: every field by name and type, and the rules between messages."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from tests.simulator.asked import Asked, NotAPicture, Picture, Result, Tool, picture_at
from tests.simulator.openai.errors import problem
from tests.simulator.reading import Fields
from tests.simulator.scripts import REASONERS

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NOT_OF_REASONERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "stop")


class TextPart(Fields, tag_field="type", tag="text"):
    text: str


class ImageUrl(Fields):
    url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class ImagePart(Fields, tag_field="type", tag="image_url"):
    image_url: ImageUrl


class RefusalPart(Fields, tag_field="type", tag="refusal"):
    refusal: str


class Called(Fields):
    name: str
    arguments: str


class ToolCall(Fields):
    id: str
    type: Literal["function"]
    function: Called


class System(Fields, tag_field="role", tag="system"):
    content: str | list[TextPart]
    name: str = ""


class Developer(System, tag_field="role", tag="developer"):
    """The newer name of ``system``."""


class User(Fields, tag_field="role", tag="user"):
    content: str | list[TextPart | ImagePart]
    name: str = ""


class Assistant(Fields, tag_field="role", tag="assistant"):
    content: str | list[TextPart | RefusalPart] | None = None
    refusal: str | None = None
    name: str = ""
    annotations: list[Any] | None = None  # as it came in an answer; so are the two below
    audio: None = None
    function_call: None = None
    tool_calls: tuple[ToolCall, ...] = ()


class ToolResult(Fields, tag_field="role", tag="tool"):
    content: str | list[TextPart]
    tool_call_id: str


class ThoughtfulAssistant(Assistant, tag_field="role", tag="assistant"):
    """As hosts take it whose models reason in the open."""

    reasoning_content: str | None = None


class Function(Fields):
    name: str
    description: str | None = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    strict: bool | None = None


class FunctionTool(Fields):
    type: Literal["function"]
    function: Function


class FunctionName(Fields):
    name: str


class NamedTool(Fields):
    type: Literal["function"]
    function: FunctionName


class Schema(Fields):
    name: str
    schema: dict[str, Any] = msgspec.field(default_factory=dict)
    description: str | None = None
    strict: bool | None = None


class AsText(Fields, tag_field="type", tag="text"):
    """Nothing is asked of the format."""


class AsObject(Fields, tag_field="type", tag="json_object"):
    """Any JSON object will do."""


class AsSchema(Fields, tag_field="type", tag="json_schema"):
    json_schema: Schema


class StreamOptions(Fields):
    include_usage: bool = False
    include_obfuscation: bool = True


class Common(Fields):
    """All fields but the messages."""

    model: str
    frequency_penalty: float | None = None
    logit_bias: dict[str, int] | None = None
    logprobs: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    metadata: dict[str, str] | None = None
    n: int | None = None
    parallel_tool_calls: bool | None = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    response_format: AsText | AsObject | AsSchema | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    tools: list[FunctionTool] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    user: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


Message = System | Developer | User | Assistant | ToolResult


class ChatRequest(Common, kw_only=True):
    messages: list[Message]


class OpenChatRequest(Common, kw_only=True):
    """What hosts take that are compatible with OpenAI."""

    messages: list[System | Developer | User | ThoughtfulAssistant | ToolResult]
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    chat_template_kwargs: dict[str, Any] | None = None


def checked(request: ChatRequest | OpenChatRequest, *, known: bool) -> Asked:
    """Raises Problem for what types cannot say. ``known``: whether the models are OpenAI's own."""
    _check_numbers(request)
    _check_tools(request)
    _check_results(request.messages)
    if known:
        _check_model(request)
    turn = _last_turn(request.messages)
    options = request.stream_options
    if options and not request.stream:
        raise problem("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    last = request.messages[-1]
    return Asked(
        model=request.model,
        stream=bool(request.stream),
        with_usage=bool(options and options.include_usage),
        system="\n".join(_text(m.content) for m in request.messages if isinstance(m, System)),
        last=_text(last.content),
        prefill=_text(last.content) if isinstance(last, Assistant) else "",
        pictures=tuple(_pictures(request.messages)),
        tools=tuple(Tool(name=t.function.name, schema=t.function.parameters) for t in request.tools or ()),
        choice=_choice(request),
        parallel=request.parallel_tool_calls is not False,
        results=tuple(Result(call_id=m.tool_call_id, text=_text(m.content)) for m in turn if isinstance(m, ToolResult)),
        schema=_schema(request),
        stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
        thinks=not known,
        choices=request.n or 1,
    )


def strict_schema(schema: dict[str, Any], param: str) -> None:
    """What ``strict`` asks of a schema: every object closed, and all its properties required."""
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            said = "'additionalProperties' is required to be supplied and to be false."
            raise problem(f"Invalid schema for '{param}': In context=(), {said}", param, "invalid_json_schema")
        if set(schema.get("required", [])) != set(schema.get("properties", {})):
            said = "'required' is required to be supplied and to be an array including every key in properties."
            raise problem(f"Invalid schema for '{param}': In context=(), {said}", param, "invalid_json_schema")
    for inner in inner_schemas(schema):
        strict_schema(inner, param)


def inner_schemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Of an object's properties and an array's items."""
    return [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]


def _check_numbers(request: Common) -> None:
    ranges = {"temperature": 2.0, "top_p": 1.0, "top_logprobs": 20, "n": 128}
    for name, most in ranges.items():
        value = getattr(request, name)
        if value is not None and not 0 <= value <= most:
            raise problem(
                f"Invalid '{name}': expected a value <= {most}, but got {value}.", name, "decimal_above_max_value"
            )
    for name in ("max_tokens", "max_completion_tokens"):
        value = getattr(request, name)
        if value is not None and value < 1:
            raise problem(f"Invalid '{name}': expected a value >= 1.", name, "integer_below_min_value")
    if isinstance(request.stop, list) and len(request.stop) > 4:
        raise problem("Invalid 'stop': array too long. Expected maximum length 4.", "stop", "array_above_max_length")
    if request.top_logprobs is not None and not request.logprobs:
        raise problem("'logprobs' must be set to true if 'top_logprobs' is used.", "top_logprobs")
    if request.metadata is not None and not request.store:
        raise problem("The 'metadata' parameter is only allowed when 'store' is enabled.", "metadata")


def _check_tools(request: Common) -> None:
    for name in ("tool_choice", "parallel_tool_calls"):
        if getattr(request, name) is not None and not request.tools:
            raise problem(f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", name)
    if request.tools == []:
        raise problem("Invalid 'tools': empty array. Expected minimum length 1.", "tools", "empty_array")
    for number, tool in enumerate(request.tools or ()):
        param = f"tools[{number}].function"
        if not _NAME.fullmatch(tool.function.name):
            raise problem(f"Invalid '{param}.name': string does not match pattern.", f"{param}.name", "invalid_value")
        if tool.function.strict:
            strict_schema(tool.function.parameters, f"{param}.parameters")
    if isinstance(request.response_format, AsSchema) and request.response_format.json_schema.strict:
        strict_schema(request.response_format.json_schema.schema, "response_format")


def _check_results(messages: list[Any]) -> None:
    """Each call is answered by a tool message right after it, and nothing else is."""
    if not messages:
        raise problem("Invalid 'messages': empty array.", "messages", "empty_array")
    waiting: list[str] = []
    for number, message in enumerate(messages):
        if isinstance(message, ToolResult):
            if message.tool_call_id not in waiting:
                said = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                raise problem(f"Invalid parameter: {said}", f"messages.[{number}].role")
            waiting.remove(message.tool_call_id)
            continue
        _check_answered(waiting)
        if isinstance(message, Assistant):
            waiting = [call.id for call in message.tool_calls]
            if not waiting and message.content is None and message.refusal is None:
                said = "expected a string or an array, but got null instead"
                raise problem(f"Invalid value for 'content': {said}.", f"messages.[{number}].content")
    _check_answered(waiting)


def _check_answered(waiting: list[str]) -> None:
    if waiting:
        rule = "An assistant message with 'tool_calls' must be followed by tool messages responding to each one."
        said = f"{rule} The following tool_call_ids did not have response messages: {', '.join(waiting)}"
        raise problem(said, "messages")


def _check_model(request: Common) -> None:
    """What OpenAI's reasoning models refuse, and what only they take."""
    if request.model not in REASONERS:
        if request.reasoning_effort:
            raise problem("Unrecognized request argument supplied: reasoning_effort")
        return
    if request.max_tokens is not None:
        said = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise problem(said, "max_tokens", "unsupported_parameter")
    for name in _NOT_OF_REASONERS:
        if getattr(request, name) not in {None, 1, False} if name != "stop" else request.stop is not None:
            raise problem(f"Unsupported value: '{name}' is not supported with this model.", name, "unsupported_value")


def _text(content: object) -> str:
    if isinstance(content, list):
        return "".join(part.text for part in content if isinstance(part, TextPart))
    return str(content or "")


def _last_turn(messages: list[Any]) -> list[Any]:
    """What came after the assistant's last message, itself not."""
    last = max((number for number, m in enumerate(messages) if isinstance(m, Assistant)), default=-1)
    return messages[last + 1 :]


def _pictures(messages: list[Any]) -> Iterator[Picture]:
    for message in messages:
        for part in message.content if isinstance(message.content, list) else ():
            if isinstance(part, ImagePart):
                try:
                    yield picture_at(part.image_url.url)
                except NotAPicture:
                    said = "You uploaded an unsupported image. Please make sure your image is valid."
                    raise problem(said, None, "invalid_image_format") from None


def _choice(request: Common) -> str:
    if isinstance(request.tool_choice, NamedTool):
        return request.tool_choice.function.name
    return {None: "auto", "required": "any"}.get(request.tool_choice, request.tool_choice or "auto")


def _schema(request: Common) -> dict[str, Any] | None:
    if isinstance(request.response_format, AsSchema):
        return request.response_format.json_schema.schema
    if isinstance(request.response_format, AsObject):
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    return None
