# SPDX-License-Identifier: Apache-2.0
"""One caller's connection, and the one request that is under way on it. HTTP/1.1; knows nothing of what is asked.

What a caller may hold here is bounded: a head, a body that nobody has read yet, an answer that is not taken. While an
answer is not taken, whoever makes it waits, and so whoever is asked for it is not read either. Whoever hangs up cancels
the task that answers.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Protocol

from freehold.api.exchange import Exchange, Headers
from freehold.errors import InvalidRequest, SlowCaller, SlowRequest
from freehold.http1 import (
    BARE_LF,
    CHUNK,
    HEAD_BYTES,
    LAST_CHUNK,
    Body,
    NotHttp,
    RequestHead,
    RequestHeads,
    body_of_request,
    response_head,
)

UNSENT_BYTES: Final = 64 * 1024  # of an answer, beside what the kernel holds, after which whoever makes it waits
UNREAD_BYTES: Final = 128 * 1024  # of a body, after which no more is taken from the kernel
_LINGER_S: Final = 5.0  # for a caller to see an answer that came before the end of its body
_FOREVER: Final = math.inf
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE: Final = ("connection", "close")
_CHUNKED: Final = ("transfer-encoding", "chunked")
_TEXT: Final = ("content-type", "text/plain; charset=utf-8")

Answer = Callable[[RequestHead, Exchange], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a caller may take, in seconds."""

    head_s: float = 10.0  # for the head of a request, and before the first of a connection
    body_s: float = 60.0  # for its body, while that is waited for
    taking_s: float = 60.0  # for what waits to be taken of an answer
    idle_s: float = 75.0  # between two requests


class Port(Protocol):
    """What a connection needs of its listener."""

    connections: "set[CallerConnection]"
    answer: Answer
    patience: Callable[[], Patience]
    now_s: Callable[[], float]

    @property
    def date(self) -> str: ...


class _Answered(Enum):
    """How far the answer to the request under way has come."""

    NOT_YET = auto()
    BEGUN = auto()
    WHOLE = auto()


