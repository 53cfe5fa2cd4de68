# SPDX-License-Identifier: Apache-2.0
"""OpenAI's callers at a provider that speaks their dialect: their own words go there, its own bytes come back."""

from typing import Any

import msgspec
import pytest
from tests.unit.dialect.hosts import delta, drive, host, stream

from freehold.contract.call import Dialect, Operation
from freehold.dialect import codecs
from freehold.dialect.interface import Exchange, Tally, Wire
from freehold.errors import BackendBroke, Unsupported

CODEC = codecs[Dialect.OPENAI]
HELLO: dict[str, Any] = {"model": "support", "messages": [{"role": "user", "content": "Say hi"}]}
PROMPT: dict[str, Any] = {"model": "support", "prompt": "Once upon"}
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
ONLY_USAGE = {**delta(usage=USAGE), "choices": []}
BEYOND = {"metadata": {"a": "b"}, "service_tier": "flex", "web_search_options": {}, "some_hosts_own": [1, {"x": None}]}


def plan(body: dict[str, Any], operation: Operation = Operation.CHAT, **foreign: Any) -> Exchange:
    return CODEC.exchange(CODEC.parse(operation, msgspec.json.encode(body)), host(**foreign))


def sent(exchange: Exchange) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(exchange.upstream.body)
    return document


def text(piece: str, finish: str | None = None) -> dict[str, Any]:
    """A chunk of a text completion."""
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "big-1",
        "choices": [{"index": 0, "text": piece, "finish_reason": finish, "logprobs": None}],
    }


def test_the_callers_own_fields_are_sent_under_the_models_own_name() -> None:
    exchange = plan(HELLO | BEYOND)
    assert sent(exchange) == HELLO | BEYOND | {"model": "big-1"}
    assert (exchange.upstream.wire, exchange.upstream.stream, exchange.dropped) == (Wire.CHAT, False, ())


