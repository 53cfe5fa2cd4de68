# SPDX-License-Identifier: Apache-2.0
"""Callers of the four dialects, each with its vendor's own SDK: what they ask, and what they hear of the answer."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.unit.dialect.conftest import Desk

from freehold.contract.call import Dialect

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = ("weather", "clock")
SYSTEM, QUESTION = "Be brief.", "What now?"


@dataclass(slots=True)
class Heard:
    """What an SDK makes of an answer."""

    text: str = ""
    thoughts: str = ""
    refusal: str = ""
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)  # id, name, arguments
    finish: str = ""
    model: str = ""
    tokens: tuple[int, int] = (0, 0)  # of the prompt, those from a cache included; of the answer


class Caller(Protocol):
    """One dialect. ``kinds`` of what is asked: tools, image, schema, thinking."""

    dialect: Dialect
    cut: str  # how the dialect says that an answer ran into its limit

    def asking(self, *kinds: str) -> dict[str, Any]: ...

    def with_results(self, body: dict[str, Any], heard: Heard) -> dict[str, Any]:
        """The same, after the tools that were called have given their names."""
        ...

    def whole(self, desk: Desk, body: dict[str, Any]) -> Heard: ...

    def streamed(self, desk: Desk, body: dict[str, Any]) -> Heard: ...


class ChatCaller:
    dialect = Dialect.OPENAI
    cut = "length"

    def asking(self, *kinds: str) -> dict[str, Any]:
        body: dict[str, Any] = {"model": "support", "max_completion_tokens": 4096, "messages": _messages(QUESTION)}
        if "tools" in kinds:
            body["tools"] = _chat_tools()
        if "image" in kinds:
            image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
            body["messages"] = _messages([{"type": "text", "text": QUESTION}, image])
        if "schema" in kinds:
            schema = {"name": "city", "schema": CITY, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if "thinking" in kinds:
            body["reasoning_effort"] = "high"
        return body

    def with_results(self, body: dict[str, Any], heard: Heard) -> dict[str, Any]:
        return body | {"messages": [*body["messages"], *_chat_turn(heard)]}

    def whole(self, desk: Desk, body: dict[str, Any]) -> Heard:
        answer = desk.openai().chat.completions.create(**body)
        (choice,) = answer.choices
        said = choice.message
        return Heard(
            text=said.content or "",
            thoughts=getattr(said, "reasoning_content", None) or "",
            refusal=said.refusal or "",
            calls=[
                (call.id, call.function.name, json.loads(call.function.arguments)) for call in said.tool_calls or ()
            ],
            finish=choice.finish_reason,
            model=answer.model,
            tokens=(answer.usage.prompt_tokens, answer.usage.completion_tokens),
        )

    def streamed(self, desk: Desk, body: dict[str, Any]) -> Heard:
        options = {"stream": True, "stream_options": {"include_usage": True}}
        heard, calls = Heard(), dict[int, list[str]]()
        for chunk in desk.openai().chat.completions.create(**body, **options):
            heard.model = chunk.model
            if chunk.usage:
                heard.tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            for choice in chunk.choices:
                said = choice.delta
                heard.text += said.content or ""
                heard.thoughts += getattr(said, "reasoning_content", None) or ""
                heard.refusal += said.refusal or ""
                heard.finish = choice.finish_reason or heard.finish
                for call in said.tool_calls or ():
                    grown = calls.setdefault(call.index, [call.id, call.function.name, ""])
                    grown[2] += call.function.arguments or ""
        heard.calls = [(identity, name, json.loads(arguments)) for identity, name, arguments in calls.values()]
        return heard


class ResponsesCaller:
    dialect = Dialect.RESPONSES
    cut = "incomplete"

    def asking(self, *kinds: str) -> dict[str, Any]:
        content: Any = QUESTION
        if "image" in kinds:
            image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
            content = [{"type": "input_text", "text": QUESTION}, image]
        body: dict[str, Any] = {"model": "support", "max_output_tokens": 4096, "instructions": SYSTEM}
        body["input"] = [{"role": "user", "content": content}]
        if "tools" in kinds:
            body["tools"] = [{"type": "function", "name": n, "parameters": CITY, "strict": True} for n in TOOLS]
        if "schema" in kinds:
            body["text"] = {"format": {"type": "json_schema", "name": "city", "schema": CITY, "strict": True}}
        if "thinking" in kinds:
            body["reasoning"] = {"effort": "high", "summary": "auto"}
        return body

    def with_results(self, body: dict[str, Any], heard: Heard) -> dict[str, Any]:
        calls = [
            {"type": "function_call", "call_id": identity, "name": name, "arguments": json.dumps(arguments)}
            for identity, name, arguments in heard.calls
        ]
        results = [
            {"type": "function_call_output", "call_id": call["call_id"], "output": call["name"]} for call in calls
        ]
        return body | {"input": [*body["input"], *calls, *results]}

    def whole(self, desk: Desk, body: dict[str, Any]) -> Heard:
        return self._heard(desk.openai().responses.create(**body))

    def streamed(self, desk: Desk, body: dict[str, Any]) -> Heard:
        with desk.openai().responses.stream(**body) as stream:
            events = list(stream)
        heard = self._heard(events[-1].response)
        told = [event for event in events if event.type == "response.output_text.delta"]
        assert "".join(event.delta for event in told) == heard.text
        return heard

    def _heard(self, response: Any) -> Heard:
        items = response.output
        parts = [part for item in items if item.type == "message" for part in item.content]
        calls = [item for item in items if item.type == "function_call"]
        return Heard(
            text=response.output_text,
            thoughts="".join(part.text for item in items if item.type == "reasoning" for part in item.summary),
            refusal="".join(part.refusal for part in parts if part.type == "refusal"),
            calls=[(call.call_id, call.name, json.loads(call.arguments)) for call in calls],
            finish=response.status,
            model=response.model,
            tokens=(response.usage.input_tokens, response.usage.output_tokens),
        )


class MessagesCaller:
    dialect = Dialect.ANTHROPIC
    cut = "max_tokens"

    def asking(self, *kinds: str) -> dict[str, Any]:
        content: Any = QUESTION
        if "image" in kinds:
            source = {"type": "base64", "media_type": "image/png", "data": PNG}
            content = [{"type": "text", "text": QUESTION}, {"type": "image", "source": source}]
        body: dict[str, Any] = {"model": "support", "max_tokens": 4096, "system": SYSTEM}
        body["messages"] = [{"role": "user", "content": content}]
        if "tools" in kinds:
            body["tools"] = [{"name": name, "input_schema": CITY} for name in TOOLS]
        if "schema" in kinds:
            body["output_config"] = {"format": {"type": "json_schema", "schema": CITY}}
        if "thinking" in kinds:
            body["thinking"] = {"type": "adaptive", "display": "summarized"}
        return body

    def with_results(self, body: dict[str, Any], heard: Heard) -> dict[str, Any]:
        calls = [{"type": "tool_use", "id": call[0], "name": call[1], "input": call[2]} for call in heard.calls]
        results = [{"type": "tool_result", "tool_use_id": call[0], "content": call[1]} for call in heard.calls]
        turns = [{"role": "assistant", "content": calls}, {"role": "user", "content": results}]
        return body | {"messages": [*body["messages"], *turns]}

    def whole(self, desk: Desk, body: dict[str, Any]) -> Heard:
        return self._heard(desk.anthropic().messages.create(**body))

    def streamed(self, desk: Desk, body: dict[str, Any]) -> Heard:
        with desk.anthropic().messages.stream(**body) as stream:
            return self._heard(stream.get_final_message())

    def _heard(self, message: Any) -> Heard:
        blocks = message.content
        usage = message.usage
        text = "".join(block.text for block in blocks if block.type == "text")
        refused = message.stop_reason == "refusal"
        cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
        return Heard(
            text="" if refused else text,
            thoughts="".join(block.thinking for block in blocks if block.type == "thinking"),
            refusal=text if refused else "",
            calls=[(block.id, block.name, block.input) for block in blocks if block.type == "tool_use"],
            finish=message.stop_reason,
            model=message.model,
            tokens=(usage.input_tokens + cached, usage.output_tokens),
        )


class MistralCaller:
    dialect = Dialect.MISTRAL
    cut = "length"

    def asking(self, *kinds: str) -> dict[str, Any]:
        body: dict[str, Any] = {"model": "support", "max_tokens": 4096, "messages": _messages(QUESTION)}
        if "tools" in kinds:
            body["tools"] = _chat_tools()
        if "image" in kinds:
            image = {"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"}
            body["messages"] = _messages([{"type": "text", "text": QUESTION}, image])
        if "schema" in kinds:
            schema = {"name": "city", "schema": CITY, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if "thinking" in kinds:
            body["reasoning_effort"] = "high"
        return body

    def with_results(self, body: dict[str, Any], heard: Heard) -> dict[str, Any]:
        return body | {"messages": [*body["messages"], *_chat_turn(heard)]}

    def whole(self, desk: Desk, body: dict[str, Any]) -> Heard:
        answer = desk.mistral().chat.complete(**body)
        heard = Heard(model=answer.model, tokens=(answer.usage.prompt_tokens, answer.usage.completion_tokens))
        (choice,) = answer.choices
        heard.finish = choice.finish_reason
        self._add(heard, choice.message)
        return heard

    def streamed(self, desk: Desk, body: dict[str, Any]) -> Heard:
        heard = Heard()
        for event in desk.mistral().chat.stream(**body):
            chunk = event.data
            heard.model = chunk.model
            if chunk.usage:
                heard.tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            for choice in chunk.choices:
                heard.finish = choice.finish_reason or heard.finish
                self._add(heard, choice.delta)
        return heard

    def _add(self, heard: Heard, said: Any) -> None:
        """What a message says, or a delta: calls come whole."""
        for part in [said.content] if isinstance(said.content, str) else said.content or ():
            if isinstance(part, str):
                heard.text += part
            elif part.type == "text":
                heard.text += part.text
            else:
                heard.thoughts += "".join(piece.text for piece in part.thinking)
        for call in said.tool_calls or ():
            arguments = call.function.arguments
            read = arguments if isinstance(arguments, dict) else json.loads(arguments)
            heard.calls.append((call.id, call.function.name, read))


CALLERS: tuple[Caller, ...] = (ChatCaller(), ResponsesCaller(), MessagesCaller(), MistralCaller())


def _messages(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}]


def _chat_tools() -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": name, "parameters": CITY}} for name in TOOLS]


def _chat_turn(heard: Heard) -> Iterable[dict[str, Any]]:
    functions = [(call[0], {"name": call[1], "arguments": json.dumps(call[2])}) for call in heard.calls]
    calls = [{"id": identity, "type": "function", "function": function} for identity, function in functions]
    yield {"role": "assistant", "content": "", "tool_calls": calls}
    for identity, name, _ in heard.calls:
        yield {"role": "tool", "tool_call_id": identity, "content": name}
