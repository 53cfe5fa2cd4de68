# SPDX-License-Identifier: Apache-2.0
"""The operations that show services: who answers each now, and who would if that one left."""

import asyncio
from collections.abc import Collection

from freehold.admin.etags import etag_of
from freehold.admin.interface import Parts
from freehold.admin.means import Answer, Means
from freehold.admin.previewing import allowed_in
from freehold.admin.requests import ByName, Nothing
from freehold.admin.views import View
from freehold.contract.backend import BackendKind, EngineState, Service, Target
from freehold.contract.snapshot import Snapshot
from freehold.contract.standing import TargetState
from freehold.errors import EstateError, NotFound

_ANSWERING = frozenset({EngineState.READY, EngineState.ASLEEP})  # a call wakes one that sleeps


class Answering:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self._parts = parts
        self._means = means

    async def list_services(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        return {"services": await self._views()}

    async def show_service(self, request: ByName, asker: str) -> Answer:  # noqa: ARG002
        """Raises NotFound."""
        views = await self._views()
        found = next((view for view in views if view["name"] == request.name), None)
        if found is None:
            known = ", ".join(str(view["name"]) for view in views)
            raise NotFound(f"there is no service {request.name!r}; there are: {known}", hint="Name one of them.")
        return {"service": found}

    async def _views(self) -> list[View]:
        try:
            engines = (await self._parts.supervisor.processes()).engines
        except EstateError:
            engines = ()
        ready = frozenset(engine.target for engine in engines if engine.state in _ANSWERING)
        return await asyncio.to_thread(self._shown, ready)

    def _shown(self, ready: Collection[str]) -> list[View]:
        snapshot = self._means.composed()
        allowed = allowed_in(snapshot, int(self._means.now_unix()))
        degraded = {outage.target for report in self._parts.publisher.reports for outage in report.outages}
        sections = self._means.settings().services
        views = []
        for service in snapshot.services:
            rows = [
                self._row(target, service, snapshot, ready, degraded, (service.name, target.name) in allowed)
                for name in service.targets
                for target in snapshot.targets
                if target.name == name
            ]
            views.append(_service(service, rows, sections[service.name].acceptance))
        return views

    def _row(  # noqa: PLR0913, PLR0917 - one argument for each thing that decides
        self,
        target: Target,
        service: Service,
        snapshot: Snapshot,
        ready: Collection[str],
        degraded: Collection[str],
        allowed: bool,  # noqa: FBT001
    ) -> View:
        owned = target.kind is BackendKind.ENGINE
        standing = next((one for one in snapshot.standings if one.target == target.name), None)
        state = standing.state if standing else TargetState.DEGRADED if target.name in degraded else TargetState.ACTIVE
        able = target.name in ready if owned else not self._parts.sealed
        return {
            "target": target.name,
            "kind": target.kind,
            "model": target.model.name,
            "operator": target.operator,
            "authorities": target.authorities,
            "state": state,
            "allowed": allowed,
            "qualified": target.name not in service.unqualified,
            "answers": able and allowed and standing is None and target.name not in service.unqualified,
        }


def _service(service: Service, rows: list[View], acceptance: str) -> View:
    """Those that find no connection come last, as calls go."""
    answering = [row for row in rows if row["answers"]]
    ordered = sorted(answering, key=lambda row: row["state"] == TargetState.DEGRADED)
    names = [row["target"] for row in ordered]
    told: View = {
        "name": service.name,
        "aliases": service.aliases,
        "data_class": service.data_class.name.lower(),
        "purpose": service.purpose,
        "priority": service.priority.name.lower(),
        "tool_hold": service.tool_hold,
        "acceptance": acceptance or None,
    }
    shown = {"targets": rows, "answered_by": names[0] if names else None, "then": names[1:]}
    return {**told, **shown, "etag": etag_of([told, [[row["target"], row["model"]] for row in rows]])}
