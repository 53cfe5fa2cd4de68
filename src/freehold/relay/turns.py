# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is: takes targets in order until one has begun to answer, with its first event in hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import Final

from freehold.contract.record import Ending, Seam, SeamKind
from freehold.dialect.interface import Backend, Event, Exchange
from freehold.dialect.limits import RateLimits
from freehold.errors import BackendBroke, ContextExceeded, Fault, FreeholdError, NoTarget, Unsupported
from freehold.relay.cutting import Pour
from freehold.relay.interface import BackendAnswer, Backends, Chunks, Leave

Planned = Callable[[Backend], Exchange]
Holds = Callable[[bytes], bool]  # whether the answer is to be held from this piece on

_ANOTHER_MAY_DO: Final = (Fault, Unsupported, ContextExceeded)
_TURNS_OF_AN_ENGINE: Final = 3  # one of the estate's own that died is back soon, and may go on with what it began


@dataclass(slots=True, kw_only=True)
class Turn:
    """One target at work on the call.

    What says nothing by itself, such as the opening of a block, goes to the caller with what is said next, or with the
    next ping. So where an answer breaks off, the caller mostly stands right behind something that was said.
    """

    target: str
    backend: Backend
    exchange: Exchange
    answer: BackendAnswer
    source: "Source"
    opening: bytes = b""  # the caller's first
    _waiting: bytes = b""  # for what is said next
    _said: int = 0  # pieces, as of the last time that somebody looked
    _kept: bytes = b""  # that was not to be poured
    _problem: FreeholdError | None = None  # met while it was poured
    _out: Callable[[bytes], bool] = field(init=False)  # to where it is poured
    _sent: list[bytes] = field(init=False)
    _holds: Holds | None = field(init=False)

    async def open(self) -> bytes:
        """Wait for the first event of a stream, and take what is there of the caller's bytes, which may be none."""
        event = await self.source.next()
        while event is not None and _is_ping(event):
            event = await self.source.next()
        if event is None:
            raise BackendBroke("the backend ended its answer before the first event")
        return self._said_in(event)

    async def next_piece(self, patience_s: float | None = None) -> bytes | None:
        """The caller's next bytes, which may be none; None once the answer is whole: after its end nothing breaks it.

        Raises TimeoutError when they take longer, and the Fault by which the answer breaks off.
        """
        if kept := self._kept:
            self._kept = b""
            return kept
        try:
            if self._problem is not None:
                raise self._problem
            event = await self.source.next(patience_s)
            if event is not None:
                return self._said_in(event)
        except Fault:
            if not self.exchange.tally.finished:
                raise
        if not self.exchange.tally.finished:
            raise BackendBroke("the backend's answer broke off")
        return None

    async def pour(self, out: Callable[[bytes], bool], sent: list[bytes], holds: Holds | None) -> None:
        """Hand the caller's bytes on in the turn of the loop that brings them, until ``out`` says false.

        What goes there is put to what was ``sent``. Returns at whatever else there is, such as what ``holds`` is true
        of. What that is, ``next_piece`` says.
        """
        self._out, self._sent, self._holds = out, sent, holds
        await self.source.pour(self._take)

    def _take(self, event: Event) -> bool:
        try:
            piece = self._said_in(event)
        except FreeholdError as problem:
            self._problem = problem
            return False
        if not piece:
            return True
        if self._holds is not None and self._holds(piece):
            self._kept = piece
            return False
        self._sent.append(piece)
        return self._out(piece)

    def _said_in(self, event: Event) -> bytes:
        exchange = self.exchange
        piece, tally = exchange.event(event), exchange.tally
        if self._waiting:
            piece, self._waiting = self._waiting + piece, b""
        written = tally.output_tokens
        if written == self._said and not tally.finish and not tally.finished and not _is_ping(event):
            self._waiting = piece
            return b""
        self._said = written
        return piece


def _is_ping(event: Event) -> bool:
    return not event.data or event.name == "ping"


@dataclass(slots=True, kw_only=True)
class Reply:
    """An answer in the caller's dialect. ``chunks`` raises a Fault where it breaks off and nobody can go on."""

    turn: Turn  # of whoever answers now: after a seam, of whoever took over
    chunks: Chunks = field(init=False)
    seams: list[Seam] = field(default_factory=list)

    @property
    def target(self) -> str:
        return self.turn.target

    @property
    def exchange(self) -> Exchange:
        return self.turn.exchange

    @property
    def body(self) -> bytes | None:
        """Of an answer in one piece. None: it is streamed."""
        return None if self.turn.exchange.upstream.stream else self.turn.opening

    @property
    def ending(self) -> Ending:
        """How the answer ended, if it is whole."""
        went_on = self.seams and any(seam.kind is not SeamKind.CLOSED for seam in self.seams)
        return Ending.CONTINUED if went_on else Ending.COMPLETE

    @property
    def limits(self) -> RateLimits | None:
        """What a provider says of its rate limits."""
        return self.turn.answer.limits


