# SPDX-License-Identifier: Apache-2.0
"""Whether a witness may cosign a checkpoint, by what it cosigned last (c2sp.org/tlog-witness §add-checkpoint). Pure.

Who signed the checkpoint is settled before this is asked.
"""

from dataclasses import dataclass
from enum import IntEnum

from freehold.ledger.tree.checkpoint import Checkpoint
from freehold.ledger.tree.merkle import EMPTY_ROOT, is_consistent
from freehold.witness.protocol.request import AddCheckpoint


class Ruling(IntEnum):
    """What becomes of a request, as its HTTP status."""

    COSIGN = 200
    MALFORMED = 400
    CONFLICT = 409
    INCONSISTENT = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``splits``: the log has signed two trees of this size, which is proved by the two checkpoints alone."""

    ruling: Ruling
    why: str = ""
    splits: bool = False


def judge(request: AddCheckpoint, latest: Checkpoint | None) -> Verdict:
    """By the checkpoint of this origin that was cosigned last; None if there was none."""
    new, seen = request.checkpoint, latest or Checkpoint(origin=request.checkpoint.origin, size=0, root=EMPTY_ROOT)
    splits = new.size == seen.size and new.root != seen.root and latest is not None
    if request.old_size > new.size:
        return Verdict(
            ruling=Ruling.MALFORMED, why=f"old size {request.old_size} is beyond the checkpoint's {new.size}"
        )
    if request.old_size != seen.size:
        why = f"old size {request.old_size} is not the size that was cosigned last, {seen.size}"
        return Verdict(ruling=Ruling.CONFLICT, why=why, splits=splits)
    if new.size == 0 and new.root != EMPTY_ROOT:
        return Verdict(ruling=Ruling.INCONSISTENT, why="the empty tree has another root", splits=splits)
    if request.old_size == 0 and request.proof:
        return Verdict(ruling=Ruling.INCONSISTENT, why="a proof from size 0 is empty")
    if not is_consistent(seen.size, seen.root, new.size, new.root, request.proof):
        why = f"the proof does not show that {new.size} entries go on from the {seen.size} that were cosigned last"
        return Verdict(ruling=Ruling.INCONSISTENT, why=why, splits=splits)
    return Verdict(ruling=Ruling.COSIGN)
