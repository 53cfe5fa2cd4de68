# SPDX-License-Identifier: Apache-2.0
"""Runs a drill: moves what the scenario moves, has the calls made, and leaves nothing in force, however it ends.

What is put in force is handed in; so is the clock. Here is only what happens when.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from freehold.continuity.drill.observed import Observed
from freehold.continuity.drill.scenario import Move, Verb
from freehold.continuity.drill.traffic import Planned
from freehold.continuity.drill.watched import SoFar, Watch
from freehold.contract.drill import Drill, Faulted, Stage
from freehold.contract.standing import Standing, TargetState

LINGER_S: Final = 60.0  # for answers after the scenario's end; what is not answered by then is lost

_LOOK_EVERY_S: Final = 0.1


class Hands(Protocol):
    """What a run does to the estate."""

    async def put(self, drill: Drill) -> None:
        """Put the drill in force, at every gateway. Raises EstateError."""
        ...

    async def crash(self, target: str) -> None:
        """Kill the process of a target's engine. Raises EstateError."""
        ...

    def tell(self, doing: str, so_far: SoFar) -> None:
        """Show how far it is. Raises EstateError once nobody waits for it any more."""
        ...


class Callers(Protocol):
    """Whoever calls."""

    observed: list[Observed]

    async def make(self, planned: Sequence[Planned]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to happen, and until when gateways go on with it by themselves."""

    id: str
    began_unix: float
    duration_s: float
    ends_unix: float
    moves: tuple[Move, ...]
    planned: tuple[Planned, ...]
    stage: Stage | None = None


class Run:
    """One run of a plan. ``clock`` counts seconds since its begin."""

    def __init__(self, plan: Plan, hands: Hands, callers: Callers, clock: Callable[[], float]) -> None:
        self._plan = plan
        self._hands = hands
        self._callers = callers
        self._clock = clock
        self._drill = Drill(id=plan.id, ends_unix=plan.ends_unix, stage=plan.stage)
        self._watched = Watch(plan.id, plan.duration_s, len(plan.planned))
        self.moved: list[Move] = []  # with the times at which that was in force

    async def __call__(self) -> None:
        """To the last answer. Raises what a move raises, and what ``tell`` does; then every call is cut."""
        acting = asyncio.ensure_future(self._act())
        calling = asyncio.ensure_future(self._callers.make(self._plan.planned))
        try:
            await self._watch(acting, calling)
        finally:
            for task in (acting, calling):
                task.cancel()
            await asyncio.gather(acting, calling, return_exceptions=True)

    async def _watch(self, acting: "asyncio.Future[None]", calling: "asyncio.Future[None]") -> None:
        last_s = self._plan.duration_s + LINGER_S
        while not (acting.done() and calling.done()) and self._clock() < last_s:
            waited = [task for task in (acting, calling) if not task.done()]
            done, _ = await asyncio.wait(waited, timeout=_LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            self._hands.tell(self._doing(), self._watched.look(self._clock(), self._callers.observed, self.moved))

    async def _act(self) -> None:
        for move in self._plan.moves:
            await asyncio.sleep(max(0.0, move.at_s - self._clock()))
            await self._make(move)
            self.moved.append(replace(move, at_s=self._clock()))
        await asyncio.sleep(max(0.0, self._plan.duration_s - self._clock()))

    async def _make(self, move: Move) -> None:
        if move.crashes:
            for target in move.targets:
                await self._hands.crash(target)
            return
        self._drill = after(self._drill, move, since_unix=self._plan.began_unix + self._clock())
        await self._hands.put(self._drill)

    def _doing(self) -> str:
        seen = self._callers.observed
        ended = sum(call.ended_s >= 0 for call in seen)
        latest = f"; {self.moved[-1].said}" if self.moved else ""
        return f"{self._clock():.0f} s: {len(seen)} calls made, {ended} ended{latest}"


def after(drill: Drill, move: Move, *, since_unix: float) -> Drill:
    """The drill once a move is made. Pure."""
    befallen = frozenset(move.targets)
    faults = tuple(item for item in drill.faults if item.target not in befallen)
    standings = tuple(known for known in drill.standings if known.target not in befallen)
    match move.verb:
        case Verb.FAULT if move.sabotage:
            return replace(
                drill, faults=(*faults, *(Faulted(target=name, sabotage=move.sabotage) for name in move.targets))
            )
        case Verb.RESTORE:
            return replace(drill, faults=faults)
        case Verb.DIRECTIVE:
            withdrawn = tuple(
                Standing(
                    target=name,
                    state=TargetState.WITHDRAWN,
                    since_unix=since_unix,
                    directive=drill.id,
                    cuts=move.cuts,
                )
                for name in move.targets
            )
            return replace(drill, standings=(*standings, *withdrawn))
        case Verb.LIFT:
            return replace(drill, standings=standings)
    return drill
