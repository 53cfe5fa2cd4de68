# SPDX-License-Identifier: Apache-2.0
"""How the estate is at this moment, for monitoring. Every part is asked; of one that does not answer, that is told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from freehold import __version__
from freehold.admin.deciding import Deciding
from freehold.admin.directing import Directing
from freehold.admin.interface import Parts
from freehold.admin.status import pss_bytes
from freehold.admin.views import View
from freehold.admin.witnessing import Witnessing
from freehold.continuity.directives import Phase
from freehold.contract.backend import EngineState
from freehold.contract.snapshot import Snapshot
from freehold.contract.standing import TargetState
from freehold.engine.messages import EstateProcesses
from freehold.errors import EstateError, LedgerFault
from freehold.ledger.interface import LedgerStatus
from freehold.route import unready
from freehold.signals import catalogue
from freehold.signals.catalogue import Metric
from freehold.signals.exposition import Row, Rows

_KEPT_S = 0.5  # however often somebody asks
_LEDGER_S = 2.0  # for the ledger to answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known. What did not answer is None."""

    snapshot: Snapshot
    sealed: bool
    processes: EstateProcesses | None
    ledger: LedgerStatus | None
    targets: tuple[View, ...]
    directives: tuple[View, ...]
    witnessing: View
    alarms: int
    memory: dict[str, int]  # by process, in bytes
    gateways_new: int  # that have the snapshot
    gateways_old: int
    detected: Counter[str]


class VitalSigns:
    """Of one estate."""

    def __init__(
        self,
        parts: Parts,
        in_force: Callable[[], Snapshot | None],
        deciding: Deciding,
        directing: Directing,
        witnessing: Witnessing,
    ) -> None:
        self._parts = parts
        self._in_force = in_force
        self._deciding = deciding
        self._directing = directing
        self._witnessing = witnessing
        self._asking = asyncio.Lock()
        self._newest: tuple[float, Signs] | None = None

    async def now(self) -> Signs:
        """Whoever asks while somebody else does, or a moment later, hears the same."""
        async with self._asking:
            now_s = asyncio.get_running_loop().time()
            if self._newest is None or now_s - self._newest[0] > _KEPT_S:
                signs = await self._ask()
                self._newest = asyncio.get_running_loop().time(), signs
            return self._newest[1]

    async def _ask(self) -> Signs:
        ledger, processes = await asyncio.gather(self._ledger(), self._processes())
        views = await asyncio.to_thread(self._views)
        snapshot = self._in_force() or Snapshot(version=0)
        reports = self._parts.publisher.reports
        new = sum(report.snapshot_version >= snapshot.version for report in reports)
        detected: Counter[str] = Counter()
        for report in reports:
            detected.update(report.detected)
        pids = {process.name: process.pid for process in processes.processes if process.pid} if processes else {}
        memory = await asyncio.to_thread(lambda: {name: pss_bytes(pid) for name, pid in pids.items()})
        targets, directives, witnessing, alarms = views
        return Signs(
            snapshot=snapshot,
            sealed=self._parts.sealed,
            processes=processes,
            ledger=ledger,
            targets=tuple(targets),
            directives=tuple(directives),
            witnessing=witnessing,
            alarms=len(alarms),
            memory={name: size for name, size in memory.items() if size is not None},
            gateways_new=new if snapshot.version else 0,
            gateways_old=len(reports) - new if snapshot.version else len(reports),
            detected=detected,
        )

    def _views(self) -> tuple[list[View], list[View], View, list[View]]:
        return self._deciding.views(), self._directing.views(), self._witnessing.view(), self._witnessing.standing()

    async def _ledger(self) -> LedgerStatus | None:
        try:
            async with asyncio.timeout(_LEDGER_S):
                return await self._parts.ledger.status()
        except (LedgerFault, TimeoutError):
            return None

    async def _processes(self) -> EstateProcesses | None:
        try:
            return await self._parts.supervisor.processes()
        except EstateError:
            return None


def reasons(signs: Signs) -> list[str]:
    """Why the estate would not answer a call now; empty: it would."""
    snapshot, ledger = signs.snapshot, signs.ledger
    engines = {engine.target: engine for engine in signs.processes.engines} if signs.processes else {}
    targets = {target.name: target for target in snapshot.targets}
    standing = {known.target for known in snapshot.standings}
    lacking = unready(snapshot.services, targets, engines.get, standing, sealed=signs.sealed)
    found = {
        "no gateway has the newest configuration": not signs.gateways_new,
        "the ledger does not answer": ledger is None,
        "this copy of the ledger is not the log, and nothing is written on it": bool(ledger and ledger.away),
        "the disk of the ledger is full": bool(ledger and ledger.full),
        "the supervisor does not answer": signs.processes is None,
    }
    said = [reason for reason, holds in found.items() if holds]
    return said + [f"service {service}: no target is fit to answer" for service in lacking]


