# SPDX-License-Identifier: Apache-2.0
"""One question put through each vendor's own SDK, and what that SDK made of the answer, in words that all share."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import httpx2
from anthropic import Anthropic
from anthropic.types import Message
from mistralai.client import Mistral
from openai import OpenAI
from openai.types import CompletionUsage
from tests.system.estates import Estate
from tests.system.waiting import LONG_S

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. Whatever is left empty is not sent."""

    service: str
    text: str = "What now?"
    system: str = ""
    picture: str = ""  # base64 of a PNG
    tools: tuple[str, ...] = ()  # their names
    choice: str = ""  # any, or a tool's name
    one_at_a_time: bool = False
    results: Mapping[str, str] = field(default_factory=dict)  # by the ids of the calls that were made
    schema: Document | None = None  # of tools, and of the answer where ``by_schema``
    by_schema: bool = False
    stop: str = ""
    thinks: bool = False
    most_tokens: int = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    id: str
    name: str
    arguments: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the SDK gave. A field is empty, or None, where its vendor has no place for it."""

    text: str
    finish: str  # stop, length, tools, sequence, refusal, or the vendor's own word
    model: str
    calls: tuple[Call, ...] = ()
    thought: str = ""
    refusal: str = ""
    input_tokens: int = 0  # those from a cache included
    cached_tokens: int | None = None
    output_tokens: int = 0
    reasoning_tokens: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: int = 0  # how many events had text


class Caller(Protocol):
    """One vendor's SDK."""

    wire: "Wire"

    def ask(self, question: Question, *, stream: bool) -> Seen: ...

    def close(self) -> None: ...


