# SPDX-License-Identifier: Apache-2.0
"""Runs drills on the estate: with a key of their own, calls of their own, and faults that befall nobody else's.

The key, the faults and the directives of a drill are never kept: a control process that dies takes them along, and
gateways forget them by themselves at the drill's end. Only the death of an engine is real, and befalls everybody.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from freehold.admin.interface import Parts, Progress
from freehold.admin.keys import Prefix, digest_of, new_id, new_secret
from freehold.admin.qualifying import KEY_ID, InForce
from freehold.admin.requests import RunDrill
from freehold.admin.views import View, instant
from freehold.continuity.drill.kept import Kept, keep
from freehold.continuity.drill.observed import Fate
from freehold.continuity.drill.records import Record, others_calls, recorded_calls, records_of
from freehold.continuity.drill.run import LINGER_S, Plan, Run
from freehold.continuity.drill.scenario import Move, Scenario, read_scenario, resolve, shipped_text
from freehold.continuity.drill.scorecard import Drilled, Objectives, Scorecard, score
from freehold.continuity.drill.traffic import Planned, replayed, synthetic
from freehold.continuity.drill.watched import SoFar
from freehold.contract.backend import BackendKind, Service, Target
from freehold.contract.call import DataClass
from freehold.contract.digest import sha256_of
from freehold.contract.drill import Drill, Stage
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.errors import EstateError, InvalidRequest, NotFound
from freehold.ledger.tree.store import LedgerFiles
from freehold.settings import ServiceSection

_GRACE_S = 30.0  # after which gateways forget a drill whose control process has died
_PER_MINUTE = 10_000_000
_LOOKED_BACK = 100_000  # entries of the ledger, for calls to replay
_LOOKED_BACK_FOR_TRAFFIC = 5_000
_QUIET_S = 60.0  # with no more than stray calls of anybody else, an engine may be killed unasked
_STRAY_CALLS = 1  # 'freehold up' makes one to see whether the estate answers
_RECORDED_WITHIN_S = 10.0  # after a drill's last answer
_LOOK_EVERY_S = 0.1

RecordAct = Callable[[str, str, dict[str, str]], Awaitable[None]]  # kind, subject, digests; done once it is on disk


class Asker(Protocol):
    """Whoever wants it."""

    @property
    def progress(self) -> Callable[[Progress], None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rehearsed:
    """What a drill is about: the service and its targets, in order, and what is there for the drill alone."""

    service: Service
    targets: tuple[Target, ...]
    stage: Stage | None

    @property
    def simulated(self) -> tuple[str, ...]:
        return tuple(target.name for target in self.stage.targets) if self.stage else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Script:
    """The scenario as it was given, and what it does to these targets."""

    scenario: Scenario
    digest: str
    moves: tuple[Move, ...]
    planned: tuple[Planned, ...]


class Driller:
    """One drill at a time. ``drill`` and ``keys`` are of the one under way, for the snapshot."""

    def __init__(self, parts: Parts, in_force: InForce, changing: asyncio.Lock, now_unix: Callable[[], float]) -> None:
        """``changing`` is held while the configuration changes."""
        self._parts = parts
        self._in_force = in_force
        self._changing = changing
        self._now_unix = now_unix
        self._busy = False
        self.drill: Drill | None = None
        self.keys: tuple[ApiKey, ...] = ()

    async def run(self, request: RunDrill, asker: Asker, record: RecordAct) -> View:
        """Run a drill to its end, and keep its scorecard.

        Raises SettingsError, NotFound, InvalidRequest, EstateError.
        """
        if self._busy:
            raise EstateError("a drill is being run", hint="Run one at a time; Ctrl-C ends one.")
        self._busy = True
        try:
            if not self._parts.publisher.reports:
                raise EstateError("no gateway is up to drill with", hint="'freehold up --detach' starts the estate.")
            return await self._rehearse(request, asker, record)
        finally:
            self._busy = False

    async def _rehearse(self, request: RunDrill, asker: Asker, record: RecordAct) -> View:
        text = request.text or shipped_text(request.scenario)
        scenario = read_scenario(text, request.scenario)
        async with AsyncExitStack() as stack:
            rehearsed = await self._rehearsed(request, scenario, stack)
            script = await self._script(request, scenario, text, rehearsed)
            drill_id = new_id("drill")
            await record("drill.begin", drill_id, {"scenario": script.digest})
            try:
                card = await self._run(drill_id, script, rehearsed, request.traffic, asker)
            except BaseException:
                await record("drill.stop", drill_id, {"scenario": script.digest})
                raise
        kept = await asyncio.to_thread(keep, self._parts.estate.drills, card)
        await record("drill.run", drill_id, {"scenario": script.digest, "scorecard": kept.digest})
        return drill_view(kept)

    async def _rehearsed(self, request: RunDrill, scenario: Scenario, stack: AsyncExitStack) -> _Rehearsed:
        snapshot = await asyncio.to_thread(self._in_force.composed)
        if request.simulated:
            if self._parts.sealed:
                raise EstateError(
                    "the estate is sealed, and can reach no simulated provider",
                    hint="'freehold down' and 'freehold up' without --sealed, then drill.",
                )
            from freehold.continuity.drill.simulated import simulated_providers  # noqa: PLC0415 - see _run

            owned = [target for target in snapshot.targets if target.kind is BackendKind.ENGINE]
            stage = await stack.enter_async_context(simulated_providers(owned))
            return _Rehearsed(service=stage.services[0], targets=(*stage.targets, *owned), stage=stage)
        service = _service(request.service, snapshot)
        known = {target.name: target for target in snapshot.targets}
        targets = tuple(known[name] for name in service.targets)
        if scenario.needs_provider and all(target.kind is BackendKind.ENGINE for target in targets):
            raise EstateError(
                f"{scenario.name} is about a target at a provider, and the service {service.name} has none",
                hint="'--simulated' rehearses it with two simulated providers.",
            )
        return _Rehearsed(service=service, targets=targets, stage=None)

    async def _script(self, request: RunDrill, scenario: Scenario, text: str, rehearsed: _Rehearsed) -> _Script:
        moves = resolve(scenario, rehearsed.targets, request.scenario)
        if any(move.crashes for move in moves) and not request.kill_engine:
            await self._require_quiet()
        if request.traffic == "replay":
            planned = await self._replay(request, rehearsed, scenario.duration_s)
        else:
            tools = await self._can_call_tools(rehearsed.targets, moves)
            planned = synthetic(request.requests, scenario.duration_s, seed=0, tools=tools)
        digest = sha256_of(text.encode())
        return _Script(scenario=scenario, digest=digest, moves=moves, planned=planned)

    async def _run(
        self, drill_id: str, script: _Script, rehearsed: _Rehearsed, traffic: str, asker: Asker
    ) -> Scorecard:
        # aiohttp takes a fifth of a control process's start, and some MB, for what most of them never do
        from freehold.continuity.drill.callers import Callers  # noqa: PLC0415
        from freehold.continuity.drill.simulated import known_text  # noqa: PLC0415

        scenario = script.scenario
        size = (await self._parts.ledger.status()).size
        async with self._in_force_for(drill_id, script, rehearsed) as (plan, secret):
            began_s = time.monotonic()

            def clock() -> float:
                return time.monotonic() - began_s

            callers = Callers(self._parts.estate.gateway_socket, secret, rehearsed.service.name, clock)
            run = Run(plan, _Hands(self, self._parts, asker), callers, clock)
            await run()
            lasted_s = clock()
        sent = {seen.call_id for seen in callers.observed if seen.fate is not Fate.LOST}
        return score(
            Drilled(
                id=drill_id,
                scenario=scenario.name,
                about=scenario.about,
                scenario_sha256=script.digest,
                service=rehearsed.service.name,
                traffic=traffic,
                began=instant(plan.began_unix) or "",
                began_unix=plan.began_unix,
                duration_s=lasted_s,
                moves=tuple(run.moved),
                planned=script.planned,
                observed=tuple(sorted(callers.observed, key=lambda seen: seen.number)),
                records=await self._recorded(drill_id, size, sent),
                objectives=self._objectives(rehearsed.service.name),
                acceptance=await self._acceptance(rehearsed.service.name),
                known_texts={call.prompt: known_text(call.prompt) for call in script.planned},
                simulated=rehearsed.simulated,
            )
        )

    @asynccontextmanager
    async def _in_force_for(
        self, drill_id: str, script: _Script, rehearsed: _Rehearsed
    ) -> AsyncIterator[tuple[Plan, str]]:
        """The drill and its key in force, without any move made yet. Nothing of it is, once the context is left."""
        secret, began_unix, duration_s = new_secret(Prefix.API_KEY), self._now_unix(), script.scenario.duration_s
        plan = Plan(
            id=drill_id,
            began_unix=began_unix,
            duration_s=duration_s,
            ends_unix=began_unix + duration_s + LINGER_S + _GRACE_S,
            moves=script.moves,
            planned=script.planned,
            stage=rehearsed.stage,
        )
        key = ApiKey(
            id=drill_id,
            secret_sha256=digest_of(secret),
            services=(rehearsed.service.name,),
            requests_per_minute=_PER_MINUTE,
            data_class=DataClass.PUBLIC,
            expires_at_unix=plan.ends_unix,
            drill=drill_id,
        )
        try:
            await self.put(Drill(id=drill_id, ends_unix=plan.ends_unix, stage=rehearsed.stage), (key,))
            yield plan, secret
        finally:
            async with self._changing:
                self.drill, self.keys = None, ()
                await self._in_force.publish()

    async def put(self, drill: Drill, keys: tuple[ApiKey, ...] | None = None) -> None:
        """Have every gateway go by the drill as it is now. Raises EstateError."""
        async with self._changing:
            self.drill, self.keys = drill, self.keys if keys is None else keys
            if not await self._in_force.publish():
                raise EstateError(
                    "a gateway did not take a step of the drill in time", hint="'freehold status' shows the gateways."
                )

    async def _recorded(self, key_id: str, start: int, sent: set[str]) -> Mapping[str, Record]:
        """What the ledger says of the calls, once it says how each of them ended, or will not soon."""
        deadline_s = time.monotonic() + _RECORDED_WITHIN_S
        while True:
            records = await asyncio.to_thread(records_of, await self._entries_from(start), key_id)
            if all(_is_closed(records.get(call)) for call in sent) or time.monotonic() > deadline_s:
                return records
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _entries_from(self, start: int) -> list[bytes]:
        head = await self._parts.ledger.publish()
        files = LedgerFiles(self._parts.estate.ledger)
        return await asyncio.to_thread(lambda: [entry for _, entry in files.entries(max(0, start), head.size)])

    async def _replay(self, request: RunDrill, rehearsed: _Rehearsed, duration_s: float) -> tuple[Planned, ...]:
        """The service's latest calls. Simulated providers are asked those of a real service, as public ones."""
        service = rehearsed.service.name
        if rehearsed.stage:
            service = _service(request.service, await asyncio.to_thread(self._in_force.composed)).name
        size = (await self._parts.ledger.status()).size
        entries = await self._entries_from(size - _LOOKED_BACK)
        calls = recorded_calls(entries, service, request.requests, but_of=_is_our_own)
        if not calls:
            raise EstateError(
                f"the ledger has no call of the service {service} to replay",
                hint="'--traffic synthetic' makes calls up.",
            )
        planned = replayed(calls, duration_s, seed=0)
        return tuple(replace(call, data_class=DataClass.PUBLIC) for call in planned) if rehearsed.stage else planned

    async def _require_quiet(self) -> None:
        """Raise EstateError where somebody else may be using the engines."""
        size = (await self._parts.ledger.status()).size
        entries = await self._entries_from(size - _LOOKED_BACK_FOR_TRAFFIC)
        if others_calls(entries, self._now_unix() - _QUIET_S, but_of=_is_our_own) > _STRAY_CALLS:
            raise EstateError(
                "the drill kills an engine for everybody, and others have called within the last minute",
                hint="'--kill-engine' says that it may.",
            )

    async def _can_call_tools(self, targets: tuple[Target, ...], moves: tuple[Move, ...]) -> bool:
        """Whether whoever is left when all moves are made can call tools."""
        able = {engine.target for engine in (await self._parts.supervisor.processes()).engines if engine.tools}
        befallen = {name for move in moves if not move.crashes for name in move.targets}
        left = [target for target in targets if target.name not in befallen]
        return any(target.kind is BackendKind.PROVIDER or target.name in able for target in left)

    def _objectives(self, service: str) -> Objectives:
        section = self._in_force.settings().services.get(service, ServiceSection(targets=[""]))
        return Objectives(
            rto_s=section.rto_s,
            max_lost=section.max_lost,
            min_acceptance=section.min_acceptance if section.acceptance else None,
        )

    async def _acceptance(self, service: str) -> dict[str, float]:
        """The share of the service's cases in force that each target passed, by the newest run."""
        suite = self._in_force.suites().get(service)
        runs = await asyncio.to_thread(self._parts.state.qualifications)
        return {
            run.target: run.passed / run.total
            for run in runs
            if suite and run.service == service and run.cases == suite.digest and run.total
        }


