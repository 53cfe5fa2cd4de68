# SPDX-License-Identifier: Apache-2.0
"""One connection to a host, and the answers that come over it, one after the other. HTTP/1.1; dials nothing.

Whoever reads an answer slowly slows down whoever sends it: what is not read is bounded here, and in the kernel. Bytes
that nobody asked for end the connection.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from freehold.egress.interface import Break, WayBroken
from freehold.http1 import (
    BARE_LF,
    HEAD_BYTES,
    Body,
    NotHttp,
    ResponseHead,
    UntilClosed,
    body_of_response,
    read_response_head,
)

_UNREAD_BYTES: Final = 128 * 1024  # of an answer, after which no more is taken from the kernel
_BEGINNING: Final = b"HTTP/1."
Sink = Callable[[bytes], None]  # takes what comes of an answer; empty where there is something else to look at

_MOST_INTERIM: Final = 16  # heads with a status below 200, before the one that counts


class Connection(asyncio.Protocol):
    """One question at a time. ``free`` is called when the next one may be asked, ``gone`` when none ever may."""

    __slots__ = ("_answer", "_asked", "_free", "_gone", "_head", "_interim", "_loop", "_transport", "begun", "lost")

    def __init__(self, free: Callable[["Connection"], None], gone: Callable[["Connection"], None]) -> None:
        self._free = free
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._head = b""  # of an answer, as far as it has come
        self._interim = 0
        self._asked: asyncio.Future[Answer] | None = None
        self._answer: Answer | None = None
        self.begun = False  # whether anything of the newest answer has come
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # the protocol's type is that of any transport

    def ask(self, head: bytes, body: bytes | None) -> "asyncio.Future[Answer]":
        """Send; what is given waits for the head of the answer, or raises WayBroken. Whoever stops waiting must cut."""
        self._asked = asked = self._loop.create_future()
        if self.lost:
            self._fail_asked(Break.LOST)
            return asked
        self._interim = 0
        self.begun = False
        self._transport.writelines((head, body) if body else (head,))
        return asked

    def cut(self) -> None:
        """End it, whatever is under way."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self.begun = True
        try:
            if self._answer is None:
                data = self._begin(data)
            answer = self._answer
            if answer is None:
                return
            rest = answer.take(data)
        except NotHttp:
            self._break(Break.NOT_HTTP)
            return
        if answer.whole:
            self._over(answer, rest)
        elif answer.unread_bytes > _UNREAD_BYTES:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        answer, self._answer = self._answer, None
        if answer is not None and exc is None and answer.ends_here:
            answer.end()
        elif answer is not None:
            answer.fail(Break.LOST)
        self._fail_asked(Break.LOST)
        self._gone(self)

    def _begin(self, data: bytes) -> bytes:
        """Take the head of an answer, once it is there; what follows it. Raises NotHttp."""
        asked = self._asked
        if asked is None:
            self.cut()
            return b""
        self._head += data
        if not self._head.startswith(_BEGINNING[: len(self._head)]):
            raise NotHttp("an answer does not begin like one")
        while (end := self._head.find(b"\r\n\r\n", 0, HEAD_BYTES)) >= 0:
            head, rest = read_response_head(self._head[:end]), self._head[end + 4 :]
            if head.status < 200:
                self._pass_over(head, rest)
                continue
            body = body_of_response(head)  # while whoever asked can still be told that it is none
            self._head, self._asked = b"", None
            self._answer = Answer(head, body, self)
            if not asked.done():
                asked.set_result(self._answer)
            return rest
        if len(self._head) >= HEAD_BYTES or BARE_LF.search(self._head):
            raise NotHttp("the head of an answer does not end")
        return b""

    def _pass_over(self, head: ResponseHead, rest: bytes) -> None:
        """RFC 9110 section 15.2. A change of protocols was not asked for."""
        self._interim += 1
        self._head = rest
        if head.status == 101 or self._interim > _MOST_INTERIM:
            raise NotHttp("answers before the answer do not end")

    def _over(self, answer: "Answer", rest: bytes) -> None:
        """The answer has come whole."""
        self._answer = None
        if rest or not answer.keeps:
            self._transport.close()
        else:
            self._free(self)

    def read_on(self) -> None:
        self._transport.resume_reading()

    def _break(self, where: Break) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.fail(where)
        self._fail_asked(where)
        self.cut()

    def _fail_asked(self, where: Break) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and not asked.done():
            asked.set_exception(WayBroken(where))


class Answer:
    """One answer. It outlives its connection, for whoever has not read it whole yet."""

    __slots__ = (
        "_body",
        "_broken",
        "_connection",
        "_minor",
        "_pieces",
        "_sink",
        "_waiting",
        "headers",
        "status",
        "unread_bytes",
        "whole",
    )

    def __init__(self, head: ResponseHead, body: Body, connection: Connection) -> None:
        self.status = head.status
        self.headers = head.headers  # by name, in small letters
        self._minor = head.minor
        self.whole = False  # nothing more will come
        self.unread_bytes = 0
        self._body = body
        self._connection = connection
        self._pieces: list[bytes] = []
        self._waiting: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._broken: Break | None = None

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()

    @property
    def content(self) -> "Answer":
        return self

    @property
    def keeps(self) -> bool:
        """Whether the connection may be used again once the answer is whole."""
        return self._minor == 1 and "close" not in self.headers.get("connection", "").lower()

    @property
    def ends_here(self) -> bool:
        """Whether the end of the connection is the end of the answer."""
        return isinstance(self._body, UntilClosed)

    async def readany(self) -> bytes:
        """What has come and was not read; empty at the end. Raises WayBroken."""
        while not self._pieces:
            if self.whole:
                return b""
            if self._broken is not None:
                raise WayBroken(self._broken)
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        pieces, held = self._pieces, self.unread_bytes
        self._pieces, self.unread_bytes = [], 0
        if held > _UNREAD_BYTES and not self.whole and self._broken is None:
            self._connection.read_on()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def iter_any(self) -> AsyncIterator[bytes]:
        while piece := await self.readany():
            yield piece

    def flow(self, sink: Sink | None) -> bool:
        """Give what comes to the sink in the turn of the loop that brings it; b"" where there is else to look at."""
        self._sink = sink
        if sink is not None and (self._pieces or self.whole or self._broken is not None):
            sink(b"")
        return True

    def close(self) -> None:
        """Cut the connection, unless the answer has come whole."""
        if not self.whole and self._broken is None:
            self._connection.cut()

    def take(self, data: bytes) -> bytes:
        """Take what has come; what is left behind the end of the answer. For its connection. Raises NotHttp."""
        body, sink = self._body, self._sink
        content, rest = body.feed(data)
        if content and sink is not None:
            sink(content)
        elif content:
            self._pieces.append(content)
            self.unread_bytes += len(content)
            self._wake()
        if body.done:
            self.end()
        return rest

    def end(self) -> None:
        """It is whole. For its connection."""
        self.whole = True
        self._wake()

    def fail(self, where: Break) -> None:
        """It breaks off. For its connection."""
        self._broken = where
        self._wake()

    def _wake(self) -> None:
        if self._sink is not None:
            self._sink(b"")
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
