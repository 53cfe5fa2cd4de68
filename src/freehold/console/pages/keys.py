# SPDX-License-Identifier: Apache-2.0
"""Keys and applications: make, scope and revoke the keys of applications, see what each used; and who may sign in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from freehold.admin.problems import status_of
from freehold.console.interface import Found, Moved, Page, Shown, Visit
from freehold.console.reading.keys import Keys, Made, MadeKey, MadeOperator, Operators, ServiceNames, Usage
from freehold.errors import FreeholdError, InvalidRequest

PERIODS = (("1", "24 hours"), ("7", "7 days"), ("30", "30 days"))
_ROWS = 100
_DAY_S = 86400
_EVERY_SERVICE = "*"
_DONE = {"revoked": "The key is revoked: no gateway accepts it any more.", "gone": "The operator can sign in no more."}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the template is given."""

    keys: Found[Keys]
    usage: Found[Usage]
    operators: Found[Operators]
    services: Found[ServiceNames]
    days: str
    next_page: str
    first_page: str
    said: Mapping[str, tuple[str, ...]]  # of a form that has to be filled in again
    done: str = ""
    made_key: Made | None = None
    made_operator: Made | None = None
    problem: FreeholdError | None = None

    @property
    def periods(self) -> tuple[tuple[str, str], ...]:
        return PERIODS

    def filled(self, name: str, default: str = "") -> str:
        return next(iter(self.said.get(name, ())), default)


async def show(visit: Visit) -> Shown:
    return _shown(await _view(visit, done=_DONE.get(visit.asked("done"), "")))


async def act(visit: Visit) -> Shown | Moved:
    """Make or revoke something. A secret is in the answer itself: it must be in no address."""
    doing = visit.said("act")
    try:
        if doing == "create-key":
            made_key = msgspec.convert(await visit.ask("POST", "keys", _wanted(visit)), MadeKey)
            return _shown(await _view(visit, made_key=made_key.key))
        if doing == "create-operator":
            told = await visit.ask("POST", "operators", {"label": visit.said("label")})
            return _shown(await _view(visit, made_operator=msgspec.convert(told, MadeOperator).operator))
        if doing in ("revoke-key", "revoke-operator"):
            noun = "keys" if doing == "revoke-key" else "operators"
            await visit.ask("POST", f"{noun}/{visit.said('id')}/revoke", if_match=visit.said("etag"))
            return Moved(to=f"/console/keys?done={'revoked' if noun == 'keys' else 'gone'}")
    except FreeholdError as problem:
        return _shown(await _view(visit, problem=problem, said=visit.form), status=status_of(type(problem)))
    return Moved(to="/console/keys")


def _wanted(visit: Visit) -> Mapping[str, object]:
    """The key that the form asks for. Raises InvalidRequest."""
    wanted: dict[str, object] = {
        "label": visit.said("label"),
        "data_class": visit.said("data_class", "public"),
        "services": list(visit.all_said("services")) or [_EVERY_SERVICE],
    }
    if rate := visit.said("requests_per_minute"):
        wanted["requests_per_minute"] = rate
    if days := visit.said("expires_days"):
        if not days.isdecimal():
            raise InvalidRequest("the number of days is not a whole number", param="expires_days")
        wanted["expires_in_s"] = int(days) * _DAY_S
    return wanted


async def _view(  # noqa: PLR0913 - what an act may leave to be said
    visit: Visit,
    *,
    done: str = "",
    made_key: Made | None = None,
    made_operator: Made | None = None,
    problem: FreeholdError | None = None,
    said: Mapping[str, tuple[str, ...]] | None = None,
) -> View:
    days = visit.asked("days", "7")
    days = days if days in dict(PERIODS) else "7"
    cursor = visit.asked("after")
    since = datetime.now(UTC) - timedelta(days=int(days))
    keys = await visit.look(Keys, "keys", {"limit": _ROWS, "cursor": cursor})
    more = keys.value.next if keys.value else None
    return View(
        keys=keys,
        usage=await visit.look(Usage, "usage", {"from": f"{since:%Y-%m-%dT%H:%M:%SZ}"}),
        operators=await visit.look(Operators, "operators", {"limit": 1000}),
        services=await visit.look(ServiceNames, "services", {"limit": 1000}),
        days=days,
        next_page=f"/console/keys?days={days}&after={more}" if more else "",
        first_page=f"/console/keys?days={days}" if cursor else "",
        said=said or {},
        done=done,
        made_key=made_key,
        made_operator=made_operator,
        problem=problem,
    )


def _shown(view: View, *, status: int = 200) -> Shown:
    return Shown(template="keys.html", title="Keys and applications", view=view, script="keys.js", status=status)


PAGES = (Page(path="keys", show=show, act=act),)
