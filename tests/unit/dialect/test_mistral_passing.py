# SPDX-License-Identifier: Apache-2.0
"""Mistral's callers at a provider that speaks their dialect: their own words go there, its own bytes come back."""

from typing import Any

import msgspec
import pytest
from tests.unit.dialect.hosts import drive, host, stream

from freehold.contract.call import Dialect, Operation
from freehold.dialect import codecs
from freehold.dialect.interface import Exchange, Tally, Wire
from freehold.errors import BackendBroke, Unsupported

CODEC = codecs[Dialect.MISTRAL]
HELLO: dict[str, Any] = {"model": "support", "messages": [{"role": "user", "content": "Say hi"}]}
MIDDLE: dict[str, Any] = {"model": "support", "prompt": "def f(", "suffix": "return x"}
USAGE = {"prompt_tokens": 7, "total_tokens": 10, "completion_tokens": 3}


def plan(body: dict[str, Any], operation: Operation = Operation.CHAT, wire: Wire = Wire.MISTRAL_CHAT) -> Exchange:
    return CODEC.exchange(CODEC.parse(operation, msgspec.json.encode(body)), host(wire))


def chunk(content: object, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return {"id": "1f", "object": "chat.completion.chunk", "created": 1, "model": "m-2603", "choices": [choice], **more}


def test_the_callers_own_fields_are_sent_under_the_models_own_name() -> None:
    own = {"safe_prompt": True, "random_seed": 3, "prompt_mode": "reasoning", "guardrails": [{"block_on_error": True}]}
    asked = HELLO | own | {"stream": True, "temperature": 0.3}
    exchange = plan(asked)
    assert msgspec.json.decode(exchange.upstream.body) == asked | {"model": "big-1"}
    assert (exchange.upstream.wire, exchange.upstream.stream, exchange.dropped) == (Wire.MISTRAL_CHAT, True, ())


def test_a_stream_is_handed_on_byte_for_byte() -> None:
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    whole = stream(chunk(""), chunk(thinking), chunk("Hi"), chunk("", "stop", usage=USAGE))
    exchange = plan(HELLO | {"stream": True})
    assert drive(exchange, whole) == whole
    assert exchange.tally == Tally(7, 3, "stop", "m-2603", finished=True)


def test_a_whole_answer_is_handed_on_byte_for_byte() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "model_length"}
    body = msgspec.json.encode({"model": "m-2603", "choices": [choice], "usage": USAGE})
    exchange = plan(HELLO)
    assert exchange.whole(body) == body
    assert exchange.tally == Tally(7, 3, "model_length", "m-2603", finished=True)


def test_an_answer_that_ends_in_error_is_the_backends_fault() -> None:
    with pytest.raises(BackendBroke):
        drive(plan(HELLO | {"stream": True}), stream(chunk("a"), chunk("", "error")))


def test_the_middle_is_filled_in_by_the_provider_itself() -> None:
    asked = MIDDLE | {"stream": True, "min_tokens": 2}
    exchange = plan(asked, Operation.FIM)
    assert exchange.upstream.wire is Wire.FIM
    assert msgspec.json.decode(exchange.upstream.body) == asked | {"model": "big-1"}
    whole = stream(chunk("x):"), chunk("", "stop", usage=USAGE))
    assert drive(exchange, whole) == whole
    assert exchange.tally == Tally(7, 3, "stop", "m-2603", finished=True)


def test_the_middle_is_refused_where_nobody_can_fill_it_in() -> None:
    with pytest.raises(Unsupported):
        plan(MIDDLE, Operation.FIM, Wire.CHAT)
