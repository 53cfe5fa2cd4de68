# SPDX-License-Identifier: Apache-2.0
"""What can be done to an estate, one method each, for the command line, the admin port and the console alike.

Every act is on record in the ledger before it is reported done. This file has what concerns the estate as a whole; each
group of operations has a file of its own.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from freehold.admin.acceptance import Suites, acceptance_views, gated, with_acceptance
from freehold.admin.activity import Activity
from freehold.admin.answering import Answering
from freehold.admin.bundling import Bundling
from freehold.admin.configured import Configured, read_configured
from freehold.admin.contacts import hosts_of
from freehold.admin.custody import Custody
from freehold.admin.deciding import Deciding
from freehold.admin.directing import Directing
from freehold.admin.doctor import Live, examine
from freehold.admin.drilling import Driller
from freehold.admin.engineering import Engineering
from freehold.admin.forgetting import Forgetting
from freehold.admin.interface import Parts, Progress
from freehold.admin.judging import Judging
from freehold.admin.keyring import Keyring
from freehold.admin.knowing import Knowing
from freehold.admin.known_law import KnownLaw
from freehold.admin.leaks import check_egress
from freehold.admin.means import Answer, Means
from freehold.admin.modelling import Modelling
from freehold.admin.packing import Packing
from freehold.admin.permits import IMPORT, hosts_digest, import_permit
from freehold.admin.pruning import Pruning
from freehold.admin.publish import compose, models_of
from freehold.admin.qualifying import InForce, Qualifier
from freehold.admin.readiness import foreseen
from freehold.admin.record.reading import Reading
from freehold.admin.rehearsed import Rehearsed
from freehold.admin.requests import (
    Nothing,
    QualifyTarget,
    RunDrill,
    Since,
)
from freehold.admin.sealing import require_owned
from freehold.admin.sessions import Sessions
from freehold.admin.status import describe
from freehold.admin.talking import Talking
from freehold.admin.tuning import Tuning
from freehold.admin.views import View
from freehold.admin.vital_signs import VitalSigns
from freehold.admin.withdrawal_views import with_standings
from freehold.admin.withdrawals import CONTROL, Withdrawals
from freehold.admin.witnessing import Witnessing
from freehold.continuity.readiness import Loss
from freehold.contract.digest import sha256_of
from freehold.contract.grant import Errand, Permit
from freehold.contract.law import Law
from freehold.contract.snapshot import Snapshot
from freehold.errors import (
    LedgerUnavailable,
    SettingsError,
)
from freehold.policy.load import day_of
from freehold.settings import Settings, read_settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whoever asked for an operation: an id for the record, and whom to tell of its progress, from any thread."""

    id: str
    progress: Callable[[Progress], None]

    def told(self, doing: str) -> Callable[[int, int], None]:
        """The vault's kind of progress, told as ``doing``."""
        return lambda done, total: self.progress(Progress(doing=doing, done_bytes=done, total_bytes=total))

    def tell(self, doing: str, notice: str) -> None:
        """Have a person read something at once."""
        self.progress(Progress(doing=doing, done_bytes=0, total_bytes=0, notice=notice))


