# SPDX-License-Identifier: Apache-2.0
"""Answers about the rules, the facts and the services."""

from typing import Any, Literal

from freehold.admin.shapes.common import ETag, Next, Problem, Shape
from freehold.contract.backend import Service, Target
from freehold.contract.facts import Reason
from freehold.contract.law import Law, RuleFile
from freehold.policy.explain import Explanation
from freehold.policy.facts import Said
from freehold.policy.matrix import Cell

Counterexample = dict[str, bool | int | str | list[str] | None]


class LawInForce(Shape, frozen=True):
    law: Law
    services: list[Service]
    targets: list[Target]


class PolicyInForce(Shape, frozen=True):
    policy: LawInForce


class Rules(Shape, frozen=True):
    """Which rules are in force, and whether the files say something else; ``problem``: why they cannot be read."""

    set: str
    in_force: bool
    pending: bool
    policy_digest: str
    facts_digest: str
    files: list[RuleFile]
    rules: int
    problem: Problem | None


class CheckedPolicy(Shape, frozen=True):
    policy: Rules


class CallMadeUp(Shape, frozen=True):
    service: str
    data_class: str
    key: str


class CallExplained(Shape, frozen=True):
    call: CallMadeUp
    backends: list[Explanation]


class DecisionExplained(Shape, frozen=True):
    entry: int
    admission: dict[str, Any]
    same_policy: bool
    same_facts: bool
    explanations: list[Explanation]


class Explained(Shape, frozen=True):
    """One of the two: of a call that is made up, or of one that was judged."""

    explanation: CallExplained | None = None
    decision: DecisionExplained | None = None


class Table(Shape, frozen=True):
    set: str
    in_force: bool
    pending: bool
    policy_digest: str
    facts_digest: str
    files: list[RuleFile]
    cells: list[Cell]


class Matrix(Shape, frozen=True):
    matrix: Table


class ClaimJudged(Shape, frozen=True):
    """``answer`` and what follows are null where only the meaning was asked for."""

    claim: str
    place: str | None
    cedar: str
    words: str
    answer: Literal["proved", "broken", "not proved"] | None
    proved: bool | None
    vacuous: bool | None
    why: str | None
    counterexample: Counterexample | None


class ClaimsJudged(Shape, frozen=True):
    claims: list[ClaimJudged]


class ProviderKnown(Shape, frozen=True):
    name: str
    title: str
    authorities: list[str]
    exposure: list[str]
    locations: list[str]
    retention_days: int | None
    trains: bool | None
    as_of: str
    confidence: str
    open_questions: int
    own: bool


class Providers(Shape, frozen=True):
    providers: list[ProviderKnown]
    next: Next


class FactsKnown(ProviderKnown, frozen=True):
    operator: str
    owned: bool
    rule_version: int
    overridden: list[str]
    chain: list[Said]
    terms: list[Said]
    hosts: list[Said]
    dialects: list[str]
    statutes: list[Said]
    licences: list[Said]
    notes: list[str]
    unknown: list[str]
    reasons: list[Reason]


class Facts(Shape, frozen=True):
    facts: FactsKnown


class ServiceTarget(Shape, frozen=True):
    """``answers``: it would be asked now, if those before it were gone."""

    target: str
    kind: str
    model: str
    operator: str
    authorities: list[str]
    state: str
    allowed: bool
    qualified: bool
    answers: bool


class ServiceKnown(Shape, frozen=True):
    name: str
    aliases: list[str]
    data_class: str
    purpose: str
    priority: str
    tool_hold: bool
    acceptance: str | None
    targets: list[ServiceTarget]
    answered_by: str | None
    then: list[str]
    etag: ETag


class Services(Shape, frozen=True):
    services: list[ServiceKnown]
    next: Next


class OneService(Shape, frozen=True):
    service: ServiceKnown
