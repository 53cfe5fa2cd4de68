# SPDX-License-Identifier: Apache-2.0
"""How targets stand: one table of what takes a target out of service, who begins it and who ends it. Pure.

A target is in the state of the strongest cause that holds; without one it is active. So every transition is a cause
that begins or ends, and whatever ends leaves all other causes as they were. ``docs/tasks/withdrawal.md`` shows the same
table.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from freehold.contract.standing import TargetState


class Cause(StrEnum):
    """What takes a target out of service."""

    DATE = "date"
    DIRECTIVE = "directive"
    PERSON = "person"
    EVIDENCE = "evidence"
    OUTAGE = "outage"


class Actor(StrEnum):
    """Who lets a cause begin or end."""

    GATEWAY = "gateway"
    CONTROL = "control"
    OPERATOR = "operator"


class Way(StrEnum):
    """How a cause begins or ends."""

    RETIRES_REACHED = "the day of `retires` comes"
    RETIRES_CHANGED = "`retires` is changed, then `freehold reload`"
    DIRECTIVE_EFFECTIVE = "`freehold directive issue`, once it is signed and its hour has come"
    DIRECTIVES_LIFTED = "`freehold directive lift`, of every one that hits it"
    WITHDRAW = "`freehold target withdraw`"
    RESTORE = "`freehold target restore`"
    EVIDENCE_ENOUGH = "two keys, or a key and a canary, are refused while a sibling answers, or for a legal reason"
    DECIDED = "`freehold target restore` or `withdraw`"
    FAULTS = "faults in a row"
    ANSWERS = "answers in a row, over some time"


class Traffic(StrEnum):
    """What a target in a state is sent."""

    CALLS = "calls"
    LAST = "one call now and then to try it, else what no other target takes"
    NONE = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cause: the state that it brings about, how it begins and ends, and what the target is sent meanwhile."""

    cause: Cause
    state: TargetState
    begins: Way
    begun_by: Actor
    ends: Way
    ended_by: Actor
    traffic: Traffic


# The strongest first.
TABLE: Final = (
    Row(
        cause=Cause.DATE,
        state=TargetState.RETIRED,
        begins=Way.RETIRES_REACHED,
        begun_by=Actor.CONTROL,
        ends=Way.RETIRES_CHANGED,
        ended_by=Actor.OPERATOR,
        traffic=Traffic.NONE,
    ),
    Row(
        cause=Cause.DIRECTIVE,
        state=TargetState.WITHDRAWN,
        begins=Way.DIRECTIVE_EFFECTIVE,
        begun_by=Actor.OPERATOR,
        ends=Way.DIRECTIVES_LIFTED,
        ended_by=Actor.OPERATOR,
        traffic=Traffic.NONE,
    ),
    Row(
        cause=Cause.PERSON,
        state=TargetState.WITHDRAWN,
        begins=Way.WITHDRAW,
        begun_by=Actor.OPERATOR,
        ends=Way.RESTORE,
        ended_by=Actor.OPERATOR,
        traffic=Traffic.NONE,
    ),
    Row(
        cause=Cause.EVIDENCE,
        state=TargetState.SUSPECTED,
        begins=Way.EVIDENCE_ENOUGH,
        begun_by=Actor.CONTROL,
        ends=Way.DECIDED,
        ended_by=Actor.OPERATOR,
        traffic=Traffic.NONE,
    ),
    Row(
        cause=Cause.OUTAGE,
        state=TargetState.DEGRADED,
        begins=Way.FAULTS,
        begun_by=Actor.GATEWAY,
        ends=Way.ANSWERS,
        ended_by=Actor.GATEWAY,
        traffic=Traffic.LAST,
    ),
)

_ENDED_BY: Final = {
    Way.RESTORE: frozenset({Way.RESTORE, Way.DECIDED}),
    Way.WITHDRAW: frozenset({Way.DECIDED}),
}


def strongest(causes: Collection[Cause]) -> Row | None:
    """The row that decides; None where nothing holds, and the target is active."""
    return next((row for row in TABLE if row.cause in causes), None)


def ended_by(way: Way) -> frozenset[Cause]:
    """What a person ends who restores or withdraws a target. Everything else that holds goes on holding."""
    ways = _ENDED_BY.get(way, frozenset())
    return frozenset(row.cause for row in TABLE if row.ends in ways)