class _Hands:
    """What a run does to this estate."""

    def __init__(self, driller: Driller, parts: Parts, asker: Asker) -> None:
        self._driller = driller
        self._parts = parts
        self._asker = asker

    async def put(self, drill: Drill) -> None:
        await self._driller.put(drill)

    async def crash(self, target: str) -> None:
        await self._parts.supervisor.crash(target)

    def tell(self, doing: str, so_far: SoFar) -> None:
        self._asker.progress(Progress(doing=doing, done_bytes=0, total_bytes=0, event={"drill": so_far}))


def drill_view(kept: Kept) -> View:
    """A scorecard as it is told."""
    card: View = msgspec.to_builtins(kept.card)
    return {**card, "digest": kept.digest}


def _is_closed(record: Record | None) -> bool:
    """Whether nothing more will be on record of a call."""
    return record is not None and (bool(record.ending) or not record.allowed)


def _is_our_own(key_id: str) -> bool:
    """Whether a key is one that the estate makes for itself."""
    return key_id == KEY_ID or key_id.startswith("drill_")


def _service(named: str | None, snapshot: Snapshot) -> Service:
    known = {service.name: service for service in snapshot.services}
    listed = ", ".join(known)
    if named is None and len(known) > 1:
        raise InvalidRequest(f"there are several services: {listed}", param="service", hint="Name one: --service.")
    service = known.get(named or next(iter(known)))
    if service is None:
        raise NotFound(f"there is no service {named!r}; there are: {listed}", hint="Name one of them.")
    return service
