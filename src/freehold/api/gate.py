# SPDX-License-Identifier: Apache-2.0
"""How many calls this gateway takes on at once, and how many may wait for that. The others are turned away at once.

What it can carry shows in whether the loop comes late to what it has to do: while it does, fewer calls may be at work,
and more again as soon as it is in time. Late once is a burst, such as hundreds of streams that begin together. Whoever
is turned away was not admitted: nothing was decided of the call, and nothing is recorded.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Final, Self

from freehold.contract.snapshot import Capacity
from freehold.errors import Overloaded

_LOOK_EVERY_S: Final = 0.1
_LATE_S: Final = 0.1  # by how much the loop may be late for a look
_LATE_SHARE: Final = 0.7  # of the calls at work that may be, after a late look
_TIMELY_SHARE: Final = 0.1  # by which more may be, after a timely one
_ALWAYS: Final = 64  # calls may be at work: it is not so few that make the loop late
_BEGIN_AT_ONCE: Final = 3  # calls, in one turn of the loop, where more than those are at work


class Gate:
    """Calls at work, and those that wait to be, in the order in which they came."""

    def __init__(self) -> None:
        self._capacity = Capacity()
        self._most = self._capacity.calls  # that may be at work as things are now
        self._at_work = 0
        self._held_bytes = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._looking: asyncio.TimerHandle | None = None
        self._late = False  # at the last look
        self._begun = 0  # calls, in this turn of the loop
        self._to_begin: deque[asyncio.Future[None]] = deque()  # in one of the next turns
        self._turn: asyncio.Handle | None = None  # the next one

    def configure(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._most = capacity.calls
        self._let_in()

    @property
    def waiting(self) -> int:
        """Calls that wait for a place."""
        return len(self._waiting)

    async def place(self) -> "Place":
        """One call's place, once there is one: to be left by its context. Raises Overloaded."""
        if self._at_work < self._most and not self._waiting:
            self._at_work += 1
        else:
            await self._wait()
        if self._looking is None:
            self._look_later(asyncio.get_running_loop())
        if self._at_work > _ALWAYS:
            await self._begin_in_turn(asyncio.get_running_loop())
        return Place(self)

    def hold(self, size_bytes: int) -> None:
        """Count bytes of a request. Raises Overloaded where the others' leave no room for them."""
        self._held_bytes += size_bytes
        if self._held_bytes > self._capacity.held_bytes and self._at_work > 1:
            raise Overloaded("the requests at work leave no room for more of this one")

    def leave(self, held_bytes: int) -> None:
        """A call is over, and what was held of it is gone."""
        self._held_bytes -= held_bytes
        self._at_work -= 1
        self._let_in()

    async def _wait(self) -> None:
        if len(self._waiting) >= self._capacity.waiting:
            raise Overloaded("as many calls are at work, and wait to be, as this gateway takes")
        coming = asyncio.get_running_loop().create_future()
        self._waiting.append(coming)
        expiry = coming.get_loop().call_later(self._capacity.wait_s, self._expire, coming)
        try:
            await coming
        except asyncio.CancelledError:
            if not coming.cancelled():
                if coming.exception() is None:  # a place came as they left
                    self.leave(0)
            elif coming in self._waiting:  # who left waits no more, and takes nobody's turn
                self._waiting.remove(coming)
            raise
        finally:
            expiry.cancel()

    async def _begin_in_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Few begin at once: what flows already is not to wait until all who come together have begun."""
        if self._turn is None:
            self._turn = loop.call_soon(self._next_turn, loop)
        if self._begun < _BEGIN_AT_ONCE:
            self._begun += 1
            return
        coming = loop.create_future()
        self._to_begin.append(coming)
        try:
            await coming
        except asyncio.CancelledError:
            self.leave(0)
            raise

    def _next_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begun = 0
        while self._to_begin and self._begun < _BEGIN_AT_ONCE:
            coming = self._to_begin.popleft()
            if not coming.done():
                self._begun += 1
                coming.set_result(None)
        self._turn = loop.call_soon(self._next_turn, loop) if self._begun else None

    def _expire(self, coming: "asyncio.Future[None]") -> None:
        if not coming.done():
            self._waiting.remove(coming)
            coming.set_exception(Overloaded("no call at work was over in time for this one"))

    def _let_in(self) -> None:
        while self._waiting and self._at_work < self._most:
            coming = self._waiting.popleft()
            if not coming.done():
                self._at_work += 1
                coming.set_result(None)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        due_s = loop.time() + _LOOK_EVERY_S
        self._looking = loop.call_at(due_s, self._look, loop, due_s)

    def _look(self, loop: asyncio.AbstractEventLoop, due_s: float) -> None:
        was_late, self._late = self._late, loop.time() > due_s + _LATE_S
        if self._late and was_late:
            fewer = int(min(self._most, self._at_work) * _LATE_SHARE)
            self._most = min(self._capacity.calls, max(fewer, _ALWAYS))
        elif not self._late:
            self._most = min(self._capacity.calls, self._most + int(self._most * _TIMELY_SHARE) + 1)
            self._let_in()
        self._looking = None
        if self._at_work:
            self._look_later(loop)
        else:
            self._most, self._late = self._capacity.calls, False


class Place:
    """One call's, until its context ends."""

    __slots__ = ("_gate", "_held_bytes")

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._held_bytes = 0

    def hold(self, size_bytes: int) -> None:
        """More of the request is in memory. Raises Overloaded."""
        self._held_bytes += size_bytes
        self._gate.hold(size_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gate.leave(self._held_bytes)
