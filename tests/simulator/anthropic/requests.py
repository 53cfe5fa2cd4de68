# SPDX-License-Identifier: Apache-2.0
"""Messages as Anthropic takes them: blocks by type, and the rules between turns."""

import re
from collections.abc import Iterator
from typing import Any, Literal

from tests.simulator.anthropic.errors import problem
from tests.simulator.asked import Asked, NotAPicture, Picture, Result, Tool, picture_at, picture_of
from tests.simulator.reading import Fields
from tests.simulator.scripts import REASONERS

SIGNATURE = "EqoBCkgI"  # how every signature begins that this vendor gave
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_LEAST_THINKING = 1024


class CacheControl(Fields):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class Block(Fields):
    cache_control: CacheControl | None = None


class TextBlock(Block, kw_only=True, tag_field="type", tag="text"):
    text: str
    citations: list[Any] | None = None


class Base64Source(Fields, tag_field="type", tag="base64"):
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: str


class UrlSource(Fields, tag_field="type", tag="url"):
    url: str


class ImageBlock(Block, kw_only=True, tag_field="type", tag="image"):
    source: Base64Source | UrlSource


class ToolResult(Block, kw_only=True, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: str | list[TextBlock | ImageBlock] = ""
    is_error: bool = False


class ToolUse(Block, kw_only=True, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]


class Thinking(Fields, tag_field="type", tag="thinking"):
    thinking: str
    signature: str


class RedactedThinking(Fields, tag_field="type", tag="redacted_thinking"):
    data: str


Content = TextBlock | ImageBlock | ToolResult | ToolUse | Thinking | RedactedThinking


class Turn(Fields):
    role: Literal["user", "assistant"]
    content: str | list[Content]

    @property
    def blocks(self) -> list[Content]:
        return [TextBlock(text=self.content)] if isinstance(self.content, str) else self.content

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks if isinstance(block, TextBlock))


class ToolDefinition(Block, kw_only=True):
    name: str
    input_schema: dict[str, Any]
    description: str = ""
    strict: bool | None = None
    type: Literal["custom"] | None = None


class AutoChoice(Fields, tag_field="type", tag="auto"):
    disable_parallel_tool_use: bool = False


class AnyChoice(Fields, tag_field="type", tag="any"):
    disable_parallel_tool_use: bool = False


class NoChoice(Fields, tag_field="type", tag="none"):
    """No tool is to be called."""


class NamedChoice(Fields, tag_field="type", tag="tool"):
    name: str
    disable_parallel_tool_use: bool = False


class Enabled(Fields, tag_field="type", tag="enabled"):
    budget_tokens: int
    display: Literal["summarized", "omitted"] | None = None


class Adaptive(Fields, tag_field="type", tag="adaptive"):
    display: Literal["summarized", "omitted"] | None = None


class Disabled(Fields, tag_field="type", tag="disabled"):
    """No thinking."""


class JsonFormat(Fields):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(Fields):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonFormat | None = None


class Metadata(Fields):
    user_id: str | None = None


class CountRequest(Fields):
    """What a count of tokens takes, and a message too."""

    model: str
    messages: list[Turn]
    cache_control: CacheControl | None = None
    output_config: OutputConfig | None = None
    system: str | list[TextBlock] = ""
    thinking: Enabled | Adaptive | Disabled | None = None
    tool_choice: AutoChoice | AnyChoice | NoChoice | NamedChoice | None = None
    tools: tuple[ToolDefinition, ...] = ()


class MessageRequest(CountRequest, kw_only=True):
    max_tokens: int
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    stop_sequences: tuple[str, ...] = ()
    stream: bool = False
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None


def checked(request: MessageRequest) -> Asked:
    """Raises Problem for what types cannot say."""
    _check_numbers(request)
    _check_thinking(request)
    check_turns(request)
    last = request.messages[-1]
    choice = request.tool_choice
    output = request.output_config.format if request.output_config else None
    return Asked(
        model=request.model,
        stream=request.stream,
        system=request.system if isinstance(request.system, str) else "\n".join(block.text for block in request.system),
        last=last.text,
        prefill=last.text if last.role == "assistant" else "",
        pictures=tuple(_pictures(request.messages)),
        tools=tuple(Tool(name=tool.name, schema=tool.input_schema) for tool in request.tools),
        choice=choice.name
        if isinstance(choice, NamedChoice)
        else str(choice.__struct_config__.tag)
        if choice
        else "auto",
        parallel=not getattr(choice, "disable_parallel_tool_use", False),
        results=tuple(_results(last)),
        schema=output.schema if output else None,
        stop=request.stop_sequences,
        thinks=isinstance(request.thinking, Enabled | Adaptive) and request.thinking.display != "omitted",
    )


