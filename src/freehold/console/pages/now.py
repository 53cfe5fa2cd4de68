# SPDX-License-Identifier: Apache-2.0
"""Now: who answers each service this minute, what would answer if that one left, and what needs a person."""

import asyncio
from dataclasses import dataclass

from freehold.console.interface import Found, Page, Shown, Told, Visit
from freehold.console.reading.now import Services, Status, Trouble, troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the template is given."""

    status: Found[Status]
    services: Found[Services]
    troubles: list[Trouble]


async def show(visit: Visit) -> Shown:
    return Shown(template="now.html", title="Now", view=await _view(visit), script="now.js")


async def look_again(visit: Visit) -> Told:
    """What the page's script keeps true of it."""
    view = await _view(visit)
    estate = view.status.value.status if view.status.value else None
    return Told(
        value={
            "problem": view.status.problem.message if view.status.problem else "",
            "troubles": view.troubles,
            "states": {target.target: target.shown_state for target in estate.targets} if estate else {},
            "services": view.services.value.services if view.services.value else [],
            "size": estate.ledger.size if estate else 0,
        }
    )


async def _view(visit: Visit) -> View:
    status, services = await asyncio.gather(  # each may have to wait for whoever does not answer
        visit.look(Status, "status"), visit.look(Services, "services", {"limit": 1000})
    )
    known = services.value.services if services.value else []
    found = troubles(status.value.status, known) if status.value else []
    return View(status=status, services=services, troubles=found)


PAGES = (Page(path="now", show=show), Page(path="now/again", show=look_again, within="now"))
