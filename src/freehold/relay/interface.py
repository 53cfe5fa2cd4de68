# SPDX-License-Identifier: Apache-2.0
"""What the relay needs of backends, of the call and of its dialect, and what it makes of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from freehold.contract.backend import EngineStatus
from freehold.contract.decision import Decision
from freehold.contract.record import Seam
from freehold.dialect.interface import Backend, Event, Exchange, Upstream
from freehold.dialect.limits import RateLimits
from freehold.errors import FreeholdError


class Chunks(Protocol):
    """The caller's bytes, piece by piece. Raises a Fault where they break off and nobody can go on."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def __anext__(self) -> bytes: ...

    async def pour(self, out: Callable[[bytes], bool]) -> None:
        """Hand pieces on in the turn of the loop that brings them, with no task between, until ``out`` says false.

        Returns at anything else than more of the answer, at once where it cannot be done. Iterating says what it is.
        """
        ...


class BackendAnswer(Protocol):
    """What came back: a whole body, or events. One of them is there, as the upstream asked."""

    @property
    def body(self) -> bytes: ...

    @property
    def events(self) -> AsyncIterator[Event]: ...

    @property
    def limits(self) -> RateLimits | None:
        """What a provider says of its rate limits."""
        ...


class Backends(Protocol):
    """Every backend of the estate, by target name."""

    def status(self, target: str) -> EngineStatus | None:
        """What is known of the backend now, without waiting."""
        ...

    def ready(self, target: str) -> Awaitable[Backend]:
        """To be awaited: what the backend can do, once it can be called; wakes it. Raises a Fault when it cannot be."""
        ...

    def open(self, target: str, upstream: Upstream, decision: Decision) -> AbstractAsyncContextManager[BackendAnswer]:
        """Ask. Leaving the context stops the backend's work. Raises a Fault, or the CallerError that it found."""
        ...

    def cut(self, target: str) -> None:
        """Break off every answer of the target that is under way: whoever reads it meets a Fault."""
        ...


class Plan(Protocol):
    """One request in its dialect, put to whichever backend answers it."""

    ping: bytes  # what keeps the caller waiting while something is held

    def begin(self, backend: Backend) -> Exchange:
        """Ask for the answer. Raises Unsupported where the backend cannot do what is asked."""
        ...

    def go_on(self, backend: Backend, sent: bytes) -> Exchange:
        """Ask for the rest of an answer of which the caller has ``sent``. Raises Unsupported."""
        ...

    def ending(self, exchange: Exchange) -> bytes:
        """The caller's bytes for the end of a stream whose backend said why it ends, and did not close it."""
        ...

    def holds(self, piece: bytes) -> bool:
        """Whether the answer is to be held from this piece on until it is whole."""
        ...

    def told(self, seam: Seam) -> bytes:
        """What the caller is told of a seam. Empty where that was not asked for."""
        ...


class Leave(Protocol):
    """A call's leave to be seen by the targets of its decision, and whom to tell how they did."""

    @property
    def decision(self) -> Decision: ...

    def may(self, target: str) -> bool:
        """Whether the target may see the call as things are now: rules and directives change while a call lasts."""
        ...

    def on_record(self) -> Awaitable[object]:
        """To be awaited until the admission is on disk: before that, no byte leaves the estate. Raises LedgerFault."""
        ...

    def answered(self, target: str) -> None:
        """Take note that the target began to answer."""
        ...

    def failed(self, target: str, problem: FreeholdError) -> None:
        """Take note of why the target did not answer, or broke off."""
        ...
