# SPDX-License-Identifier: Apache-2.0
"""Chat completions as OpenAI answers them. Whole answers are indented, chunks are not."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.simulator.asked import Asked
from tests.simulator.openai import errors
from tests.simulator.reply import Reply, Visit, data_events, indented
from tests.simulator.said import Call, Finish, Refusal, Said, Text, Thought, Usage

DONE = b"data: [DONE]\n\n"
_FINISHES = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOLS: "tool_calls",
    Finish.SEQUENCE: "stop",
    Finish.REFUSAL: "stop",
}


def write(visit: Visit, asked: Asked, said: Said, *, open_thoughts: bool = False) -> Reply:
    """``open_thoughts``: reasoning is shown, as hosts do whose models reason in the open."""
    if asked.stream:
        events = data_events(_chunks(visit, asked, said, open_thoughts=open_thoughts))
        return Reply(pieces=[*events, DONE], stream=True, headers=errors.headers(visit), terminators=1)
    body = indented(_completion(visit, asked, said, open_thoughts=open_thoughts))
    return Reply(pieces=[body], headers=errors.headers(visit))


def usage(numbers: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": numbers.input,
        "completion_tokens": numbers.output,
        "total_tokens": numbers.input + numbers.output,
        "prompt_tokens_details": {"cached_tokens": numbers.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": numbers.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _completion(visit: Visit, asked: Asked, said: Said, *, open_thoughts: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if said.calls:
        message["tool_calls"] = [_call(visit, number, call) for number, call in enumerate(said.calls)]
    if open_thoughts:
        message["reasoning_content"] = "".join(p.text for p in said.parts if isinstance(p, Thought)) or None
    message["refusal"] = "".join(part.text for part in said.parts if isinstance(part, Refusal)) or None
    message["annotations"] = []
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": _FINISHES[said.finish]}
        for index in range(asked.choices)
    ]
    return {**_head(visit, asked, "chat.completion"), "choices": choices, "usage": usage(said.usage), **_foot()}


def _chunks(visit: Visit, asked: Asked, said: Said, *, open_thoughts: bool) -> Iterator[Mapping[str, Any]]:
    head = {**_head(visit, asked, "chat.completion.chunk"), **_foot()}
    no_usage: dict[str, Any] = {"usage": None} if asked.with_usage else {}

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> list[dict[str, Any]]:
        return [
            {
                **head,
                "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}],
                **no_usage,
                "obfuscation": visit.name(9, str(delta)),
            }
            for index in range(asked.choices)
        ]

    content = None if said.calls and not said.text else ""
    yield from chunk({"role": "assistant", "content": content, "refusal": None})
    for delta in _deltas(visit, said, open_thoughts=open_thoughts):
        yield from chunk(delta)
    yield from chunk({}, _FINISHES[said.finish])
    if asked.with_usage:
        yield {**head, "choices": [], "usage": usage(said.usage), "obfuscation": visit.name(4, "usage")}


def _deltas(visit: Visit, said: Said, *, open_thoughts: bool) -> Iterator[dict[str, Any]]:
    number = -1
    for part in said.parts:
        if isinstance(part, Text):
            yield from ({"content": piece} for piece in part.pieces)
        elif isinstance(part, Refusal):
            yield from ({"refusal": piece} for piece in part.pieces)
        elif isinstance(part, Thought):
            yield from ({"reasoning_content": piece} for piece in part.pieces if open_thoughts)
        elif isinstance(part, Call):
            number += 1
            call = _call(visit, number, part)
            call["function"] = {"name": part.name, "arguments": ""}
            yield {"tool_calls": [{"index": number, **call}]}
            for piece in part.pieces:
                yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}


def _call(visit: Visit, number: int, call: Call) -> dict[str, Any]:
    called: dict[str, Any] = {"name": call.name, "arguments": call.arguments}
    return {"id": f"call_{visit.name(24, number)}", "type": "function", "function": called}


def _head(visit: Visit, asked: Asked, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{visit.name(29)}", "object": kind, "created": visit.at_unix, "model": asked.model}


def _foot() -> dict[str, Any]:
    return {"service_tier": "default", "system_fingerprint": "fp_5f20662549"}
