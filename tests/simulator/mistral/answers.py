# SPDX-License-Identifier: Apache-2.0
"""Chat and fill-in-the-middle as Mistral answers them. Calls come whole, but from some models in pieces."""

from collections.abc import Iterator
from typing import Any

from tests.simulator.asked import Asked
from tests.simulator.mistral.errors import headers
from tests.simulator.reply import Reply, Visit, compact, data_events
from tests.simulator.said import Call, Finish, Refusal, Said, Text, Thought, Usage

Document = dict[str, Any]

_FINISHES = {Finish.LENGTH: "length", Finish.TOOLS: "tool_calls"}
_PADDING = "abcdefghijklmnopqrstuvwxyz0123456789"


def write(visit: Visit, asked: Asked, said: Said) -> Reply:
    head: Document = {"id": visit.hex(32), "created": visit.at_unix, "model": asked.model}
    if asked.stream:
        events = data_events(_chunks(visit, head, said))
        return Reply(pieces=[*events, b"data: [DONE]\n\n"], stream=True, headers=headers(visit), terminators=1)
    content: object = said.text + "".join(part.text for part in said.parts if isinstance(part, Refusal))
    if thoughts := [part for part in said.parts if isinstance(part, Thought)]:
        content = [*map(_thought, thoughts), {"type": "text", "text": said.text}]
    calls = [_call(visit, number, call) for number, call in enumerate(said.calls)]
    message = {"role": "assistant", "tool_calls": calls or None, "content": content}
    choices = [{"index": i, "finish_reason": _finish(said), "message": message} for i in range(asked.choices)]
    whole = {**head, "usage": usage(said.usage), "object": "chat.completion", "choices": choices}
    return Reply(pieces=[compact(whole)], headers=headers(visit))


def usage(numbers: Usage) -> Document:
    return {
        "prompt_tokens": numbers.input,
        "total_tokens": numbers.input + numbers.output,
        "completion_tokens": numbers.output,
        "prompt_tokens_details": {"cached_tokens": numbers.cached},
    }


def _chunks(visit: Visit, head: Document, said: Said) -> Iterator[Document]:
    def chunk(delta: Document, finish: str | None = None) -> Document:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": head["id"], "object": "chat.completion.chunk", **head, "choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    for number, delta in enumerate(_deltas(visit, said)):
        yield chunk(delta) | {"p": _PADDING[: 1 + number * 7 % 36]}
    if said.in_pieces:  # the same models send the usage apart
        yield chunk({"content": ""}, _finish(said))
        yield chunk({}) | {"choices": [], "usage": usage(said.usage)}
        return
    calls = [_call(visit, number, call) for number, call in enumerate(said.calls)]
    last: Document = {"content": "", "tool_calls": calls} if calls else {"content": ""}
    yield chunk(last, _finish(said)) | {"usage": usage(said.usage), "p": _PADDING[:5]}


def _deltas(visit: Visit, said: Said) -> Iterator[Document]:
    number = -1
    for part in said.parts:
        if isinstance(part, Text | Refusal):
            yield from ({"content": piece} for piece in part.pieces)
        elif isinstance(part, Thought):
            yield from ({"content": [_thought(Thought(piece))]} for piece in part.pieces)
        elif said.in_pieces:
            number += 1
            yield from ({"tool_calls": [call]} for call in _call_in_pieces(visit, number, part))


def _call_in_pieces(visit: Visit, number: int, call: Call) -> Iterator[Document]:
    """Only the first piece has the id and the name; later ones say ``null`` and nothing."""
    yield {"id": visit.name(9, number), "function": {"name": call.name, "arguments": ""}, "index": number}
    for piece in call.pieces:
        yield {"id": "null", "function": {"name": "", "arguments": piece}, "index": number}


def _call(visit: Visit, number: int, call: Call) -> Document:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": visit.name(9, number), "function": function, "index": number}


def _thought(thought: Thought) -> Document:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought.text}]}


def _finish(said: Said) -> str:
    return _FINISHES.get(said.finish, "stop")
