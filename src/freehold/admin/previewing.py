# SPDX-License-Identifier: Apache-2.0
"""What taking targets away, or giving one back, would do to services: told before anybody decides. Changes nothing."""

from collections.abc import Mapping

from freehold.admin.keys import EVERY_SERVICE
from freehold.admin.views import View
from freehold.admin.withdrawal_views import preview_view
from freehold.admin.withdrawals import Withdrawals
from freehold.continuity.directives import Loss, losses, unsure
from freehold.contract.call import DataClass
from freehold.contract.snapshot import Snapshot
from freehold.contract.standing import Directive
from freehold.policy.cedar import read_rules
from freehold.policy.decide import backends_of
from freehold.policy.judge import Application, Judge
from freehold.policy.matrix import tabulate

ANYBODY = Application(key="any", services=EVERY_SERVICE)


class Previewing:
    """Of one estate. Every method blocks."""

    def __init__(self, withdrawals: Withdrawals) -> None:
        self._withdrawals = withdrawals

    def of_directive(self, directive: Directive) -> View:
        """What it hits, and what is left to each service."""
        facts = self._withdrawals.facts
        hit = frozenset(self._withdrawals.hit_by(directive))
        snapshot = self._withdrawals.means.composed()
        doubtful = {one.name for one in snapshot.targets if unsure(directive, one, facts.get(one.operator))}
        return self._lost(snapshot, hit, doubtful & hit)

    def of_withdrawal(self, target: str) -> View:
        return self._lost(self._withdrawals.means.composed(), frozenset({target}), frozenset())

    def of_restoring(self, target: str) -> View:
        """The services that use it, with whom each has once it is back."""
        snapshot = self._withdrawals.means.composed()
        out = frozenset(standing.target for standing in snapshot.standings) - {target}
        allowed = allowed_in(snapshot, self._at_unix())
        users = [service for service in snapshot.services if target in service.targets]
        gained = []
        for service in users:
            rest = [name for name in service.targets if name not in out]
            left = tuple(name for name in rest if (service.name, name) in allowed)
            forbidden = tuple(name for name in rest if name not in left)
            gained.append(Loss(service=service.name, aliases=service.aliases, loses=(), left=left, forbidden=forbidden))
        return preview_view([one for one in snapshot.targets if one.name == target], gained)

    def _lost(self, snapshot: Snapshot, hit: frozenset[str], doubtful: frozenset[str] | set[str]) -> View:
        out = frozenset(standing.target for standing in snapshot.standings)
        lost = losses(snapshot.services, hit, out, allowed_in(snapshot, self._at_unix()))
        return preview_view([one for one in snapshot.targets if one.name in hit], lost, doubtful)

    def _at_unix(self) -> int:
        return int(self._withdrawals.means.now_unix())


def allowed_in(snapshot: Snapshot, at_unix: int) -> frozenset[tuple[str, str]]:
    """Which targets the rules allow to each service, for a call of the service's own class."""
    judge = Judge(read_rules(snapshot.law.files), backends_of(snapshot), snapshot.law.states)
    classes: Mapping[str, DataClass] = {service.name: service.data_class for service in snapshot.services}
    return frozenset(
        (cell.service, cell.target)
        for cell in tabulate(judge, ANYBODY, snapshot.services, at_unix=at_unix)
        if cell.is_target and cell.allowed and cell.data_class == classes[cell.service].name.lower()
    )
