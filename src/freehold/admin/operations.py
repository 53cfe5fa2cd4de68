# SPDX-License-Identifier: Apache-2.0
"""What can be done to an estate, one method each, for the command line, the admin port and the console alike.

Every act is on record in the ledger before it is reported done. What gives somebody power is recorded first and done
second; what takes it away is done first, because a full disk must not keep a leaked key alive.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from freehold.admin.doctor import Live, examine
from freehold.admin.interface import Parts, Progress
from freehold.admin.keys import EVERY_SERVICE, KeyRecord, OperatorRecord, Prefix, digest_of, new_id, new_secret
from freehold.admin.publish import compose, models_of
from freehold.admin.requests import ById, ByName, CreateKey, CreateOperator, ImportModel, Nothing
from freehold.admin.status import describe
from freehold.admin.views import key_view, key_views, operator_view, operator_views
from freehold.contract.call import DataClass
from freehold.contract.law import Law
from freehold.contract.snapshot import Snapshot
from freehold.errors import (
    EstateError,
    InvalidRequest,
    LedgerFault,
    LedgerUnavailable,
    NotFound,
    SettingsError,
)
from freehold.policy.load import Sources, day_of, law_of, read_sources
from freehold.policy.prove.claims import hold_claims
from freehold.settings import Settings, read_settings

Answer = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whoever asked for an operation: an id for the record, and whom to tell of its progress, from any thread."""

    id: str
    progress: Callable[[Progress], None]

    def told(self, doing: str) -> Callable[[int, int], None]:
        """The vault's kind of progress, told as ``doing``."""
        return lambda done, total: self.progress(Progress(doing=doing, done_bytes=done, total_bytes=total))


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
        self._sources: Sources | None = None  # of the law in force
        self._law = Law()
        self._law_at_unix = 0.0
        self._changing = asyncio.Lock()  # held from the first effect of a change until it is in force and on record

    async def start(self) -> None:
        """Publish the first snapshot. Raises PolicyInvalid, and SettingsError for the facts: then nothing is served."""
        async with self._changing:
            self._sources = await asyncio.to_thread(read_sources, self._parts.estate, self._settings.policy.set)
            self._law, self._law_at_unix = await self._law_from(self._sources)
            await self._publish()

    async def turn_day(self) -> bool:
        """Apply what changes with the date, such as an adequacy decision that lapses. True if that changed anything."""
        async with self._changing:
            if self._sources is None:
                raise RuntimeError("the operations were not started")
            now_unix = self._now_unix()
            if day_of(now_unix) == day_of(self._law_at_unix):
                return False
            before, self._law_at_unix = self._law, now_unix
            self._law = await asyncio.to_thread(law_of, self._sources, now_unix=now_unix)
            if self._law == before:
                return False
            await self._publish()
            return True

    async def health(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002 - the shape of every operation
        return {"status": "ok"}

    async def status(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        return {"status": await describe(self._parts, self._settings)}

    async def doctor(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        live = await Live.ask(self._parts.supervisor, self._parts.ledger)
        checks = await asyncio.to_thread(
            examine,
            self._parts.estate,
            self._settings,
            unencrypted=self._parts.listening.unencrypted,
            live=live,
            progress=asker.told("verifying weights"),
        )
        return {"checks": checks}

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
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            sources = await asyncio.to_thread(read_sources, self._parts.estate, new.policy.set)
            law, at_unix = await self._law_from(sources)
            await self._record(
                asker,
                "settings.reload",
                path.name,
                settings=f"sha256:{digest}",
                policy=law.policy_digest,
                facts=law.facts_digest,
            )
            self._settings, self._sources = new, sources
            self._law, self._law_at_unix = law, at_unix
            in_force = await self._publish()
        return {"reload": {"in_force": in_force, "after_restart": _needs_restart(old, new)}}

    async def show_policy(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        """The law in force, with the services and targets that it decides about; no key."""
        snapshot = await asyncio.to_thread(self._composed, 0)
        return {"policy": {"law": snapshot.law, "services": snapshot.services, "targets": snapshot.targets}}

    async def list_keys(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        keys = await asyncio.to_thread(self._parts.state.api_keys)
        return {"keys": key_views(keys, self._now_unix())}

    async def create_key(self, request: CreateKey, asker: Asker) -> Answer:
        """Make an API key. The secret is in this answer and nowhere else."""
        self._require_services(request.services)
        secret, now_unix = new_secret(Prefix.API_KEY), self._now_unix()
        key = KeyRecord(
            id=new_id("key"),
            label=request.label,
            secret_sha256=digest_of(secret),
            services=request.services,
            data_class=DataClass[request.data_class.upper()],
            created_unix=now_unix,
            requests_per_minute=request.requests_per_minute or 0,
            expires_unix=now_unix + request.expires_in_s if request.expires_in_s else 0.0,
        )
        async with self._changing:
            await self._record(asker, "key.create", key.id, grant=_digest_of_grant(key))
            await asyncio.to_thread(self._parts.state.add_api_key, key)
            await self._publish()
        return {"key": {**key_view(key, now_unix), "secret": secret}}

    async def revoke_key(self, request: ById, asker: Asker) -> Answer:
        """Kill a key; done once no gateway accepts it."""
        now_unix = self._now_unix()
        async with self._changing:
            key = await asyncio.to_thread(self._parts.state.revoke_api_key, request.id, now_unix)
            if key is None:
                raise NotFound(f"there is no API key {request.id!r}", hint="'freehold key list' shows them.")
            in_force = await self._publish()
            await self._record_done(asker, "key.revoke", key.id)
        if not in_force:
            raise EstateError(
                f"{key.id} is revoked, but a gateway has not confirmed it in time and may still accept it",
                hint="'freehold status' shows the gateways; 'freehold down' ends one that does not answer.",
            )
        return {"key": key_view(key, now_unix)}

    async def list_operators(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        operators = await asyncio.to_thread(self._parts.state.operators)
        return {"operators": operator_views(operators)}

    async def create_operator(self, request: CreateOperator, asker: Asker) -> Answer:
        """Let somebody use the admin port. The token is in this answer and nowhere else."""
        token = new_secret(Prefix.OPERATOR)
        operator = OperatorRecord(
            id=new_id("op"), label=request.label, token_sha256=digest_of(token), created_unix=self._now_unix()
        )
        async with self._changing:
            await self._record(asker, "operator.create", operator.id)
            await asyncio.to_thread(self._parts.state.add_operator, operator)
        return {"operator": {**operator_view(operator), "token": token}}

    async def revoke_operator(self, request: ById, asker: Asker) -> Answer:
        """Kill an operator's token, from the next request on."""
        async with self._changing:
            operator = await asyncio.to_thread(self._parts.state.revoke_operator, request.id, self._now_unix())
            if operator is None:
                raise NotFound(f"there is no operator {request.id!r}", hint="'freehold operator list' shows them.")
            await self._record_done(asker, "operator.revoke", operator.id)
        return {"operator": operator_view(operator)}

    async def list_models(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        return {"models": await asyncio.to_thread(self._parts.vault.list)}

    async def show_model(self, request: ByName, asker: Asker) -> Answer:  # noqa: ARG002
        return {"model": await asyncio.to_thread(self._parts.vault.show, request.name)}

    async def import_model(self, request: ImportModel, asker: Asker) -> Answer:
        """Take a model file into the vault."""
        vault, progress = self._parts.vault, asker.told("importing")
        imported = await asyncio.to_thread(vault.import_model, request.source, request.name, request.sha256, progress)
        manifest = imported.manifest
        async with self._changing:
            await self._record(asker, "model.import", manifest.name, weights=manifest.digest)
            await self._publish()
        with suppress(EstateError):  # without a supervisor there is no engine that could have failed
            await self._parts.supervisor.retry(manifest.name)
        return {"model": manifest, "new": imported.name_is_new}

    async def verify_model(self, request: ByName, asker: Asker) -> Answer:
        """Hash a model's weights again and compare. Raises VerificationFailed."""
        progress = asker.told(f"verifying {request.name}")
        return {"model": await asyncio.to_thread(self._parts.vault.verify, request.name, progress)}

    async def ledger_status(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        return {"ledger": await self._parts.ledger.status()}

    async def publish_ledger(self, request: Nothing, asker: Asker) -> Answer:  # noqa: ARG002
        """Sign the ledger's head now, so that every entry made so far can be proved."""
        return {"ledger": await self._parts.ledger.publish()}

    async def _record(self, asker: Asker, kind: str, subject: str, **digests: str) -> None:
        """Return once the act is on disk. Raises LedgerUnavailable; the ledger may still write an act given up here."""
        try:
            async with asyncio.timeout(self._recorded_within_s):
                await self._parts.ledger.record_act(kind, subject=subject, operator=asker.id, digests=digests)
        except TimeoutError as exc:
            raise LedgerUnavailable(f"the ledger did not record {kind} of {subject} in time") from exc

    async def _record_done(self, asker: Asker, kind: str, subject: str) -> None:
        """Record what was done already. Raises LedgerUnavailable saying so."""
        try:
            await self._record(asker, kind, subject)
        except LedgerFault as fault:
            raise LedgerUnavailable(
                f"{subject} is revoked, but that is not on record: {fault.message}",
                hint="Revoke it again once the ledger writes; that is recorded.",
            ) from fault

    async def _publish(self) -> bool:
        """Put the configuration in force as it now is. False if a gateway did not confirm it in time."""
        version = await asyncio.to_thread(self._parts.state.next_snapshot_version)
        return await self._parts.publisher.publish(await asyncio.to_thread(self._composed, version))

    def _composed(self, version: int) -> Snapshot:
        return compose(
            self._settings,
            self._parts.state.api_keys(),
            models_of(self._settings, self._parts.vault),
            self._law,
            version=version,
            now_unix=self._now_unix(),
        )

    async def _law_from(self, sources: Sources) -> tuple[Law, float]:
        """The law of today, once every claim of the estate is proved of it; and when that was."""
        now_unix = self._now_unix()
        law = await asyncio.to_thread(law_of, sources, now_unix=now_unix)
        await asyncio.to_thread(hold_claims, self._parts.estate, law, now_unix=now_unix)
        return law, now_unix

    def _require_services(self, services: tuple[str, ...]) -> None:
        for service in services:
            if (service,) != EVERY_SERVICE and service not in self._settings.services:
                known = ", ".join(self._settings.services)
                raise InvalidRequest(
                    f"there is no service {service!r}; there are: {known}", param="services", hint="Name one of them."
                )


def _digest_of_grant(key: KeyRecord) -> str:
    """SHA-256 over what the key may do, as canonical JSON: its services, rate, class and end."""
    grant = {
        "services": key.services,
        "requests_per_minute": key.requests_per_minute,
        "data_class": key.data_class.name.lower(),
        "expires_unix": int(key.expires_unix),
    }
    return f"sha256:{hashlib.sha256(msgspec.json.encode(grant, order='sorted')).hexdigest()}"


def _needs_restart(old: Settings, new: Settings) -> list[str]:
    """The tables whose change waits for the next start, because processes or ports stand on them."""
    tables = [f"[{name}]" for name in ("listen", "ledger") if getattr(old, name) != getattr(new, name)]
    targets = sorted(old.targets.keys() | new.targets.keys())
    return tables + [f"[target.{name}]" for name in targets if old.targets.get(name) != new.targets.get(name)]