class Turns:
    """The targets of one call. At most one of them is at work at a time."""

    __slots__ = ("_backends", "_begun", "_leave", "_open", "_source", "_taken", "_waiting")

    def __init__(self, targets: tuple[str, ...], backends: Backends, leave: Leave) -> None:
        self._waiting = list(targets)
        self._taken: dict[str, int] = {}
        self._begun = False  # whether the caller has something of an answer
        self._backends = backends
        self._leave = leave
        self._open: AbstractAsyncContextManager[BackendAnswer] | None = None  # of the target whose turn it is
        self._source: Source | None = None

    @property
    def anybody_else(self) -> bool:
        """Whether a target is left that has not been tried."""
        return any(target not in self._taken for target in self._waiting)

    async def next(self, planned: Planned) -> Turn:
        """The next target that begins to answer.

        Raises what they failed with, a Fault rather than what one of them cannot do; NoTarget where there is none;
        what the caller got wrong at once, unless another target may be able to do it. Once an answer has begun, the
        caller can have got nothing wrong: what a target refuses then is the request for the rest.
        """
        failure: FreeholdError | None = None
        while self._waiting:
            target = self._waiting.pop(0)
            if self._taken and not self._leave.may(target):  # the first was found fit a moment ago
                continue
            try:
                turn = await self._begin(target, planned)
            except FreeholdError as problem:
                await self.close()
                if not self._begun and not isinstance(problem, _ANOTHER_MAY_DO):
                    raise
                self._leave.failed(target, problem)
                if isinstance(problem, Fault) or not isinstance(failure, Fault) or isinstance(failure, NoTarget):
                    failure = problem
            else:
                self._leave.answered(target)
                self._begun = True
                return turn
        raise failure or NoTarget("no target is fit to answer")

    async def leave(self, turn: Turn, fault: Fault) -> None:
        """Give up on the target whose turn it is. An engine of the estate may have another one, after all others."""
        await self.close()
        self._leave.failed(turn.target, fault)
        if turn.backend.foreign is None and self._taken[turn.target] < _TURNS_OF_AN_ENGINE:
            self._waiting.append(turn.target)

    async def close(self) -> None:
        """Stop the work of the target whose turn it is."""
        opened, source = self._open, self._source
        self._open = self._source = None
        if source is not None:
            source.close()
        if opened is not None:
            await opened.__aexit__(None, None, None)

    async def _begin(self, target: str, planned: Planned) -> Turn:
        self._taken[target] = self._taken.get(target, 0) + 1
        backend = await self._backends.ready(target)
        exchange = planned(backend)
        if backend.foreign:
            await self._leave.on_record()
        if not self._leave.may(target):  # what was waited for may have taken long
            raise NoTarget(f"{target} was withdrawn while the call waited for it")
        opened = self._backends.open(target, exchange.upstream, self._leave.decision)
        answer = await opened.__aenter__()
        self._open = opened
        self._source = source = Source(answer.events)
        turn = Turn(target=target, backend=backend, exchange=exchange, answer=answer, source=source)
        turn.opening = await turn.open() if exchange.upstream.stream else exchange.whole(answer.body)
        return turn


class Source:
    """A backend's events, for whoever has a word for the caller when the next one takes long."""

    __slots__ = ("_coming", "_events", "_pour")

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self._events = events
        self._pour: Pour | None = getattr(events, "pour", None)
        self._coming: asyncio.Future[Event | None] | None = None

    async def pour(self, take: Callable[[Event], bool]) -> None:
        """Hand events on in the turn of the loop that brings them, until ``take`` says false; where it can be."""
        if self._pour is not None and self._coming is None:
            await self._pour(take)

    async def next(self, patience_s: float | None = None) -> Event | None:
        """The next event, or None at the end. Raises TimeoutError when it takes longer; then ask again."""
        if patience_s is None and self._coming is None:
            try:
                return await self._events.__anext__()
            except StopAsyncIteration:
                return None
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._events, None))
        async with asyncio.timeout(patience_s):
            event = await asyncio.shield(self._coming)
        self._coming = None
        return event

    def close(self) -> None:
        """Wait for nothing more."""
        if self._coming is not None:
            self._coming.cancel()
            self._coming.add_done_callback(_heard)


def _heard(coming: "asyncio.Future[Event | None]") -> None:
    """Nobody asks any more what became of it."""
    with suppress(asyncio.CancelledError):
        coming.exception()
