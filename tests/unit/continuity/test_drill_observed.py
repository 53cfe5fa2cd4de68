# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.drill.observed import Fate, Observed, StreamReader, read_whole
from freehold.contract.call import Dialect
from freehold.dialect.sse import Splitter

DONE = b"data: [DONE]\n\n"


def seen(*, status: int = 200, stream: bool = True, tool: bool = False) -> Observed:
    return Observed(number=0, began_s=0.0, stream=stream, tool=tool, status=status)


def read(*raw: bytes, dialect: Dialect = Dialect.OPENAI) -> Observed:
    """A stream of which an event comes every second."""
    made = seen()
    reader, splitter = StreamReader(made, dialect), Splitter()
    for at_s, piece in enumerate(raw):
        for event in splitter.feed(piece):
            reader.take(event, float(at_s))
    reader.close()
    return made


def chunk(content: str = "", finish: str | None = None, id: str = "c1", **delta: Any) -> bytes:  # noqa: A002
    said = {"content": content} if content else {}
    choice = {"index": 0, "delta": {**said, **delta}, "finish_reason": finish}
    return f"data: {json.dumps({'id': id, 'choices': [choice]})}\n\n".encode()


def named(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


MESSAGE = (
    named("message_start", message={"id": "msg_1"}),
    named("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    named("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"}),
    named("message_delta", delta={"stop_reason": "end_turn"}),
    named("message_stop"),
)


def test_a_whole_stream_is_answered() -> None:
    found = read(chunk("Hel"), chunk("lo"), chunk(finish="stop"), DONE)
    assert (found.fate, found.text, found.first_s, found.gaps_s) == (Fate.ANSWERED, "Hello", 0.0, [1.0])


def test_a_whole_message_is_answered() -> None:
    found = read(*MESSAGE, dialect=Dialect.ANTHROPIC)
    assert (found.fate, found.text) == (Fate.ANSWERED, "Hello")


@pytest.mark.parametrize(
    "events",
    [
        (chunk("Hello"), chunk(finish="stop")),
        (chunk("Hello"), DONE),
        (chunk("Hello"), chunk(finish="stop"), DONE, DONE),
        (chunk("Hello"), chunk("again", id="c2"), chunk(finish="stop"), DONE),
        (chunk("Hello"), b'data: {"error": {"code": "provider_failed"}}\n\n'),
        (chunk("Hello"), b'data: {"id": "c1", "choices": [null]}\n\n', chunk(finish="stop"), DONE),
    ],
    ids=["no-terminator", "no-reason", "two-terminators", "two-ids", "error", "no-event-of-the-dialect"],
)
def test_a_stream_that_is_not_one_whole_answer_is_broken(events: tuple[bytes, ...]) -> None:
    assert read(*events).fate is Fate.BROKEN


def test_the_arguments_of_a_tool_are_put_together_and_must_be_an_object() -> None:
    def call(**fields: Any) -> bytes:
        return chunk(tool_calls=[{"index": 0, **fields}])

    opening = call(id="call_1", function={"name": "look_up", "arguments": ""})
    pieces = [call(function={"arguments": piece}) for piece in ('{"city":', ' "Bern"}')]
    whole = read(opening, *pieces, chunk(finish="tool_calls"), DONE)
    assert (whole.fate, whole.calls[0].arguments) == (Fate.ANSWERED, '{"city": "Bern"}')
    assert read(opening, pieces[0], chunk(finish="tool_calls"), DONE).fate is Fate.BROKEN


def test_a_seam_is_known_by_its_comment_and_the_gap_that_it_lies_in() -> None:
    comment = b": seam continued; from a to b; provider_failed\n\n"
    found = read(chunk("Hel"), comment, chunk("lo"), chunk(finish="stop"), DONE)
    assert found.seams == [(1.0, 3)]
    assert found.seam_gaps_s == [2.0]


@pytest.mark.parametrize(
    ("status", "code", "fate"),
    [
        (503, "engine_busy", Fate.SHED),
        (429, "provider_busy", Fate.SHED),
        (403, "policy_denied", Fate.REFUSED),
        (503, "no_target", Fate.LOST),
        (502, "provider_failed", Fate.LOST),
        (0, "connection_lost", Fate.LOST),
    ],
)
def test_what_is_not_answered_is_told_apart(status: int, code: str, fate: Fate) -> None:
    found = seen(status=status)
    read_whole(found, Dialect.OPENAI, json.dumps({"error": {"code": code}}).encode(), 1.0)
    assert found.fate is fate


def test_whole_answers_of_both_dialects_are_read() -> None:
    chat = {"id": "c", "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}
    message = {"id": "m", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"}
    for dialect, body in ((Dialect.OPENAI, chat), (Dialect.ANTHROPIC, message)):
        found = seen(stream=False)
        read_whole(found, dialect, json.dumps(body).encode(), 1.0)
        assert (found.fate, found.text, found.first_s) == (Fate.ANSWERED, "Hello", 1.0)


@given(st.binary(max_size=300))
def test_nothing_that_a_stream_says_breaks_the_reader(said: bytes) -> None:
    read(said + b"\n\n")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nothing_that_a_body_says_breaks_the_reader(document: object) -> None:
    for body in (document, {"choices": document}, {"choices": [{"message": document}]}):
        read_whole(seen(stream=False), Dialect.OPENAI, json.dumps(body).encode(), 1.0)
    read_whole(seen(stream=False), Dialect.ANTHROPIC, json.dumps({"content": document}).encode(), 1.0)
