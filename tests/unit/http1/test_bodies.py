# SPDX-License-Identifier: Apache-2.0
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.http1 import (
    CHUNK,
    LAST_CHUNK,
    Body,
    ChunkedBody,
    NotHttp,
    RequestHead,
    ResponseHead,
    SizedBody,
    UntilClosed,
    body_of_request,
    body_of_response,
)


def fed(body: Body, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """The content and what is behind it, of data that comes in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    content = rest = b""
    for begin, end in pairwise(edges):
        if body.done:
            rest += data[begin:end]
            continue
        taken, left = body.feed(data[begin:end])
        content, rest = content + taken, rest + left
    return content, rest


@given(st.lists(st.binary(min_size=1, max_size=40)), st.binary(max_size=10), st.lists(st.integers(0, 4000), max_size=8))
def test_chunks_are_put_together_wherever_they_were_cut(pieces: list[bytes], behind: bytes, cuts: list[int]) -> None:
    body = ChunkedBody()
    assert fed(body, b"".join(CHUNK % (len(piece), piece) for piece in pieces) + LAST_CHUNK + behind, cuts) == (
        b"".join(pieces),
        behind,
    )
    assert body.done


@given(st.binary(max_size=60), st.binary(max_size=10), st.lists(st.integers(0, 100), max_size=5))
def test_a_sized_body_ends_where_it_says(content: bytes, behind: bytes, cuts: list[int]) -> None:
    body = SizedBody(len(content))
    assert fed(body, content + behind, cuts) == (content, behind)
    assert body.done


@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=5))
def test_garbage_is_taken_or_refused_the_same_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    def outcome(cut_at: list[int]) -> tuple[bytes, bytes, bool] | None:
        body = ChunkedBody()
        try:
            return (*fed(body, b"3\r\nabc\r\n" + data, cut_at), body.done)
        except NotHttp:
            return None

    whole, pieces = outcome([]), outcome(cuts)
    assert pieces == whole


def test_extensions_and_trailers_are_passed_over() -> None:
    body = ChunkedBody()
    assert body.feed(b'3;a="b"\r\nabc\r\n0\r\nX: y\r\n\r\nnext') == (b"abc", b"next")


@pytest.mark.parametrize(
    "data",
    [
        b"zz\r\n",
        b"-1\r\n",
        b"0x3\r\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n\n",
        b"3\nabc\n0\n\n",
        b"0\r\nx: y\n",
        b"fffffffffffff\r\n",
        b"\r\n",
        b"3" * 5000,
        b"0\r\n" + b"x: y\r\n" * 100,
    ],
)
def test_what_are_no_chunks_is_refused(data: bytes) -> None:
    with pytest.raises(NotHttp):
        ChunkedBody().feed(data)


@pytest.mark.parametrize(
    ("minor", "headers"),
    [
        (1, {"content-length": "3", "transfer-encoding": "chunked"}),
        (0, {"transfer-encoding": "chunked"}),
        (1, {"transfer-encoding": "gzip, chunked"}),
        (1, {"transfer-encoding": "chunked, chunked"}),
        (1, {"content-length": "+3"}),
        (1, {"content-length": "3, 3"}),
        (1, {"content-length": ""}),
        (1, {"content-length": "\u0663"}),
    ],
)
def test_a_body_whose_end_two_readers_could_see_in_two_places_is_refused(minor: int, headers: dict[str, str]) -> None:
    with pytest.raises(NotHttp):
        body_of_request(RequestHead("POST", "/", "", minor, headers))
    with pytest.raises(NotHttp):
        body_of_response(ResponseHead(200, minor, headers))


def test_without_a_length_a_request_has_no_body_and_an_answer_lasts_to_the_end() -> None:
    assert body_of_request(RequestHead("GET", "/", "", 1, {})).done
    assert isinstance(body_of_response(ResponseHead(200, 1, {})), UntilClosed)
    assert body_of_response(ResponseHead(204, 1, {"content-length": "5"})).done
