# SPDX-License-Identifier: Apache-2.0
"""One request at the public port, as the gateway has it, and reading its body within a limit. ``listener.py`` has the
real one. Whoever hangs up cancels whoever answers them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from freehold.api.limit import announced_within, too_large
from freehold.errors import InvalidRequest

Headers = Sequence[tuple[str, str]]


class Exchange(Protocol):
    """One request's body and answer. Answered once, by ``respond`` or by ``begin`` and what follows it."""

    async def read(self) -> bytes:
        """The next bytes of the body; empty at its end. Raises SlowRequest, InvalidRequest."""
        ...

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer. After one that has begun: cut it off there."""
        ...

    def begin(self, status: int, headers: Headers) -> None:
        """The head of an answer that is sent piece by piece."""
        ...

    def push(self, piece: bytes) -> bool:
        """The next piece; false where the caller does not take what came before."""
        ...

    async def taken(self) -> None:
        """Return once the caller takes what came before. Raises SlowCaller."""
        ...

    def end(self) -> None:
        """There are no more pieces."""
        ...


async def read_body(
    headers: Mapping[str, str], exchange: Exchange, limit_bytes: int, hold: Callable[[int], None]
) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be over the limit, before the rest is read.

    Raises InvalidRequest for one that is compressed: what it holds would not be what the limit bounds.
    ``hold`` hears how many bytes have come each time, and may raise.
    """
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise InvalidRequest("the body has a Content-Encoding: send it as it is, not compressed")
    announced_bytes = announced_within(limit_bytes, headers)
    pieces: list[bytes] = []
    size_bytes = 0
    while size_bytes != announced_bytes and (piece := await exchange.read()):
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise too_large(limit_bytes)
        hold(len(piece))
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
