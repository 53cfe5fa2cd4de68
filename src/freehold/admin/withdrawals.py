# SPDX-License-Identifier: Apache-2.0
"""Withdrawals as the control process has them in force: what holds, who is suspect, what takes effect at which hour.

What takes a target away is done first and recorded second: a full disk must not keep a forbidden target in service.
What is owed to the ledger is kept with what was done, and recorded once the ledger writes. What gives a target back is
recorded first.
"""

import asyncio
import hashlib
import logging
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time

import msgspec

from freehold.admin.interface import Parts
from freehold.admin.means import Means
from freehold.admin.orders import Holding, Orders, OwedAct
from freehold.continuity.directives import Phase, digest_of, is_due, phase, taken_effect
from freehold.continuity.standings import Held, standing_of, standings_of
from freehold.continuity.states import Cause
from freehold.continuity.suspicion import Case, Watch
from freehold.contract.backend import BackendKind, Target
from freehold.contract.endpoint import Endpoint
from freehold.contract.facts import BackendFacts
from freehold.contract.snapshot import Snapshot
from freehold.contract.standing import Directive
from freehold.errors import EstateError, LedgerFault, LedgerUnavailable
from freehold.policy.facts import Register
from freehold.policy.facts.hosts import lies_at

CONTROL = "control"  # as the ledger names the control process, where it acts by itself

_log = logging.getLogger(__name__)
_WARM_BEFORE_S = 600.0  # substitutes are awake by the hour
_WARM_EVERY_S = 60.0
_PAY_AGAIN_AFTER_S = 5.0


