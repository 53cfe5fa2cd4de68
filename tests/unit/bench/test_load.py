# SPDX-License-Identifier: Apache-2.0
"""What the load generators say, read; and what they are given to send."""

import json

import pytest
from bench.load import paced, wrk
from bench.load.requests import body_of, request_of
from bench.peers.interface import Side
from bench.peers.upstream import EVENTS

_WRK = """Running 2s test @ http://127.0.0.1:9790/v1/chat/completions
  1 threads and 16 connections
  90107 requests in 2.01s, 28.70MB read
Requests/sec:  44721.11

BENCH {"requests":90107,"duration_us":2000000,"p50_us":168,"p99_us":11364,"refused":107,"broken":3}
"""
SIDE = Side(name="one", port=8080, model="m", headers={"Authorization": "Bearer x"})


def test_only_what_was_answered_counts() -> None:
    seen = wrk.parse(_WRK)
    assert (seen.answered, seen.refused, seen.broken) == (90_000, 107, 3)
    assert seen.per_s == 45_000
    assert (seen.p50_ms, seen.p99_ms) == (0.168, 11.364)


def test_a_wrk_that_broke_off_is_no_result() -> None:
    with pytest.raises(ValueError, match="did not tell"):
        wrk.parse("unable to connect to 127.0.0.1:9 Connection refused\n")


def _stream(first_us: int, *gaps_us: int, whole: int = 1, events: int = EVENTS) -> str:
    at = [first_us]
    for gap in gaps_us:
        at.append(at[-1] + gap)
    return f"{whole} 200 {events} " + " ".join(map(str, at))


def test_streams_are_read_with_their_gaps_and_firsts() -> None:
    run = paced.parse(_stream(20_000, 20_000, 30_000) + "\n" + _stream(40_000, 20_000) + "\n")
    assert run.every[0].gaps_ms == [20.0, 30.0]
    assert run.first_ms == 30.0
    assert run.gap_ms(0.99) == 30.0
    assert run.broken == 0
    assert run.events_per_s == pytest.approx(2 * EVENTS / 0.07)


def test_a_stream_that_lacks_its_end_or_an_event_is_broken() -> None:
    run = paced.parse("\n".join([_stream(1, whole=0), _stream(1, events=EVENTS - 1), _stream(1)]))
    assert run.broken == 2


def test_streams_of_which_most_said_nothing_have_no_first_event() -> None:
    run = paced.parse("0 0 0\n0 500 0\n" + _stream(20_000))
    assert run.first_ms == float("inf")
    assert paced.parse("0 0 0").events_per_s == 0
    assert paced.parse("0 0 0").gap_ms(0.99) == float("inf")


@pytest.mark.parametrize("size_bytes", [600, 400_000])
def test_a_body_is_as_long_as_it_should_be(size_bytes: int) -> None:
    body = body_of(SIDE, size_bytes)
    assert abs(len(body) - size_bytes) <= 20
    assert json.loads(body)["model"] == "m"
    assert "stream" not in json.loads(body)


def test_a_request_carries_the_headers_of_its_side_and_its_length() -> None:
    body = body_of(SIDE, stream=True)
    head, _, sent = request_of(SIDE, body).partition(b"\r\n\r\n")
    assert sent == body
    assert json.loads(sent)["stream"] is True
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Authorization: Bearer x" in head
