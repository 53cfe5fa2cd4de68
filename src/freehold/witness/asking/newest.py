# SPDX-License-Identifier: Apache-2.0
"""What the witnesses have seen of a log, asked once: before a copy of it becomes the log."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from freehold.errors import ContactFailed, EgressDenied
from freehold.signing.note import Verifier
from freehold.witness.asking.answers import Conflict, Cosigned, NoUse, read_answer, read_monitored
from freehold.witness.asking.ways import Way
from freehold.witness.protocol.request import write_request


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestSeen:
    """What one witness says. ``size``: of the newest checkpoint that it cosigned; None: it did not say, and ``problem``
    is why. ``checkpoint``: that checkpoint, signed by the log and the witness; empty where it shows none.
    """

    witness: str
    size: int | None
    checkpoint: bytes = b""
    problem: str = ""


async def newest_seen(ways: Sequence[Way], log: Verifier, checkpoint: bytes) -> tuple[NewestSeen, ...]:
    """Ask every witness at once. ``checkpoint``: the newest that there is here, signed by the log; shown to a witness
    that shows none itself, which may then cosign it.
    """
    return tuple(await asyncio.gather(*(_newest(way, log, checkpoint) for way in ways)))


async def _newest(way: Way, log: Verifier, checkpoint: bytes) -> NewestSeen:
    name, cosigner = way.witness.name, way.witness.cosigner
    try:
        seen = read_monitored(await way.checkpoint(log.name), log, cosigner)
        if seen is not None:
            return NewestSeen(witness=name, size=seen.checkpoint.size, checkpoint=seen.note)
        told = read_answer(await way.add_checkpoint(write_request(0, (), checkpoint)), checkpoint, cosigner)
    except (ContactFailed, EgressDenied) as problem:
        return NewestSeen(witness=name, size=None, problem=problem.message)
    finally:
        await way.close()
    match told:
        case Conflict(size=size):
            return NewestSeen(witness=name, size=size)
        case Cosigned():
            return NewestSeen(witness=name, size=0)
        case NoUse(why=why):
            return NewestSeen(witness=name, size=None, problem=why)
        case _:
            return NewestSeen(witness=name, size=None, problem="it refuses a proof that it was not sent")
