# SPDX-License-Identifier: Apache-2.0
"""What the estate does this minute, as the page Now tells it: services, targets, processes, and what needs a person."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

SOON_FULL_BYTES = 2 * 2**30
_LATE = 1000  # entries that no checkpoint covers: seconds of a busy estate


class ServiceTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target as one service may use it."""

    target: str
    kind: str
    model: str
    operator: str
    authorities: list[str]
    state: str
    answers: bool
    allowed: bool
    qualified: bool

    @property
    def owned(self) -> bool:
        return self.kind == "engine"

    @property
    def why_not(self) -> str:
        """Why it would not answer now, in two words."""
        if not self.allowed:
            return "rules forbid it"
        if not self.qualified:
            return "not accepted"
        return "" if self.answers else self.state


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service, who answers it, and who would."""

    name: str
    data_class: str
    aliases: list[str]
    targets: list[ServiceTarget]
    answered_by: str | None
    then: list[str]

    @property
    def answering(self) -> ServiceTarget | None:
        return next((one for one in self.targets if one.target == self.answered_by), None)


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """``GET services``."""

    services: list[Service]


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the estate."""

    name: str
    state: str
    restarts: int
    since: str | None
    pss_bytes: int | None
    reason: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A target as the estate's own processes see it."""

    target: str
    kind: str
    model: str
    state: str
    reason: str = ""
    standing: str | None = None
    provider: str = ""
    slots: int = 0
    context_tokens: int = 0
    restarts: int = 0
    sealed: bool | None = None
    pss_bytes: int | None = None
    authorities: list[str] = []

    @property
    def shown_state(self) -> str:
        """What decides whether it gets a call comes first: how it stands, then how it does."""
        return self.standing if self.standing not in (None, "active") else self.state

    @property
    def ails(self) -> bool:
        return self.shown_state in ("failed", "no key", "suspected", "degraded")


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger, or why it cannot be asked."""

    unavailable: str = ""
    size: int = 0
    published_size: int = 0
    open_admissions: int = 0
    free_bytes: int = 0
    full: bool = False
    away: str = ""


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway counted."""

    gateway: str
    in_flight: int
    shed: int


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What a witness has raised."""

    id: str
    witness: str
    what: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a loss means for a service."""

    service: str
    fate: str
    target: str
    reason: str


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, or a state, that may be lost."""

    kind: str
    name: str
    services: list[Verdict]

    def of(self, *fates: str) -> list[Verdict]:
        return [one for one in self.services if one.fate in fates]


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What would be lost with whom."""

    owned_only: bool
    losses: list[Loss]


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of ``GET status``."""

    sealed: bool
    base_url: str
    processes: list[Process]
    targets: list[Target]
    ledger: Ledger
    gateways: list[Gateway]
    alarms: list[Alarm]
    readiness: Readiness | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """``GET status``."""

    status: Estate


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that needs a person, or soon will."""

    tone: str  # "bad" | "mid"
    what: str
    more: str = ""
    href: str = ""
    link: str = ""


def troubles(estate: Estate, services: list[Service]) -> list[Trouble]:
    """All of them, the worst first."""
    found = [*_of_ledger(estate.ledger), *_of_processes(estate), *_of_targets(estate), *_of_services(services)]
    found += [
        Trouble(
            tone="bad", what=f"Witness {alarm.witness}: {alarm.what}", more="'freehold witness list' has the evidence."
        )
        for alarm in estate.alarms
    ]
    return sorted(found, key=lambda one: one.tone != "bad")


def _of_ledger(ledger: Ledger) -> Iterator[Trouble]:
    if ledger.unavailable:
        yield Trouble(tone="bad", what="The ledger does not answer, so no call is served", more=ledger.unavailable)
    elif ledger.away:
        yield Trouble(tone="bad", what="Nothing is written on this copy of the ledger", more=ledger.away)
    elif ledger.full:
        yield Trouble(
            tone="bad",
            what="The ledger is full: the disk under it is down to its reserve, and calls are refused",
            more="Free space on the estate's disk; calls are served again by themselves.",
        )
    elif ledger.free_bytes < SOON_FULL_BYTES:
        yield Trouble(
            tone="mid",
            what=f"The disk under the ledger has {ledger.free_bytes // 2**20} MiB left",
            more="Below its reserve no call is served.",
        )
    if ledger.size - ledger.published_size > _LATE:
        late = ledger.size - ledger.published_size
        yield Trouble(tone="mid", what=f"{late} entries of the ledger are under no checkpoint yet")


def _of_processes(estate: Estate) -> Iterator[Trouble]:
    if not estate.processes:
        yield Trouble(tone="bad", what="The supervisor does not answer: what runs is not known")
    elif not estate.gateways:
        yield Trouble(tone="bad", what="No gateway is connected: the public port has no configuration")
    for process in estate.processes:
        if process.state not in ("running", "starting"):
            what = f"Process {process.name} is {process.state}"
            yield Trouble(
                tone="bad", what=what, more=process.reason or f"run/log/{process.name.split()[0]}.log says why."
            )


def _of_targets(estate: Estate) -> Iterator[Trouble]:
    for target in estate.targets:
        if target.shown_state == "suspected":
            yield Trouble(
                tone="bad",
                what=f"Target {target.target} looks withdrawn and gets no call until a person decides",
                href="/console/withdraw",
                link="Decide",
            )
        elif target.ails:
            yield Trouble(tone="mid", what=f"Target {target.target} is {target.shown_state}", more=target.reason)


def _of_services(services: list[Service]) -> Iterator[Trouble]:
    for service in services:
        if service.answered_by is None:
            why = "; ".join(f"{one.target}: {one.why_not}" for one in service.targets if one.why_not)
            yield Trouble(tone="bad", what=f"Nobody answers {service.name}", more=why)
