# SPDX-License-Identifier: Apache-2.0
"""One answer out of as many targets as it takes.

Before the first byte a fault is invisible: the next target begins. After it, the next target that can goes on from what
the caller has. A tool call, and an answer that must follow a schema, are held until they are whole for as long as
another target could take over, so that no caller gets one by halves or twice.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import Any, Final

from freehold.contract.record import Seam, SeamKind
from freehold.errors import Fault, FreeholdError
from freehold.relay.interface import Backends, Leave, Plan
from freehold.relay.turns import Reply, Turn, Turns

_PING_EVERY_S: Final = 5.0  # while something is held


class open_reply:  # noqa: N801 - read as a function, and as a class half as dear: every call comes by here
    """The first target that answers, with its first event in hand. A provider is asked once the admission is on disk.

    Raises what ``Turns.next`` does.
    """

    __slots__ = ("_plan", "_reply", "_turns")

    def __init__(self, targets: tuple[str, ...], plan: Plan, backends: Backends, leave: Leave) -> None:
        self._plan = plan
        self._reply: Reply
        self._turns = Turns(targets, backends, leave)

    async def __aenter__(self) -> Reply:
        try:
            turn = await self._turns.next(self._plan.begin)
        except BaseException:
            await self._turns.close()
            raise
        self._reply = reply = Reply(turn=turn)
        reply.chunks = _Stream(reply, self._turns, self._plan) if turn.exchange.upstream.stream else _Whole(turn)
        return reply

    def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> Coroutine[Any, Any, None]:
        del self._reply.chunks  # they know the reply: what was said and asked would stay until Python looks for garbage
        return self._turns.close()


class _Whole:
    """An answer in one piece."""

    __slots__ = ("_body",)

    def __init__(self, turn: Turn) -> None:
        turn.exchange.tally.finished = True
        self._body: bytes | None = turn.opening

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        body, self._body = self._body, None
        if body is None:
            raise StopAsyncIteration
        return body

    async def pour(self, out: Callable[[bytes], bool]) -> None:
        """There is nothing more to come."""


class _Stream:
    """A streamed answer, out of as many targets as it takes."""

    __slots__ = ("_held", "_may_hold", "_over", "_plan", "_ready", "_reply", "_sent", "_turns")

    def __init__(self, reply: Reply, turns: Turns, plan: Plan) -> None:
        self._reply = reply
        self._turns = turns
        self._plan = plan
        self._sent: list[bytes] = []  # what the caller has of the answer
        self._ready: deque[bytes] = deque()  # what the caller gets next
        self._over = False
        self._held: list[bytes] | None = None  # what comes at once when the answer is whole, with pings until then
        self._begin()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Raises the Fault of a break after which nobody can go on."""
        while not self._ready:
            if self._over:
                raise StopAsyncIteration
            try:
                await self._more()
            except Fault as fault:
                await self._broke(fault)
        return self._ready.popleft()

    async def pour(self, out: Callable[[bytes], bool]) -> None:
        """As ``Chunks.pour``; what is to be held is not poured."""
        if not (self._ready or self._over or self._held is not None):
            await self._reply.turn.pour(out, self._sent, self._plan.holds if self._may_hold else None)

    def _begin(self) -> None:
        """A target has begun, or goes on."""
        self._may_hold = self._turns.anybody_else
        self._held = None
        self._put(self._reply.turn.opening)

    def _put(self, piece: bytes) -> None:
        if self._held is None and self._may_hold and self._plan.holds(piece):
            self._held = []
        if self._held is not None:
            self._held.append(piece)
        elif piece:
            self._say(piece)

    def _say(self, piece: bytes) -> None:
        self._sent.append(piece)
        self._ready.append(piece)

    def _let_go(self) -> None:
        """The answer is whole, at least but for its end."""
        if self._held:
            self._say(b"".join(self._held))

    async def _more(self) -> None:
        try:
            piece = await self._reply.turn.next_piece(None if self._held is None else _PING_EVERY_S)
        except TimeoutError:
            self._ready.append(self._plan.ping)
            return
        if piece is not None:
            self._put(piece)
            return
        self._over = True
        self._let_go()

    async def _broke(self, fault: Fault) -> None:
        """End it, if it lacks no more than that, or have the next target go on. Raises the fault where none can."""
        reply, plan = self._reply, self._plan
        if reply.exchange.tally.finish:
            self._let_go()
            reply.exchange.tally.finished = True
            reply.seams.append(_seam(SeamKind.CLOSED, reply.turn, reply.turn, fault, b"".join(self._sent)))
            self._ready.append(plan.ending(reply.exchange))
            self._over = True
            return
        await _take_over(reply, self._turns, plan, fault, b"".join(self._sent))
        if told := plan.told(reply.seams[-1]):
            self._ready.append(told)
        self._begin()


async def _take_over(reply: Reply, turns: Turns, plan: Plan, fault: Fault, has: bytes) -> None:
    """Have the next target go on. Raises the fault where none can."""
    left = reply.turn
    await turns.leave(left, fault)
    try:
        reply.turn = await turns.next(partial(plan.go_on, sent=has) if has else plan.begin)
    except FreeholdError:
        raise fault from None
    kind = SeamKind.CONTINUED if has else SeamKind.BEGUN_AGAIN
    reply.seams.append(_seam(kind, left, reply.turn, fault, has))


def _seam(kind: SeamKind, left: Turn, taken_by: Turn, fault: Fault, has: bytes) -> Seam:
    return Seam(left=left.target, taken_by=taken_by.target, kind=kind, error=fault.code, at_bytes=len(has))
