# SPDX-License-Identifier: Apache-2.0
"""Responses to a provider that speaks them: what is sent, and what of the answer reaches the caller."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect import codecs
from freehold.dialect.interface import Backend, Exchange, Foreign, Tally, Wire
from freehold.dialect.sse import Splitter, named_event
from freehold.errors import BackendBroke, Unsupported

CODEC = codecs[Dialect.RESPONSES]
RECORDED = Path(__file__).parents[2] / "golden" / "v0.1" / "dialect" / "responses" / "read"
PROVIDER = Backend(
    model="gpt-5.4-mini",
    wires=frozenset({Wire.RESPONSES, Wire.CHAT}),
    context_tokens=0,
    tools=True,
    foreign=Foreign(preferred=Wire.CHAT, prefill=Prefill.NONE, answer_tokens=4096),
)
HELLO: dict[str, Any] = {"model": "support", "input": "Say hi"}
ANSWERS = sorted(path.name.removesuffix(".responses.json") for path in RECORDED.glob("*.responses.json"))
MODEL = "gpt-5.4-mini-2026-03-17"


def plan(body: dict[str, Any]) -> Exchange:
    return CODEC.exchange(CODEC.parse(Operation.CHAT, msgspec.json.encode(body)), PROVIDER)


def pieces(exchange: Exchange, stream: bytes) -> Iterator[bytes]:
    splitter = Splitter()
    for event in [*splitter.feed(stream), *splitter.close()]:
        yield exchange.event(event)


def recorded(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


def failure(kind: str) -> bytes:
    """The event by which an answer fails."""
    if kind == "error":
        fields: dict[str, Any] = {"code": "server_error", "message": "overloaded", "param": None}
    else:
        fields = {"response": {"model": MODEL, "status": kind.removeprefix("response."), "output": []}}
    return named_event(kind, msgspec.json.encode({"type": kind, "sequence_number": 9, **fields}))


def test_the_callers_own_fields_are_sent_but_nothing_is_kept() -> None:
    beyond = {"tools": [{"type": "web_search"}], "include": ["reasoning.encrypted_content"], "metadata": {"a": "b"}}
    exchange = plan(HELLO | beyond | {"stream": True})
    assert exchange.upstream.wire is Wire.RESPONSES
    sent = msgspec.json.decode(exchange.upstream.body)
    assert sent == HELLO | beyond | {"model": "gpt-5.4-mini", "store": False, "stream": True}
    assert exchange.dropped == ()


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "store", "background"])
def test_what_would_be_kept_at_the_provider_is_refused(field: str) -> None:
    with pytest.raises(Unsupported, match="nothing is kept"):
        plan(HELLO | {field: "x"})


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_is_forwarded_byte_for_byte_and_counted(name: str) -> None:
    exchange = plan(HELLO | {"stream": True})
    assert b"".join(pieces(exchange, recorded(f"{name}.responses.sse"))) == recorded(f"{name}.responses.sse")
    usage = msgspec.json.decode(recorded(f"{name}.responses.json"))["usage"]
    assert (exchange.tally.input_tokens, exchange.tally.output_tokens) == (
        usage["input_tokens"],
        usage["output_tokens"],
    )
    assert (exchange.tally.model, exchange.tally.finished) == (MODEL, True)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_is_forwarded_byte_for_byte_and_counted(name: str) -> None:
    streamed, whole = plan(HELLO | {"stream": True}), plan(HELLO)
    list(pieces(streamed, recorded(f"{name}.responses.sse")))
    assert whole.whole(recorded(f"{name}.responses.json")) == recorded(f"{name}.responses.json")
    assert whole.tally == streamed.tally


@pytest.mark.parametrize(
    ("name", "finish"),
    [("text", "stop"), ("parallel-calls", "tool_calls"), ("length", "length"), ("filtered", "content_filter")],
)
def test_how_an_answer_ended_is_on_record(name: str, finish: str) -> None:
    exchange = plan(HELLO)
    exchange.whole(recorded(f"{name}.responses.json"))
    assert exchange.tally.finish == finish


def test_events_are_known_by_their_data_where_they_have_no_name() -> None:
    unnamed = b"".join(b"data: " + event.data + b"\n\n" for event in Splitter().feed(recorded("text.responses.sse")))
    exchange = plan(HELLO | {"stream": True})
    assert b"".join(pieces(exchange, unnamed + b"data: [DONE]\n\n")) == unnamed + b"data: [DONE]\n\n"
    assert exchange.tally == Tally(18, 9, "stop", model=MODEL, finished=True)


def test_the_opening_waits_for_what_comes_after_it() -> None:
    written = list(pieces(plan(HELLO | {"stream": True}), recorded("text.responses.sse")))
    assert written[:2] == [b"", b""]
    assert written[2].startswith(b"event: response.created")


@pytest.mark.parametrize("kind", ["response.failed", "response.cancelled", "error"])
@pytest.mark.parametrize("events", [0, 2, 5])
def test_a_failure_is_not_forwarded(kind: str, events: int) -> None:
    begun = [event.raw for event in Splitter().feed(recorded("text.responses.sse"))][:events]
    with pytest.raises(BackendBroke, match="failed"):
        list(pieces(plan(HELLO | {"stream": True}), b"".join(begun) + failure(kind)))


def test_reasoning_that_stands_nowhere_is_left_out_and_named() -> None:
    bare = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]}
    kept = [bare | {"encrypted_content": "x"}, bare | {"content": [{"type": "reasoning_text", "text": "Hm."}]}]
    hello = {"role": "user", "content": "Say hi"}
    exchange = plan(HELLO | {"input": [bare, *kept, hello]})
    assert msgspec.json.decode(exchange.upstream.body)["input"] == [*kept, hello]
    assert exchange.dropped == ("reasoning",)


@pytest.mark.parametrize("data", [b'{"type":"response.output_text.delta","delta":"Hel', b'{"delta":"\x00"}', b"nul"])
def test_an_event_that_is_no_json_is_not_forwarded_whatever_its_name(data: bytes) -> None:
    with pytest.raises(BackendBroke, match="not its protocol"):
        list(pieces(plan(HELLO | {"stream": True}), named_event("response.output_text.delta", data)))


def test_a_stream_that_breaks_off_is_not_finished() -> None:
    exchange = plan(HELLO | {"stream": True})
    list(pieces(exchange, recorded("text.responses.sse")[:-10]))
    assert not exchange.tally.finished


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"output":null}',
        b'{"output":[1]}',
        b'{"status":"failed","output":[]}',
        b'{"status":"cancelled","output":[]}',
        b'{"status":"queued","output":[]}',
        b'{"error":{"message":"no"}}',
        b'{"output":' + b"[" * 100_000,
    ],
)
def test_what_is_no_whole_answer_is_not_forwarded(body: bytes) -> None:
    with pytest.raises(BackendBroke):
        plan(HELLO).whole(body)


@pytest.mark.parametrize("data", [b"{", b"null", b'{"a":1}', b'{"type":"response.completed"}'])
def test_what_is_no_event_ends_the_stream(data: bytes) -> None:
    with pytest.raises(BackendBroke):
        list(pieces(plan(HELLO | {"stream": True}), b"data: " + data + b"\n\n"))


def test_comments_wait_for_the_first_word_and_keep_the_connection_alive_after_it() -> None:
    first, second, third, *_ = (event.raw for event in Splitter().feed(recorded("text.responses.sse")))
    exchange = plan(HELLO | {"stream": True})
    written = list(pieces(exchange, b": a\n\n" + first + second + b": b\n\n" + third + b": c\n\n"))
    assert written == [b"", b"", b"", b"", b": a\n\n" + first + second + b": b\n\n" + third, b": c\n\n"]
