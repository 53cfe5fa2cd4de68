# SPDX-License-Identifier: Apache-2.0
"""What whoever reads a provider's answer needs of the way to it: ``dialler.py`` is the real one, ``sabotage.py`` is
that of the calls of a drill.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from freehold.contract.backend import Target
from freehold.contract.decision import Decision
from freehold.contract.endpoint import Endpoint


class Break(StrEnum):
    """Where on the way something went wrong."""

    NAME = "name"  # it cannot be resolved
    REFUSED = "refused"  # nobody listens there
    UNREACHED = "unreached"
    TOO_LATE = "too late"  # no connection in time
    CERTIFICATE = "certificate"
    TLS = "tls"
    LOST = "lost"  # the connection ended before what was being waited for was there
    NOT_HTTP = "not http"


class WayBroken(Exception):
    """No answer, or no more of it."""

    def __init__(self, where: Break) -> None:
        super().__init__(where)
        self.where = where


class Leave(Struct, frozen=True, kw_only=True):
    """The decision by which a call leaves the estate, and the target that it goes to."""

    decision: Decision
    target: Target


class Content(Protocol):
    """The bytes of an answer. Reading raises WayBroken."""

    async def readany(self) -> bytes:
        """What has come; empty at the end."""
        ...

    def iter_any(self) -> AsyncIterator[bytes]: ...

    def flow(self, sink: Callable[[bytes], None] | None) -> bool:
        """Give what comes to ``sink`` in the turn of the loop that brings it, until that is None; false where that
        cannot be done. Empty bytes: there is something that reading tells.
        """
        ...


class Response(Protocol):
    """An answer whose head is there."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, in small letters."""
        ...

    @property
    def content_type(self) -> str: ...

    @property
    def content(self) -> Content: ...

    def close(self) -> None:
        """Cut it off, unless it was read to its end."""
        ...


class Way(Protocol):
    """The way to one endpoint."""

    @property
    def endpoint(self) -> Endpoint: ...

    def post(self, path: str, body: bytes, headers: Mapping[str, str], leave: Leave) -> Awaitable[Response]:
        """Send a call, and wait for the head of its answer, which is to be closed. Raises WayBroken."""
        ...
