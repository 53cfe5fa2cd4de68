# SPDX-License-Identifier: Apache-2.0
"""Which duties apply to the estate and each of its services, from when, and what shows that they are met. Pure.

A duty that an answer rules out does not apply. One that nobody ruled out is open, and counts as if it applied.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from freehold.assess.evidence.ai_act.rules import Duty, Rules
from freehold.assess.evidence.ai_act.showing import place_of, shown
from freehold.assess.evidence.ai_act.tuned import Tuned, tuned
from freehold.assess.evidence.answers import OWN, Answer
from freehold.assess.evidence.picture import Evidence, Kind, LedgerHead, Picture
from freehold.assess.evidence.questions import SERVICE, Asked, Told, said
from freehold.assess.evidence.statement import Ground, Statement

_ROLE: Final = "AIA.role"
_PUBLIC_BODY: Final = "AIA.public-body"  # a condition of services' duties that is about the estate


class Standing(StrEnum):
    """Whether a duty is there."""

    APPLIES = "applies"
    OPEN = "open"  # it may apply already: nobody said what rules it out
    COMES = "will apply"
    MAY_COME = "may apply later"
    NOT = "does not apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One duty. ``met``: what shows that it is met; ``why``: the law and the answers that its standing rests on."""

    article: str
    title: str
    who: tuple[str, ...]
    standing: Standing
    start: str
    why: tuple[Evidence, ...]
    undecided: tuple[Asked, ...]
    met: Statement
    note: str

    @property
    def counts(self) -> bool:
        """Whether it is there today, or may be."""
        return self.standing in (Standing.APPLIES, Standing.OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfService:
    """The duties of one service, and who may answer it."""

    service: str
    may_answer: tuple[str, ...]
    duties: tuple[Owed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, with what it was reckoned from."""

    at: str
    origin: str
    law: str
    as_of: str
    estate: tuple[Owed, ...]
    services: tuple[OfService, ...]
    models: tuple[Tuned, ...]
    tuning_note: str
    tuning_source: str
    records: tuple[Statement, ...]
    missing: tuple[Asked, ...]
    disagreements: tuple[str, ...]
    sources: tuple[str, ...]
    policy_digest: str
    facts_digest: str
    answers_digest: str

    @property
    def owed(self) -> tuple[Owed, ...]:
        """Every duty of the estate and of its services."""
        return (*self.estate, *(duty for one in self.services for duty in one.duties))


def assess(picture: Picture, rules: Rules) -> Report:
    """Raises EstateError for an answer that is none."""
    told = Told(rules.questions, picture.answers)
    reckoner = _Reckoner(picture, rules, told)
    estate = reckoner.duties("estate", "")
    services = tuple(
        OfService(service=served.name, may_answer=served.may_answer, duties=reckoner.duties("service", served.name))
        for served in picture.services
    )
    models = tuple(tuned(model, rules.tuning, told) for model in picture.models)
    owed = (*estate, *(duty for one in services for duty in one.duties))
    return Report(
        at=picture.at,
        origin=picture.origin,
        law=rules.law,
        as_of=rules.as_of.isoformat(),
        estate=estate,
        services=services,
        models=models,
        tuning_note=rules.tuning.note,
        tuning_source=_cited(rules, rules.tuning.source),
        records=tuple(_records(picture)),
        missing=_missing(owed, models),
        disagreements=tuple(rules.disagreements),
        sources=tuple(_cited(rules, name) for name in rules.sources),
        policy_digest=picture.policy_digest,
        facts_digest=picture.facts_digest,
        answers_digest=picture.answers_digest,
    )


class _Reckoner:
    def __init__(self, picture: Picture, rules: Rules, told: Told) -> None:
        self._picture = picture
        self._rules = rules
        self._told = told
        self._today = date.fromisoformat(picture.at[:10])

    def duties(self, per: str, service: str) -> tuple[Owed, ...]:
        return tuple(self._owed(duty, service) for duty in self._rules.duties if duty.per == per)

    def _owed(self, duty: Duty, service: str) -> Owed:
        answers = [self._answer(name, service) for name in self._conditions(duty)]
        excluded = [one for one in answers if one is not None and not _within(duty, one)]
        undecided = [name for name, one in zip(self._conditions(duty), answers, strict=True) if one is None]
        start = self._start(duty, service)
        if duty.later is not None and start <= self._today < duty.later.start:
            undecided += [duty.later.question] if self._answer(duty.later.question, service) is None else []
        standing = self._standing(start, excluded=bool(excluded), undecided=bool(undecided))
        law = Evidence(
            kind=Kind.LAW,
            where=self._rules.sources[duty.source].source,
            says=f"{duty.article} applies from {start}",
            as_of=self._rules.sources[duty.source].as_of.isoformat(),
        )
        return Owed(
            article=duty.article,
            title=duty.title,
            who=tuple(duty.who),
            standing=standing,
            start=start.isoformat(),
            why=(law, *(said(one) for one in (excluded or answers) if one is not None)),
            undecided=() if excluded else tuple(self._asked(name, service) for name in undecided),
            met=self._met(duty, service),
            note=duty.note,
        )

    def _conditions(self, duty: Duty) -> tuple[str, ...]:
        """Every role has the duties that lie on both."""
        role = (_ROLE,) if duty.per == "service" and len(duty.who) == 1 else ()
        return (*role, *duty.when)

    def _standing(self, start: date, *, excluded: bool, undecided: bool) -> Standing:
        if excluded:
            return Standing.NOT
        if start <= self._today:
            return Standing.OPEN if undecided else Standing.APPLIES
        return Standing.MAY_COME if undecided else Standing.COMES

    def _start(self, duty: Duty, service: str) -> date:
        """The earlier day, until an answer says that it is the later one."""
        later = duty.later
        if later is None:
            return duty.start
        answer = self._answer(later.question, service)
        return later.start if answer is not None and later.holds(answer.value) else duty.start

    def _met(self, duty: Duty, service: str) -> Statement:
        evidence = shown(duty.shown, self._picture, service)
        answer = self._answer(duty.asks, service) if duty.asks else None
        asks = self._asked(duty.asks, service) if duty.asks and answer is None else None
        if answer is not None:
            return _statement(duty, Ground.ASSERTED, (*evidence, said(answer)))
        ground = Ground.MEASURED if evidence and not duty.asks else Ground.MISSING
        return _statement(duty, ground, evidence, asks)

    def _answer(self, question: str, service: str) -> Answer | None:
        return self._told.of(question, _about(question, service))

    def _asked(self, question: str, service: str) -> Asked:
        return self._told.asked(question, _about(question, service))


def _about(question: str, service: str) -> str:
    return f"{SERVICE}{service}" if service and question != _PUBLIC_BODY else OWN


def _within(duty: Duty, answer: Answer) -> bool:
    if answer.id == _ROLE:
        return answer.value == "both" or answer.value in duty.who
    return answer.value in duty.when[answer.id]


def _statement(duty: Duty, ground: Ground, evidence: tuple[Evidence, ...], asks: Asked | None = None) -> Statement:
    says = "somebody says how" if ground is Ground.ASSERTED else "the estate shows it"
    return Statement(
        what=duty.title,
        says="nothing shows it" if ground is Ground.MISSING and not evidence else says,
        ground=ground,
        evidence=evidence,
        asks=asks,
    )


def _records(picture: Picture) -> Iterator[Statement]:
    head = picture.ledger
    if head is None or not head.size:
        yield Statement(what="Log", says="there is none yet", ground=Ground.MISSING)
        return
    yield _measured("Log", f"{head.size} entries, signed; root {head.root}", head, head.newest_at)
    yield _measured(
        "Of each call",
        "when it was admitted and how it ended, key, service and class, decision with rules and facts, every target "
        "with operator and the states that can compel it, the model that answered with its digest, tokens; no content",
        head,
        head.newest_at,
    )
    kept = f"from entry {head.minimum_index} on, written {head.oldest_at or 'at no time that can be read'}"
    yield _measured("Kept", kept, head, head.oldest_at)
    calls = sum(head.answered.values())
    yield _measured("Calls", f"{calls} answered, {sum(head.refused.values())} refused", head, head.newest_at)
    yield Statement(
        what="Witnesses",
        says=", ".join(picture.witnesses) or "none: that the log was never rewritten rests on the estate alone",
        ground=Ground.MEASURED,
        evidence=(
            Evidence(
                kind=Kind.FILE,
                where="freehold.toml, [witness]",
                says=f"{len(picture.witnesses)} witnesses are named",
                as_of=picture.at,
            ),
        ),
    )


def _measured(what: str, says: str, head: LedgerHead, as_of: str) -> Statement:
    entries = Evidence(kind=Kind.LEDGER, where=place_of(head), says="its entries, counted", as_of=as_of)
    return Statement(what=what, says=says, ground=Ground.MEASURED, evidence=(entries,))


def _missing(owed: tuple[Owed, ...], models: tuple[Tuned, ...]) -> tuple[Asked, ...]:
    """Each question once: what decides about a duty, and how those are met that are there or may be."""
    undecided = [asked for duty in owed for asked in duty.undecided]
    unmet = [duty.met.asks for duty in owed if duty.counts and duty.met.asks is not None]
    return tuple(dict.fromkeys([*undecided, *unmet, *(asked for one in models for asked in one.missing)]))


def _cited(rules: Rules, name: str) -> str:
    source = rules.sources[name]
    return f"{source.source} (read or dated {source.as_of})"
