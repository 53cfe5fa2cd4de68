# SPDX-License-Identifier: Apache-2.0
"""Has the cases of a service answered by its targets, as any application's calls are: decided, and on record.

The calls are made with a key of the estate's own, which no one else has: it lives for one run, names the target that
may answer, and is allowed nothing that an application's key is not. A target that may not be asked, or cannot answer
now, is not judged: what is known of it stays.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from freehold.admin.acceptance import Suites, terms_of
from freehold.admin.calling import CASE_S, GatewayCaller
from freehold.admin.interface import Parts
from freehold.admin.keys import Prefix, digest_of, new_secret
from freehold.admin.views import View, instant
from freehold.continuity.acceptance import CaseFile, NotRun, Qualification, Results, Verdict
from freehold.contract.backend import Target
from freehold.contract.digest import sha256_of
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.errors import EstateError, InvalidRequest, NotFound
from freehold.settings import Settings

KEY_ID = "acceptance"  # as the ledger names who made the calls

_KEY_GRACE_S = 60.0
_PER_MINUTE = 1_000_000
_SHOWN_CHARACTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The configuration of the moment, and how to put it in force anew."""

    settings: Callable[[], Settings]
    suites: Callable[[], Suites]
    composed: Callable[[], Snapshot]  # blocks
    publish: Callable[[], Awaitable[bool]]  # False if a gateway did not confirm it in time


class Asker(Protocol):
    """Whoever wants it."""

    @property
    def id(self) -> str: ...

    def tell(self, doing: str, notice: str) -> None: ...


Record = Callable[[str, dict[str, str]], Awaitable[None]]  # subject and digests; done once that is on disk


