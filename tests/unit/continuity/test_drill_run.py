# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Sequence

import pytest

from freehold.continuity.drill.observed import Observed
from freehold.continuity.drill.run import Plan, Run, after
from freehold.continuity.drill.scenario import Move, Verb
from freehold.continuity.drill.traffic import Planned
from freehold.continuity.drill.watched import SoFar
from freehold.contract.drill import Drill, Faulted, FaultKind, Sabotage
from freehold.contract.standing import TargetState
from freehold.errors import EstateError

REFUSE, RESET = Sabotage(kind=FaultKind.REFUSE), Sabotage(kind=FaultKind.RESET)
DRILL = Drill(id="drill_1", ends_unix=99.0)


class FakeHands:
    """Remembers what was done. ``patience`` is how often it may be told until nobody waits any more."""

    def __init__(self, patience: int = 1000) -> None:
        self.put_in_force: list[Drill] = []
        self.crashed: list[str] = []
        self.patience = patience

    async def put(self, drill: Drill) -> None:
        self.put_in_force.append(drill)

    async def crash(self, target: str) -> None:
        self.crashed.append(target)

    def tell(self, doing: str, so_far: SoFar) -> None:
        self.told = so_far
        self.patience -= 1
        if self.patience < 0:
            raise EstateError("nobody waits any more")


class FakeCallers:
    """Makes no call. ``lasting`` ones never end, until they are cut."""

    def __init__(self, *, lasting: bool = False) -> None:
        self.observed: list[Observed] = []
        self.begun = self.cut = False
        self._lasting = lasting

    async def make(self, planned: Sequence[Planned]) -> None:
        self.begun = True
        try:
            if self._lasting:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cut = True
            raise


def plan(*moves: Move) -> Plan:
    return Plan(id="drill_1", began_unix=10.0, duration_s=0.0, ends_unix=99.0, moves=moves, planned=())


async def test_moves_are_made_in_turn_and_remembered_with_their_times() -> None:
    moves = (
        Move(at_s=0.0, verb=Verb.FAULT, targets=("a",), sabotage=REFUSE),
        Move(at_s=0.0, verb=Verb.FAULT, targets=("local",)),
        Move(at_s=0.0, verb=Verb.RESTORE, targets=("a",)),
    )
    hands = FakeHands()
    run = Run(plan(*moves), hands, FakeCallers(), lambda: 5.0)
    await run()
    assert [drill.faults for drill in hands.put_in_force] == [(Faulted(target="a", sabotage=REFUSE),), ()]
    assert hands.crashed == ["local"]
    assert [(move.at_s, move.verb) for move in run.moved] == [(5.0, move.verb) for move in moves]


async def test_a_caller_who_goes_away_has_every_call_cut() -> None:
    callers = FakeCallers(lasting=True)
    with pytest.raises(EstateError, match="nobody waits"):
        await Run(plan(), FakeHands(patience=1), callers, lambda: 0.0)()
    assert callers.cut


async def test_answers_that_do_not_end_are_cut_in_the_end() -> None:
    callers = FakeCallers(lasting=True)
    await Run(plan(), FakeHands(), callers, lambda: 1e6 if callers.begun else 0.0)()
    assert callers.cut


async def test_a_move_that_cannot_be_made_ends_the_drill() -> None:
    class Clumsy(FakeHands):
        async def crash(self, target: str) -> None:
            raise EstateError("the supervisor does not answer")

    callers = FakeCallers(lasting=True)
    move = Move(at_s=0.0, verb=Verb.FAULT, targets=("local",))
    with pytest.raises(EstateError, match="does not answer"):
        await Run(plan(move), Clumsy(), callers, lambda: 0.0)()
    assert callers.cut


def test_a_later_fault_on_a_target_takes_the_place_of_the_earlier() -> None:
    first = after(DRILL, Move(at_s=0, verb=Verb.FAULT, targets=("a", "b"), sabotage=REFUSE), since_unix=1.0)
    second = after(first, Move(at_s=0, verb=Verb.FAULT, targets=("a",), sabotage=RESET), since_unix=2.0)
    assert {item.target: item.sabotage for item in second.faults} == {"a": RESET, "b": REFUSE}


def test_a_directive_stands_until_it_is_lifted_whatever_becomes_of_the_fault() -> None:
    faulted = after(DRILL, Move(at_s=0, verb=Verb.FAULT, targets=("a",), sabotage=REFUSE), since_unix=1.0)
    directed = after(faulted, Move(at_s=0, verb=Verb.DIRECTIVE, targets=("a",), cuts=True), since_unix=2.0)
    restored = after(directed, Move(at_s=0, verb=Verb.RESTORE, targets=("a",)), since_unix=3.0)
    (standing,) = restored.standings
    assert (standing.state, standing.directive, standing.cuts) == (TargetState.WITHDRAWN, "drill_1", True)
    assert after(restored, Move(at_s=0, verb=Verb.LIFT, targets=("a",)), since_unix=4.0) == DRILL
