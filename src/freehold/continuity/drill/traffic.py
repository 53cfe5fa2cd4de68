# SPDX-License-Identifier: Apache-2.0
"""The calls of a drill: when each is made, and what it asks. Pure; the words are made up, also of a replay.

A replay has the times, dialects, classes and sizes of calls on record, squeezed into the drill. No words are on record.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from freehold.contract.call import DataClass, Dialect

TOOL: Final = "look_up_weather"

_BEGINS_AT: Final = 0.01  # of the drill's time: the first and the last call
_ENDS_AT: Final = 0.95
_TOOL_EVERY: Final = 5  # calls
_WHOLE_EVERY: Final = 4
_MOST_TOKENS: Final = 48  # of an answer
_MOST_REPLAYED_TOKENS: Final = 256
_MOST_WORDS: Final = 1500
_TOPICS: Final = (
    "harvest",
    "harbour",
    "bridge",
    "orchard",
    "railway",
    "library",
    "glacier",
    "market",
    "archive",
    "mill",
)
_WORDS: Final = (
    "stone",
    "river",
    "lamp",
    "winter",
    "field",
    "paper",
    "clock",
    "garden",
    "cloud",
    "island",
    "copper",
    "song",
)
_PATHS: Final = {Dialect.OPENAI: "/v1/chat/completions", Dialect.ANTHROPIC: "/v1/messages"}
_SCHEMA: Final = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One call to be made, ``at_s`` after the drill's begin."""

    number: int
    at_s: float
    dialect: Dialect
    stream: bool
    tool: bool  # whether it asks for one call of a tool
    prompt: str
    max_tokens: int
    data_class: DataClass = DataClass.PUBLIC

    @property
    def path(self) -> str:
        return _PATHS[self.dialect]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One call as the ledger has it."""

    at_unix: float
    dialect: Dialect
    stream: bool
    data_class: DataClass
    input_tokens: int
    output_tokens: int


def synthetic(requests: int, duration_s: float, *, seed: int, tools: bool) -> tuple[Planned, ...]:
    """Calls of both dialects, streamed and whole, with and without tools, spread over the drill."""
    chance = random.Random(seed)  # noqa: S311 - the same drill twice is to make the same calls
    spread = (_ENDS_AT - _BEGINS_AT) * duration_s / max(requests, 1)
    return tuple(
        Planned(
            number=number,
            at_s=_BEGINS_AT * duration_s + spread * (number + chance.random()),
            dialect=(Dialect.OPENAI, Dialect.ANTHROPIC)[number % 2],
            stream=number % _WHOLE_EVERY != _WHOLE_EVERY - 1,
            tool=tools and number % _TOOL_EVERY == _TOOL_EVERY - 1,
            prompt=_question(number, chance),
            max_tokens=_MOST_TOKENS,
        )
        for number in range(requests)
    )


def replayed(recorded: Sequence[Recorded], duration_s: float, *, seed: int) -> tuple[Planned, ...]:
    """The recorded calls again, in their own rhythm. A dialect that drills do not speak is spoken as OpenAI's."""
    chance = random.Random(seed)  # noqa: S311
    first, last = (edge(call.at_unix for call in recorded) for edge in (min, max))
    pace = (_ENDS_AT - _BEGINS_AT) * duration_s / max(last - first, 1e-6)
    in_order = sorted(recorded, key=lambda call: call.at_unix)
    return tuple(
        Planned(
            number=number,
            at_s=_BEGINS_AT * duration_s + pace * (call.at_unix - first),
            dialect=call.dialect if call.dialect in _PATHS else Dialect.OPENAI,
            stream=call.stream,
            tool=False,
            prompt=_filled(_question(number, chance), call.input_tokens, chance),
            max_tokens=min(max(call.output_tokens, 1), _MOST_REPLAYED_TOKENS),
            data_class=call.data_class,
        )
        for number, call in enumerate(in_order)
    )


def body_of(planned: Planned, service: str) -> dict[str, Any]:
    """The request in its dialect."""
    body: dict[str, Any] = {
        "model": service,
        "max_tokens": planned.max_tokens,
        "stream": planned.stream,
        "messages": [{"role": "user", "content": planned.prompt}],
    }
    if not planned.tool:
        return body
    if planned.dialect is Dialect.ANTHROPIC:
        tools: dict[str, Any] = {
            "tools": [{"name": TOOL, "description": "The weather in a city.", "input_schema": _SCHEMA}],
            "tool_choice": {"type": "tool", "name": TOOL},
        }
        return body | tools
    function = {"name": TOOL, "description": "The weather in a city.", "parameters": _SCHEMA}
    return body | {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": {"type": "function", "function": {"name": TOOL}},
    }


def _question(number: int, chance: random.Random) -> str:
    return f"Drill, call {number}: tell me in a few plain sentences about a {chance.choice(_TOPICS)}."


def _filled(question: str, tokens: int, chance: random.Random) -> str:
    """The question behind as many words as the recorded prompt had tokens, or nearly."""
    words = min(max(0, tokens - len(question.split())), _MOST_WORDS)
    return " ".join([*(chance.choice(_WORDS) for _ in range(words)), question])
