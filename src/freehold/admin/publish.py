# SPDX-License-Identifier: Apache-2.0
"""The one snapshot of all configuration, and its way to the gateways. Knows nothing of calls."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from freehold.admin.keys import KeyRecord, Standing
from freehold.channel import Channel, ChannelClosed, listen
from freehold.contract.backend import BackendKind, Model, Priority, Service, Target
from freehold.contract.canary import Canary
from freehold.contract.endpoint import Endpoint
from freehold.contract.facts import UNKNOWN
from freehold.contract.law import Law
from freehold.contract.report import GatewayReport
from freehold.contract.signals import Measured, Signals, Tracing
from freehold.contract.snapshot import ApiKey, Capacity, Snapshot
from freehold.errors import VaultError
from freehold.settings import GatewaySection, GrantSection, ProviderTargetSection, Settings, TargetSection
from freehold.signals.totals import Totals
from freehold.vault import Manifest, Vault

CONFIRMED_WITHIN_S = 2.0
_Gateway = Channel[GatewayReport | Measured, Snapshot | Canary]
_MOST_NEWS = 4096  # reports that nobody has taken yet


def compose(  # noqa: PLR0913 - one argument for each thing that a snapshot is made of
    settings: Settings,
    keys: Iterable[KeyRecord],
    models: Mapping[str, Manifest],
    law: Law,
    endpoints: tuple[Endpoint, ...] = (),
    *,
    version: int,
    now_unix: float,
) -> Snapshot:
    """The snapshot. ``models`` are those of the vault, by name; keys that are worth nothing stay out of it.

    A target whose model is not in the vault is named with an empty digest: its engine cannot start, and its calls get
    an answer that says so instead of a refusal.
    """
    return Snapshot(
        version=version,
        services=tuple(
            Service(
                name=name,
                data_class=section.level,
                targets=tuple(section.targets),
                aliases=tuple(section.aliases),
                purpose=section.purpose,
                priority=Priority[section.priority.upper()],
                drop=tuple(section.drop),
                tool_hold=section.tool_hold,
            )
            for name, section in settings.services.items()
        ),
        targets=tuple(_target(name, section, models, law) for name, section in settings.targets.items()),
        endpoints=endpoints,
        keys=tuple(
            ApiKey(
                id=key.id,
                secret_sha256=key.secret_sha256,
                services=key.services,
                requests_per_minute=key.requests_per_minute or settings.gateway.requests_per_minute,
                data_class=key.data_class,
                expires_at_unix=key.expires_unix,
            )
            for key in keys
            if key.standing(now_unix) is Standing.ACTIVE
        ),
        law=law,
        detector=settings.policy.detector,
        detector_class=settings.policy.detected_level,
        max_body_bytes=settings.gateway.max_body_mb * 2**20,
        capacity=_capacity(settings.gateway),
        signals=_signals(settings),
    )


def _capacity(section: GatewaySection) -> Capacity:
    return Capacity(
        calls=section.max_calls,
        waiting=section.max_waiting,
        wait_s=section.max_wait_s,
        held_bytes=section.max_held_mb * 2**20,
        body_s=section.body_within_s,
        taking_s=section.taken_within_s,
    )


def _signals(settings: Settings) -> Signals:
    section, place = settings.signals, settings.signals.place
    private = any(place in grant.places for grant in settings.grants.values() if _is_private_receiver(grant))
    tracing = Tracing(
        url=section.traces,
        share=section.trace_share,
        takes_parent=section.take_traceparent,
        private=private,
        tls_ca=section.tls_ca,
    )
    return Signals(metrics=section.metrics, log_calls=settings.log.calls, tracing=None if place is None else tracing)


def _is_private_receiver(grant: GrantSection) -> bool:
    return grant.purpose == "telemetry" and grant.allow_private


def models_of(settings: Settings, vault: Vault) -> Mapping[str, Manifest]:
    """The models of the targets that the vault has. One that it does not trust must not block a revocation."""
    models: dict[str, Manifest] = {}
    for name in {target.model for target in settings.engines.values()}:
        with contextlib.suppress(VaultError):
            models[name] = vault.show(name)
    return models


def _target(name: str, section: TargetSection, models: Mapping[str, Manifest], law: Law) -> Target:
    if isinstance(section, ProviderTargetSection):
        known = next((facts for facts in law.facts if facts.operator == section.provider), None)
        return Target(
            name=name,
            kind=BackendKind.PROVIDER,
            model=Model(name=section.model, digest=""),
            operator=section.provider,
            authorities=known.authorities if known else (UNKNOWN,),
            reasoning=section.reasoning,
            answers_as=tuple(section.answers_as),
            answer_tokens=section.answer_tokens,
        )
    manifest = models.get(section.model)
    return Target(
        name=name,
        kind=BackendKind.ENGINE,
        model=Model(name=section.model, digest=manifest.digest if manifest else ""),
        operator="self",
        licence=manifest.licence if manifest else "",
    )


class Publisher:
    """Sends each snapshot to every connected gateway, and knows which have it in force."""

    def __init__(
        self, *, confirmed_within_s: float = CONFIRMED_WITHIN_S, now_unix: Callable[[], float] = time.time
    ) -> None:
        self._confirmed_within_s = confirmed_within_s
        self.totals = Totals(now_unix())  # of what gateways measure
        self._newest: Snapshot | None = None
        self._reports: dict[_Gateway, GatewayReport | None] = {}
        self._news: deque[GatewayReport] = deque(maxlen=_MOST_NEWS)
        self._reported = asyncio.Condition()
        self._server: asyncio.AbstractServer | None = None

    @property
    def reports(self) -> tuple[GatewayReport, ...]:
        """The newest report of every connected gateway that has made one."""
        known = [report for report in self._reports.values() if report is not None]
        return tuple(sorted(known, key=lambda report: report.gateway))

    def take_news(self) -> tuple[GatewayReport, ...]:
        """Every report since this was asked last, oldest first: what they bring is told once."""
        news = tuple(self._news)
        self._news.clear()
        return news

    def ask_canary(self, target: str) -> bool:
        """Have one gateway call a target for the estate itself. False where none is connected."""
        for channel, report in self._reports.items():
            if report is not None:
                with contextlib.suppress(ChannelClosed):
                    channel.post(Canary(target=target))
                    return True
        return False

    async def open(self, socket: Path) -> None:
        """Listen for gateways."""
        self._server = await listen(socket, GatewayReport | Measured, self._follow)

    def close(self) -> None:
        """Stop listening, and let every gateway go. They keep the snapshot that they have."""
        if self._server is not None:
            self._server.close()
        for channel in self._reports:
            channel.close()

    async def publish(self, snapshot: Snapshot) -> bool:
        """Put a snapshot in force. True once every connected gateway has said so, False if one did not in time."""
        self._newest = snapshot
        for channel in tuple(self._reports):
            with contextlib.suppress(ChannelClosed):  # its _follow ends, and takes it out
                channel.post(snapshot)
        try:
            async with asyncio.timeout(self._confirmed_within_s), self._reported:
                await self._reported.wait_for(lambda: self._confirmed(snapshot.version))
        except TimeoutError:
            return False
        return True

    def _confirmed(self, version: int) -> bool:
        return all(report is not None and report.snapshot_version >= version for report in self._reports.values())

    async def _follow(self, channel: "_Gateway") -> None:
        """One gateway, from its connection to its end."""
        self._reports[channel] = None
        try:
            if self._newest is not None:
                channel.post(self._newest)
            async for told in channel:
                if isinstance(told, Measured):
                    self.totals.take(told)
                else:
                    await self._note(channel, told)
        finally:
            del self._reports[channel]
            self.totals.keep(report.gateway for report in self.reports)
            await self._note(channel, None)

    async def _note(self, channel: "_Gateway", report: GatewayReport | None) -> None:
        async with self._reported:
            if channel in self._reports:
                self._reports[channel] = report
            if report is not None:
                self._news.append(report)
            self._reported.notify_all()