class CallerConnection(asyncio.Protocol):
    """Also the ``Exchange`` of the request that is under way. ``due_s``: when the caller will have taken too long."""

    __slots__ = (
        "_answered",
        "_body",
        "_broken_body",
        "_buffer",
        "_chunks",
        "_head",
        "_heads",
        "_lingers",
        "_loop",
        "_more",
        "_patience",
        "_pieces",
        "_port",
        "_taken",
        "_transport",
        "_unread_bytes",
        "answering",
        "due_s",
    )

    def __init__(self, port: Port) -> None:
        self._port = port
        self._patience = port.patience()
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()
        self._heads = RequestHeads()
        self._buffer = b""  # what belongs to no request yet
        self._head: RequestHead | None = None  # of the request under way
        self._body: Body | None = None
        self._pieces: list[bytes] = []  # of its body, that nobody has read
        self._unread_bytes = 0
        self._broken_body = False
        self._more: asyncio.Future[None] | None = None  # while more of the body is waited for
        self._answered = _Answered.NOT_YET
        self._chunks = True  # HTTP/1.0 knows none: there the end of the connection is the end of the answer
        self._taken: asyncio.Future[None] | None = None  # while the caller does not take the answer
        self._lingers = False
        self.answering: asyncio.Task[None] | None = None
        self.due_s = port.now_s() + self._patience.head_s

    # For the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # the protocol's type is that of any transport
        self._transport.set_write_buffer_limits(high=UNSENT_BYTES)
        self._port.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._port.connections.discard(self)
        if self.answering is not None:
            self.answering.cancel()

    def data_received(self, data: bytes) -> None:
        if self._lingers:
            return
        try:
            if self._body is not None and not self._body.done:
                self._take_body(data)
            else:
                self._take(data)
        except NotHttp as problem:
            self._refuse(400, str(problem))

    def pause_writing(self) -> None:
        self._taken = self._loop.create_future()
        self.due_s = self._port.now_s() + self._patience.taking_s

    def resume_writing(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None and not taken.done():
            taken.set_result(None)
        if self._head is None:
            self._await_next()
        else:
            self.due_s = _FOREVER

    # For the listener.

    def took_too_long(self) -> None:
        """The caller's time is up, whatever it is."""
        self.due_s = _FOREVER
        if self._more is not None and not self._more.done():
            self._more.set_exception(SlowRequest("the body did not come in time"))
            return
        if self._taken is not None and not self._taken.done():
            self._taken.set_exception(SlowCaller("the caller did not take the answer"))
            self._taken.exception()  # seen, also where nobody waits for it
            self.answering = None  # whoever answers learns why, and is not cancelled
        self._transport.abort()

    def finish(self) -> None:
        """End it: at once if a request is under way, else once its answer is out."""
        if self.answering is not None:
            self._transport.abort()
        else:
            self._transport.close()

    # For whoever answers.

    async def read(self) -> bytes:
        """The next bytes of the body; empty at its end. Raises SlowRequest, InvalidRequest."""
        body = self._body
        while not self._pieces:
            if self._broken_body:
                raise InvalidRequest("the body is not sent as HTTP/1.1 has it")
            if body is None or body.done:
                return b""
            await self._wait_for_more()
        pieces, held = self._pieces, self._unread_bytes
        self._pieces, self._unread_bytes = [], 0
        if held > UNREAD_BYTES and not self._transport.is_closing():
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer. After one that has begun: cut it off there."""
        if self._answered is not _Answered.NOT_YET:
            if self._answered is _Answered.BEGUN:
                self._transport.abort()
            return
        self._answered = _Answered.WHOLE
        head = self._head_of(status, headers, ("content-length", str(len(body))))
        silent = self._head is not None and self._head.method == "HEAD"
        self._transport.writelines((head, body) if body and not silent else (head,))

    def begin(self, status: int, headers: Headers) -> None:
        """The head of an answer that is sent piece by piece."""
        self._answered = _Answered.BEGUN
        self._chunks = self._head is None or self._head.minor == 1
        self._transport.write(self._head_of(status, headers, _CHUNKED if self._chunks else _CLOSE))

    def push(self, piece: bytes) -> bool:
        """The next piece; false while the caller does not take what came before."""
        if piece:
            self._transport.write(CHUNK % (len(piece), piece) if self._chunks else piece)
        return self._taken is None

    async def taken(self) -> None:
        """Return once the caller takes what came before. Raises SlowCaller."""
        if self._taken is not None:
            await self._taken

    def end(self) -> None:
        """There are no more pieces."""
        self._answered = _Answered.WHOLE
        if self._chunks:
            self._transport.write(LAST_CHUNK)

    # What comes in.

    def _take(self, data: bytes) -> None:
        """The beginning of a request; or what comes while one is under way, which waits for its answer."""
        self._buffer += data
        if self._head is not None or self._taken is not None:
            if len(self._buffer) > HEAD_BYTES:
                self._transport.pause_reading()
            return
        while self._buffer.startswith(b"\r\n"):  # RFC 9112 section 2.2
            self._buffer = self._buffer[2:]
        end = self._buffer.find(b"\r\n\r\n", 0, HEAD_BYTES)
        if end < 0:
            self._await_head()
            return
        head, rest = self._heads.read(self._buffer[:end]), self._buffer[end + 4 :]
        self._buffer = b""
        self._begin(head, body_of_request(head), rest)

    def _await_head(self) -> None:
        """Raises NotHttp."""
        if len(self._buffer) >= HEAD_BYTES:
            self._refuse(431, f"the head of a request has at most {HEAD_BYTES} bytes")
        elif BARE_LF.search(self._buffer):
            raise NotHttp("the lines of a head end in CR LF")
        elif self._buffer:
            self.due_s = min(self.due_s, self._port.now_s() + self._patience.head_s)

    def _begin(self, head: RequestHead, body: Body, rest: bytes) -> None:
        self._head, self._body = head, body
        self._patience = self._port.patience()
        self._answered = _Answered.NOT_YET
        self.due_s = _FOREVER
        if body.done:
            self._buffer = rest
        elif rest:
            self._take_body(rest)
        self.answering = self._loop.create_task(self._port.answer(head, self))
        self.answering.add_done_callback(self._over)

    def _take_body(self, data: bytes) -> None:
        """Raises NotHttp, unless somebody reads the body: they are told."""
        body = self._body
        assert body is not None, "a body is taken only while there is one"  # noqa: S101
        try:
            content, self._buffer = body.feed(data)
        except NotHttp:
            self._broken_body = True
            self._transport.pause_reading()
            content = b""
        if content:
            self._pieces.append(content)
            self._unread_bytes += len(content)
            if self._unread_bytes > UNREAD_BYTES:
                self._transport.pause_reading()
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def _wait_for_more(self) -> None:
        head = self._head
        if head is not None and head.minor and head.headers.get("expect", "").lower() == "100-continue":
            head.headers["expect"] = ""
            self._transport.write(_CONTINUE)
        if self.due_s == _FOREVER:
            self.due_s = self._port.now_s() + self._patience.body_s
        self._more = self._loop.create_future()
        try:
            await self._more
        finally:
            self._more = None
            if self._body is None or self._body.done or self._broken_body:
                self.due_s = _FOREVER

    # What goes out.

    @property
    def _closes(self) -> bool:
        """Whether the connection ends with this answer."""
        head = self._head
        if head is None or self._body is None or not self._body.done:
            return True
        return not head.minor or "close" in head.headers.get("connection", "").lower()

    def _head_of(self, status: int, headers: Headers, framing: tuple[str, str]) -> bytes:
        fields = [*headers, ("date", self._port.date), framing]
        if framing is not _CLOSE and self._closes:
            fields.append(_CLOSE)
        return response_head(status, fields)

    def _over(self, answering: "asyncio.Task[None]") -> None:
        """The request is: go on with the next one, or end the connection."""
        self.answering = None
        if answering.cancelled() or answering.exception() or self._answered is not _Answered.WHOLE:
            self._transport.abort()
            return
        if self._transport.is_closing():
            return
        closes, lingers = self._closes, self._body is not None and not self._body.done
        self._head = self._body = None
        self._pieces, self._unread_bytes = [], 0
        if closes:
            self._leave(lingering=lingers)
            return
        if self._taken is None:
            self._await_next()

    def _await_next(self) -> None:
        """The next request; some of it may have come before its turn."""
        self.due_s = self._port.now_s() + self._patience.idle_s
        if self._buffer:
            self._transport.resume_reading()
            self.data_received(b"")

    def _refuse(self, status: int, why: str) -> None:
        """What is no request is in nobody's dialect: it gets a line of text."""
        line = f"{why}\n".encode()
        fields = [_TEXT, ("date", self._port.date), ("content-length", str(len(line))), _CLOSE]
        self._transport.writelines((response_head(status, fields), line))
        self._leave(lingering=True)

    def _leave(self, *, lingering: bool) -> None:
        """Close, once what was said is out. A caller who still sends would lose an answer that is cut off behind it."""
        if not (lingering and self._transport.can_write_eof()):
            self._transport.close()
            return
        self._lingers = True
        self.due_s = self._port.now_s() + _LINGER_S
        self._transport.write_eof()
        self._transport.resume_reading()
