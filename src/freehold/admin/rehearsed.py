# SPDX-License-Identifier: Apache-2.0
"""The operations that look at drills: what can be rehearsed, what was, and how two compare. Runs none."""

import asyncio

import msgspec

from freehold.admin.drilling import drill_view
from freehold.admin.interface import Parts
from freehold.admin.means import Answer
from freehold.admin.requests import ById, CompareDrills, Nothing
from freehold.admin.views import View
from freehold.continuity.drill.compared import compared
from freehold.continuity.drill.kept import Kept, read_all, read_one
from freehold.continuity.drill.scenario import Scenario, read_scenario, shipped, shipped_text

_LONG = frozenset({"seconds", "happened"})  # what of a scorecard is no summary


class Rehearsed:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts) -> None:
        self._drills = parts.estate.drills

    async def list_scenarios(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        """Those that come with Freehold."""
        return {"scenarios": await asyncio.to_thread(lambda: [_scenario(name) for name in shipped()])}

    async def list_drills(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002
        """Every drill in short, the newest first."""
        kept = await asyncio.to_thread(read_all, self._drills)
        return {"drills": [_summary(drill) for drill in reversed(kept)]}

    async def show_drill(self, request: ById, asker: str) -> Answer:  # noqa: ARG002
        """One scorecard whole. Raises NotFound."""
        return {"drill": drill_view(await asyncio.to_thread(read_one, self._drills, request.id))}

    async def compare(self, request: CompareDrills, asker: str) -> Answer:  # noqa: ARG002
        """Two scorecards beside one another. Raises NotFound."""
        first, second = await asyncio.to_thread(
            lambda: (read_one(self._drills, request.a), read_one(self._drills, request.b))
        )
        rows = msgspec.to_builtins(compared(first.card, second.card))
        return {"comparison": {"a": _summary(first), "b": _summary(second), "rows": rows}}


def _summary(kept: Kept) -> View:
    return {name: value for name, value in drill_view(kept).items() if name not in _LONG}


def _scenario(name: str) -> View:
    scenario: Scenario = read_scenario(shipped_text(name), name)
    return {
        "name": scenario.name,
        "about": scenario.about,
        "duration_s": scenario.duration_s,
        "needs_provider": scenario.needs_provider,
        "steps": [{"at_s": step.at_s, "what": step.said} for step in scenario.steps],
    }
