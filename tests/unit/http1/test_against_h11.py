# SPDX-License-Identifier: Apache-2.0
"""Our reading of HTTP/1.1 held against h11's: what we take, h11 takes as well, and takes for the same message.

Two readers who differ about where a message ends is how requests are smuggled. We may refuse more than h11 does.
"""

from dataclasses import dataclass

import h11
from hypothesis import example, given, settings
from hypothesis import strategies as st

from freehold.http1 import NotHttp, body_of_request, body_of_response, read_request_head, read_response_head

END = b"\r\n\r\n"
TOKEN = st.text(alphabet="!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=12).map(str.encode)
VALUE = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20).map(str.encode)
CONTENT = st.binary(max_size=300)
MORSEL = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b",", b";", b"0", b"-", b"+", b"0x", b"\x0b", b"\x80"),
        *(b"Content-Length: 5\r\n", b"content-length:5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: a\r\n"),
        *(b"Transfer-Encoding: identity, chunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Content-Length: 5, 5\r\n"),
        *(b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2", b"GET", b"/", b"*", b"http://a/b", b"0\r\n\r\n", b"5\r\nhello\r\n"),
    ]
)


@dataclass(frozen=True, slots=True)
class Message:
    """``rest``: what came behind it."""

    first: tuple[object, ...]
    headers: tuple[tuple[str, str], ...]
    body: bytes
    rest: bytes


def ours(data: bytes, *, of_request: bool) -> Message | None:
    """None: it is refused, or not whole."""
    head, found, behind = data.partition(END)
    if not found:
        return None
    try:
        if of_request:
            request = read_request_head(head)
            first: tuple[object, ...] = (request.method,)
            headers, body = request.headers, body_of_request(request)
        else:
            response = read_response_head(head)
            first, headers, body = (response.status,), response.headers, body_of_response(response)
        content, rest = body.feed(behind)
    except NotHttp:
        return None
    return Message(first, tuple(sorted(headers.items())), content, rest) if body.done else None


def theirs(data: bytes, *, of_request: bool) -> Message | None:
    """The same by h11."""
    reader = h11.Connection(h11.SERVER if of_request else h11.CLIENT, max_incomplete_event_size=1 << 20)
    if not of_request:
        reader.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
        reader.send(h11.EndOfMessage())
    reader.receive_data(data)
    head: h11.Request | h11.Response | None = None
    content = b""
    try:
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Request | h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    if head is None:
        return None
    first = (head.method.decode(),) if isinstance(head, h11.Request) else (head.status_code,)
    joined: dict[str, str] = {}
    for name, value in head.headers:
        key, text = name.decode(), value.decode("latin-1")
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return Message(first, tuple(sorted(joined.items())), content, bytes(reader.trailing_data[0]))


def chunked(content: bytes, sizes: list[int]) -> bytes:
    out, at = b"", 0
    for size in sizes:
        if piece := content[at : at + size]:
            out += b"%x\r\n%b\r\n" % (len(piece), piece)
        at += size
    rest = content[at:]
    return out + (b"%x\r\n%b\r\n" % (len(rest), rest) if rest else b"") + b"0\r\n\r\n"


HEADERS = st.lists(st.tuples(TOKEN, VALUE), max_size=5).map(
    lambda fields: [
        (name, value)
        for name, value in fields
        if name.lower() not in {b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"expect"}
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    content, fields = draw(CONTENT), draw(HEADERS)
    head = b"".join(b"%b: %b\r\n" % field for field in fields)
    if draw(st.booleans()):
        framing, body = b"Content-Length: %d\r\n" % len(content), content
    else:
        framing, body = b"Transfer-Encoding: chunked\r\n", chunked(content, draw(st.lists(st.integers(1, 99))))
    line = b"%b /%b HTTP/1.1\r\n" % (draw(TOKEN), draw(st.sampled_from([b"", b"v1/chat", b"a?b=c", b"%41"])))
    return line + b"Host: a\r\n" + head + framing + b"\r\n" + body


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    content = draw(CONTENT)
    if draw(st.booleans()):
        framing, body = b"Content-Length: %d\r\n" % len(content), content
    else:
        framing, body = b"Transfer-Encoding: chunked\r\n", chunked(content, draw(st.lists(st.integers(1, 99))))
    return b"HTTP/1.1 %d OK\r\n" % draw(st.sampled_from([200, 201, 400, 451, 503])) + framing + b"\r\n" + body


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    data = draw(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(MORSEL) + data[at + draw(st.integers(0, 3)) :]
    return data


@given(requests())
def test_a_request_that_is_well_formed_is_read_as_h11_reads_it(data: bytes) -> None:
    assert ours(data, of_request=True) == theirs(data, of_request=True) is not None


@given(responses())
def test_a_response_that_is_well_formed_is_read_as_h11_reads_it(data: bytes) -> None:
    assert ours(data, of_request=False) == theirs(data, of_request=False) is not None


@settings(max_examples=500, deadline=None)
@given(damaged(requests()))
@example(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na trailer without a colon\r\n\r\n")
def test_a_damaged_request_that_we_take_is_the_one_that_h11_takes(data: bytes) -> None:
    if (read := ours(data, of_request=True)) is not None:
        assert read == theirs(data, of_request=True)


@settings(max_examples=500, deadline=None)
@given(damaged(responses()))
def test_a_damaged_response_that_we_take_is_the_one_that_h11_takes(data: bytes) -> None:
    if (read := ours(data, of_request=False)) is not None:
        assert read == theirs(data, of_request=False)