def test_a_stream_is_sent_with_its_usage_asked_for() -> None:
    asked = {"stream": True, "stream_options": {"include_obfuscation": False}}
    assert sent(plan(HELLO | asked))["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert sent(plan(HELLO | {"stream": True}))["stream_options"] == {"include_usage": True}
    assert sent(plan(HELLO | {"stream": True, "stream_options": None}))["stream_options"] == {"include_usage": True}


def test_openai_itself_is_told_to_keep_nothing() -> None:
    assert sent(plan(HELLO, max_tokens_name="max_completion_tokens"))["store"] is False
    assert "store" not in sent(plan(PROMPT, Operation.COMPLETION, max_tokens_name="max_completion_tokens"))


def test_a_stream_is_handed_on_byte_for_byte_but_for_the_usage_that_was_not_asked_for() -> None:
    odd = b'event: x\r\ndata: {"choices": [ {"delta": {"content": "lo"}} ]}\r\n\r\n'
    chunks = [delta({"role": "assistant", "content": ""}), delta({"content": "Hel"}), odd, delta({}, "stop")]
    exchange = plan(HELLO | {"stream": True})
    assert drive(exchange, stream(*chunks, ONLY_USAGE)) == stream(*chunks)
    assert exchange.tally == Tally(7, 3, "stop", "big-1-2026", finished=True)


def test_a_caller_who_asked_for_the_usage_gets_every_byte() -> None:
    whole = stream(delta({"content": "a"}), delta({}, "stop"), ONLY_USAGE)
    exchange = plan(HELLO | {"stream": True, "stream_options": {"include_usage": True}})
    assert drive(exchange, whole) == whole


def test_usage_beside_the_last_words_is_not_withheld() -> None:
    whole = stream(delta({"content": "a"}, "stop", usage=USAGE))
    assert drive(plan(HELLO | {"stream": True}), whole) == whole


def test_azures_first_chunk_is_handed_on() -> None:
    whole = stream({"choices": [], "id": "", "model": "", "prompt_filter_results": []}, delta({"content": "a"}))
    exchange = plan(HELLO | {"stream": True})
    assert drive(exchange, whole) == whole
    assert exchange.tally.model == "big-1-2026"


def test_without_usage_what_came_is_counted() -> None:
    exchange = plan(HELLO | {"stream": True})
    drive(exchange, stream(delta({"role": "assistant"}), delta({"content": "a"}), delta({"reasoning": "b"}), delta()))
    assert exchange.tally == Tally(0, 2, "", "big-1-2026", finished=True)


def test_usage_in_every_chunk_is_counted_once() -> None:
    exchange = plan(HELLO | {"stream": True})
    growing = [delta({"content": "a"}, usage=USAGE | {"completion_tokens": tokens}) for tokens in (1, 2, 3)]
    drive(exchange, stream(*growing))
    assert (exchange.tally.input_tokens, exchange.tally.output_tokens) == (7, 3)


def test_a_piece_counts_also_where_the_usage_of_the_answer_comes_last() -> None:
    exchange = plan(HELLO | {"stream": True})
    for pieces in (1, 2, 3):
        drive(exchange, stream(delta({"content": "a"}, usage=USAGE | {"completion_tokens": 0}), done=False))
        assert exchange.tally.output_tokens == pieces


def test_a_stream_without_its_end_is_not_finished() -> None:
    exchange = plan(HELLO | {"stream": True})
    drive(exchange, stream(delta({"content": "a"}, "stop"), done=False))
    assert not exchange.tally.finished


def test_what_a_comment_says_is_not_handed_on() -> None:
    assert drive(plan(HELLO | {"stream": True}), b": secret of the host\n\n") == b":\n\n"


@pytest.mark.parametrize(
    "failure",
    [
        b'data: {"error":{"message":"overloaded"}}\n\n',
        b'data: {"choices":[{"delta":{},"finish_reason":"error"}]}\n\n',
        b"data: <html>\n\n",
    ],
)
def test_a_failure_in_the_stream_is_the_backends_fault(failure: bytes) -> None:
    with pytest.raises(BackendBroke):
        drive(plan(HELLO | {"stream": True}), stream(delta({"content": "a"}), failure))


def test_a_whole_answer_is_handed_on_byte_for_byte() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop", "x": 1}
    body = msgspec.json.format(msgspec.json.encode({"model": "big-1-2026", "choices": [choice], "usage": USAGE}))
    exchange = plan(HELLO)
    assert exchange.whole(body) == body
    assert exchange.tally == Tally(7, 3, "stop", "big-1-2026", finished=True)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"choices":[]}', b'{"error":{"message":"no"}}', b"<html>"])
def test_what_is_no_answer_is_the_backends_fault(body: bytes) -> None:
    with pytest.raises(BackendBroke):
        plan(HELLO).whole(body)


def test_text_completions_are_handed_on_too() -> None:
    asked = PROMPT | {"stream": True, "max_tokens": 5, "logprobs": 2, "echo": False}
    exchange = plan(asked, Operation.COMPLETION)
    assert exchange.upstream.wire is Wire.COMPLETIONS
    assert sent(exchange) == asked | {"model": "big-1", "stream_options": {"include_usage": True}}
    chunks = [text("a"), text("b", "length")]
    assert drive(exchange, stream(*chunks, {**text(""), "choices": [], "usage": USAGE})) == stream(*chunks)
    assert exchange.tally == Tally(7, 3, "length", "big-1", finished=True)


def test_a_whole_text_completion_is_counted() -> None:
    exchange = plan(PROMPT, Operation.COMPLETION)
    body = msgspec.json.encode(text("there was", "stop") | {"usage": USAGE})
    assert exchange.whole(body) == body
    assert exchange.tally == Tally(7, 3, "stop", "big-1", finished=True)


def test_text_completions_are_refused_where_there_are_none() -> None:
    request = CODEC.parse(Operation.COMPLETION, msgspec.json.encode(PROMPT))
    with pytest.raises(Unsupported):
        CODEC.exchange(request, host(Wire.MISTRAL_CHAT))


@pytest.mark.parametrize("said", [(), (ONLY_USAGE,), ({"detail": "no such model"},)])
def test_a_stream_that_ends_without_a_choice_is_no_answer(said: tuple[dict[str, Any], ...]) -> None:
    exchange = plan(HELLO | {"stream": True})
    with pytest.raises(BackendBroke, match="without choices"):
        drive(exchange, stream(*said))
    assert not exchange.tally.finished
