# SPDX-License-Identifier: Apache-2.0
"""Answers about the ledger, who saw what, and its witnesses."""

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from freehold.admin.shapes.common import At, ETag, Next, Problem, Shape
from freehold.contract.record import Ending
from freehold.ledger.check.fsck import Difference
from freehold.ledger.interface import LedgerHead, LedgerStatus


class LedgerNow(Shape, frozen=True):
    """As ``LedgerStatus``; or ``unavailable`` alone, with why nothing is known."""

    origin: str | UnsetType = UNSET
    size: int | UnsetType = UNSET
    published_size: int | UnsetType = UNSET
    waiting: int | UnsetType = UNSET
    open_admissions: int | UnsetType = UNSET
    gateways: int | UnsetType = UNSET
    free_bytes: int | UnsetType = UNSET
    full: bool | UnsetType = UNSET
    fsync_us: int | UnsetType = UNSET
    relaxed_s: float | UnsetType = UNSET
    anchored_size: int | UnsetType | None = UNSET
    away: str | UnsetType = UNSET
    unavailable: str | UnsetType = UNSET


class LedgerAnswer(Shape, frozen=True):
    ledger: LedgerStatus


class Published(Shape, frozen=True):
    ledger: LedgerHead


class EntryRow(Shape, frozen=True):
    """One entry; a call with how it ended. Null is what does not apply."""

    index: int
    kind: Literal["call", "outcome", "act", "unknown"]
    at: At | None
    call: str | None
    service: str | None
    application: str | None
    data_class: str | None
    dialect: str | None
    operation: str | None
    stream: bool | None
    decision: str | None
    effect: Literal["allow", "refuse"] | None
    targets: list[str] | None
    admission: int | None
    outcome: int | None
    ended: At | None
    ending: str | None
    target: str | None
    error: str | None
    input_tokens: int | None
    output_tokens: int | None
    seams: int | None
    act: str | None
    subject: str | None
    operator: str | None


class LogNow(Shape, frozen=True):
    origin: str
    size: int
    minimum_index: int


class Entries(Shape, frozen=True):
    """``whole`` is false where the page is not full because so many entries were looked at; ``next`` goes on."""

    entries: list[EntryRow]
    next: Next
    examined: int
    whole: bool
    damaged: list[str]
    log: LogNow


class RelatedEntry(Shape, frozen=True):
    what: Literal["admission", "outcome", "erasure"]
    index: int


class InclusionProof(Shape, frozen=True):
    """RFC 6962 §2.1.1, hashes in base64, the leaf's neighbour first."""

    size: int
    hashes: list[str]
    root: str


class LogKey(Shape, frozen=True):
    """An Ed25519 key: ``public_key`` is 32 bytes in base64, ``id`` 4 in hex."""

    name: str
    id: str
    public_key: str


class WitnessKey(Shape, frozen=True):
    name: str
    vkey: str


class EntryShown(Shape, frozen=True):
    """Nothing of it is verified here. ``problem``: what could not be read."""

    index: int
    origin: str
    position: str
    kind: Literal["admission", "outcome", "act", "unknown"]
    at: At | None
    fields: dict[str, Any] | None
    text: str | None
    raw: str | None
    related: list[RelatedEntry]
    proof: InclusionProof | None
    checkpoint: str | None
    cosigned: bool
    vkey: str
    log_key: LogKey
    witnesses: list[WitnessKey]
    problem: Problem | None


class OneEntry(Shape, frozen=True):
    entry: EntryShown


class FlowRow(Shape, frozen=True):
    service: str
    data_class: str
    target: str
    operator: str
    model: str
    owned: bool
    authorities: list[str]
    calls: int
    input_tokens: int
    output_tokens: int


class RefusedRow(Shape, frozen=True):
    service: str
    data_class: str
    calls: int


class FlowsIn(Shape, frozen=True, rename={"since": "from", "until": "to"}):
    """Calls that ended in the period. ``whole``: all of it was counted; else the newest, from ``first_index``."""

    since: At | None
    until: At | None
    whole: bool
    examined: int
    first_index: int
    size: int
    damaged: list[str]
    calls: int
    owned_calls: int
    foreign_calls: int
    unknown_calls: int
    refused_calls: int
    open_calls: int
    drill_calls: int
    rows: list[FlowRow]
    refused: list[RefusedRow]


class Flows(Shape, frozen=True):
    flows: FlowsIn


class KeyUsed(Shape, frozen=True):
    key: str
    label: str
    calls: int
    input_tokens: int
    output_tokens: int
    refused: int
    failed: int
    endings: dict[str, int]
    services: dict[str, int]
    last: At | None


class UsageIn(Shape, frozen=True, rename={"since": "from", "until": "to"}):
    since: At | None
    until: At | None
    whole: bool
    examined: int
    first_index: int
    size: int
    damaged: list[str]
    keys: list[KeyUsed]


class Usage(Shape, frozen=True):
    usage: UsageIn


class Verified(Shape, frozen=True):
    """The whole log, derived again from its entries, with what they say of calls."""

    origin: str
    size: int
    root: str
    minimum_index: int
    cosigned_size: int
    witnesses: list[str]
    admissions: int
    refusals: int
    outcomes: dict[Ending, int]
    acts: int
    without_outcome: int
    with_two_outcomes: int
    stray_outcomes: int
    outcomes_of_pruned: int
    unknown: int


class VerifiedLedger(Shape, frozen=True):
    ledger: Verified


class Looked(Shape, frozen=True):
    holds: bool
    origin: str
    size: int
    minimum_index: int
    root: str
    entries_hold: bool
    bundles: int
    tiles: int
    partials: int
    unpublished: int
    differences: list[Difference]
    untold: int
    notes: list[str]


class LookedThrough(Shape, frozen=True):
    fsck: Looked


class PrunePlan(Shape, frozen=True):
    was: int
    minimum_index: int
    before: int
    root: str
    files: int
    size_bytes: int
    done: bool


class Pruned(Shape, frozen=True):
    prune: PrunePlan


class Erased(Shape, frozen=True):
    """Of a call, a day, or words."""

    call: str | UnsetType = UNSET
    admission: str | UnsetType = UNSET
    day: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    act: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    at: At | UnsetType = UNSET


class Forgotten(Shape, frozen=True):
    forgotten: Erased


class Cosigned(Shape, frozen=True):
    size: int
    at: At | None
    age_s: int
    lag: int


class WitnessNow(Shape, frozen=True):
    name: str
    url: str
    size: int | None
    at: At | None
    age_s: int | None
    lag: int
    problem: str


class WitnessingNow(Shape, frozen=True):
    quorum: str | int
    cosigned: Cosigned | None
    witnesses: list[WitnessNow]
    rollback_unseen: str


class Alarm(Shape, frozen=True):
    id: str
    witness: str
    kind: str
    state: Literal["stands", "cleared"]
    what: str
    seen_size: int
    own_size: int
    proved: bool
    seen: str
    at: At | None
    cleared: At | None
    cleared_by: str
    reason: str
    etag: ETag


class Witnesses(Shape, frozen=True):
    witnessing: WitnessingNow
    alarms: list[Alarm]


class TrustPolicy(Shape, frozen=True):
    """A C2SP tlog-policy."""

    policy: str


class OneAlarm(Shape, frozen=True):
    alarm: Alarm
