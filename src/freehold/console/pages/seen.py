# SPDX-License-Identifier: Apache-2.0
"""Who could see it: the flow of calls over a period, and the facts about whoever they were shown to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from freehold.console.interface import Found, Page, Shown, Visit
from freehold.console.reading.facts import FactsAnswer
from freehold.console.reading.flows import FlowsAnswer, Picture, State, by_state, pictures
from freehold.console.reading.times import with_zone

_FACTS: Final = "/console/seen/facts/"
_PERIODS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
_DEFAULT: Final = "24h"
_OWN: Final = "own"  # a period between two hours that were typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The page."""

    choices: list[tuple[str, str]]
    period: str
    since: str  # as they were typed
    until: str
    found: Found[FlowsAnswer]
    states: list[State]
    pictures: tuple[Picture, ...]


async def show(visit: Visit) -> Shown:
    """The flow of a period."""
    period = visit.asked("period", _DEFAULT)
    since, until = visit.asked("since"), visit.asked("until")
    found = await visit.look(FlowsAnswer, "flows", _bounds(period, since, until, datetime.now(UTC)))
    flows = found.value.flows if found.value else None
    view = Seen(
        choices=[*((name, label) for name, (label, _) in _PERIODS.items()), (_OWN, "A period of your own")],
        period=period,
        since=since,
        until=until,
        found=found,
        states=by_state(flows) if flows else [],
        pictures=pictures(flows, _FACTS) if flows and flows.rows else (),
    )
    return Shown(template="seen.html", title="Who could see it", view=view)


async def show_facts(visit: Visit) -> Shown:
    """What is known of one operator."""
    operator = visit.names["operator"]
    found = await visit.look(FactsAnswer, f"facts/{quote(operator, safe='')}")
    title = found.value.facts.title if found.value else operator
    return Shown(template="facts.html", title=title, view=found)


def _bounds(period: str, since: str, until: str, now: datetime) -> dict[str, object]:
    """What is asked of the API; it judges what was typed."""
    if period == _OWN:
        typed = {"from": with_zone(since), "to": with_zone(until)}
        return {name: at for name, at in typed.items() if at}
    _, length = _PERIODS.get(period, _PERIODS[_DEFAULT])
    return {"from": f"{now - length:%Y-%m-%dT%H:%M:%SZ}"}


PAGES = (
    Page(path="seen", show=show),
    Page(path="seen/facts/{operator}", show=show_facts, within="seen"),
)