class Withdrawals:
    """Of one estate. Used in one event loop; what blocks runs in threads."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self.orders = Orders(parts.state)
        self.means = means
        self._parts = parts
        self._watch = Watch()
        self._targets: tuple[Target, ...] = ()  # of the snapshot in force
        self._facts: Mapping[str, BackendFacts] = {}
        self._held = Held()
        self._warmed_unix = 0.0
        self._paid_unix = 0.0
        self._paying = asyncio.Lock()  # held while owed acts are recorded, so that none is recorded twice
        self._cases: tuple[Case, ...] = ()
        self._aside: dict[str, asyncio.Task[None]] = {}  # by what it is for: one of a kind at a time

    @property
    def held(self) -> Held:
        """What holds, as it was published last."""
        return self._held

    @property
    def facts(self) -> Mapping[str, BackendFacts]:
        """By operator, as directives look at them."""
        return self._facts

    @property
    def cases(self) -> tuple[Case, ...]:
        """What is held against targets, as of the last look."""
        return self._cases

    def advance(self) -> None:
        """Let take effect what has become due, and retire what has come of age. Blocks; the lock is held."""
        now_unix = self.means.now_unix()
        self._let_take_effect(now_unix)
        self._let_retire(now_unix)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with its standings, by all that holds now. Blocks."""
        facts = self._located_in(snapshot)
        return replace(snapshot, standings=standings_of(snapshot.targets, facts, self._all_that_holds()))

    def note(self, snapshot: Snapshot) -> None:
        """Remember what is published now. Blocks."""
        self._targets, self._facts, self._held = snapshot.targets, self._located_in(snapshot), self._all_that_holds()

    async def turn(self) -> None:
        """What the control process does by itself, called often: heed reports, keep to the hour, pay the ledger."""
        now_unix = self.means.now_unix()
        self._cases = cases = self._heard(now_unix)
        suspects = [case for case in cases if case.enough and self._is_in_service(case.target)]
        if suspects or self._is_due(now_unix):
            async with self.means.changing:
                for case in suspects:
                    if self._is_in_service(case.target):  # a person may have been faster
                        await self._suspect(case, now_unix)
                await self.means.publish()
            self._paid_unix = 0.0
        self._warm_ahead(now_unix, {*self._tried(now_unix), *(case.target for case in suspects)})
        if abs(now_unix - self._paid_unix) >= _PAY_AGAIN_AFTER_S:
            self._paid_unix = now_unix
            self._start_aside("pay", self._try_to_pay())

    async def done(self, what: str) -> None:
        """Put in force what was kept just now, then on record. Raises EstateError, LedgerUnavailable saying how far it
        came. The lock is held by the caller.
        """
        in_force = await self.means.publish()
        try:
            await self.pay()
        except LedgerFault as fault:
            raise LedgerUnavailable(
                f"{what}, but that is not on record yet: {fault.message}",
                hint="It is recorded by itself once the ledger writes.",
            ) from fault
        if not in_force:
            raise EstateError(
                f"{what}, but a gateway has not confirmed it in time and may still send calls there",
                hint="'freehold status' shows the gateways; 'freehold down' ends one that does not answer.",
            )

    async def pay(self) -> None:
        """Record what was done and is not on record. Raises LedgerFault."""
        async with self._paying:
            for number, owed in await asyncio.to_thread(self.orders.owed):
                await self.means.record(owed.kind, owed.subject, owed.operator, owed.digests)
                await asyncio.to_thread(self.orders.paid, number)

    def pay_soon(self) -> None:
        """Begin to record what the ledger is owed, without waiting for it."""
        self._start_aside("pay", self._try_to_pay())

    def decided(self, target: str) -> None:
        """A person has decided about a target: what was seen before then counts no more."""
        self._watch.clear(target)

    async def warm(self, hit: frozenset[str]) -> None:
        """Wake the engines of the services that lose these targets."""
        engines = {target.name for target in self._targets if target.kind is BackendKind.ENGINE}
        services = self.means.settings().services.values()
        wanted = {name for service in services if hit & set(service.targets) for name in service.targets}
        for name in sorted(wanted & engines - hit):
            with suppress(EstateError):  # without a supervisor there is no engine to wake
                await self._parts.supervisor.wake(name)

    def _is_in_service(self, target: str) -> bool:
        found = next((known for known in self._targets if known.name == target), None)
        return found is not None and standing_of(found, self._facts.get(found.operator), self._held) is None

    def _heard(self, now_unix: float) -> tuple[Case, ...]:
        known = {target.name for target in self._targets}
        for report in self._parts.publisher.take_news():
            self._watch.hear(report, known, now_unix)
        return self._watch.cases(self._targets, now_unix)

    def _is_due(self, now_unix: float) -> bool:
        if any(is_due(directive, now_unix) for directive in self._held.directives):
            return True
        return any(name not in self._held.dates for name in self._of_age(now_unix))

    async def _suspect(self, case: Case, now_unix: float) -> None:
        """Nobody asked for it, so that nobody waits for its record: it is owed."""
        _log.warning("%s looks withdrawn: it gets no call until a person has decided", case.target)
        holding = Holding(
            target=case.target, cause=Cause.EVIDENCE, since_unix=now_unix, by=CONTROL, sightings=case.sightings
        )
        digest = hashlib.sha256(msgspec.json.encode(case.sightings, order="sorted")).hexdigest()
        owed = OwedAct(
            kind="target.suspect", subject=case.target, operator=CONTROL, digests={"evidence": f"sha256:{digest}"}
        )
        await asyncio.to_thread(self.orders.hold, holding, owed)

    def _tried(self, now_unix: float) -> list[str]:
        """Where one key alone was refused, a call of the estate's own says whether it is the target or the key."""
        tried = []
        for case in self._cases:
            if case.wants_canary and self._is_in_service(case.target) and self._watch.may_try(case.target, now_unix):
                tried.append(case.target)
                if not self._parts.publisher.ask_canary(case.target):
                    _log.info("%s may be withdrawn, and no gateway is there to try it", case.target)
        return tried

    def _warm_ahead(self, now_unix: float, at_risk: set[str]) -> None:
        """Wake the substitutes, and before an hour again and again, lest they fall asleep."""
        if abs(now_unix - self._warmed_unix) >= _WARM_EVERY_S:
            for directive in self._held.directives:
                if phase(directive) is Phase.SCHEDULED and directive.effective_unix - now_unix <= _WARM_BEFORE_S:
                    self._warmed_unix = now_unix
                    at_risk.update(self.hit_by(directive))
        if at_risk:
            self._start_aside("warm", self.warm(frozenset(at_risk)))

    def _start_aside(self, what: str, doing: Coroutine[None, None, None]) -> None:
        """Whoever does not answer, the ledger or the supervisor, must keep nothing from its hour."""
        under_way = self._aside.get(what)
        if under_way is None or under_way.done():
            self._aside[what] = asyncio.create_task(doing, name=what)
        else:
            doing.close()

    async def _try_to_pay(self) -> None:
        with suppress(LedgerFault, EstateError):
            await self.pay()

    def hit_by(self, directive: Directive) -> tuple[str, ...]:
        """The targets that it is about, in force or not."""
        at_once = replace(directive, took_effect_unix=1.0, lifted_unix=0.0)
        held = Held(directives=(at_once,))
        return tuple(
            target.name for target in self._targets if standing_of(target, self._facts.get(target.operator), held)
        )

    def _let_take_effect(self, now_unix: float) -> None:
        for directive in self.orders.directives():
            taken = taken_effect(directive, now_unix)
            if taken is not directive:
                digests = {"directive": digest_of(directive)}
                owed = OwedAct(kind="directive.effect", subject=directive.id, operator=CONTROL, digests=digests)
                self.orders.change(taken, owed)
                _log.warning("directive %s is in force", directive.id)

    def _let_retire(self, now_unix: float) -> None:
        """A day that has come stays so, whatever the clock says later, until freehold.toml names another."""
        listed = {name: target.retires for name, target in self.means.settings().foreign.items()}
        dates = {one.target: one.why for one in self.orders.holdings() if one.cause is Cause.DATE}
        for name, day in dates.items():
            if listed.get(name) != day:
                self.orders.end(name, {Cause.DATE})
        for name in self._of_age(now_unix):
            if dates.get(name) != listed[name]:
                self.orders.hold(Holding(target=name, cause=Cause.DATE, since_unix=now_unix, why=listed[name]))

    def _of_age(self, now_unix: float) -> list[str]:
        foreign = self.means.settings().foreign
        return [name for name, target in foreign.items() if target.retires and _midnight(target.retires) <= now_unix]

    def _located_in(self, snapshot: Snapshot) -> Mapping[str, BackendFacts]:
        return located(snapshot.law.facts, snapshot.endpoints, self.means.register())

    def _all_that_holds(self) -> Held:
        return held_by(self.orders.directives(), self.orders.reasons(), self.orders.holdings())


