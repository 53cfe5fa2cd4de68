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
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

In = TypeVar("In")
Out = TypeVar("Out")

_MAX_FRAME_BYTES = 16 * 2**20
_SUN_PATH_BYTES = 107  # unix(7): sun_path is 108 bytes with its closing NUL
_LENGTH = struct.Struct(">I")


class ChannelClosed(ConnectionError):
    """The other end is gone."""


class Channel(Generic[In, Out]):
    """One connection. Reads ``In``, writes ``Out``; writes keep their order."""

    def __init__(self, reads: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._decoder: msgspec.msgpack.Decoder[In] = msgspec.msgpack.Decoder(reads)
        self._encoder = msgspec.msgpack.Encoder()
        self._reader = reader
        self._writer = writer
        self._posted: list[bytes] = []  # in this turn of the loop: they leave together at its end

    def post(self, message: Out) -> None:
        """Queue a message without waiting. Raises ChannelClosed."""
        if self._writer.is_closing():
            raise ChannelClosed("the other process closed the connection")
        payload = self._encoder.encode(message)
        if not self._posted:
            asyncio.get_running_loop().call_soon(self._flush)
        self._posted += (_LENGTH.pack(len(payload)), payload)

    async def send(self, message: Out) -> None:
        """Write a message, and wait while the other end is slow. Raises ChannelClosed."""
        self.post(message)
        await self.drain()

    async def drain(self) -> None:
        """Wait while the other end is slow to take what was posted. Raises ChannelClosed."""
        self._flush()
        try:
            await self._writer.drain()
        except OSError as exc:
            raise ChannelClosed("the other process closed the connection") from exc

    async def receive(self) -> In:
        """The next message. Raises ChannelClosed at the end, and on anything that is not one."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > _MAX_FRAME_BYTES:
                raise ChannelClosed(f"a frame of {length} bytes is over the limit")
            return self._decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError, msgspec.MsgspecError) as exc:
            raise ChannelClosed("the other process closed the connection") from exc

    async def __aiter__(self) -> AsyncIterator[In]:
        with contextlib.suppress(ChannelClosed):
            while True:
                yield await self.receive()

    def close(self) -> None:
        """What was posted is sent first."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        posted, self._posted = self._posted, []
        if posted and not self._writer.is_closing():
            self._writer.write(b"".join(posted))


def reachable_path(path: Path) -> str:
    """A name of the socket that fits ``sun_path`` however deep the estate lies.

    A path that is too long is reached through a descriptor of its directory, which stays open as long as the process.
    """
    if len(os.fsencode(path)) <= _SUN_PATH_BYTES:
        return str(path)
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return f"/proc/self/fd/{directory}/{path.name}"


async def connect(path: Path, reads: Any) -> Channel[Any, Any]:
    """Open a channel to whoever listens at ``path``. Raises ChannelClosed."""
    try:
        reader, writer = await asyncio.open_unix_connection(reachable_path(path), limit=_MAX_FRAME_BYTES)
    except OSError as exc:
        raise ChannelClosed(f"nothing listens at {path}") from exc
    return Channel(reads, reader, writer)


async def listen(
    path: Path, reads: Any, serve: Callable[[Channel[Any, Any]], Awaitable[None]]
) -> asyncio.AbstractServer:
    """Listen at ``path``, replacing a socket that a dead process left, and run ``serve`` for each connection."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        channel: Channel[Any, Any] = Channel(reads, reader, writer)
        try:
            await serve(channel)
        except ChannelClosed:
            pass  # the usual end of a connection
        finally:
            channel.close()

    return await asyncio.start_unix_server(accept, sock=bind(path), limit=_MAX_FRAME_BYTES)


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
