# SPDX-License-Identifier: Apache-2.0
"""Responses as OpenAI answers them: items, and for each a run of numbered events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.simulator.asked import Asked
from tests.simulator.openai import errors
from tests.simulator.reply import Reply, Visit, compact, indented
from tests.simulator.responses.requests import ResponseRequest
from tests.simulator.said import Call, Finish, Refusal, Said, Text, Thought

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One item of the output, with the events by which it comes."""

    begun: Document
    whole: Document
    events: list[Document]  # without their numbers


def write(visit: Visit, request: ResponseRequest, asked: Asked, said: Said) -> Reply:
    shown = list(_items(visit, request, said))
    whole = _response(visit, request, said, [item.whole for item in shown])
    if not asked.stream:
        return Reply(pieces=[indented(whole)], headers=errors.headers(visit))
    begun = _response(visit, request, said, []) | {"status": "in_progress", "usage": None, "incomplete_details": None}
    begun["completed_at"] = None
    events: list[Document] = [{"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")]
    for index, item in enumerate(shown):
        events.append({"type": "response.output_item.added", "output_index": index, "item": item.begun})
        events += ({**event, "output_index": index, "item_id": item.whole["id"]} for event in item.events)
        events.append({"type": "response.output_item.done", "output_index": index, "item": item.whole})
    events.append({"type": f"response.{whole['status']}", "response": whole})
    pieces = [_event(number, event) for number, event in enumerate(events)]
    return Reply(pieces=pieces, stream=True, headers=errors.headers(visit), terminators=1)


def failure(number: int) -> bytes:
    """How a stream breaks off."""
    said = "The server had an error while processing your request. Sorry about that!"
    return _event(number, {"type": "error", "code": "server_error", "message": said, "param": None})


def _event(number: int, event: Document) -> bytes:
    data = compact({"type": event["type"], "sequence_number": number, **event})
    return b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), data)


def _items(visit: Visit, request: ResponseRequest, said: Said) -> Iterator[Shown]:
    if said.usage.reasoning:
        thought = "".join(part.text for part in said.parts if isinstance(part, Thought))
        yield _reasoning(visit, request, thought)
    for number, part in enumerate(said.parts):
        if isinstance(part, Call):
            yield _call(visit, number, part)
        elif not isinstance(part, Thought):
            yield _message(visit, number, part, "incomplete" if said.finish is Finish.LENGTH else "completed")


def _reasoning(visit: Visit, request: ResponseRequest, thought: str) -> Shown:
    """The summary, where it was asked for; the whole, encrypted, for those who keep it."""
    item: Document = {"id": f"rs_{visit.hex(50, 'rs')}", "type": "reasoning", "summary": []}
    if "reasoning.encrypted_content" in (request.include or ()):
        item["encrypted_content"] = f"gAAAAAB{visit.name(60, 'encrypted')}=="
    if not thought:
        return Shown(begun=item, whole=item, events=[])
    part = {"type": "summary_text", "text": thought}
    kind = "response.reasoning_summary"
    events: list[Document] = [{"type": f"{kind}_part.added", "summary_index": 0, "part": {**part, "text": ""}}]
    events += (
        {"type": f"{kind}_text.delta", "summary_index": 0, "delta": piece, "obfuscation": visit.name(8, piece)}
        for piece in Thought(thought).pieces
    )
    events.append({"type": f"{kind}_text.done", "summary_index": 0, "text": thought})
    events.append({"type": f"{kind}_part.done", "summary_index": 0, "part": part})
    return Shown(begun=item, whole={**item, "summary": [part]}, events=events)


def _message(visit: Visit, number: int, part: Text | Refusal, status: str) -> Shown:
    name, kind = ("output_text", "output_text") if isinstance(part, Text) else ("refusal", "refusal")
    field = "text" if isinstance(part, Text) else "refusal"
    rest: Document = {"annotations": [], "logprobs": []} if isinstance(part, Text) else {}
    marks: Document = {"logprobs": []} if isinstance(part, Text) else {}
    content = {"type": name, **rest, field: part.text}
    item: Document = {"id": f"msg_{visit.hex(50, number)}", "type": "message", "status": "in_progress", "content": []}
    item["role"] = "assistant"
    events: list[Document] = [
        {"type": "response.content_part.added", "content_index": 0, "part": {**content, field: ""}}
    ]
    for piece in part.pieces:
        event = {"type": f"response.{kind}.delta", "content_index": 0, "delta": piece, **marks}
        events.append({**event, "obfuscation": visit.name(7, piece)})
    events.append({"type": f"response.{kind}.done", "content_index": 0, field: part.text, **marks})
    events.append({"type": "response.content_part.done", "content_index": 0, "part": content})
    return Shown(begun=item, whole={**item, "status": status, "content": [content]}, events=events)


def _call(visit: Visit, number: int, call: Call) -> Shown:
    item: Document = {
        "id": f"fc_{visit.hex(50, number)}",
        "type": "function_call",
        "status": "in_progress",
        "arguments": "",
        "call_id": f"call_{visit.name(24, number)}",
        "name": call.name,
    }
    kind = "response.function_call_arguments"
    events: list[Document] = [
        {"type": f"{kind}.delta", "delta": piece, "obfuscation": visit.name(9, f"{number}{piece}")}
        for piece in call.pieces
    ]
    events.append({"type": f"{kind}.done", "arguments": call.arguments})
    return Shown(begun=item, whole={**item, "status": "completed", "arguments": call.arguments}, events=events)


def _response(visit: Visit, request: ResponseRequest, said: Said, output: list[Document]) -> Document:
    cut_off = said.finish is Finish.LENGTH
    return {
        "id": f"resp_{visit.hex(50)}",
        "object": "response",
        "created_at": visit.at_unix,
        "status": "incomplete" if cut_off else "completed",
        "background": False,
        "completed_at": None if cut_off else visit.at_unix + 1,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut_off else None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": None,
        "model": request.model,
        "output": output,
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": None,
        "prompt_cache_key": request.prompt_cache_key,
        "prompt_cache_retention": None,
        "reasoning": {"effort": request.reasoning.effort if request.reasoning else None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": request.store is not False,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": "disabled",
        "usage": {
            "input_tokens": said.usage.input,
            "input_tokens_details": {"cached_tokens": said.usage.cached, "cache_write_tokens": 0},
            "output_tokens": said.usage.output,
            "output_tokens_details": {"reasoning_tokens": said.usage.reasoning},
            "total_tokens": said.usage.input + said.usage.output,
        },
        "user": None,
        "metadata": request.metadata or {},
    }
