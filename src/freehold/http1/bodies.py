# SPDX-License-Identifier: Apache-2.0
"""Bodies of messages (RFC 9112 sections 6 and 7), taken piece by piece out of what a connection brings."""

import re
from typing import Final, Protocol

from freehold.http1.heads import NotHttp, RequestHead, ResponseHead

_LENGTH: Final = re.compile(r"\d{1,15}", re.ASCII)
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_ONE_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,12})\r\n(.+)\r\n", re.DOTALL)  # if its size is that of what it has
_TRAILER: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")
_LINE_BYTES: Final = 4096  # of a chunk's size with its extension, or of a trailer
_MOST_TRAILERS: Final = 64
CHUNK: Final = b"%x\r\n%b\r\n"  # to be written: how many bytes, and these. Of none there is none: that would be the end
_WITHOUT_BODY: Final = frozenset({204, 304})


class Body(Protocol):
    """What is left of one body. ``done`` once its last byte has been taken."""

    done: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What of the data belongs to the body, and what comes behind its end. Raises NotHttp."""
        ...


def body_of_request(head: RequestHead) -> Body:
    """RFC 9112 section 6.3. Raises NotHttp."""
    return _framed(head.headers, head.minor) or SizedBody(0)


def body_of_response(head: ResponseHead) -> Body:
    """The same for the answer to a request that is no HEAD."""
    if head.status in _WITHOUT_BODY:
        return SizedBody(0)
    return _framed(head.headers, head.minor) or UntilClosed()


def _framed(headers: dict[str, str], minor: int) -> Body | None:
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if coding is not None:
        if length is not None or not minor or coding.lower() != "chunked":
            raise NotHttp("a body is chunked, or has a length, and nothing else")
        return ChunkedBody()
    if length is None:
        return None
    if not _LENGTH.fullmatch(length):
        raise NotHttp("the length of a body is not a number")
    return SizedBody(int(length))


class SizedBody:
    """A body of a known length."""

    __slots__ = ("_left", "done")

    def __init__(self, size_bytes: int) -> None:
        self._left = size_bytes
        self.done = not size_bytes

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        left = self._left
        if len(data) < left:
            self._left = left - len(data)
            return data, b""
        self._left, self.done = 0, True
        return (data, b"") if len(data) == left else (data[:left], data[left:])


class UntilClosed:
    """A body that ends where the connection does."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        return data, b""


class ChunkedBody:
    """A chunked body. Extensions and trailers are passed over."""

    __slots__ = ("_between", "_held", "_left", "_trailers", "done")

    def __init__(self) -> None:
        self.done = False
        self._held = b""  # of a line that is not whole
        self._left = -1  # of a chunk that has begun; -1: its size comes next
        self._trailers = -1  # lines of them so far; -1: not reached
        self._between = True  # a chunk's size comes next, and nothing of it has come

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if self._between and (one := _ONE_CHUNK.fullmatch(data)):  # as most servers send an event
            size, content = one.groups()
            if int(size, 16) == len(content):
                return content, b""
        content, rest = self._feed(data)
        self._between = self._left < 0 and self._trailers < 0 and not self._held
        return content, rest

    def _feed(self, data: bytes) -> tuple[bytes, bytes]:
        if self._held:
            data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        at = 0
        while not self.done:
            if self._left > 0:
                piece = data[at : at + self._left]
                if not piece:
                    break
                pieces.append(piece)
                self._left -= len(piece)
                at += len(piece)
                continue
            end = data.find(b"\r\n", at, at + _LINE_BYTES)
            if end < 0:
                self._hold(data[at:])
                return _joined(pieces), b""
            self._read_line(data[at:end])
            at = end + 2
        return _joined(pieces), data[at:]

    def _hold(self, rest: bytes) -> None:
        if len(rest) >= _LINE_BYTES or b"\n" in rest or (self._left == 0 and rest not in (b"", b"\r")):
            raise NotHttp("a line of a chunked body does not end")
        self._held = rest

    def _read_line(self, line: bytes) -> None:
        if self._left == 0:  # the end of the chunk
            if line:
                raise NotHttp("a chunk is longer than it says")
            self._left = -1
        elif self._trailers >= 0:
            self._trailers += 1
            self.done = not line
            if self._trailers > _MOST_TRAILERS or not (self.done or _TRAILER.fullmatch(line)):
                raise NotHttp("what follows the last chunk is neither trailers nor the end")
        elif size := _SIZE.fullmatch(line):
            self._left = int(size[1], 16) or -1
            self._trailers = -1 if self._left > 0 else 0
        else:
            raise NotHttp("the size of a chunk is not a number")


def _joined(pieces: list[bytes]) -> bytes:
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
