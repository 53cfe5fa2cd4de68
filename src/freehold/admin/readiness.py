# SPDX-License-Identifier: Apache-2.0
"""What the estate would lose with each provider: gathers what ``continuity/readiness.py`` judges by. Asks nobody."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

from freehold.admin.keys import EVERY_SERVICE
from freehold.admin.views import View
from freehold.continuity.readiness import Loss, Now, foresee
from freehold.contract.backend import BackendKind, EngineStatus, Service
from freehold.contract.report import GatewayReport
from freehold.contract.snapshot import Snapshot
from freehold.policy.cedar import read_rules
from freehold.policy.decide import backends_of
from freehold.policy.judge import Application, Circumstances, Judge

_ANYBODY = Application(key="any", services=EVERY_SERVICE)


def foreseen(  # noqa: PLR0913 - what it is judged by
    snapshot: Snapshot,
    engines: Iterable[EngineStatus],
    reports: Iterable[GatewayReport],
    *,
    sealed: bool,
    now_unix: float,
    states: Iterable[str] = (),
) -> tuple[Loss, ...]:
    """Every loss that there could be. Judged for a key that is good for every service, at each service's own class.

    ``states``: such as are asked for, though nobody is known to be compelled by them.
    """
    judge = Judge(read_rules(snapshot.law.files), backends_of(snapshot), snapshot.law.states)
    targets = {target.name: target for target in snapshot.targets}

    def allowed(service: Service, target: str) -> bool:
        if sealed and targets[target].kind is BackendKind.PROVIDER:
            return False
        circumstances = Circumstances(
            service=service.name, purpose=service.purpose, data_class=service.data_class, at_unix=int(now_unix)
        )
        return judge.judge(_ANYBODY, target, circumstances).allowed

    known = tuple(reports)
    load: Counter[str] = Counter()
    for report in known:
        load.update({of.target: of.in_flight for of in report.load})
    return foresee(
        Now(
            services=snapshot.services,
            targets=targets,
            standings={standing.target: standing for standing in snapshot.standings},
            engines={engine.target: engine for engine in engines},
            degraded=frozenset(outage.target for report in known for outage in report.outages),
            load=load,
            allowed=allowed,
            accepted=lambda service, target: target not in service.unqualified,
        ),
        states,
    )


def readiness_view(losses: Iterable[Loss]) -> View:
    """As status shows it."""
    shown = [asdict(loss) for loss in losses]
    return {"owned_only": not shown, "losses": shown}
