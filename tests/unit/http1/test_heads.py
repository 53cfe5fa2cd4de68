# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.http1 import (
    NotHttp,
    RequestHead,
    RequestHeads,
    read_request_head,
    read_response_head,
    request_head,
    response_head,
)

HOST = b"\r\nHost: a.example"
TOKENS = st.text("!#$%&'*+.^_`|~0123456789abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
VALUES = st.text([chr(code) for code in (*range(0x21, 0x7F), *range(0x80, 0x100))])


def test_a_head_is_read_with_its_path_decoded_and_its_names_in_small_letters() -> None:
    head = read_request_head(b"POST /a%20b?c=%20 HTTP/1.1\r\nHOST:a.example\r\nX-Two:  b \t\r\nx-two: c")
    assert (head.method, head.path, head.query, head.minor) == ("POST", "/a b", "c=%20", 1)
    assert head.headers == {"host": "a.example", "x-two": "b, c"}


def test_a_whole_url_is_a_path_as_a_proxy_would_send_it() -> None:
    head = read_request_head(b"GET http://a.example:80/v1/models HTTP/1.1" + HOST)
    assert head.path == "/v1/models"
    assert read_request_head(b"GET https://a.example HTTP/1.1" + HOST).path == "/"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET /" + HOST,
        b"GET / HTTP/2.0" + HOST,
        b"GET  / HTTP/1.1" + HOST,
        b"GET / HTTP/1.1 " + HOST,
        b"GET /a b HTTP/1.1" + HOST,
        b"GET * HTTP/1.1" + HOST,
        b"G(T / HTTP/1.1" + HOST,
        b"GET / HTTP/1.1",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b",
        b"GET / HTTP/1.1\r\nHost : a",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded",
        b"GET / HTTP/1.1\nHost: a",
        b"GET / HTTP/1.1\r\nHost: a\nX: b",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: b\x00",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1",
        b"GET / HTTP/1.1\r\nHost: a\r\n: no name",
    ],
)
def test_what_two_readers_could_take_in_two_ways_is_refused(head: bytes) -> None:
    with pytest.raises(NotHttp):
        read_request_head(head)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 20 OK", b"HTTP/1.1 200OK", b"HTTP/2 200 OK", b"SSH-2.0-x", b"HTTP/1.1 099 x"]
)
def test_what_is_no_answer_is_refused(head: bytes) -> None:
    with pytest.raises(NotHttp):
        read_response_head(head)


@given(st.integers(100, 599), st.dictionaries(TOKENS, VALUES))
def test_a_head_that_is_written_is_read_as_it_was(status: int, headers: dict[str, str]) -> None:
    written = response_head(status, headers.items())
    assert written.endswith(b"\r\n\r\n")
    head = read_response_head(written[:-4])
    assert (head.status, head.headers) == (status, headers)


LENGTHS = st.sampled_from(
    [
        b"Content-Length: 7",
        b"content-length:12",
        b"Content-Length:  3 \t",
        b"Content-Length: 0123456789",
        b"Content-Length: 1x",
        b"Content-Length: -1",
        b"Content-Length:",
        b"Content-Length: 1\r\nX: 2",
        b"Content-Length: 1\r\nContent-Length: 1",
        b"X-Content-Length: 5",
        b"X: 5",
    ]
)
HEADS = st.builds(
    lambda path, before, length, behind: b"\r\n".join((b"GET %b HTTP/1.1" % path, *before, length, *behind)),
    st.sampled_from([b"/a", b"/a?b"]),
    st.sampled_from([(b"Host: a",), (b"Host: a", b"X: y"), ()]),
    LENGTHS,
    st.sampled_from([(), (b"X-Behind: 1",), (b"X-Behind: 12",), (b"Expect: 100-continue",)]),
)


@given(st.lists(HEADS, min_size=2, max_size=6))
def test_the_heads_of_one_connection_are_read_as_each_is_alone(heads: list[bytes]) -> None:
    connection = RequestHeads()
    for head in heads:
        read, alone = _read_or_not(connection.read, head), _read_or_not(read_request_head, head)
        assert read == alone
        if read is not None:
            read.headers["expect"] = "what is done to one head is not seen in the next"


def test_a_length_that_is_no_number_is_not_taken_for_one_after_a_head_that_was() -> None:
    connection = RequestHeads()
    assert connection.read(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1").headers["content-length"] == "1"
    assert connection.read(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 22").headers["content-length"] == "22"
    with pytest.raises(NotHttp):
        connection.read(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2")
    assert connection.read(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2").headers["content-length"] == "2, 2"


def _read_or_not(read: Callable[[bytes], RequestHead], head: bytes) -> RequestHead | None:
    try:
        return read(head)
    except NotHttp:
        return None


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\r\n", "a\nb", "a\n\rb", "\r", "a\x00", "a\x7f", "\u20ac"])
def test_no_field_is_written_that_is_more_than_one_line(value: str) -> None:
    with pytest.raises(ValueError, match=r"one line|latin-1"):
        response_head(200, [("x", value)])
    with pytest.raises(ValueError, match=r"one line|latin-1"):
        request_head("GET", "/", {"x": value})


@pytest.mark.parametrize("target", ["/a b", "/a\r\nb", "/\u20ac"])
def test_no_target_is_written_that_is_more_than_one_word(target: str) -> None:
    with pytest.raises(ValueError, match="target"):
        request_head("GET", target, {})
