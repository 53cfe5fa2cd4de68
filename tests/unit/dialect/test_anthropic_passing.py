# SPDX-License-Identifier: Apache-2.0
"""Messages handed on between a caller and a provider that both speak them: nothing is changed but the model's name."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dialect.test_anthropic_ask import HI, provider
from tests.unit.dialect.test_anthropic_reader import CALLS, START, STOP, ended, stream, text, whole_of

from freehold.contract.call import Operation
from freehold.dialect.anthropic.passing import pass_count, pass_messages
from freehold.dialect.anthropic.request import read_request
from freehold.dialect.anthropic.writer import UNSIGNED
from freehold.dialect.interface import Exchange, Request, Tally, Wire
from freehold.dialect.sse import Splitter
from freehold.errors import BackendBroke, Unsupported

ASKED: dict[str, Any] = {"model": "support", "max_tokens": 4, "messages": HI}


def request(operation: Operation = Operation.CHAT, **more: Any) -> Request:
    return read_request(operation, ASKED | more)


def streaming() -> Exchange:
    return pass_messages(request(stream=True), provider())


def forwarded(exchange: Exchange, *pieces: bytes) -> bytes:
    splitter = Splitter()
    events = [event for piece in pieces for event in splitter.feed(piece)] + splitter.close()
    return b"".join(exchange.event(event) for event in events)


def test_request_is_the_callers_but_for_the_model() -> None:
    own: dict[str, Any] = {
        "stream": True,
        "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        "thinking": {"type": "adaptive"},
        "metadata": {"user_id": "u"},
        "messages": [
            *HI,
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm", "signature": "EqQB"}]},
            {"role": "user", "content": [{"type": "text", "text": "And?"}]},
        ],
    }
    exchange = pass_messages(request(**own), provider())
    assert (exchange.upstream.wire, exchange.upstream.stream, exchange.dropped) == (Wire.MESSAGES, True, ())
    assert msgspec.json.decode(exchange.upstream.body) == ASKED | own | {"model": "claude-opus-4-8"}


def test_count_is_the_callers_but_for_the_model() -> None:
    exchange = pass_count(read_request(Operation.COUNT_TOKENS, {"model": "support", "messages": HI}), provider())
    assert (exchange.upstream.wire, exchange.upstream.stream) == (Wire.COUNT_TOKENS, False)
    assert msgspec.json.decode(exchange.upstream.body) == {"model": "claude-opus-4-8", "messages": HI}
    assert exchange.whole(b'{"input_tokens": 11, "x": 1}') == b'{"input_tokens": 11, "x": 1}'
    assert exchange.tally == Tally(11, finished=True)
    with pytest.raises(BackendBroke):
        exchange.whole(b'{"input_tokens": -1}')


@pytest.mark.parametrize(("plan", "wire"), [(pass_messages, Wire.MESSAGES), (pass_count, Wire.COUNT_TOKENS)])
def test_provider_without_the_endpoint_is_not_asked(plan: Any, wire: Wire) -> None:
    backend = provider()
    with pytest.raises(Unsupported, match="does not offer"):
        plan(request(), replace(backend, wires=backend.wires - {wire}))


@pytest.mark.parametrize("plan", [pass_messages, pass_count])
def test_reasoning_with_this_estates_mark_stays_here(plan: Any) -> None:
    unsigned = {"type": "thinking", "thinking": "Hm", "signature": UNSIGNED}
    said = {"type": "text", "text": "Yes"}
    messages = [
        *HI,
        {"role": "assistant", "content": [unsigned, said]},
        {"role": "user", "content": "And?"},
        {"role": "assistant", "content": [unsigned]},
        {"role": "user", "content": "So?"},
    ]
    given = request(messages=messages)
    exchange = plan(given, provider())
    sent = msgspec.json.decode(exchange.upstream.body)["messages"]
    assert sent == [HI[0], {"role": "assistant", "content": [said]}, messages[2], messages[4]]
    assert exchange.dropped == ("reasoning",)
    assert given.fields["messages"] == messages


SENT = stream(*CALLS)


@settings(deadline=None)
@given(st.lists(st.integers(0, len(SENT)), max_size=5).map(sorted))
def test_stream_is_handed_on_byte_for_byte_and_counted(cuts: list[int]) -> None:
    exchange = streaming()
    bounds = [0, *cuts, len(SENT)]
    pieces = [SENT[begin:end] for begin, end in pairwise(bounds)]
    assert forwarded(exchange, *pieces) == SENT
    assert exchange.tally == Tally(33, 7, "tool_use", "claude-opus-4-8", finished=True)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_comments_and_line_ends_are_handed_on_too(end: str) -> None:
    odd = b': hello\n\nevent: later\nid: 5\ndata: {"type":"later"}\n\nretry: 5\n\n'
    sent = (odd + stream(START, *text(0, "a"), ended(), STOP)).replace(b"\n", end.encode())
    assert forwarded(streaming(), sent) == sent


def test_stream_without_names_of_events_is_read_by_their_types() -> None:
    sent = b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in CALLS)
    exchange = streaming()
    assert forwarded(exchange, sent) == sent
    assert exchange.tally == Tally(33, 7, "tool_use", "claude-opus-4-8", finished=True)


def test_stream_that_breaks_off_is_not_finished_and_its_tail_is_kept_back() -> None:
    exchange = streaming()
    whole = stream(START, *text(0, "a"))
    assert forwarded(exchange, whole + b"event: message_stop\ndata: {") == whole
    assert exchange.tally == Tally(33, 1, "", "claude-opus-4-8")


def test_error_in_mid_stream_breaks() -> None:
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'
    with pytest.raises(BackendBroke, match="failed while it answered"):
        forwarded(streaming(), stream(START), error)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"type":"message_delta"}', b'{"type":"message_start"}', b"[DONE]"])
def test_event_that_is_not_the_protocol_breaks(data: bytes) -> None:
    with pytest.raises(BackendBroke, match="not its protocol"):
        forwarded(streaming(), b"data: " + data + b"\n\n")


def test_whole_answer_is_handed_on_byte_for_byte_and_counted() -> None:
    body = b" " + whole_of(*CALLS) + b"\n"
    exchange = pass_messages(request(), provider())
    assert exchange.whole(body) == body
    assert exchange.tally == Tally(33, 7, "tool_use", "claude-opus-4-8", finished=True)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"type":"error"}', b'{"type":"message","content":[]}', b'"message"'])
def test_whole_answer_that_is_not_the_protocol_breaks(body: bytes) -> None:
    with pytest.raises(BackendBroke):
        pass_messages(request(), provider()).whole(body)
