# SPDX-License-Identifier: Apache-2.0
import itertools

from freehold.continuity.states import TABLE, Actor, Cause, Traffic, Way, ended_by, strongest
from freehold.contract.standing import TargetState

ORDER = [TargetState.RETIRED, TargetState.WITHDRAWN, TargetState.SUSPECTED, TargetState.DEGRADED]


def test_every_cause_has_one_row_and_every_state_but_active_has_one_at_least() -> None:
    assert [row.cause for row in TABLE] == list(Cause)
    assert {row.state for row in TABLE} == set(TargetState) - {TargetState.ACTIVE}


def test_the_strongest_cause_decides_whatever_else_holds() -> None:
    states = {row.cause: row.state for row in TABLE}
    for number in range(1, len(Cause) + 1):
        for causes in itertools.combinations(Cause, number):
            row = strongest(causes)
            assert row is not None
            assert row.cause in causes
            assert row.state is min((states[cause] for cause in causes), key=ORDER.index)


def test_where_nothing_holds_no_row_decides() -> None:
    assert strongest(()) is None


def test_only_an_outage_ends_by_itself_and_only_then_is_a_target_tried() -> None:
    by_itself = {row.cause for row in TABLE if row.ended_by is not Actor.OPERATOR}
    assert by_itself == {Cause.OUTAGE} == {row.cause for row in TABLE if row.traffic is not Traffic.NONE}


def test_a_person_restores_what_a_person_may_and_no_directive() -> None:
    assert ended_by(Way.RESTORE) == {Cause.PERSON, Cause.EVIDENCE}
    assert ended_by(Way.WITHDRAW) == {Cause.EVIDENCE}
    assert ended_by(Way.RETIRES_CHANGED) == frozenset()