def held_by(directives: tuple[Directive, ...], reasons: Mapping[str, str], holdings: tuple[Holding, ...]) -> Held:
    """All of it, as it decides how targets stand."""
    return Held(
        directives=directives,
        told={one.id: reasons.get(one.id, "") for one in directives if one.tells},
        persons=_since(holdings, Cause.PERSON),
        suspicions=_since(holdings, Cause.EVIDENCE),
        dates=_since(holdings, Cause.DATE),
    )


def located(
    facts: Iterable[BackendFacts], endpoints: Iterable[Endpoint], register: Register | None
) -> Mapping[str, BackendFacts]:
    """The facts by operator, whose locations have that of the host that the estate asks, too."""
    by_operator = {known.operator: known for known in facts}
    providers = register.providers if register else {}
    for endpoint in endpoints:
        known, entry = by_operator.get(endpoint.provider), providers.get(endpoint.provider)
        if known is not None and entry is not None:
            places = {host.location for host in entry.hosts if lies_at(endpoint.host, host.host)} - {"unknown"}
            by_operator[endpoint.provider] = replace(known, locations=tuple(sorted({*known.locations, *places})))
    return by_operator


def _since(holdings: tuple[Holding, ...], cause: Cause) -> dict[str, float]:
    return {holding.target: holding.since_unix for holding in holdings if holding.cause is cause}


def _midnight(day: str) -> float:
    """When a day begins, in UTC."""
    return datetime.combine(date.fromisoformat(day), time(), UTC).timestamp()
