# SPDX-License-Identifier: Apache-2.0
"""Responses as OpenAI takes them: items by type, and the rules between them. Nothing is kept between requests."""

from collections.abc import Iterator
from typing import Any, Literal

from tests.simulator.asked import Asked, NotAPicture, Picture, Result, Tool, picture_at
from tests.simulator.openai.errors import problem
from tests.simulator.openai.requests import StreamOptions, strict_schema
from tests.simulator.reading import Fields, read
from tests.simulator.scripts import REASONERS

LEAST_TOKENS = 16
_SPOKEN_BY = {"assistant": ("output_text", "refusal"), "user": ("input_text", "input_image", "input_file")}


class InputText(Fields, tag_field="type", tag="input_text"):
    text: str


class InputImage(Fields, tag_field="type", tag="input_image"):
    detail: Literal["auto", "low", "high", "original"] = "auto"
    image_url: str | None = None
    file_id: str | None = None


class OutputText(Fields, tag_field="type", tag="output_text"):
    text: str
    annotations: tuple[Any, ...] = ()
    logprobs: list[Any] | None = None


class OutputRefusal(Fields, tag_field="type", tag="refusal"):
    refusal: str


Part = InputText | InputImage | OutputText | OutputRefusal
Status = Literal["in_progress", "completed", "incomplete"]


class Message(Fields, tag_field="type", tag="message"):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Part]
    id: str | None = None
    status: Status | None = None
    phase: Literal["commentary", "final_answer"] | None = None


class FunctionCall(Fields, tag_field="type", tag="function_call"):
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: Status | None = None


class FunctionCallOutput(Fields, tag_field="type", tag="function_call_output"):
    call_id: str
    output: str | list[InputText | InputImage]
    id: str | None = None
    status: Status | None = None


class SummaryText(Fields):
    type: Literal["summary_text"]
    text: str


class ReasoningText(Fields):
    type: Literal["reasoning_text"]
    text: str


class Reasoning(Fields, tag_field="type", tag="reasoning"):
    id: str
    summary: list[SummaryText]
    content: list[ReasoningText] | None = None
    encrypted_content: str | None = None
    status: Status | None = None


Item = Message | FunctionCall | FunctionCallOutput | Reasoning
_PREFIXES = {Message: "msg", FunctionCall: "fc", Reasoning: "rs"}


class FunctionTool(Fields):
    type: Literal["function"]
    name: str
    parameters: dict[str, Any] | None
    strict: bool | None = True
    description: str | None = None


class NamedTool(Fields):
    type: Literal["function"]
    name: str


class AsText(Fields, tag_field="type", tag="text"):
    """Nothing is asked of the format."""


class AsObject(Fields, tag_field="type", tag="json_object"):
    """Any JSON object will do."""


class AsSchema(Fields, tag_field="type", tag="json_schema"):
    name: str
    schema: dict[str, Any]
    strict: bool | None = None
    description: str | None = None


class TextConfig(Fields):
    format: AsText | AsObject | AsSchema | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class HowToReason(Fields):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class ResponseRequest(Fields):
    model: str
    input: str | list[Item]
    background: bool | None = None
    include: list[Literal["reasoning.encrypted_content", "message.output_text.logprobs"]] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt_cache_key: str | None = None
    reasoning: HowToReason | None = None
    safety_identifier: str | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    text: TextConfig | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    tools: list[FunctionTool] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None

    @property
    def items(self) -> list[Item]:
        return [Message(role="user", content=self.input)] if isinstance(self.input, str) else self.input


def read_request(document: dict[str, Any]) -> ResponseRequest:
    """A message may leave its type out. Raises Complaint."""
    items = document.get("input")
    if isinstance(items, list):
        named = [{"type": "message", **item} if isinstance(item, dict) and "role" in item else item for item in items]
        document = document | {"input": named}
    return read(document, ResponseRequest)


def checked(request: ResponseRequest) -> Asked:
    """Raises Problem for what types cannot say."""
    _check_numbers(request)
    _check_tools(request)
    _check_items(request.items)
    _check_model(request)
    turn = _last_turn(request.items)
    system = [item for item in request.items if isinstance(item, Message) and item.role in {"system", "developer"}]
    spoken = [item for item in request.items if isinstance(item, Message)]
    last = request.items[-1] if request.items else None
    return Asked(
        model=request.model,
        stream=bool(request.stream),
        system="\n".join(filter(None, [request.instructions, *(_text(item.content) for item in system)])),
        last=_text(spoken[-1].content) if spoken else "",
        prefill=_text(last.content) if isinstance(last, Message) and last.role == "assistant" else "",
        pictures=tuple(_pictures(request.items)),
        tools=tuple(Tool(name=tool.name, schema=tool.parameters or {}) for tool in request.tools or ()),
        choice=_choice(request),
        parallel=request.parallel_tool_calls is not False,
        results=tuple(
            Result(call_id=item.call_id, text=_text(item.output))
            for item in turn
            if isinstance(item, FunctionCallOutput)
        ),
        schema=_schema(request),
        thinks=bool(request.reasoning and request.reasoning.summary),
    )