class Wire:
    """What an SDK hides: the newest answer, byte by byte."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.client = httpx2.Client(event_hooks={"response": [self._note]}, timeout=LONG_S)

    def _note(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.body = bytearray()
        response.stream = _Overheard(response.stream, self.body)


class _Overheard(httpx2.SyncByteStream):
    def __init__(self, inner: Any, body: bytearray) -> None:
        self._inner = inner
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            self._body += piece
            yield piece

    def close(self) -> None:
        self._inner.close()


class ChatCaller:
    """OpenAI's SDK, chat completions."""

    _FINISHES: Document = MappingProxyType({"tool_calls": "tools"})

    def __init__(self, estate: Estate, key: str = "") -> None:
        self.wire = Wire()
        self._client = OpenAI(
            base_url=f"{estate.base_url}/v1", api_key=key or estate.key, max_retries=0, http_client=self.wire.client
        )

    def ask(self, question: Question, *, stream: bool) -> Seen:
        body = self._body(question)
        if not stream:
            raw = self._client.chat.completions.with_raw_response.create(**body)
            answer = raw.parse()
            choice = answer.choices[0]
            return self._seen(raw.headers, answer.model, [choice.message.to_dict()], choice.finish_reason, answer.usage)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        raw = self._client.chat.completions.with_raw_response.create(**body)
        chunks: list[Any] = list(raw.parse())
        deltas = [choice.delta.to_dict() for chunk in chunks for choice in chunk.choices]
        finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
        usages = [chunk.usage for chunk in chunks if chunk.usage]
        usage = usages.pop() if usages else CompletionUsage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
        assert not usages
        (finish,) = finishes
        (model,) = {chunk.model for chunk in chunks if chunk.model}
        return self._seen(raw.headers, model, deltas, finish, usage)

    def close(self) -> None:
        self._client.close()

    def _body(self, question: Question) -> dict[str, Any]:
        content: Any = question.text
        if question.picture:
            url = f"data:image/png;base64,{question.picture}"
            content = [{"type": "text", "text": question.text}, {"type": "image_url", "image_url": {"url": url}}]
        turns: list[Document] = [{"role": "system", "content": question.system}] if question.system else []
        turns.append({"role": "user", "content": content})
        if question.results:
            turns.append({"role": "assistant", "tool_calls": list(map(_chat_call, question.results))})
            turns += ({"role": "tool", "tool_call_id": i, "content": text} for i, text in question.results.items())
        most = "max_completion_tokens" if question.thinks else "max_tokens"
        body: dict[str, Any] = {"model": question.service, "messages": turns, most: question.most_tokens}
        if question.tools:
            body["tools"] = [
                {"type": "function", "function": {"name": name, "description": name, "parameters": question.schema}}
                for name in question.tools
            ]
        if question.one_at_a_time:
            body["parallel_tool_calls"] = False
        if question.choice:
            named = {"type": "function", "function": {"name": question.choice}}
            body["tool_choice"] = "required" if question.choice == "any" else named
        if question.by_schema:
            schema = {"name": "answer", "strict": True, "schema": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if question.stop:
            body["stop"] = question.stop
        if question.thinks:
            body["reasoning_effort"] = "low"
        return body

    def _seen(self, headers: Any, model: str, said: Iterable[Document], finish: str, usage: Any) -> Seen:
        said = list(said)
        calls: dict[int, dict[str, str]] = {}
        for delta in said:
            for number, part in enumerate(delta.get("tool_calls") or ()):
                call = calls.setdefault(part.get("index", number), {"id": "", "name": "", "arguments": ""})
                call["id"] += part.get("id") or ""
                call["name"] += part["function"].get("name") or ""
                call["arguments"] += part["function"].get("arguments") or ""
        return Seen(
            text=_joined(said, "content"),
            finish=self._FINISHES.get(finish, finish),
            model=model,
            calls=tuple(_call(call["id"], call["name"], call["arguments"]) for call in calls.values()),
            thought=_joined(said, "reasoning_content"),
            refusal=_joined(said, "refusal"),
            input_tokens=usage.prompt_tokens,
            cached_tokens=getattr(usage.prompt_tokens_details, "cached_tokens", None),
            output_tokens=usage.completion_tokens,
            reasoning_tokens=getattr(usage.completion_tokens_details, "reasoning_tokens", None),
            headers=dict(headers),
            pieces=sum(bool(delta.get("content")) for delta in said),
        )


class ResponsesCaller:
    """OpenAI's SDK, Responses."""

    def __init__(self, estate: Estate, key: str = "") -> None:
        self.wire = Wire()
        self._client = OpenAI(
            base_url=f"{estate.base_url}/v1", api_key=key or estate.key, max_retries=0, http_client=self.wire.client
        )

    def ask(self, question: Question, *, stream: bool) -> Seen:
        body = self._body(question)
        if not stream:
            raw = self._client.responses.with_raw_response.create(**body)
            return self._seen(raw.headers, raw.parse(), 0)
        raw = self._client.responses.with_raw_response.create(**body, stream=True)
        events: list[Any] = list(raw.parse())
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[0].type == "response.created"
        assert events[-1].type in {"response.completed", "response.incomplete"}
        seen = self._seen(raw.headers, events[-1].response, sum(e.type == "response.output_text.delta" for e in events))
        for kind, whole in (("output_text", seen.text), ("refusal", seen.refusal)):
            assert "".join(event.delta for event in events if event.type == f"response.{kind}.delta") == whole
        arguments = [event.arguments for event in events if event.type == "response.function_call_arguments.done"]
        assert [json.loads(text) for text in arguments] == [call.arguments for call in seen.calls]
        thoughts = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
        assert "".join(event.delta for event in events if event.type in thoughts) == seen.thought
        return seen

    def close(self) -> None:
        self._client.close()

    def _body(self, question: Question) -> dict[str, Any]:
        content: Any = question.text
        if question.picture:
            url = f"data:image/png;base64,{question.picture}"
            image = {"type": "input_image", "detail": "auto", "image_url": url}
            content = [{"type": "input_text", "text": question.text}, image]
        items: list[Document] = [{"role": "user", "content": content}]
        items += (
            {"type": "function_call", "call_id": i, "name": "weather", "arguments": '{"city": "Zürich"}'}
            for i in question.results
        )
        items += ({"type": "function_call_output", "call_id": i, "output": o} for i, o in question.results.items())
        body: dict[str, Any] = {"model": question.service, "input": items, "max_output_tokens": question.most_tokens}
        if question.system:
            body["instructions"] = question.system
        if question.tools:
            tool = {"type": "function", "description": "x", "parameters": question.schema, "strict": True}
            body["tools"] = [{**tool, "name": name} for name in question.tools]
        if question.one_at_a_time:
            body["parallel_tool_calls"] = False
        if question.choice:
            named = {"type": "function", "name": question.choice}
            body["tool_choice"] = "required" if question.choice == "any" else named
        if question.by_schema:
            answer = {"type": "json_schema", "name": "answer", "strict": True, "schema": question.schema}
            body["text"] = {"format": answer}
        if question.thinks:
            body["reasoning"] = {"effort": "low", "summary": "auto"}
        assert not question.stop, "Responses have no stop sequences"
        return body

    def _seen(self, headers: Any, response: Any, pieces: int) -> Seen:
        calls = [item for item in response.output if item.type == "function_call"]
        thoughts = [item for item in response.output if item.type == "reasoning"]
        parts = [part for item in response.output if item.type == "message" for part in item.content]
        refusal = "".join(part.refusal for part in parts if part.type == "refusal")
        ended = {"max_output_tokens": "length"}
        finish = "tools" if calls else "stop"
        if response.incomplete_details:
            finish = ended.get(response.incomplete_details.reason, response.incomplete_details.reason)
        return Seen(
            text=response.output_text,
            finish=finish,
            model=response.model,
            calls=tuple(_call(call.call_id, call.name, call.arguments) for call in calls),
            thought="".join(part.text for item in thoughts for part in (*item.summary, *(item.content or ()))),
            refusal=refusal,
            input_tokens=response.usage.input_tokens,
            cached_tokens=response.usage.input_tokens_details.cached_tokens,
            output_tokens=response.usage.output_tokens,
            reasoning_tokens=response.usage.output_tokens_details.reasoning_tokens,
            headers=dict(headers),
            pieces=pieces,
        )


class MessagesCaller:
    """Anthropic's SDK."""

    _FINISHES: Document = MappingProxyType(
        {"end_turn": "stop", "max_tokens": "length", "tool_use": "tools", "stop_sequence": "sequence"}
    )

    def __init__(self, estate: Estate, key: str = "") -> None:
        self.wire = Wire()
        self._client = Anthropic(
            base_url=estate.base_url, api_key=key or estate.key, max_retries=0, http_client=self.wire.client
        )

    def ask(self, question: Question, *, stream: bool) -> Seen:
        body = self._body(question)
        if not stream:
            return self._seen(self._client.messages.create(**body), 0)
        with self._client.messages.stream(**body) as events:
            kinds = [event.type for event in events]
            return self._seen(events.get_final_message(), kinds.count("text"))

    def close(self) -> None:
        self._client.close()

    def _body(self, question: Question) -> dict[str, Any]:
        blocks: list[Document] = [{"type": "text", "text": question.text}]
        if question.picture:
            source = {"type": "base64", "media_type": "image/png", "data": question.picture}
            blocks.append({"type": "image", "source": source})
        turns: list[Document] = [{"role": "user", "content": blocks}]
        if question.results:
            uses = [
                {"type": "tool_use", "id": i, "name": "weather", "input": {"city": "Zürich"}} for i in question.results
            ]
            results = [{"type": "tool_result", "tool_use_id": i, "content": o} for i, o in question.results.items()]
            turns += [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]
        body: dict[str, Any] = {"model": question.service, "messages": turns, "max_tokens": question.most_tokens}
        if question.system:
            body["system"] = question.system
        if question.tools:
            body["tools"] = [
                {"name": name, "description": name, "input_schema": question.schema} for name in question.tools
            ]
        if question.choice:
            body["tool_choice"] = (
                {"type": "any"} if question.choice == "any" else {"type": "tool", "name": question.choice}
            )
        if question.one_at_a_time:
            body["tool_choice"] = {**body.get("tool_choice", {"type": "auto"}), "disable_parallel_tool_use": True}
        if question.by_schema:
            body["output_config"] = {"format": {"type": "json_schema", "schema": question.schema}}
        if question.stop:
            body["stop_sequences"] = [question.stop]
        if question.thinks:
            body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
        return body

    def _seen(self, message: Message, pieces: int) -> Seen:
        usage, finish = message.usage, str(message.stop_reason)
        cached = usage.cache_read_input_tokens
        details = usage.output_tokens_details
        return Seen(
            text="".join(block.text for block in message.content if block.type == "text"),
            finish=self._FINISHES.get(finish, finish),
            model=message.model,
            calls=tuple(
                Call(id=block.id, name=block.name, arguments=block.input)
                for block in message.content
                if block.type == "tool_use"
            ),
            thought="".join(block.thinking for block in message.content if block.type == "thinking"),
            input_tokens=usage.input_tokens + (cached or 0) + (usage.cache_creation_input_tokens or 0),
            cached_tokens=cached,
            output_tokens=usage.output_tokens,
            reasoning_tokens=details.thinking_tokens if details else None,
            headers=self.wire.headers,
            pieces=pieces,
        )


class MistralCaller:
    """Mistral's SDK."""

    _FINISHES: Document = MappingProxyType({"tool_calls": "tools"})

    def __init__(self, estate: Estate, key: str = "") -> None:
        self.wire = Wire()
        self._client = Mistral(server_url=estate.base_url, api_key=key or estate.key, client=self.wire.client)

    def ask(self, question: Question, *, stream: bool) -> Seen:
        body = self._body(question)
        if not stream:
            answer = self._client.chat.complete(**body)
            choice = answer.choices[0]
            return self._seen(answer.model, [choice.message], str(choice.finish_reason), answer.usage)
        with self._client.chat.stream(**body) as events:
            chunks = [event.data for event in events]
        choices = [choice for chunk in chunks for choice in chunk.choices]
        (finish,) = [choice.finish_reason for choice in choices if choice.finish_reason]
        (usage,) = [chunk.usage for chunk in chunks if chunk.usage]
        (model,) = {chunk.model for chunk in chunks}
        return self._seen(model, [choice.delta for choice in choices], str(finish), usage)

    def close(self) -> None:
        self.wire.client.close()

    def _body(self, question: Question) -> dict[str, Any]:
        content: Any = question.text
        if question.picture:
            image = {"type": "image_url", "image_url": f"data:image/png;base64,{question.picture}"}
            content = [{"type": "text", "text": question.text}, image]
        turns: list[Document] = [{"role": "system", "content": question.system}] if question.system else []
        turns.append({"role": "user", "content": content})
        if question.results:
            turns.append({"role": "assistant", "content": "", "tool_calls": list(map(_chat_call, question.results))})
            turns += (
                {"role": "tool", "name": "weather", "tool_call_id": i, "content": text}
                for i, text in question.results.items()
            )
        body: dict[str, Any] = {"model": question.service, "messages": turns, "max_tokens": question.most_tokens}
        if question.tools:
            body["tools"] = [
                {"type": "function", "function": {"name": name, "description": name, "parameters": question.schema}}
                for name in question.tools
            ]
        if question.one_at_a_time:
            body["parallel_tool_calls"] = False
        if question.choice:
            named = {"type": "function", "function": {"name": question.choice}}
            body["tool_choice"] = "any" if question.choice == "any" else named
        if question.by_schema:
            schema = {"name": "answer", "strict": True, "schema_definition": question.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if question.stop:
            body["stop"] = question.stop
        if question.thinks:
            body["prompt_mode"] = "reasoning"
        return body

    def _seen(self, model: str, said: list[Any], finish: str, usage: Any) -> Seen:
        calls: dict[int, dict[str, str]] = {}
        for number, part in ((n, p) for delta in said for n, p in enumerate(delta.tool_calls or ())):
            call = calls.setdefault(
                part.index if part.index is not None else number, dict.fromkeys(("name", "arguments"), "")
            )
            call["id"] = call.get("id", "") if part.id == "null" else part.id
            call["name"] += part.function.name
            call["arguments"] += str(part.function.arguments)
        contents = [delta.content for delta in said if delta.content]
        chunks = [chunk for content in contents for chunk in (content if isinstance(content, list) else ())]
        return Seen(
            text="".join(
                content if isinstance(content, str) else "".join(c.text for c in content if c.type == "text")
                for content in contents
            ),
            finish=self._FINISHES.get(finish, finish),
            model=model,
            calls=tuple(_call(call["id"], call["name"], call["arguments"]) for call in calls.values()),
            thought="".join(part.text for c in chunks if c.type == "thinking" for part in c.thinking),
            input_tokens=usage.prompt_tokens,
            cached_tokens=(usage.model_dump().get("prompt_tokens_details") or {}).get("cached_tokens"),
            output_tokens=usage.completion_tokens,
            headers=self.wire.headers,
            pieces=len(contents),
        )


CALLERS: Mapping[str, Callable[[Estate], Caller]] = MappingProxyType(
    {"chat": ChatCaller, "responses": ResponsesCaller, "messages": MessagesCaller, "mistral": MistralCaller}
)


@contextmanager
def calling(estate: Estate) -> Iterator[dict[str, Caller]]:
    """Every vendor's SDK, by its dialect, told where the estate is."""
    callers = {name: caller(estate) for name, caller in CALLERS.items()}
    try:
        yield callers
    finally:
        for caller in callers.values():
            caller.close()


def _chat_call(call_id: str) -> Document:
    function = {"name": "weather", "arguments": '{"city": "Zürich"}'}
    return {"id": call_id, "type": "function", "function": function}


def _call(call_id: str, name: str, arguments: str) -> Call:
    return Call(id=call_id, name=name, arguments=json.loads(arguments))


def _joined(said: Iterable[Document], name: str) -> str:
    return "".join(part.get(name) or "" for part in said)