class Qualifier:
    """One run at a time."""

    def __init__(self, parts: Parts, in_force: InForce, changing: asyncio.Lock, now_unix: Callable[[], float]) -> None:
        """``changing`` is held while the configuration changes."""
        self._parts = parts
        self._in_force = in_force
        self._changing = changing
        self._now_unix = now_unix
        self._running = asyncio.Lock()
        self.keys: tuple[ApiKey, ...] = ()  # of the run under way, for the snapshot

    async def qualify(self, service: str, only: str | None, asker: Asker, record: Record) -> list[View]:
        """Judge the service's targets, or one of them. Raises NotFound, InvalidRequest, EstateError."""
        async with self._running:
            suite, targets = await asyncio.to_thread(self._wanted, service, only)
            async with self._pinning_key(service, len(suite.cases) * len(targets)) as secret:
                return [await self._judged(service, suite, target, secret, asker, record) for target in targets]

    def _wanted(self, service: str, only: str | None) -> tuple[CaseFile, Sequence[Target]]:
        section = self._in_force.settings().services.get(service)
        if section is None:
            known = ", ".join(self._in_force.settings().services)
            raise NotFound(f"there is no service {service!r}; there are: {known}", hint="Name one of them.")
        suite = self._in_force.suites().get(service)
        if suite is None:
            raise InvalidRequest(
                f"the service {service} has no acceptance cases in force",
                param="service",
                hint="Write them, name the file in its 'acceptance', then 'freehold reload'.",
            )
        if only is not None and only not in section.targets:
            known = ", ".join(section.targets)
            raise NotFound(f"{service} has no target {only!r}; it has: {known}", hint="Name one of them.")
        if not self._parts.publisher.reports:
            raise EstateError("no gateway is up to answer the cases", hint="'freehold up --detach' starts the estate.")
        targets = {target.name: target for target in self._in_force.composed().targets}
        return suite, [targets[name] for name in section.targets if only in (None, name)]

    @asynccontextmanager
    async def _pinning_key(self, service: str, calls: int) -> AsyncIterator[str]:
        """A key for the calls, in force within. It is never kept: a control process that dies takes it along."""
        secret = new_secret(Prefix.API_KEY)
        key = ApiKey(
            id=KEY_ID,
            secret_sha256=digest_of(secret),
            services=(service,),
            requests_per_minute=_PER_MINUTE,
            expires_at_unix=self._now_unix() + calls * CASE_S + _KEY_GRACE_S,
            pins_target=True,
        )
        try:
            async with self._changing:
                self.keys = (key,)
                if not await self._in_force.publish():
                    raise EstateError("a gateway did not take the key for the cases in time", hint="Try again.")
            yield secret
        finally:
            self.keys = ()  # of every snapshot from here on, whatever becomes of the next line
            async with self._changing:
                await self._in_force.publish()

    async def _judged(  # noqa: PLR0913, PLR0917 - what one target's run is made of
        self, service: str, suite: CaseFile, target: Target, secret: str, asker: Asker, record: Record
    ) -> View:
        ask = GatewayCaller(self._parts.estate.gateway_socket, secret, service, target.name)

        def told(verdict: Verdict, number: int) -> None:
            how = "passed" if verdict.passed else f"failed: {'; '.join(verdict.problems)}"
            asker.tell("qualifying", f"{target.name}: {verdict.case} {how} ({number} of {len(suite.cases)})")

        try:
            results = await suite.run(ask, told)
        except NotRun as not_run:
            asker.tell("qualifying", f"{target.name}: not run: {not_run.why}")
            return _view(service, target, "not run", not_run.why)
        return await self._kept(service, suite, target, results, record)

    async def _kept(self, service: str, suite: CaseFile, target: Target, results: Results, record: Record) -> View:
        """Put the result on record, remember it, and have it count."""
        run = Qualification(
            service=service,
            target=target.name,
            operator=target.operator,
            model=target.model.name,
            model_digest=target.model.digest,
            cases=suite.digest,
            passed=results.passed,
            total=results.total,
            at_unix=self._now_unix(),
        )
        async with self._changing:
            in_force = self._in_force.suites().get(service)
            snapshot = await asyncio.to_thread(self._in_force.composed)
            models = {known.name: (known.operator, known.model) for known in snapshot.targets}
            same_target = models.get(target.name) == (target.operator, target.model)
            if in_force is None or in_force.digest != suite.digest or not same_target:
                return _view(service, target, "not run", "the configuration changed while the cases were run")
            await record(f"{service}/{target.name}", _digests(run, results))
            await asyncio.to_thread(self._parts.state.keep_qualification, run)
            await self._in_force.publish()
        passes = run.passes(terms_of(self._in_force.settings(), self._in_force.suites(), service).min_share)
        return _view(service, target, "qualified" if passes else "not qualified", "", run, results)


@dataclass(frozen=True, slots=True)
class _Identity:
    """What a result is about, for its digest."""

    operator: str
    model: str
    digest: str


def _digests(run: Qualification, results: Results) -> dict[str, str]:
    """What was asked, of whom, and what came of it: as canonical JSON, by its SHA-256."""
    model = _Identity(operator=run.operator, model=run.model, digest=run.model_digest)
    failed = [verdict.case for verdict in results.verdicts if not verdict.passed]
    result = {"passed": run.passed, "total": run.total, "failed": failed}
    return {"cases": run.cases, "model": _sha256(model), "result": _sha256(result)}


def _sha256(value: object) -> str:
    return sha256_of(msgspec.json.encode(value, order="sorted"))


def _view(  # noqa: PLR0913, PLR0917 - one argument for each thing that is told
    service: str,
    target: Target,
    state: str,
    reason: str,
    run: Qualification | None = None,
    results: Results | None = None,
) -> View:
    return {
        "service": service,
        "target": target.name,
        "model": target.model.name,
        "state": state,
        "reason": reason,
        "passed": run.passed if run else None,
        "total": run.total if run else None,
        "at": instant(run.at_unix) if run else None,
        "cases": [
            {
                "id": verdict.case,
                "passed": verdict.passed,
                "problems": verdict.problems,
                "answer": verdict.answer.text[:_SHOWN_CHARACTERS],
            }
            for verdict in (results.verdicts if results else ())
        ],
    }
