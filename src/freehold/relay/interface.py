# SPDX-License-Identifier: Apache-2.0
"""What the relay needs of backends, and what it makes of them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from freehold.contract.backend import EngineStatus
from freehold.dialect.interface import Backend, Event, Exchange, Upstream


class BackendAnswer(Protocol):
    """What came back: a whole body, or events. One of them is there, as the upstream asked."""

    @property
    def body(self) -> bytes: ...

    @property
    def events(self) -> AsyncIterator[Event]: ...


class Backends(Protocol):
    """Every backend of the estate, by target name."""

    def status(self, target: str) -> EngineStatus | None:
        """What is known of the backend now, without waiting."""
        ...

    async def ready(self, target: str) -> Backend:
        """What the backend can do, once it can be called; wakes it. Raises a Fault when it cannot be."""
        ...

    def open(self, target: str, upstream: Upstream) -> AbstractAsyncContextManager[BackendAnswer]:
        """Ask. Leaving the context stops the backend's work. Raises a Fault, or the CallerError that it found."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One target's answer in the caller's dialect. ``chunks`` raises a Fault where the backend breaks off."""

    target: str
    model: str
    exchange: Exchange
    chunks: AsyncIterator[bytes]
