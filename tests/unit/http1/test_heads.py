# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.http1 import NotHttp, read_request_head, read_response_head, request_head, response_head

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


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\x00", "\u20ac"])
def test_no_field_is_written_that_is_more_than_one_line(value: str) -> None:
    with pytest.raises(ValueError, match=r"one line|latin-1"):
        response_head(200, [("x", value)])
    with pytest.raises(ValueError, match=r"one line|latin-1"):
        request_head("GET", "/", {"x": value})


@pytest.mark.parametrize("target", ["/a b", "/a\r\nb", "/\u20ac"])
def test_no_target_is_written_that_is_more_than_one_word(target: str) -> None:
    with pytest.raises(ValueError, match="target"):
        request_head("GET", target, {})
