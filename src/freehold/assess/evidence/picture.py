# SPDX-License-Identifier: Apache-2.0
"""What an estate is, at an instant, as far as evidence is drawn from it. Frozen, and read once: reckoning is pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from freehold.assess.evidence.answers import Answer
from freehold.assess.ourselves.result import Ourselves
from freehold.contract.facts import BackendFacts, Confidence, Reason
from freehold.policy.facts.entries import Adequacy


class Kind(StrEnum):
    """What a statement rests on."""

    FILE = "file"
    LEDGER = "ledger"
    FACT = "fact"
    DRILL = "drill"
    ANSWER = "answer"
    LAW = "law"
    STATUS = "status"  # what the running estate said of itself, as of then


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that a statement rests on. ``where``: a file, a position in the ledger, or the source of a fact."""

    kind: Kind
    where: str
    says: str
    as_of: str  # a day or an instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who gets what is sent to a provider: the provider itself, whoever it hands it on to, and where it is computed."""

    name: str
    does: str  # "operates it", "holds keys", "processes for it", "computes there"
    state: str  # ISO 3166-1 alpha-2, or UNKNOWN
    source: str
    as_of: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A target, and what is known of whoever stands behind it."""

    name: str
    operator: str  # "self" for an engine of the estate
    model: str
    licence: str  # empty: not known
    weights: Evidence | None  # an engine's model as it lies in the vault; None: it is not there, or a provider's
    facts: BackendFacts
    statutes: Mapping[str, str]  # laws of the states that can compel the operator, by id: what they say
    control: tuple[Reason, ...] = ()  # of the facts' reasons, those about the operator itself and whoever controls it
    legal_name: str = ""  # of a provider's operator, as the facts have it
    recipients: tuple[Recipient, ...] = ()  # of a provider

    @property
    def owned(self) -> bool:
        return self.facts.owned


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A service, with the backends that may answer it by the rules, and those that may not."""

    name: str
    data_class: str
    may_answer: tuple[str, ...]
    may_not: tuple[str, ...]
    unqualified: tuple[str, ...]  # those that have not passed its acceptance cases
    may_see_personal: tuple[str, ...] = ()  # of those that may answer: who may see calls of class personal and above
    purpose: str = ""  # as freehold.toml says it


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A private key of the estate, by its place. ``alone``: nobody but the file's owner may read it."""

    place: str
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultModel:
    """A model of the vault. ``parents``: models that it was made of, by name, or by digest where they are not there."""

    name: str
    digest: str
    came_from: str  # its repository, else the source that was given to the import
    published: bool  # whether it came from a repository
    parameters: int  # 0: its files do not say
    licence: str
    parents: tuple[str, ...]
    made: str  # what was done to them
    imported_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One act that destroyed something, by its position in the ledger."""

    act: str
    at: str
    position: str  # "ORIGIN/INDEX"
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Calls of one service and class that a target answered, whole or in part, by the entries that are kept."""

    service: str  # empty: the admission is not kept any more
    data_class: str
    target: str
    calls: int
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Busiest:
    """The most calls of a service that a target answered in one minute, by the entries that are kept."""

    service: str
    target: str
    calls: int
    minute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """The newest signed checkpoint, and what the entries up to it say."""

    origin: str
    size: int
    root: str  # hex
    newest_at: str  # when the newest entry was written; empty: there is none
    erasures: Mapping[str, int]  # by kind of act
    last_erasure: str  # "ORIGIN/INDEX"; empty: there is none
    last_erasure_at: str
    answered: Mapping[str, int]  # calls that ended with an outcome of a target, by its name
    oldest_at: str = ""  # when the oldest entry that is kept was written
    minimum_index: int = 0  # from which on entries are kept
    newest_erasures: tuple[Erasure, ...] = ()  # the newest of them, oldest first
    answers: Mapping[str, int] = field(default_factory=dict)  # the same by service; empty: its admission is not kept
    seen: tuple[Seen, ...] = ()  # a call that one began and another finished is in it for each
    refused: Mapping[str, int] = field(default_factory=dict)  # calls, by service
    busiest: tuple[Busiest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillDone:
    """A drill that was run, by its scorecard."""

    id: str
    scenario: str
    service: str
    began: str
    passed: bool
    digest: str
    hit: frozenset[str]  # targets that it took away
    simulated: frozenset[str]
    calls: int = 0
    not_answered: int = 0
    shed: int = 0  # of those: turned away for want of room
    waiting_peak: int = 0  # calls that waited at once
    duration_s: float = 0.0
    recovery_s: float | None = None  # the longest that a disturbed call took to be answered
    policy_violations: int = 0
    answered_by: frozenset[str] = frozenset()
    objectives: tuple[str, ...] = ()  # what the service states and what was found, in words
    per_minute: float = 0.0  # calls that it made in its busiest minute; of a shorter one, at its rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What would become of a service without a provider or a state, as far as it is known."""

    kind: str  # "provider" or "authority"
    name: str
    service: str
    fate: str
    target: str  # who would answer; empty: nobody
    reason: str
    touched: bool = True  # whether anything changes for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Every loss that there could be. ``up``: the estate ran, so that slots and load of that instant are in it."""

    up: bool = False
    losses: tuple[Lost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What freehold.toml says that statements rest on."""

    prune_after_days: int = 0  # 0: entries are never pruned
    detector: bool = False  # whether texts of calls are looked through for personal data
    tls: bool = False
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All of it. ``eu``: the member states as the facts have them."""

    at: str
    origin: str
    region: str
    set: str
    policy_digest: str
    facts_digest: str
    services: tuple[Served, ...]
    backends: Mapping[str, Backend]
    keys: tuple[KeyFile, ...]
    ledger: LedgerHead | None
    salts_kept_days: int
    witnesses: tuple[str, ...]
    drills: tuple[DrillDone, ...]
    eu: frozenset[str]
    answers: tuple[Answer, ...]
    answers_digest: str  # of the file that has them; empty: there is none
    eea: frozenset[str] = frozenset()
    adequacy: Mapping[str, Adequacy] = field(default_factory=dict)  # decisions in force on that day, by state
    models: tuple[VaultModel, ...] = ()
    setup: Setup = Setup()
    foresight: Foresight = Foresight()
    ourselves: Ourselves | None = None  # the newest check of what the estate itself depends on