def _check_numbers(request: ResponseRequest) -> None:
    most = request.max_output_tokens
    if most is not None and most < LEAST_TOKENS:
        said = f"integer below minimum value. Expected a value >= {LEAST_TOKENS}, but got {most} instead."
        raise problem(f"Invalid 'max_output_tokens': {said}", "max_output_tokens", "integer_below_min_value")
    for name, bound in (("temperature", 2.0), ("top_p", 1.0), ("top_logprobs", 20)):
        value = getattr(request, name)
        if value is not None and not 0 <= value <= bound:
            raise problem(f"Invalid '{name}': expected a value <= {bound}.", name, "decimal_above_max_value")


def _check_tools(request: ResponseRequest) -> None:
    if request.tool_choice == "required" and not request.tools:
        raise problem("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
    for number, tool in enumerate(request.tools or ()):
        if tool.strict:
            strict_schema(tool.parameters or {}, f"tools[{number}].parameters")
    if isinstance(request.tool_choice, NamedTool) and request.tool_choice.name not in {
        t.name for t in request.tools or ()
    }:
        raise problem("Tool choice 'function' not found in 'tools' parameter.", "tool_choice")
    output = request.text.format if request.text else None
    if isinstance(output, AsSchema) and output.strict:
        strict_schema(output.schema, "text.format.schema")


def _check_items(items: list[Item]) -> None:
    """Ids as OpenAI gives them, parts as their speaker has them, each call with its output, nothing from its memory."""
    if not items:
        raise problem("Invalid 'input': empty array.", "input", "empty_array")
    calls: list[str] = []
    outputs: list[str] = []
    for number, item in enumerate(items):
        prefix = _PREFIXES.get(type(item))
        if prefix and item.id is not None and not item.id.startswith(prefix):
            said = f"Expected an ID that begins with '{prefix}'."
            raise problem(f"Invalid 'input[{number}].id': '{item.id}'. {said}", f"input[{number}].id", "invalid_value")
        if isinstance(item, Message):
            _check_parts(number, item)
        elif isinstance(item, Reasoning) and not item.encrypted_content:
            said = "Items are not persisted when `store` is set to false."
            raise problem(f"Item with id '{item.id}' not found. {said}", "input", status=404)
        elif isinstance(item, FunctionCall):
            calls.append(item.call_id)
        elif isinstance(item, FunctionCallOutput):
            if item.call_id not in calls:
                raise problem(f"No tool call found for function call output with call_id {item.call_id}.", "input")
            outputs.append(item.call_id)
    for missing in (call for call in calls if call not in outputs):
        raise problem(f"No tool output found for function call {missing}.", "input")


def _check_parts(number: int, message: Message) -> None:
    allowed = _SPOKEN_BY.get(message.role, _SPOKEN_BY["user"])
    for at, part in enumerate(message.content if isinstance(message.content, list) else ()):
        kind = str(part.__struct_config__.tag)
        if kind not in allowed:
            where = f"input[{number}].content[{at}]"
            raise problem(f"Invalid value: '{kind}'. Supported values are: {allowed}.", where, "invalid_value")


def _check_model(request: ResponseRequest) -> None:
    if request.model in REASONERS:
        for name in ("temperature", "top_p"):
            if getattr(request, name) not in {None, 1}:
                said = f"Unsupported parameter: '{name}' is not supported with this model."
                raise problem(said, name, "unsupported_parameter")
    elif request.reasoning and request.reasoning.effort not in {None, "none"}:
        said = "Unsupported parameter: 'reasoning.effort' is not supported with this model."
        raise problem(said, "reasoning.effort", "unsupported_parameter")


def _text(content: str | list[Any]) -> str:
    if isinstance(content, list):
        return "".join(part.text for part in content if isinstance(part, InputText | OutputText))
    return content


def _last_turn(items: list[Item]) -> list[Item]:
    """What came after what the model said or called last."""
    mine = (number for number, item in enumerate(items) if _is_models(item))
    return items[max(mine, default=-1) + 1 :]


def _is_models(item: Item) -> bool:
    return isinstance(item, FunctionCall | Reasoning) or (isinstance(item, Message) and item.role == "assistant")


def _pictures(items: list[Item]) -> Iterator[Picture]:
    for item in items:
        content = (
            item.content if isinstance(item, Message) else item.output if isinstance(item, FunctionCallOutput) else ""
        )
        for part in content if isinstance(content, list) else ():
            if isinstance(part, InputImage):
                try:
                    yield picture_at(part.image_url or "")
                except NotAPicture:
                    said = "The image data you provided does not represent a valid image."
                    raise problem(said, "input", "invalid_value") from None


def _choice(request: ResponseRequest) -> str:
    if isinstance(request.tool_choice, NamedTool):
        return request.tool_choice.name
    return {None: "auto", "required": "any"}.get(request.tool_choice, request.tool_choice or "auto")


def _schema(request: ResponseRequest) -> dict[str, Any] | None:
    output = request.text.format if request.text else None
    if isinstance(output, AsSchema):
        return output.schema
    if isinstance(output, AsObject):
        return {"type": "object", "properties": {"answer": {"type": "string"}}}
    return None
