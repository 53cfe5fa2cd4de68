# SPDX-License-Identifier: Apache-2.0
"""One answer out of as many targets as it takes.

Before the first byte a fault is invisible: the next target begins. After it, the next target that can goes on from what
the caller has. A tool call, and an answer that must follow a schema, are held until they are whole for as long as
another target could take over, so that no caller gets one by halves or twice.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from freehold.contract.record import Seam, SeamKind
from freehold.errors import Fault, FreeholdError
from freehold.relay.interface import Backends, Leave, Plan
from freehold.relay.turns import Reply, Turn, Turns

_PING_EVERY_S: Final = 5.0  # while something is held


@asynccontextmanager
async def open_reply(targets: tuple[str, ...], plan: Plan, backends: Backends, leave: Leave) -> AsyncIterator[Reply]:
    """The first target that answers, with its first event in hand. A provider is asked once the admission is on disk.

    Raises what ``Turns.next`` does.
    """
    turns = Turns(targets, backends, leave)
    try:
        turn = await turns.next(plan.begin)
        reply = Reply(turn=turn, chunks=_whole(turn))
        if turn.exchange.upstream.stream:
            reply.chunks = _stream(reply, turns, plan)
        yield reply
    finally:
        await turns.close()


async def _whole(turn: Turn) -> AsyncIterator[bytes]:
    turn.exchange.tally.finished = True
    yield turn.opening


async def _stream(reply: Reply, turns: Turns, plan: Plan) -> AsyncIterator[bytes]:
    """The caller's bytes. Raises the Fault of a break after which nobody can go on."""
    sent: list[bytes] = []  # what the caller has of the answer
    while True:
        pieces = _held(reply.turn, plan) if turns.anybody_else else _pieces(reply.turn)
        try:
            async for piece in pieces:
                if piece is not plan.ping:
                    sent.append(piece)
                yield piece
        except Fault as fault:
            has = b"".join(sent)
            if reply.exchange.tally.finish:
                reply.exchange.tally.finished = True
                reply.seams.append(_seam(SeamKind.CLOSED, reply.turn, reply.turn, fault, has))
                yield plan.ending(reply.exchange)
                return
            await _take_over(reply, turns, plan, fault, has)
            if told := plan.told(reply.seams[-1]):
                yield told
        else:
            return


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


async def _pieces(turn: Turn) -> AsyncIterator[bytes]:
    """The caller's bytes as they come. Raises the Fault by which the answer breaks off."""
    piece: bytes | None = turn.opening
    while piece is not None:
        if piece:
            yield piece
        piece = await turn.next_piece()


async def _held(turn: Turn, plan: Plan) -> AsyncIterator[bytes]:
    """The same; but what is to be held comes at once when the answer is whole, and pings until then."""
    held: list[bytes] | None = None
    piece: bytes | None = turn.opening
    while piece is not None:
        if held is None and plan.holds(piece):
            held = []
        if held is not None:
            held.append(piece)
        elif piece:
            yield piece
        try:
            piece = await turn.next_piece(None if held is None else _PING_EVERY_S)
        except TimeoutError:
            yield plan.ping
            piece = b""
        except Fault:
            if held and turn.exchange.tally.finish:  # it is whole but for its end
                yield b"".join(held)
            raise
    if held:
        yield b"".join(held)
