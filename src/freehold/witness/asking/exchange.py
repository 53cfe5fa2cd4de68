# SPDX-License-Identifier: Apache-2.0
"""One witness asked for one checkpoint, until it has cosigned it or there is a reason why it has not.

A witness that knows of more than there is, or does not see that the log goes on from what it knows, is an alarm, and is
asked what it has seen: a checkpoint with the log's own signature on it is proof.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from freehold.errors import ContactFailed, EgressDenied, EstateError, VerificationFailed
from freehold.ledger.tree.checkpoint import Checkpoint
from freehold.witness.asking.answers import (
    Conflict,
    Cosigned,
    Inconsistent,
    NoUse,
    Witnessed,
    read_answer,
    read_monitored,
)
from freehold.witness.asking.own_log import Head, OwnLog
from freehold.witness.asking.ways import Way
from freehold.witness.protocol.request import write_request

_TRIES = 3  # a size that the witness tells is taken up at once, and not for ever


class AlarmKind(StrEnum):
    """What a witness shows of the log."""

    ROLLBACK = "rollback"  # it has seen more entries than there are
    SPLIT_VIEW = "split_view"  # it does not see that the log goes on from what it has seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """``seen``: the checkpoint that the witness has, where it shows one that the log has signed.

    ``proved``: that checkpoint alone shows that the log is not what it was; else it is the witness's word.
    """

    kind: AlarmKind
    seen_size: int
    own_size: int
    seen: bytes = b""
    proved: bool = False


Told = Cosigned | Alarm | NoUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of it. ``seen_size``: what the witness is known to have cosigned last; None: nothing is known."""

    told: Told
    seen_size: int | None


async def ask(way: Way, log: OwnLog, head: Head, seen_size: int | None) -> Asked:
    """Have a witness cosign the head. ``seen_size``: what it is thought to have cosigned last."""
    try:
        return await _ask(way, log, head, seen_size)
    except (ContactFailed, EgressDenied) as problem:
        return Asked(told=NoUse(why=problem.message), seen_size=seen_size)
    except (VerificationFailed, EstateError) as problem:
        return Asked(told=NoUse(why=f"no proof can be made for it: {problem.message}"), seen_size=seen_size)


async def _ask(way: Way, log: OwnLog, head: Head, seen_size: int | None) -> Asked:
    old_size = seen_size if seen_size is not None and seen_size <= head.size else 0
    for _ in range(_TRIES):
        proof = await asyncio.to_thread(log.proof, old_size, head.size)
        reply = await way.add_checkpoint(write_request(old_size, proof, head.note))
        match read_answer(reply, head.note, way.witness.cosigner):
            case Cosigned() as cosigned:
                return Asked(told=cosigned, seen_size=head.size)
            case Conflict(size=size) if size <= head.size:
                old_size = seen_size = size
            case Conflict(size=size):
                return Asked(told=await _beyond(way, log, head, size), seen_size=size)
            case Inconsistent():
                return Asked(told=await _split(way, log, head, old_size), seen_size=old_size)
            case NoUse() as no_use:
                return Asked(told=no_use, seen_size=seen_size)
    return Asked(told=NoUse(why="it names another size each time that it is asked"), seen_size=None)


async def _beyond(way: Way, log: OwnLog, head: Head, size: int) -> Told:
    """The witness says that it has cosigned more than it is being shown."""
    newest = await asyncio.to_thread(log.head)
    if newest is not None and newest.size >= size:
        return NoUse(why="it has seen a newer checkpoint meanwhile")  # of an asking that was cut short; asked anew
    seen, own_size = await _seen(way, log, head), newest.size if newest else 0
    return Alarm(
        kind=AlarmKind.ROLLBACK,
        seen_size=size,
        own_size=own_size,
        seen=seen.note if seen else b"",
        proved=seen is not None and seen.checkpoint.size > own_size,
    )


async def _split(way: Way, log: OwnLog, head: Head, old_size: int) -> Told:
    """The witness says that the head does not go on from what it has cosigned."""
    seen = await _seen(way, log, head)
    return Alarm(
        kind=AlarmKind.SPLIT_VIEW,
        seen_size=seen.checkpoint.size if seen else old_size,
        own_size=head.size,
        seen=seen.note if seen else b"",
        proved=seen is not None and await asyncio.to_thread(_contradicts, seen.checkpoint, log, head),
    )


async def _seen(way: Way, log: OwnLog, head: Head) -> Witnessed | None:
    """What the witness shows to monitors. That it shows nothing makes no alarm smaller."""
    try:
        return read_monitored(await way.checkpoint(head.checkpoint.origin), log.verifier, way.witness.cosigner)
    except (ContactFailed, EgressDenied):
        return None


def _contradicts(seen: Checkpoint, log: OwnLog, head: Head) -> bool:
    """Whether a checkpoint that the log has signed is of another tree than the one that is here."""
    try:
        return seen.size <= head.size and log.root(seen.size, head) != seen.root
    except (VerificationFailed, EstateError):
        return False  # own tiles that cannot be read prove nothing, and make no alarm smaller
