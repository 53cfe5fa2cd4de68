# SPDX-License-Identifier: Apache-2.0
"""Which format of a model is best for a host, by what was measured. Pure."""

from collections.abc import Sequence
from typing import Final

from freehold.tuning.measuring import Measured

BEST: Final = "best"  # what is to be kept: the fastest within the loss,
NONE: Final = "none"  # nothing, or else the format of this name

_NOT_FASTER: Final = 0.97  # of the time that the model takes as it is: less than 3 % is within what a host varies


def is_better(found: Measured, than: Measured | None, original: Measured, *, keep: str, max_loss: float) -> bool:
    """Whether a format is to be kept rather than the one before it, None for none."""
    if found.problem or keep == NONE:
        return False
    if keep != BEST:
        return found.format == keep
    if _costs_too_much(found, original, max_loss):
        return False  # whether it is faster is known when the model has been measured for the second time
    return than is None or found.seconds < than.seconds


def objection(found: Measured, original: Measured, max_loss: float) -> str:
    """Why a format that was measured would not be taken; empty if it would."""
    if why := _costs_too_much(found, original, max_loss):
        return why
    return "it is not faster" if found.seconds > original.seconds * _NOT_FASTER else ""


def why_none(measured: Sequence[Measured], *, keep: str, max_loss: float) -> str:
    """Why nothing is to be kept though something was asked for. ``measured`` has the model as it is first."""
    original, others = measured[0], measured[1:]
    if keep == original.format:
        return f"the model is {keep} as it is"
    if not others:
        return "there is no other format to try"
    if keep != BEST:
        return next((f"{keep}: {one.problem}" for one in others if one.format == keep), f"{keep} was not tried")
    said = (f"{one.format}: {one.problem or objection(one, original, max_loss)}" for one in others)
    return "nothing is faster at so little loss: " + "; ".join(said)


def _costs_too_much(found: Measured, original: Measured, max_loss: float) -> str:
    if found.loss > max_loss:
        return f"its loss of {found.loss:.1%} is more than {max_loss:.1%}"
    if found.cases_problem or found.cases_passed < original.cases_passed:
        return found.cases_problem or "it passes fewer acceptance cases"
    return ""
