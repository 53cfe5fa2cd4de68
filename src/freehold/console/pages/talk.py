# SPDX-License-Identifier: Apache-2.0
"""Talk: a call to any service, as an application would make it, with all that is on record of it beside the answer."""

import msgspec

from freehold.console.interface import Page, Shown, Visit


class _Target(msgspec.Struct, frozen=True):
    target: str
    kind: str
    model: str
    operator: str
    state: str
    allowed: bool


class _Service(msgspec.Struct, frozen=True):
    name: str
    data_class: str
    targets: tuple[_Target, ...]
    answered_by: str | None = None


class Services(msgspec.Struct, frozen=True):
    """The answer of ``GET services``."""

    services: tuple[_Service, ...]


async def _show(visit: Visit) -> Shown:
    found = await visit.look(Services, "services", {"limit": 1000})
    return Shown(template="talk.html", title="Talk", view=found, script="talk.js" if found.value else "")


PAGES = (Page(path="talk", show=_show),)