def metrics(signs: Signs) -> Iterator[Rows]:
    """All that is known, under the names of the catalogue; of what did not answer, that it did not."""
    yield _rows(catalogue.INFO, [((__version__,), (1,))])
    parts = {"gateway": bool(signs.gateways_new), "ledger": signs.ledger, "supervisor": signs.processes}
    yield _rows(catalogue.UP, [((part,), (float(bool(is_up)),)) for part, is_up in parts.items()])
    yield _number(catalogue.READY, not reasons(signs))
    yield _number(catalogue.SEALED, signs.sealed)
    gateways = (("newest", signs.gateways_new), ("older", signs.gateways_old))
    yield _rows(catalogue.GATEWAYS, [((which,), (count,)) for which, count in gateways])
    yield _number(catalogue.SNAPSHOT, signs.snapshot.version)
    states = {str(view["target"]): str(view["state"]) for view in signs.targets}
    yield _rows(catalogue.TARGET_STATE, _states(states, [*TargetState]))
    phases = Counter(str(view["state"]) for view in signs.directives)
    standing = [phase for phase in Phase if phase is not Phase.LIFTED]
    yield _rows(catalogue.DIRECTIVES, [((phase,), (phases[phase],)) for phase in standing])
    yield _rows(catalogue.DETECTED, [((what,), (count,)) for what, count in sorted(signs.detected.items())])
    yield from _of_processes(signs)
    yield from _of_ledger(signs.ledger)
    yield from _of_witnesses(signs)


def _of_processes(signs: Signs) -> Iterator[Rows]:
    processes = signs.processes.processes if signs.processes else ()
    engines = signs.processes.engines if signs.processes else ()
    restarts: Counter[str] = Counter()
    running: dict[str, bool] = {}
    for process in processes:
        restarts[process.name] += process.restarts
        running[process.name] = running.get(process.name, True) and process.state == "running"
    yield _rows(catalogue.PROCESS_UP, [((name,), (float(is_up),)) for name, is_up in running.items()])
    yield _rows(catalogue.PROCESS_RESTARTS, [((name,), (count,)) for name, count in restarts.items()])
    yield _rows(catalogue.PROCESS_MEMORY, [((name,), (size,)) for name, size in signs.memory.items()])
    yield _rows(catalogue.ENGINE_STATE, _states({one.target: one.state for one in engines}, [*EngineState]))
    yield _rows(catalogue.ENGINE_SLOTS, [((one.target,), (one.slots,)) for one in engines])
    yield _rows(catalogue.ENGINE_RESTARTS, [((one.target,), (one.restarts,)) for one in engines])


def _of_ledger(ledger: LedgerStatus | None) -> Iterator[Rows]:
    if ledger is None:
        return
    yield _number(catalogue.ENTRIES, ledger.size)
    yield _number(catalogue.PUBLISHED, ledger.published_size)
    yield _number(catalogue.LEDGER_LAG, ledger.size - ledger.published_size)
    yield _number(catalogue.LEDGER_WAITING, ledger.waiting)
    yield _number(catalogue.OPEN_ADMISSIONS, ledger.open_admissions)
    yield _number(catalogue.LEDGER_FREE, ledger.free_bytes)
    yield _number(catalogue.LEDGER_FULL, ledger.full)
    yield _number(catalogue.LEDGER_AWAY, bool(ledger.away))
    yield _number(catalogue.LEDGER_FSYNC, ledger.fsync_us / 1e6)


def _of_witnesses(signs: Signs) -> Iterator[Rows]:
    """Of one that has never cosigned there is no age."""
    cosigned, witnesses = signs.witnessing["cosigned"], signs.witnessing["witnesses"]
    if isinstance(cosigned, dict):
        yield _number(catalogue.COSIGNED_AGE, cosigned["age_s"])
        yield _number(catalogue.COSIGNED_LAG, cosigned["lag"])
    known = [view for view in witnesses if isinstance(view, dict)] if isinstance(witnesses, list) else []
    aged = [((str(view["name"]),), (float(view["age_s"]),)) for view in known if view["age_s"] is not None]
    yield _rows(catalogue.WITNESS_AGE, aged)
    behind = [((str(view["name"]),), (float(view["lag"]),)) for view in known]
    yield _rows(catalogue.WITNESS_LAG, behind)
    yield _number(catalogue.WITNESS_ALARMS, signs.alarms)


def _states(found: dict[str, str], states: list[str]) -> list[Row]:
    return [((name, state), (float(state == now),)) for name, now in found.items() for state in states]


def _number(metric: Metric, number: float) -> Rows:
    return _rows(metric, [((), (float(number),))])


def _rows(metric: Metric, rows: Sequence[Row]) -> Rows:
    return Rows(metric, rows, grows=metric in catalogue.GROWING)
