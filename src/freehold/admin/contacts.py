# SPDX-License-Identifier: Apache-2.0
"""Every host that an estate may contact, for what, and whether its rules let anything go there now. Contacts nobody.

A host stands here if a service's target leads to it, or a grant of freehold.toml names it. One that no rule permits is
listed as forbidden: changing a rule would be enough to have it contacted. A provider that no service uses is not.
"""

from collections.abc import Collection, Iterable, Iterator

from freehold.admin.keys import EVERY_SERVICE
from freehold.admin.views import View
from freehold.contract.backend import Service
from freehold.contract.call import DataClass
from freehold.contract.endpoint import Endpoint
from freehold.contract.snapshot import Snapshot
from freehold.policy.cedar import read_rules
from freehold.policy.decide import backends_of
from freehold.policy.judge import Application, Judge
from freehold.policy.matrix import Cell, tabulate
from freehold.settings import GrantSection, Settings

_ANYBODY = Application(key="any", services=EVERY_SERVICE)


def hosts_of(settings: Settings, snapshot: Snapshot, *, sealed: bool = False, now_unix: float) -> list[View]:
    """By host and port; those of calls before those of grants. Judged for a key that is good for every service.

    Where the estate is sealed the kernel forbids them all, whatever its rules say.
    """
    judge = Judge(read_rules(snapshot.law.files), backends_of(snapshot), snapshot.law.states)
    cells = tabulate(judge, _ANYBODY, snapshot.services, at_unix=int(now_unix))
    calls = [view for endpoint in snapshot.endpoints if (view := _of_calls(endpoint, snapshot, cells))]
    granted = [view for name, grant in settings.grants.items() for view in _of_grant(name, grant)]
    listed = [*sorted(calls, key=_place), *sorted(granted, key=_place)]
    return [{**view, "sealed": sealed, "allowed": view["allowed"] and not sealed} for view in listed]


def _of_calls(endpoint: Endpoint, snapshot: Snapshot, cells: Iterable[Cell]) -> View | None:
    """None for a provider that no service uses."""
    theirs = {target.name for target in snapshot.targets if target.operator == endpoint.provider}
    relevant = [cell for cell in cells if cell.is_target and cell.target in theirs]
    if not relevant:
        return None
    users = [service for service in snapshot.services if theirs & set(service.targets)]
    seen = _classes(relevant)
    return {
        "host": endpoint.host,
        "port": endpoint.port,
        "for": "calls",
        "provider": endpoint.provider,
        "grant": None,
        "services": [_use(service, theirs, relevant) for service in users],
        "data_classes": seen,
        "allowed": bool(seen),
        "why": "; ".join(f"service {service.name}: {', '.join(_targets(service, theirs))}" for service in users),
        "encrypted": endpoint.encrypted,
        "allow_private": endpoint.allow_private,
        "source": f"[provider.{endpoint.provider}]",
    }


def _use(service: Service, theirs: Collection[str], cells: Iterable[Cell]) -> View:
    seen = _classes(cell for cell in cells if cell.service == service.name)
    return {"name": service.name, "targets": _targets(service, theirs), "data_classes": seen}


def _targets(service: Service, theirs: Collection[str]) -> list[str]:
    return [name for name in service.targets if name in theirs]


def _classes(cells: Iterable[Cell]) -> list[str]:
    """Of the calls that may go there; no call is below the class of its service."""
    allowed = {cell.counts_as for cell in cells if cell.allowed}
    return [data_class.name.lower() for data_class in DataClass if data_class.name.lower() in allowed]


def _of_grant(name: str, grant: GrantSection) -> Iterator[View]:
    for place in grant.places:
        yield {
            "host": place.host,
            "port": place.port,
            "for": grant.purpose,
            "provider": None,
            "grant": name,
            "services": [],
            "data_classes": [],
            "allowed": True,
            "why": grant.why or "granted",
            "encrypted": None,  # the settings of the tool that asks decide it
            "allow_private": grant.allow_private,
            "source": f"[grant.{name}]",
        }


def _place(view: View) -> tuple[str, int, str]:
    return str(view["host"]), int(str(view["port"])), str(view["source"])
