# SPDX-License-Identifier: Apache-2.0
"""Messages as Anthropic answers them: blocks, a ping after the first is begun, blanks before an event's last brace."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulator.anthropic.requests import SIGNATURE
from tests.simulator.asked import Asked
from tests.simulator.reply import Reply, Visit, compact
from tests.simulator.said import Call, Finish, Part, Refusal, Said, Text, Thought

Document = dict[str, Any]

_FINISHES = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOLS: "tool_use",
    Finish.SEQUENCE: "stop_sequence",
    Finish.REFUSAL: "refusal",
}
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def write(visit: Visit, asked: Asked, said: Said) -> Reply:
    if asked.stream:
        pieces = list(_events(visit, asked, said))
        return Reply(pieces=pieces, stream=True, headers=headers(visit), terminators=1)
    message = _message(visit, asked, said) | {"content": [_whole(visit, n, p) for n, p in _blocks(visit, said)]}
    message |= _ending(said) | {"usage": _usage(said) | {"output_tokens": said.usage.output}}
    return Reply(pieces=[compact(message)], headers=headers(visit))


def count(visit: Visit, tokens: int) -> Reply:
    return Reply(pieces=[compact({"input_tokens": tokens})], headers=headers(visit))


def headers(visit: Visit) -> dict[str, str]:
    reset = (datetime.fromtimestamp(visit.at_unix, UTC) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    limits = {
        "requests": (500, 499),
        "input-tokens": (30000, 29959),
        "output-tokens": (8000, 7977),
        "tokens": (38000, 37936),
    }
    named = {
        f"anthropic-ratelimit-{kind}-{name}": str(value)
        for kind, (limit, remaining) in limits.items()
        for name, value in (("limit", limit), ("remaining", remaining), ("reset", reset))
    }
    return {
        **named,
        "request-id": f"req_011C{visit.name(20, 'request')}",
        "anthropic-organization-id": visit.hex(32, "org"),
    }


def _events(visit: Visit, asked: Asked, said: Said) -> Iterator[bytes]:
    begun = _message(visit, asked, said) | {"usage": _usage(said) | {"output_tokens": 1}}
    yield _event("message_start", {"message": begun})
    for index, (number, part) in enumerate(_blocks(visit, said)):
        block = _whole(visit, number, part)
        empty = {"text": "", "thinking": "", "signature": "", "input": {}}
        start = {field: empty.get(field, value) if field != "type" else value for field, value in block.items()}
        yield _event("content_block_start", {"index": index, "content_block": start})
        if index == 0:
            yield _PING
        for delta in _deltas(part, block):
            yield _event("content_block_delta", {"index": index, "delta": delta})
        yield _event("content_block_stop", {"index": index})
    usage = {field: number for field, number in _usage(said).items() if "tokens" in field}
    delta = {"delta": _ending(said), "usage": usage | {"output_tokens": said.usage.output}}
    yield _event("message_delta", delta)
    yield _event("message_stop", {})


def _event(name: str, fields: Document) -> bytes:
    data = compact({"type": name, **fields})
    blanks = b" " * (len(data) % 16)
    return b"event: " + name.encode() + b"\ndata: " + data[:-1] + blanks + b"}\n\n"


def _message(visit: Visit, asked: Asked, said: Said) -> Document:
    return {
        "model": asked.model,
        "id": f"msg_01{visit.name(22)}",
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }


def _ending(said: Said) -> Document:
    ending: Document = {"stop_reason": _FINISHES[said.finish], "stop_sequence": said.sequence or None}
    if said.finish is Finish.REFUSAL:
        ending["stop_details"] = {"type": "refusal", "category": None, "explanation": None}
    return ending


def _usage(said: Said) -> Document:
    """What is read from the cache is counted apart."""
    details = {"output_tokens_details": {"thinking_tokens": said.usage.reasoning}} if said.usage.reasoning else {}
    return {
        "input_tokens": said.usage.input - said.usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": said.usage.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 0,
        **details,
        "service_tier": "standard",
    }


def _blocks(visit: Visit, said: Said) -> list[tuple[int, Part]]:
    return list(enumerate(said.parts))


def _whole(visit: Visit, number: int, part: Part) -> Document:
    match part:
        case Thought():
            return {"type": "thinking", "thinking": part.text, "signature": SIGNATURE + visit.name(40, number)}
        case Call():
            used = {"id": f"toolu_01{visit.name(22, number)}", "name": part.name, "input": json.loads(part.arguments)}
            return {"type": "tool_use", **used}
        case Text() | Refusal():
            return {"type": "text", "text": part.text}


def _deltas(part: Part, block: Document) -> Iterator[Document]:
    match part:
        case Thought():
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in part.pieces)
            yield {"type": "signature_delta", "signature": block["signature"]}
        case Call():
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in ("", *part.pieces))
        case Text() | Refusal():
            yield from ({"type": "text_delta", "text": piece} for piece in part.pieces)
