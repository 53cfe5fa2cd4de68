# SPDX-License-Identifier: Apache-2.0
"""Whether a stream is one well-formed answer to its end, read byte by byte: SDKs forgive what callers should not."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Events = list[tuple[str, dict[str, Any]]]
DONE = b"data: [DONE]\n\n"
_NO_USAGE = "the usage is not told once"


def faults_of(caller: str, body: bytes, *, usage: bool) -> list[str]:
    """What is wrong with it as a whole answer; nothing for one that is. ``usage``: whether it must be told."""
    if not body.endswith(b"\n\n"):
        return ["the last event does not end"]
    try:
        wrong = _CHECKS[caller](body)
    except (KeyError, IndexError, ValueError) as exc:
        return [f"it cannot be read: {exc!r}"]
    return [what for what in wrong if usage or what != _NO_USAGE]


def ends_properly(caller: str, body: bytes) -> bool:
    """Whether it has what tells callers of this API that the answer is whole."""
    marks = {"messages": b"event: message_stop", "responses": b'"type":"response.completed"'}
    return marks.get(caller, b"data: [DONE]") in body


def tells_an_error(caller: str, body: bytes) -> bool:
    marks = {"messages": (b"event: error\n",), "responses": (b'"type":"error"', b'"type":"response.failed"')}
    return any(mark in body for mark in marks.get(caller, (b'"error"', b'"object":"error"')))


def _chat(body: bytes) -> list[str]:
    chunks = [event for _, event in _events(body.removesuffix(DONE))]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    wrong = _once({"id": [chunk["id"] for chunk in chunks], "model": [chunk["model"] for chunk in chunks]})
    if (dates := [chunk["created"] for chunk in chunks]) != sorted(dates):  # engines date each chunk by itself
        wrong.append(f"the dates are {dates}")
    finishes = [number for number, choice in enumerate(choices) if choice["finish_reason"]]
    if finishes != [len(choices) - 1]:
        wrong.append(f"finish reasons at {finishes} of {len(choices)}")
    roles = [number for number, choice in enumerate(choices) if choice["delta"].get("role")]
    if roles and roles != [0]:
        wrong.append(f"roles at {roles}")
    if sum(1 for chunk in chunks if chunk.get("usage")) != 1:
        wrong.append(_NO_USAGE)
    if not body.endswith(DONE) or body.count(DONE) != 1:
        wrong.append("[DONE] is not its end")
    return wrong


def _responses(body: bytes) -> list[str]:
    events = [event for _, event in _events(body)]
    kinds = [event["type"].removeprefix("response.") for event in events]
    wrong = _once({"id": [event["response"]["id"] for event in events if "response" in event]})
    if [event["sequence_number"] for event in events] != list(range(len(events))):
        wrong.append("the events are not numbered one by one")
    if kinds[:2] != ["created", "in_progress"] or kinds[-1] not in {"completed", "incomplete"}:
        wrong.append(f"from {kinds[:2]} to {kinds[-1]}")
    ends = Counter(kinds)
    if ends["created"] != 1 or ends[kinds[-1]] != 1 or ends["output_item.added"] != ends["output_item.done"]:
        wrong.append(f"{ends}")
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    output = events[-1]["response"]["output"]
    if [item["id"] for item in done] != [item["id"] for item in output] or done != output:
        wrong.append("the items that ended are not those of the response")
    return wrong


def _messages(body: bytes) -> list[str]:
    events = [(name, event) for name, event in _events(body) if name != "ping"]
    wrong = ["a name is not its event's type"] if any(name != event["type"] for name, event in events) else []
    names = [name for name, _ in events]
    if (names[0], names[-2:]) != ("message_start", ["message_delta", "message_stop"]):
        wrong.append(f"from {names[0]} to {names[-2:]}")
    counts = Counter(names)
    if any(counts[name] != 1 for name in ("message_start", "message_delta", "message_stop")):
        wrong.append(f"{counts}")
    is_open, blocks = False, 0
    for name, event in events[1:-2]:
        if (name == "content_block_start") is is_open or event["index"] != blocks:
            wrong.append(f"{name} of block {event['index']}, where block {blocks} is {'open' if is_open else 'due'}")
        is_open = name != "content_block_stop"
        blocks += not is_open
    return [*wrong, *(["a block does not end"] if is_open else [])]


def _once(named: Mapping[str, list[Any]]) -> list[str]:
    return [f"{name}: {set(values)}" for name, values in named.items() if len(set(values)) != 1]


def _events(body: bytes) -> Events:
    found: Events = []
    for block in filter(None, body.split(b"\n\n")):
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if not line.startswith(b":"))
        if fields:
            found.append((fields.get(b"event", b"").decode(), json.loads(fields[b"data"])))
    return found


_CHECKS: Mapping[str, Callable[[bytes], list[str]]] = MappingProxyType(
    {"chat": _chat, "mistral": _chat, "responses": _responses, "messages": _messages}
)
