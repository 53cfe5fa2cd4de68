# SPDX-License-Identifier: Apache-2.0
"""Answers about directives, targets, acceptance and drills."""

from typing import Literal

from freehold.admin.shapes.common import At, Digest, ETag, Next, Shape
from freehold.continuity.drill.compared import Row
from freehold.continuity.drill.scorecard import Counts, Happened, Held, Slice


class Directive(Shape, frozen=True):
    id: str
    state: str
    kind: str
    name: str
    reason: str
    source: str
    issued: At | None
    issued_by: str
    confirmed_by: list[str]
    effective: At | None
    took_effect: At | None
    cuts: bool
    tells: bool
    signatures: int
    lift_asked: At | None
    lifted: At | None
    lifted_by: str | None
    lift_confirmed_by: list[str]
    digest: Digest
    lift_digest: Digest | None
    to_sign: Digest | None
    targets: list[str]
    etag: ETag


class Directives(Shape, frozen=True):
    directives: list[Directive]
    next: Next


class OneDirective(Shape, frozen=True):
    directive: Directive


class TargetHit(Shape, frozen=True):
    target: str
    model: str
    operator: str
    unsure: bool


class ServiceHit(Shape, frozen=True):
    service: str
    aliases: list[str]
    loses: list[str]
    left: list[str]
    forbidden: list[str]
    stops: bool


class Preview(Shape, frozen=True):
    targets: list[TargetHit]
    services: list[ServiceHit]


class IssuedDirective(Shape, frozen=True):
    """``etag`` is there where nothing was issued: for the If-Match of the request that issues it."""

    directive: Directive
    preview: Preview
    etag: ETag | None = None


class Sighted(Shape, frozen=True):
    key: str
    count: int
    statuses: list[int]
    legal: bool
    first: At | None
    last: At | None


class OutageSeen(Shape, frozen=True):
    gateway: str
    since: At | None
    error: str
    faults: int


class TargetKnown(Shape, frozen=True):
    target: str
    kind: str
    model: str
    provider: str | None
    state: str
    since: At | None
    why: list[str]
    directives: list[str]
    evidence: list[Sighted]
    decided_by: str | None
    outages: list[OutageSeen]
    retires: str | None
    services: list[str]
    etag: ETag


class Targets(Shape, frozen=True):
    targets: list[TargetKnown]
    next: Next


class OneTarget(Shape, frozen=True):
    target: TargetKnown


class DecidedTarget(Shape, frozen=True):
    """``preview`` and ``etag`` are there where nothing was decided."""

    target: TargetKnown
    preview: Preview | None = None
    etag: ETag | None = None


class CaseJudged(Shape, frozen=True):
    id: str
    passed: bool
    problems: list[str]
    answer: str


class Qualified(Shape, frozen=True):
    service: str
    target: str
    model: str
    state: Literal["qualified", "not qualified", "not run"]
    reason: str
    passed: int | None
    total: int | None
    at: At | None
    cases: list[CaseJudged]


class Qualifications(Shape, frozen=True):
    qualifications: list[Qualified]


class DrillSummary(Shape, frozen=True):
    format: int
    id: str
    scenario: str
    about: str
    scenario_sha256: str
    service: str
    simulated: list[str]
    traffic: str
    began: At
    duration_s: float
    calls: Counts
    errors: dict[str, int]
    seams: int
    characters_checked: int
    characters_missing: int | None
    characters_repeated: int | None
    tool_calls: int
    tool_calls_doubled: int
    policy_violations: int
    answered_by_another_model: int
    recovery_p50_s: float | None
    recovery_p99_s: float | None
    recovery_longest_s: float | None
    never_recovered: int
    added_first_s: float | None
    longest_gap_s: float | None
    waiting_peak: int
    acceptance_before: float | None
    acceptance_after: float | None
    verdict: list[Held]
    passed: bool
    digest: Digest


class DrillWhole(DrillSummary, frozen=True):
    happened: list[Happened]
    seconds: list[Slice]


class OneDrill(Shape, frozen=True):
    drill: DrillWhole


class Drills(Shape, frozen=True):
    drills: list[DrillSummary]
    next: Next


class DrillsCompared(Shape, frozen=True):
    a: DrillSummary
    b: DrillSummary
    rows: list[Row]


class Comparison(Shape, frozen=True):
    comparison: DrillsCompared


class ScenarioStep(Shape, frozen=True):
    at_s: float
    what: str


class ScenarioKnown(Shape, frozen=True):
    name: str
    about: str
    duration_s: float
    needs_provider: bool
    steps: list[ScenarioStep]


class Scenarios(Shape, frozen=True):
    scenarios: list[ScenarioKnown]
    next: Next
