# SPDX-License-Identifier: Apache-2.0
"""The event-stream reader: whatever the borders of the chunks, the same events, and not a byte lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.dialect.interface import Event
from freehold.dialect.sse import Splitter, data_event, named_event, ping_for
from freehold.errors import BackendBroke

_PIECES = st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\r\n",
        b"data: a",
        b"data:b",
        b"data",
        b"event: e",
        b": note",
        b"id: 1",
        b"\xef\xbb\xbf",
        b"x",
        b" ",
    ]
)
STREAMS = st.lists(_PIECES, max_size=40).map(b"".join)


def read(stream: bytes, sizes: list[int]) -> list[Event]:
    splitter, events, at = Splitter(), list[Event](), 0
    for size in sizes:
        events += splitter.feed(stream[at : at + size])
        at += size
    return events + splitter.feed(stream[at:]) + splitter.close()


def told(events: list[Event]) -> list[tuple[str, bytes]]:
    return [(event.name, event.data) for event in events if event.data]


def reference(stream: bytes) -> list[tuple[str, bytes]]:
    """The algorithm of the specification, line by line."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events, name, data = [], "", list[bytes]()
    for line in text.split(b"\n")[:-1]:
        if not line:
            if b"\n".join(data):
                events.append((name, b"\n".join(data)))
            name, data = "", []
            continue
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ").decode()
    return events


@settings(max_examples=500)
@given(STREAMS, st.lists(st.integers(0, 9), max_size=40))
def test_events_are_those_of_the_specification_wherever_chunks_end(stream: bytes, sizes: list[int]) -> None:
    assert told(read(stream, sizes)) == reference(stream)


@settings(max_examples=500)
@given(STREAMS)
def test_events_are_the_same_where_each_comes_in_a_chunk_of_its_own(stream: bytes) -> None:
    splitter, events = Splitter(), read(stream, [])
    again = [event for whole in events for event in splitter.feed(whole.raw)]
    assert told(again) == told(events) == reference(stream)


@given(STREAMS, st.lists(st.integers(0, 9), max_size=40))
def test_raw_bytes_of_all_events_are_the_stream(stream: bytes, sizes: list[int]) -> None:
    assert b"".join(event.raw for event in read(stream, sizes)) == stream


@given(st.binary(max_size=60), st.lists(st.integers(0, 5), max_size=30))
def test_any_bytes_come_through_whole(stream: bytes, sizes: list[int]) -> None:
    assert b"".join(event.raw for event in read(stream, sizes)) == stream


def test_event_is_there_as_soon_as_its_blank_line_is() -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: a\r\n\r") == [Event(b"data: a\r\n\r", "", b"a")]
    assert splitter.feed(b"\ndata: b\n\n") == [Event(b"\ndata: b\n\n", "", b"b")]


def test_unfinished_event_at_the_end_has_no_data() -> None:
    splitter = Splitter()
    assert splitter.feed(b'data: {"cho') == []
    assert splitter.close() == [Event(b'data: {"cho', "", b"")]
    assert splitter.close() == []


def test_written_events_are_read_back() -> None:
    events = Splitter().feed(data_event(b"{}") + named_event("error", b"[]"))
    assert told(events) == [("", b"{}"), ("error", b"[]")]


@pytest.mark.parametrize(("raw", "sent"), [(b": note\n\n", b":\n\n"), (b":\n\n", b":\n\n"), (b'data: {"cut', b"")])
def test_only_comments_are_sent_on_and_only_as_pings(raw: bytes, sent: bytes) -> None:
    assert ping_for(Event(raw, "", b"")) == sent


def test_event_without_end_is_given_up() -> None:
    splitter = Splitter()
    splitter.feed(b"x" * 2**24)
    with pytest.raises(BackendBroke, match="16777216 bytes"):
        splitter.feed(b"x")
