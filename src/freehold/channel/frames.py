# SPDX-License-Identifier: Apache-2.0
"""A message is a MessagePack value behind its length, four bytes big-endian.

Both ends name the union of message types that they read; anything else closes the connection. The socket file is 0600:
whoever can open it is the estate's own user, and that is the only authentication between the estate's processes.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import msgspec

In = TypeVar("In")
Out = TypeVar("Out")

_MAX_FRAME_BYTES = 16 * 2**20
_MOST_UNREAD = 256  # messages; then no more is read from the other end, until some are taken
_SUN_PATH_BYTES = 107  # unix(7): sun_path is 108 bytes with its closing NUL
_LENGTH = struct.Struct(">I")
_descriptors: dict[Path, int] = {}  # of directories whose sockets have names that are too long


class ChannelClosed(ConnectionError):
    """The other end is gone."""


class Channel(asyncio.Protocol, Generic[In, Out]):
    """One connection. Reads ``In``, writes ``Out``; writes keep their order. One task reads, in one of the three ways.

    ``serve`` runs for it from its start; when that ends, so does the connection.
    """

    def __init__(self, reads: Any, serve: "Callable[[Channel[In, Out]], Awaitable[None]] | None" = None) -> None:
        self._decoder: msgspec.msgpack.Decoder[In] = msgspec.msgpack.Decoder(reads)
        self._encoder = msgspec.msgpack.Encoder()
        self._serve = serve
        self._loop = asyncio.get_running_loop()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._chunks: list[bytes] = []  # of a frame that is not whole yet
        self._lacks_bytes = _LENGTH.size  # before there can be a further frame
        self._unread: deque[In] = deque()
        self._arrived: asyncio.Future[None] | None = None
        self._hear: Callable[[Sequence[In]], None] | None = None
        self._paused = False
        self._ending = False  # nothing more is read
        self._drained: asyncio.Future[None] | None = None
        self._posted: list[bytes] = []  # in this turn of the loop: they leave together at its end

    def post(self, message: Out) -> None:
        """Queue a message without waiting. Raises ChannelClosed."""
        if self._transport.is_closing():
            raise _gone()
        if not self._posted:
            self._loop.call_soon(self._flush)
        self._frame(message)

    def say(self, message: Out) -> None:
        """As ``post``; it leaves at once, for whoever has no more to say in this turn. Raises ChannelClosed."""
        if self._transport.is_closing():
            raise _gone()
        self._frame(message)
        self._flush()

    async def send(self, message: Out) -> None:
        """Write a message, and wait while the other end is slow. Raises ChannelClosed."""
        self.post(message)
        await self.drain()

    async def drain(self) -> None:
        """Wait while the other end is slow to take what was posted. Raises ChannelClosed."""
        self._flush()
        if self._drained is not None:
            await asyncio.shield(self._drained)
        if self._transport.is_closing():
            raise _gone()

    async def receive(self) -> In:
        """The next message. Raises ChannelClosed at the end, and on anything that is not one."""
        while not self._unread:
            if self._ending:
                raise _gone()
            self._arrived = self._loop.create_future()
            await self._arrived
        message = self._unread.popleft()
        self._read_on()
        return message

    async def __aiter__(self) -> AsyncIterator[In]:
        with contextlib.suppress(ChannelClosed):
            while True:
                yield await self.receive()

    async def hear(self, hear: Callable[[Sequence[In]], None]) -> None:
        """Hand over every message, in the batches in which they come, with no task in between; returns at the end."""
        if self._unread:
            hear([*self._unread])
            self._unread.clear()
            self._read_on()
        self._hear = hear
        try:
            await asyncio.shield(self._closed)
        finally:
            self._hear = None

    def close(self) -> None:
        """What was posted is sent first."""
        self._flush()
        self._transport.close()

    def break_off(self) -> None:
        """Close at once; what the other end has not taken is dropped."""
        self._posted.clear()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._serve is not None:
            self._serving = self._loop.create_task(self._run(self._serve))

    def data_received(self, data: bytes) -> None:
        self._lacks_bytes -= len(data)
        if self._chunks:
            self._chunks.append(data)
        if self._lacks_bytes > 0:
            self._chunks = self._chunks or [data]
            return
        messages = self._messages(b"".join(self._chunks) if self._chunks else data)
        if self._hear is not None:
            self._hear(messages)
            return
        self._unread.extend(messages)
        self._wake()
        if len(self._unread) >= _MOST_UNREAD and not self._ending:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._ending = True
        self._wake()
        self.resume_writing()
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    async def _run(self, serve: "Callable[[Channel[In, Out]], Awaitable[None]]") -> None:
        try:
            await serve(self)
        except ChannelClosed:
            pass  # the usual end of a connection
        finally:
            self.close()

    def _messages(self, data: bytes) -> list[In]:
        """The messages that are whole; the rest waits for more. Anything else ends the connection."""
        messages: list[In] = []
        view = memoryview(data)
        at, end = 0, len(data)
        frame_bytes = _LENGTH.size
        while at + _LENGTH.size <= end:
            (length,) = _LENGTH.unpack_from(data, at)
            frame_bytes = _LENGTH.size + length
            if length > _MAX_FRAME_BYTES:
                return self._broken_off(messages)
            if at + frame_bytes > end:
                break
            try:
                messages.append(self._decoder.decode(view[at + _LENGTH.size : at + frame_bytes]))
            except msgspec.MsgspecError:
                return self._broken_off(messages)
            at += frame_bytes
            frame_bytes = _LENGTH.size
        self._chunks = [data[at:]] if at < end else []
        self._lacks_bytes = frame_bytes - (end - at)
        return messages

    def _broken_off(self, messages: list[In]) -> list[In]:
        self._ending = True
        self._transport.close()
        return messages

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def _read_on(self) -> None:
        if self._paused and len(self._unread) < _MOST_UNREAD and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def _frame(self, message: Out) -> None:
        payload = self._encoder.encode(message)
        self._posted += (_LENGTH.pack(len(payload)), payload)

    def _flush(self) -> None:
        posted, self._posted = self._posted, []
        if posted and not self._transport.is_closing():
            self._transport.write(b"".join(posted))


def reachable_path(path: Path) -> str:
    """A name of the socket that fits ``sun_path`` however deep the estate lies.

    A path that is too long is reached through a descriptor of its directory, which stays open as long as the process:
    one for each directory, however often it is asked for.
    """
    if len(os.fsencode(path)) <= _SUN_PATH_BYTES:
        return str(path)
    return f"/proc/self/fd/{_descriptor(path.parent)}/{path.name}"


def _descriptor(directory: Path) -> int:
    known = _descriptors.get(directory)
    with contextlib.suppress(OSError):  # closed, or no longer there
        if known is not None and os.path.samestat(os.fstat(known), directory.stat()):
            return known
    _descriptors[directory] = opened = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return opened


async def connect(path: Path, reads: Any) -> Channel[Any, Any]:
    """Open a channel to whoever listens at ``path``. Raises ChannelClosed."""
    try:
        _, channel = await asyncio.get_running_loop().create_unix_connection(
            lambda: Channel[Any, Any](reads), reachable_path(path)
        )
    except OSError as exc:
        raise ChannelClosed(f"nothing listens at {path}") from exc
    return channel


async def listen(
    path: Path, reads: Any, serve: Callable[[Channel[Any, Any]], Awaitable[None]]
) -> asyncio.AbstractServer:
    """Listen at ``path``, replacing a socket that a dead process left, and run ``serve`` for each connection."""
    return await asyncio.get_running_loop().create_unix_server(lambda: Channel(reads, serve), sock=bind(path))


def bind(path: Path) -> socket.socket:
    """A socket at ``path`` that only its owner can open, in place of one that a dead process left."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(reachable_path(path))
    finally:
        os.umask(mask)
    return listener


def _gone() -> ChannelClosed:
    return ChannelClosed("the other process closed the connection")
