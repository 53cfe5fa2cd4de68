# SPDX-License-Identifier: Apache-2.0
"""Answers about the estate as a whole, what leaves it, and its keys and operators."""

from typing import Literal

import msgspec

from freehold.admin.doctor import Check
from freehold.admin.shapes.common import At, ETag, Next, Shape
from freehold.admin.shapes.orders import Directive
from freehold.admin.shapes.record import Alarm, LedgerNow, WitnessingNow
from freehold.contract.backend import Jail
from freehold.contract.report import GatewayReport


class Health(Shape, frozen=True):
    status: Literal["ok"]


class Process(Shape, frozen=True):
    name: str
    pid: int | None
    state: str
    restarts: int
    since: At | None
    pss_bytes: int | None
    reason: str


class EngineNow(Shape, frozen=True, tag_field="kind", tag="engine"):
    """A target that the estate runs itself."""

    target: str
    state: str
    engine: str
    model: str
    pid: int
    build: str
    engine_digest: str
    context_tokens: int
    slots: int
    threads: int
    queue: int
    tools: bool
    fim: bool
    embeds: bool
    restarts: int
    reason: str
    weights: str
    vouched: str
    jail: Jail
    sealed: bool
    pss_bytes: int | None
    standing: str | None


class ProviderNow(Shape, frozen=True, tag_field="kind", tag="provider"):
    """A target at a provider."""

    target: str
    model: str
    state: str
    reason: str
    provider: str
    host: str
    port: int
    dialects: list[str]
    key: Literal["there", "missing", "none"]
    authorities: list[str]
    standing: str | None


class TargetAccepted(Shape, frozen=True):
    target: str
    standing: str
    current_pass: bool
    reason: str
    passed: int | None
    total: int | None
    at: At | None


class Acceptance(Shape, frozen=True):
    cases: int
    digest: str
    min_acceptance: float
    targets: list[TargetAccepted]


class ServiceNow(Shape, frozen=True):
    name: str
    data_class: str
    targets: list[str]
    aliases: list[str]
    acceptance: Acceptance | None


class ServiceLoss(Shape, frozen=True):
    service: str
    fate: str
    touched: bool
    target: str
    reason: str


class LossOf(Shape, frozen=True):
    kind: str
    name: str
    services: list[ServiceLoss]


class Readiness(Shape, frozen=True):
    owned_only: bool
    losses: list[LossOf]


class EstateNow(Shape, frozen=True):
    """What the estate is doing. ``ledger`` says instead why it is not known, where it is not."""

    alarms: list[Alarm]
    state: str
    sealed: bool
    estate: str
    origin: str
    version: str
    base_url: str
    admin_url: str
    processes: list[Process]
    targets: list[EngineNow | ProviderNow]
    services: list[ServiceNow]
    ledger: LedgerNow
    gateways: list[GatewayReport]
    directives: list[Directive]
    readiness: Readiness | None
    witnessing: WitnessingNow


class Status(Shape, frozen=True):
    status: EstateNow


class ServiceActivity(Shape, frozen=True):
    """One service in columns, an item for each step."""

    service: str
    calls: list[int]
    refused: list[int]
    failed: list[int]
    input_tokens: list[int]
    output_tokens: list[int]
    first_median_s: list[float | None]
    first_95_s: list[float | None]


class TargetLoadNow(Shape, frozen=True):
    target: str
    calls: int
    queue: int


class ActivityOf(Shape, frozen=True):
    """``clock``: why this machine's clock cannot be right; else empty."""

    now: At | None
    now_unix: float
    clock: str
    step_s: float
    kept_s: float
    at_unix: list[float]
    services: list[ServiceActivity]
    targets: list[TargetLoadNow]


class ActivityShown(Shape, frozen=True):
    activity: ActivityOf


class Checks(Shape, frozen=True):
    checks: list[Check]


class ReloadDone(Shape, frozen=True):
    in_force: bool
    after_restart: list[str]


class Reloaded(Shape, frozen=True):
    reload: ReloadDone


class HostUse(Shape, frozen=True):
    name: str
    targets: list[str]
    data_classes: list[str]


class Host(Shape, frozen=True):
    host: str
    port: int
    purpose: str = msgspec.field(name="for")
    provider: str | None
    grant: str | None
    services: list[HostUse]
    data_classes: list[str]
    allowed: bool
    sealed: bool
    why: str
    encrypted: bool | None
    allow_private: bool
    source: str


class Hosts(Shape, frozen=True):
    hosts: list[Host]


class EgressCheck(Shape, frozen=True):
    process: str
    pid: int | None
    attempt: str
    outcome: str
    reason: str
    verdict: str


class EgressChecks(Shape, frozen=True):
    checks: list[EgressCheck]
    sealed: bool


class Key(Shape, frozen=True):
    id: str
    label: str
    state: str
    services: list[str]
    requests_per_minute: int | None
    data_class: str
    created: At | None
    expires: At | None
    revoked: At | None
    etag: ETag


class Keys(Shape, frozen=True):
    keys: list[Key]
    next: Next


class OneKey(Shape, frozen=True):
    key: Key


class NewKey(Key, frozen=True):
    """With its secret, which is in this answer and nowhere else."""

    secret: str


class MadeKey(Shape, frozen=True):
    key: NewKey


class Operator(Shape, frozen=True):
    id: str
    label: str
    state: str
    created: At | None
    revoked: At | None
    etag: ETag


class Operators(Shape, frozen=True):
    operators: list[Operator]
    next: Next


class OneOperator(Shape, frozen=True):
    operator: Operator


class NewOperator(Operator, frozen=True):
    """With its token, which is in this answer and nowhere else."""

    token: str


class MadeOperator(Shape, frozen=True):
    operator: NewOperator


class TalkError(Shape, frozen=True):
    code: str
    message: str


class TalkEnded(Shape, frozen=True):
    """What came of one call. ``error``: why the gateway gave no answer."""

    status: int
    key: str
    call: str
    target: str
    decision: str
    receipt: str
    error: TalkError | None
    seams: list[str]
    first_s: float | None
    whole_s: float


class Talked(Shape, frozen=True):
    talk: TalkEnded


class PackSealed(Shape, frozen=True):
    id: str
    act: str
    signature: str


class SealedPack(Shape, frozen=True):
    pack: PackSealed
