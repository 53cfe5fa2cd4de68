# SPDX-License-Identifier: Apache-2.0
"""What an estate is, at an instant, as far as evidence is drawn from it. Frozen, and read once: reckoning is pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from freehold.assess.evidence.answers import Answer
from freehold.contract.facts import BackendFacts, Reason


class Kind(StrEnum):
    """What a statement rests on."""

    FILE = "file"
    LEDGER = "ledger"
    FACT = "fact"
    DRILL = "drill"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that a statement rests on. ``where``: a file, a position in the ledger, or the source of a fact."""

    kind: Kind
    where: str
    says: str
    as_of: str  # a day or an instant


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A private key of the estate, by its place. ``alone``: nobody but the file's owner may read it."""

    place: str
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerHead:
    """The newest signed checkpoint, and what the entries up to it say of erasures."""

    origin: str
    size: int
    root: str  # hex
    newest_at: str  # when the newest entry was written; empty: there is none
    erasures: Mapping[str, int]  # by kind of act
    last_erasure: str  # "ORIGIN/INDEX"; empty: there is none
    last_erasure_at: str
    answered: Mapping[str, int]  # calls that ended with an outcome of a target, by its name


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
