# SPDX-License-Identifier: Apache-2.0
"""What the calls of a drill are served with: a configuration and standings of their own, beside those of all others.

What a drill's calls teach about a target stays among them: no other call waits, or goes elsewhere, because of a drill.
"""

from collections.abc import Callable
from dataclasses import replace

from freehold.api.configuration import Configuration
from freehold.api.standings import GatewayStandings
from freehold.contract.drill import Drill
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.errors import InvalidKey
from freehold.policy.load import rules_digest
from freehold.relay import Backends


class Rehearsal:
    """The drill of the moment, if there is one. Calls of an earlier one that are under way end as they may."""

    def __init__(self, backends: Callable[[Snapshot], Backends], now_unix: Callable[[], float]) -> None:
        self._backends = backends
        self._now_unix = now_unix
        self._drill_id = ""
        self._configuration: Configuration | None = None
        self._standings = self._new_standings()

    def configure(self, snapshot: Snapshot) -> None:
        """Take what the drill says now. To be called once the snapshot is in force for all other calls."""
        drill = snapshot.drill
        if drill is None:
            return
        if drill.id != self._drill_id:
            self._drill_id, self._standings = drill.id, self._new_standings()
        seen = drilled(snapshot, drill)
        self._configuration = Configuration(seen, self._backends(seen))
        self._standings.take(self._configuration)

    def serving(self, key: ApiKey) -> tuple[Configuration, GatewayStandings]:
        """What a call of a drill's key is served with. Raises InvalidKey for a drill that is over."""
        if self._configuration is None or key.drill != self._drill_id:
            raise InvalidKey
        return self._configuration, self._standings

    def _new_standings(self) -> GatewayStandings:
        return GatewayStandings(self._now_unix)


def drilled(snapshot: Snapshot, drill: Drill) -> Snapshot:
    """The snapshot as the drill's calls see it: what stands already stands; the drill's directives and stage beside."""
    standing = {known.target for known in snapshot.standings}
    seen = replace(
        snapshot,
        standings=(*snapshot.standings, *(known for known in drill.standings if known.target not in standing)),
    )
    stage = drill.stage
    if stage is None:
        return seen
    named = {target.name for target in stage.targets}
    asked = {endpoint.provider for endpoint in stage.endpoints}
    law = snapshot.law
    return replace(
        seen,
        services=stage.services,
        targets=(*stage.targets, *(target for target in snapshot.targets if target.name not in named)),
        endpoints=(*stage.endpoints, *(known for known in snapshot.endpoints if known.provider not in asked)),
        law=replace(
            law,
            files=(stage.rules,),  # the estate's own know nothing of who is simulated, and would take them for unknown
            policy_digest=rules_digest((stage.rules,)),
            facts=(*stage.facts, *(known for known in law.facts if known.operator not in asked)),
        ),
    )