def check_turns(request: CountRequest) -> None:
    """Who begins, what is in each turn, and each tool's result right after its use."""
    if not request.messages:
        raise problem("messages: at least one message is required")
    if request.messages[0].role != "user":
        raise problem('messages: first message must use the "user" role')
    before: list[str] = []
    for number, turn in enumerate(request.messages):
        _check_blocks(number, turn, is_last=number == len(request.messages) - 1)
        results = [block.tool_use_id for block in turn.blocks if isinstance(block, ToolResult)]
        _check_results(number, before, results, turn)
        before = [block.id for block in turn.blocks if isinstance(block, ToolUse)]
    for tool in request.tools:
        if not _TOOL_NAME.fullmatch(tool.name):
            raise problem("tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
        if tool.input_schema.get("type") != "object":
            raise problem("tools.0.custom.input_schema.type: Field required")
    if request.output_config and request.output_config.format:
        _check_closed(request.output_config.format.schema)


def _check_numbers(request: MessageRequest) -> None:
    if request.max_tokens < 1:
        raise problem("max_tokens: Input should be greater than or equal to 1")
    for name in ("temperature", "top_p"):
        value = getattr(request, name)
        if value is not None and not 0 <= value <= 1:
            raise problem(f"{name}: range: 0..1")
    if any(not sequence.strip() for sequence in request.stop_sequences):
        raise problem("stop_sequences: each stop sequence must contain non-whitespace")


def _check_thinking(request: MessageRequest) -> None:
    if not isinstance(request.thinking, Enabled | Adaptive):
        return
    if request.model not in REASONERS:
        raise problem("'thinking' is not supported by this model")
    if request.temperature not in {None, 1}:
        raise problem("`temperature` may only be set to 1 when thinking is enabled.")
    if request.top_k is not None:
        raise problem("`top_k` must be unset when thinking is enabled.")
    if isinstance(request.tool_choice, AnyChoice | NamedChoice):
        raise problem("Thinking may not be enabled when tool_choice forces tool use.")
    if request.messages and request.messages[-1].role == "assistant":
        raise problem("When thinking is enabled, the conversation must end with a user message.")
    if isinstance(request.thinking, Enabled):
        if request.thinking.budget_tokens < _LEAST_THINKING:
            raise problem("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if request.thinking.budget_tokens >= request.max_tokens:
            raise problem("`max_tokens` must be greater than `thinking.budget_tokens`.")
        _check_thought_first(request.messages)


def _check_thought_first(turns: list[Turn]) -> None:
    """While thinking is on, a turn that used a tool begins with the thought that led there."""
    for number, turn in enumerate(turns):
        uses = any(isinstance(block, ToolUse) for block in turn.blocks)
        if uses and not isinstance(turn.blocks[0], Thinking | RedactedThinking):
            said = "Expected `thinking` or `redacted_thinking`, but found `tool_use`."
            raise problem(f"messages.{number}.content.0.type: {said}")


def _check_blocks(number: int, turn: Turn, *, is_last: bool) -> None:
    if not turn.blocks or turn.content == "":
        raise problem(f"messages.{number}: all messages must have non-empty content")
    for at, block in enumerate(turn.blocks):
        where = f"messages.{number}.content.{at}"
        if isinstance(block, TextBlock) and not block.text.strip():
            raise problem("messages: text content blocks must contain non-whitespace text")
        if isinstance(block, ToolUse | Thinking | RedactedThinking) and turn.role != "assistant":
            raise problem(f"{where}: blocks of this type can only be in `assistant` messages")
        if isinstance(block, ToolResult | ImageBlock) and turn.role != "user":
            raise problem(f"{where}: blocks of this type can only be in `user` messages")
        if isinstance(block, ToolUse) and not _ID.fullmatch(block.id):
            raise problem(f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        if isinstance(block, Thinking) and not block.signature.startswith(SIGNATURE):
            raise problem(f"{where}: Invalid `signature` in `thinking` block")
    if is_last and turn.role == "assistant" and turn.text != turn.text.rstrip():
        raise problem("messages: final assistant content cannot end with trailing whitespace")


def _check_results(number: int, uses: list[str], results: list[str], turn: Turn) -> None:
    if missing := [use for use in uses if use not in results]:
        said = "`tool_use` ids were found without `tool_result` blocks immediately after"
        raise problem(f"messages.{number - 1}: {said}: {', '.join(missing)}.")
    if unexpected := [result for result in results if result not in uses]:
        said = "unexpected `tool_use_id` found in `tool_result` blocks"
        raise problem(f"messages.{number}.content.0: {said}: {unexpected[0]}.")
    if len(results) != len(set(results)):
        raise problem(f"messages.{number}.content: each tool_use must have a single result.")
    if results and not isinstance(turn.blocks[0], ToolResult):
        raise problem(f"messages.{number}: `tool_result` blocks must come before all else")


def _check_closed(schema: dict[str, Any]) -> None:
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        said = "For 'object' type, 'additionalProperties' must be explicitly set to false"
        raise problem(f"output_config.format.schema: {said}")
    for inner in (*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])):
        _check_closed(inner)


def _results(turn: Turn) -> Iterator[Result]:
    for block in turn.blocks:
        if isinstance(block, ToolResult):
            parts = (
                [block.content]
                if isinstance(block.content, str)
                else [part.text for part in block.content if isinstance(part, TextBlock)]
            )
            yield Result(call_id=block.tool_use_id, text="".join(parts), is_error=block.is_error)


def _pictures(turns: list[Turn]) -> Iterator[Picture]:
    for turn in turns:
        for block in turn.blocks:
            inner = block.content if isinstance(block, ToolResult) and isinstance(block.content, list) else [block]
            for part in inner:
                if isinstance(part, ImageBlock):
                    yield _picture(part.source)


def _picture(source: Base64Source | UrlSource) -> Picture:
    try:
        return picture_at(source.url) if isinstance(source, UrlSource) else picture_of(source.media_type, source.data)
    except NotAPicture:
        raise problem("messages.0.content.0.image.source.base64: Could not process image") from None
