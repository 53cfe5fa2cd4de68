# SPDX-License-Identifier: Apache-2.0
"""Transfers to states outside the EEA that a provider means: who gets data there, on what it rests, how old that is.

Pure. What is not established may be a transfer, and is listed as one. A mechanism is the decision that the facts have,
else what a person said; a decision that the facts do not have is not made by saying so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from freehold.assess.evidence.answers import Answer
from freehold.assess.evidence.picture import Backend, Evidence, Kind, Picture, Recipient
from freehold.assess.evidence.questions import Asked, Told, said
from freehold.assess.evidence.statement import Ground, Statement
from freehold.contract.facts import UNKNOWN
from freehold.policy.facts.entries import Adequacy

_ASSESSED: Final = frozenset({"scc-1", "scc-2", "scc-3", "scc-4", "bcr"})
_WORDS: Final = {
    "adequacy": "a decision of adequacy (Article 45)",
    "scc-1": "standard clauses, module one (Article 46(2)(c))",
    "scc-2": "standard clauses, module two (Article 46(2)(c))",
    "scc-3": "standard clauses, module three (Article 46(2)(c))",
    "scc-4": "standard clauses, module four (Article 46(2)(c))",
    "bcr": "binding corporate rules (Article 46(2)(b))",
    "derogation": "a derogation for a specific situation (Article 49)",
    "none": "nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How long ago a day was; None: the day is not known."""

    what: str
    day: str
    age_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One provider and one state. ``compels``: the laws by which that state reaches out, as the facts have them."""

    provider: str
    state: str
    services: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    mechanism: Statement
    ages: tuple[Age, ...]
    expires: str
    compels: tuple[str, ...]
    covered: bool  # whether anything that holds is named that it rests on
    missing: tuple[Asked, ...]


def transfers(picture: Picture, told: Told, providers: Mapping[str, tuple[str, ...]]) -> tuple[Transfer, ...]:
    """Of these providers, each with the services whose personal data it may get."""
    return tuple(
        _transfer(picture, told, backend, state, providers[name])
        for name in sorted(providers)
        for backend in [next(one for one in picture.backends.values() if one.operator == name)]
        for state in sorted({one.state for one in backend.recipients} - picture.eea)
    )


def _transfer(picture: Picture, told: Told, backend: Backend, state: str, services: tuple[str, ...]) -> Transfer:
    about = f"{backend.operator}/{state}"
    today = date.fromisoformat(picture.at[:10])
    decision = picture.adequacy.get(state)
    mechanism, missing = _mechanism(told, about, decision)
    return Transfer(
        provider=backend.operator,
        state=state,
        services=services,
        recipients=tuple(one for one in backend.recipients if one.state == state),
        mechanism=mechanism,
        ages=tuple(_ages(told, about, decision, today)),
        expires=decision.expires.isoformat() if decision is not None and decision.expires else "",
        compels=tuple(
            f"{name}: {act}" for name, act in sorted(backend.statutes.items()) if name.startswith(f"{state}-")
        ),
        covered=mechanism.ground in (Ground.KNOWN, Ground.ASSERTED),
        missing=missing,
    )


def _mechanism(told: Told, about: str, decision: Adequacy | None) -> tuple[Statement, tuple[Asked, ...]]:
    named = told.of("GDPR.mechanism", about)
    if about.endswith(f"/{UNKNOWN}") and named is None:
        says = "nobody established who and where it is: a transfer cannot be ruled out"
        return _missing(told, about, says)
    if named is not None and named.value not in ("adequacy", "none"):
        return _asserted(told, about, named)
    if named is not None and named.value == "none":
        asserted = Statement(
            what=about, says="nothing, by what a person said", ground=Ground.MISSING, evidence=(said(named),)
        )
        return asserted, ()
    if decision is None:
        if named is None:
            return _missing(told, about, "no decision of adequacy is known, and nobody named anything else")
        says = "a decision of adequacy was named, and the facts have none in force"
        return Statement(what=about, says=says, ground=Ground.CONTRADICTED, evidence=(said(named),)), ()
    return _decided(told, about, decision, named)


def _decided(told: Told, about: str, decision: Adequacy, named: Answer | None) -> tuple[Statement, tuple[Asked, ...]]:
    """A decision that is limited covers those alone who were found among whom it is limited to."""
    listed = told.of("GDPR.listed", about)
    known = _law(decision)
    words = f"the decision of adequacy for {decision.name}{f', {decision.act}' if decision.act else ''}"
    if not decision.limit:
        return Statement(what=about, says=words, ground=Ground.KNOWN, evidence=(known,)), ()
    given = tuple(said(one) for one in (named, listed) if one is not None)
    if listed is None:
        says = f"{words} covers {decision.limit} alone, and nobody said that the recipients are among them"
        asks = told.asked("GDPR.listed", about)
        missing = Statement(what=about, says=says, ground=Ground.MISSING, evidence=(known, *given), asks=asks)
        return missing, (asks, *([told.asked("GDPR.mechanism", about)] if named is None else []))
    says = f"{words}, for {decision.limit}; found among them on {listed.value}"
    return Statement(what=about, says=says, ground=Ground.ASSERTED, evidence=(known, *given)), ()


def _asserted(told: Told, about: str, named: Answer) -> tuple[Statement, tuple[Asked, ...]]:
    wanted = ["GDPR.mechanism-since", *(["GDPR.assessed"] if named.value in _ASSESSED else [])]
    given = [answer for name in wanted if (answer := told.of(name, about)) is not None]
    missing = tuple(told.asked(name, about) for name in wanted if told.of(name, about) is None)
    evidence = (said(named), *map(said, given))
    return Statement(what=about, says=_WORDS[named.value], ground=Ground.ASSERTED, evidence=evidence), missing


def _missing(told: Told, about: str, says: str) -> tuple[Statement, tuple[Asked, ...]]:
    asks = told.asked("GDPR.mechanism", about)
    return Statement(what=about, says=says, ground=Ground.MISSING, asks=asks), (asks,)


def _law(decision: Adequacy) -> Evidence:
    until = f", until {decision.expires}" if decision.expires else ""
    says = f"in force since {decision.since or 'a day that the facts do not have'}{until}{_note(decision)}"
    return Evidence(kind=Kind.LAW, where=decision.source, says=says, as_of=decision.as_of.isoformat())


def _note(decision: Adequacy) -> str:
    return f"; {decision.note}" if decision.note else ""


def _ages(told: Told, about: str, decision: Adequacy | None, today: date) -> Iterator[Age]:
    """Of the mechanism that is named, and of the checks behind it."""
    named = told.value("GDPR.mechanism", about)
    if decision is not None and named in ("", "adequacy"):
        yield _age("decision", decision.since, today)
        yield _age("decision last looked up", decision.as_of, today)
    for what, question in (
        ("in force between the parties", "GDPR.mechanism-since"),
        ("recipients looked up", "GDPR.listed"),
        ("assessed", "GDPR.assessed"),
    ):
        value = told.value(question, about)
        if value:
            yield _age(what, date.fromisoformat(value), today)


def _age(what: str, day: date | None, today: date) -> Age:
    return Age(
        what=what,
        day=day.isoformat() if day else "",
        age_days=(today - day).days if day else None,
    )
