# SPDX-License-Identifier: Apache-2.0
"""Drills: what can be rehearsed, one watched while it runs, scorecards, and two of them beside each other."""

from dataclasses import dataclass
from urllib.parse import quote

from freehold.console.interface import Found, Page, Shown, Visit
from freehold.console.reading.drills import (
    Card,
    ComparisonAnswer,
    DrillAnswer,
    Drills,
    Scenarios,
    card_of,
)
from freehold.console.reading.keys import ServiceNames
from freehold.errors import FreeholdError

_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsals:
    """The page."""

    scenarios: Found[Scenarios]
    services: Found[ServiceNames]
    drills: Found[Drills]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneDrill:
    """A scorecard, or why there is none."""

    id: str
    card: Card | None
    problem: FreeholdError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two scorecards, measure by measure."""

    a: OneDrill
    b: OneDrill
    found: Found[ComparisonAnswer]


async def show(visit: Visit) -> Shown:
    """What can be rehearsed, and what was."""
    page = {"limit": _PAGE, "cursor": visit.asked("cursor")} if visit.asked("cursor") else {"limit": _PAGE}
    view = Rehearsals(
        scenarios=await visit.look(Scenarios, "scenarios"),
        services=await visit.look(ServiceNames, "services", {"limit": 1000}),
        drills=await visit.look(Drills, "drills", page),
    )
    return Shown(template="drills.html", title="Drills", view=view, script="drills.js")


async def show_drill(visit: Visit) -> Shown:
    """One scorecard."""
    return Shown(template="drill.html", title="Scorecard", view=await _card(visit, visit.names["id"]))


async def compare(visit: Visit) -> Shown:
    """Two scorecards."""
    a, b = visit.asked("a"), visit.asked("b")
    view = Compared(
        a=await _card(visit, a),
        b=await _card(visit, b),
        found=await visit.look(ComparisonAnswer, "drills/compare", {"a": a, "b": b}),
    )
    return Shown(template="drills_compared.html", title="Two drills", view=view)


async def _card(visit: Visit, drill: str) -> OneDrill:
    found = await visit.look(DrillAnswer, f"drills/{quote(drill, safe='')}")
    return OneDrill(id=drill, card=card_of(found.value.drill) if found.value else None, problem=found.problem)


PAGES = (
    Page(path="drills", show=show),
    Page(path="drills/compare", show=compare, within="drills"),
    Page(path="drills/{id}", show=show_drill, within="drills"),
)