class Operations:
    """The operations of one estate. Used in one event loop; what blocks runs in threads."""

    def __init__(
        self,
        parts: Parts,
        settings: Settings,
        *,
        now_unix: Callable[[], float] = time.time,
        recorded_within_s: float = 10.0,
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._now_unix = now_unix
        self._recorded_within_s = recorded_within_s
        self._files: Configured | None = None  # of the law in force
        self._law = Law()
        self._law_at_unix = 0.0
        self._settings_digest = ""
        self._known_law = KnownLaw(parts.state)
        self._held_back = ""  # why no provider may see a call today, whatever the rules permit
        self._in_force: Snapshot | None = None  # as published last
        self._changing = asyncio.Lock()  # held from the first effect of a change until it is in force and on record
        self.guarding = asyncio.Lock()  # held while what somebody was shown is compared, and what follows is done
        in_force = InForce(
            settings=lambda: self._settings,
            suites=self._suites,
            composed=lambda: self._composed(0),
            publish=self._publish,
        )
        self._qualifier = Qualifier(parts, in_force, self._changing, now_unix)
        self._driller = Driller(parts, in_force, self._changing, now_unix)
        means = self._means()
        self.withdrawals = Withdrawals(parts, means)
        self.directing = Directing(self.withdrawals)
        self.deciding = Deciding(parts, self.withdrawals, self.directing)
        self.keyring = Keyring(parts, means)
        self.custody = Custody(parts, means)
        self.engineering = Engineering(parts, means)
        self.bundling = Bundling(parts, means, self.custody)
        self.talking = Talking(parts, means)
        self.tuning = Tuning(parts, means, self._suites)
        self.forgetting = Forgetting(parts, self.withdrawals, recorded_within_s=recorded_within_s)
        self.witnessing = Witnessing(parts, self.withdrawals)
        self.pruning = Pruning(parts.ledger, recorded_within_s=recorded_within_s)
        self.packing = Packing(parts.estate, parts.ledger, recorded_within_s=recorded_within_s)
        self.reading = Reading(parts, means)
        self.judging = Judging(parts, means)
        self.knowing = Knowing(means)
        self.answering = Answering(parts, means)
        self.modelling = Modelling(parts, means)
        self.rehearsed = Rehearsed(parts)
        self.totals = parts.publisher.totals
        self.vital_signs = VitalSigns(parts, lambda: self._in_force, self.deciding, self.directing, self.witnessing)
        self.activity = Activity(parts.publisher.totals)
        self.sessions = Sessions(parts.state, self.withdrawals, parts.listening.admin_url)

    async def start(self) -> None:
        """Publish the first snapshot. Raises PolicyInvalid, and SettingsError for facts and endpoints: then nothing is
        served.
        """
        async with self._changing:
            files = await asyncio.to_thread(read_configured, self._parts.estate, self._settings)
            self._law, self._law_at_unix = await self._law_from(files)
            self._files = files
            self._settings_digest = _digest_of_file(self._parts.estate.settings)
            await asyncio.to_thread(self._known_law.note, self._law_digests(), CONTROL)
            await self._publish()

    async def turn_day(self) -> bool:
        """Apply what changes with the date, such as an adequacy decision that lapses. True if that changed anything."""
        async with self._changing:
            if self._files is None:
                raise RuntimeError("the operations were not started")
            now_unix = self._now_unix()
            if day_of(now_unix) == day_of(self._law_at_unix):
                return False
            before, self._law_at_unix = self._law, now_unix
            self._law, self._held_back = await asyncio.to_thread(self._files.law_of_new_day, before, now_unix)
            if self._held_back:
                _log.critical("NO PROVIDER MAY SEE A CALL: the law of this day breaks a claim: %s", self._held_back)
            composed = await asyncio.to_thread(self._composed, 0)  # a pass of acceptance cases may have come of age
            if self._law == before and self._in_force and composed.services == self._in_force.services:
                return False
            await asyncio.to_thread(self._known_law.note, self._law_digests(), CONTROL)
            await self._publish()
            return True

    async def health(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002 - the shape of every operation
        return {"status": "ok"}

    async def status(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        snapshot, now_unix = await asyncio.to_thread(self._composed, 0), self._now_unix()
        runs = await asyncio.to_thread(self._parts.state.qualifications)
        acceptance = acceptance_views(snapshot, self._settings, self._suites(), runs, now_unix)
        described = await describe(self._parts, self._settings, snapshot, now_unix=now_unix)
        directives, targets = await asyncio.to_thread(lambda: (self.directing.views(), self.deciding.views()))
        alarms, witnessing = await asyncio.to_thread(lambda: (self.witnessing.standing(), self.witnessing.view()))
        whole = with_standings(with_acceptance(described, acceptance), directives, targets)
        return {"status": {"alarms": alarms, **whole, "witnessing": witnessing}}

    async def show_activity(self, request: Since, asker: Asker) -> Answer:  # noqa: ARG002
        """What services answered of late, for whoever watches them."""
        return {"activity": self.activity.view(self._settings.services, request.since, self._now_unix())}

    async def doctor(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        live = await Live.ask(self._parts.supervisor, self._parts.ledger, held_back=self._held_back)
        live = replace(live, losses=await asyncio.to_thread(self._losses, live))
        checks = await asyncio.to_thread(
            examine,
            self._parts.estate,
            self._settings,
            unencrypted=self._parts.listening.unencrypted,
            live=live,
            progress=asker.told("verifying weights"),
        )
        witnesses, targets = await asyncio.to_thread(
            lambda: (list(self.witnessing.checks()), list(self.deciding.checks()))
        )
        return {"checks": [*witnesses, *checks, *targets]}

    async def reload(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        """Put freehold.toml, rules and facts in force. What is wrong is said, and all that was in force stays."""
        async with self._changing:
            path = self._parts.estate.settings
            old, new = self._settings, read_settings(path)
            if new.estate.origin != old.estate.origin:
                raise SettingsError(
                    f"{path}: [estate] origin was {old.estate.origin!r}; it is the ledger's name and cannot be changed",
                    hint="Set it back. Another ledger is another estate: 'freehold init'.",
                )
            if self._parts.sealed:
                require_owned(new)
            settings_digest = _digest_of_file(path)
            files = await asyncio.to_thread(read_configured, self._parts.estate, new)
            law, at_unix = await self._law_from(files)
            digests = {"settings": settings_digest, "policy": law.policy_digest, "facts": law.facts_digest}
            await self._record(asker, "settings.reload", path.name, **digests)
            self._settings, self._files, self._settings_digest = new, files, settings_digest
            self._law, self._law_at_unix, self._held_back = law, at_unix, ""
            await asyncio.to_thread(self._known_law.keep, digests)
            in_force = await self._publish()
        return {"reload": {"in_force": in_force, "after_restart": _needs_restart(old, new)}}

    async def show_policy(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        """The law in force, with the services and targets that it decides about; no key."""
        snapshot = await asyncio.to_thread(self._composed, 0)
        return {"policy": {"law": snapshot.law, "services": snapshot.services, "targets": snapshot.targets}}

    async def list_hosts(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        """Whom the estate may contact, by what is in force."""
        return {"hosts": await asyncio.to_thread(self._hosts)}

    async def check_egress(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        """Have every process try to get out."""
        return {"checks": await check_egress(self._parts), "sealed": self._parts.sealed}

    async def run_drill(self, request: RunDrill, asker: Asker) -> Answer:
        """Rehearse a withdrawal or an outage, and keep the scorecard. Whoever asked and goes away ends it."""

        async def record(kind: str, subject: str, digests: dict[str, str]) -> None:
            await self._record(asker, kind, subject, **digests)

        return {"drill": await self._driller.run(request, asker, record)}

    async def qualify_targets(self, request: QualifyTarget, asker: Asker) -> Answer:
        """Have a service's acceptance cases answered by its targets. Those that pass may stand in for the first."""

        async def record(subject: str, digests: dict[str, str]) -> None:
            await self._record(asker, "target.qualify", subject, **digests)

        views = await self._qualifier.qualify(request.service, request.target, asker, record)
        return {"qualifications": views}

    async def ledger_status(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        return {"ledger": await self._parts.ledger.status()}

    async def publish_ledger(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        """Sign the ledger's head now, so that every entry made so far can be proved."""
        return {"ledger": await self._parts.ledger.publish()}

    async def begin_backup(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        """Put on record that the estate is copied, keys, salts and all, and sign the head that the copy will have."""
        await self._record(asker, "estate.backup", self._settings.estate.origin)
        return {"ledger": await self._parts.ledger.publish()}

    def _losses(self, live: Live) -> tuple[Loss, ...]:
        """What the estate would lose with each provider."""
        return foreseen(
            self._composed(0),
            live.engines,
            self._parts.publisher.reports,
            sealed=self._parts.sealed,
            now_unix=self._now_unix(),
        )

    def _hosts(self) -> list[View]:
        return hosts_of(self._settings, self._composed(0), sealed=self._parts.sealed, now_unix=self._now_unix())

    def permit_for(self, asker: Asker) -> Permit:
        """Leave for one import, asked for in its thread."""
        loop = asyncio.get_running_loop()

        def tell(errand: Errand) -> None:
            if errand.contacted:
                asker.tell("importing", f"This import contacts {errand}.")

        def record(errand: Errand) -> None:
            recording = self._record(asker, "egress.grant", IMPORT, hosts=hosts_digest(errand))
            asyncio.run_coroutine_threadsafe(recording, loop).result()

        return import_permit(self._settings.grants, tell, record)

    async def _record(self, asker: Asker, kind: str, subject: str, **digests: str) -> None:
        """Return once the act is on disk. Raises LedgerUnavailable; the ledger may still write an act given up here."""
        try:
            async with asyncio.timeout(self._recorded_within_s):
                await self._parts.ledger.record_act(kind, subject=subject, operator=asker.id, digests=digests)
        except TimeoutError as exc:
            raise LedgerUnavailable(f"the ledger did not record {kind} of {subject} in time") from exc

    async def _publish(self) -> bool:
        """Put the configuration in force as it now is. False if a gateway did not confirm it in time."""
        version = await asyncio.to_thread(self._parts.state.next_snapshot_version)
        await asyncio.to_thread(self.withdrawals.advance)
        self._in_force = await asyncio.to_thread(self._composed, version)
        await asyncio.to_thread(self.withdrawals.note, self._in_force)
        return await self._parts.publisher.publish(self._in_force)

    def _suites(self) -> Suites:
        return self._files.suites if self._files else {}

    def _composed(self, version: int) -> Snapshot:
        now_unix = self._now_unix()
        snapshot = compose(
            self._settings,
            self._parts.state.api_keys(),
            models_of(self._settings, self._parts.vault),
            self._law,
            self._files.endpoints if self._files else (),
            version=version,
            now_unix=now_unix,
        )
        runs = self._parts.state.qualifications()
        gated_snapshot = gated(snapshot, self._settings, self._suites(), runs, now_unix)
        standing = self.withdrawals.applied(gated_snapshot)
        keys = (*snapshot.keys, *self._qualifier.keys, *self._driller.keys, *self.talking.keys)
        return replace(standing, keys=keys, drill=self._driller.drill)

    def _means(self) -> Means:
        async def record(kind: str, subject: str, operator: str, digests: Mapping[str, str]) -> None:
            await self._record(Asker(id=operator, progress=lambda _: None), kind, subject, **digests)

        return Means(
            settings=lambda: self._settings,
            register=lambda: self._files.sources.register if self._files else None,
            composed=lambda: self._composed(0),
            publish=self._publish,
            record=record,
            changing=self._changing,
            now_unix=self._now_unix,
        )

    def _law_digests(self) -> dict[str, str]:
        return {
            "settings": self._settings_digest,
            "policy": self._law.policy_digest,
            "facts": self._law.facts_digest,
        }

    async def _law_from(self, files: Configured) -> tuple[Law, float]:
        """The law of today, once every claim of the estate is proved of it; and when that was."""
        now_unix = self._now_unix()
        return await asyncio.to_thread(files.proved_law, now_unix), now_unix


def _digest_of_file(path: Path) -> str:
    return sha256_of(path.read_bytes())


def _needs_restart(old: Settings, new: Settings) -> list[str]:
    """The tables whose change waits for the next start, because processes or ports stand on them."""
    tables = [f"[{name}]" for name in ("listen", "ledger", "vault") if getattr(old, name) != getattr(new, name)]
    tables += ["[gateway]"] if old.gateway.finished_within_s != new.gateway.finished_within_s else []
    tables += ["[log]"] if old.log.format != new.log.format else []
    tables += _changed("witness", old.witnesses, new.witnesses)
    return [*tables, *_changed("trust", old.trusts, new.trusts), *_changed("target", old.engines, new.engines)]


def _changed(kind: str, old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return [f"[{kind}.{name}]" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
