# SPDX-License-Identifier: Apache-2.0
"""The record of processing: each service as an activity, by the letters of Article 30(1), and whom it gives data. Pure.

A service is in the record unless it is shown, or said by a person and not contradicted, that it has no personal data.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from freehold.assess.evidence.picture import Backend, Evidence, Kind, Picture, Seen, Served
from freehold.assess.evidence.questions import SERVICE, Asked, Told, said
from freehold.assess.evidence.statement import Ground, Statement
from freehold.assess.evidence.wording import counted
from freehold.contract.call import DataClass

PERSONAL: Final = frozenset(one.name.lower() for one in DataClass if one >= DataClass.PERSONAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the record, by its letter in Article 30(1)."""

    letter: str
    statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One service. ``personal`` says why it is in the record, or why not."""

    service: str
    data_class: str
    personal: Statement
    in_record: bool
    fields: tuple[Field, ...]
    recipients: tuple[str, ...]  # providers
    engines: tuple[str, ...]  # targets of the estate itself
    seen: tuple[Seen, ...]  # calls on record, by class and target


def activity(picture: Picture, told: Told, served: Served) -> Activity:
    """Of one service."""
    personal, in_record = _personal(picture, told, served)
    may = tuple(picture.backends[name] for name in _may_see(told, served)) if in_record else ()
    recipients = tuple(dict.fromkeys(one.operator for one in (*may, *_have_seen(picture, served)) if not one.owned))
    return Activity(
        service=served.name,
        data_class=served.data_class,
        personal=personal,
        in_record=in_record,
        fields=tuple(_fields(picture, told, served, recipients)) if in_record else (),
        recipients=recipients,
        engines=tuple(one.name for one in may if one.owned),
        seen=_seen(picture, served),
    )


def missing_of(one: Activity) -> Iterator[Asked]:
    """The questions that are open about it."""
    for statement in (one.personal, *(field.statement for field in one.fields)):
        if statement.asks is not None:
            yield statement.asks


def _personal(picture: Picture, told: Told, served: Served) -> tuple[Statement, bool]:
    about = f"{SERVICE}{served.name}"
    answer = told.of("GDPR.personal", about)
    given = (said(answer),) if answer is not None else ()
    shows = tuple(_shows(picture, served))
    denied = answer is not None and answer.value == "no"
    if shows:
        ground = Ground.CONTRADICTED if denied else Ground.MEASURED
        return Statement(what="Personal data", says="yes", ground=ground, evidence=(*shows, *given)), True
    if answer is not None:
        return Statement(what="Personal data", says=answer.value, ground=Ground.ASSERTED, evidence=given), not denied
    if not served.may_see_personal:
        rules = Evidence(
            kind=Kind.FILE,
            where="policies/",
            says=f"nobody may answer a call of {served.name} of class personal or above",
            as_of=picture.at,
        )
        return Statement(what="Personal data", says="no", ground=Ground.MEASURED, evidence=(rules,)), False
    says = "it may: nobody said that it does not"
    asks = told.asked("GDPR.personal", about)
    return Statement(what="Personal data", says=says, ground=Ground.MISSING, asks=asks), True


def _shows(picture: Picture, served: Served) -> Iterator[Evidence]:
    """That there is personal data, by the estate's own classes."""
    if served.data_class in PERSONAL:
        says = f"its calls are of class {served.data_class} at least"
        yield Evidence(
            kind=Kind.FILE, where=f"freehold.toml, [service.{served.name}] data_class", says=says, as_of=picture.at
        )
    calls = [one for one in _seen(picture, served) if one.data_class in PERSONAL]
    if calls and picture.ledger is not None:
        answers = counted(sum(one.calls for one in calls), "answer")
        says = f"on record: {answers} to calls of class personal or above"
        where = f"{picture.ledger.origin}, checkpoint of size {picture.ledger.size}"
        yield Evidence(kind=Kind.LEDGER, where=where, says=says, as_of=max(one.last_at for one in calls))


def _seen(picture: Picture, served: Served) -> tuple[Seen, ...]:
    return tuple(one for one in picture.ledger.seen if one.service == served.name) if picture.ledger else ()


def _may_see(told: Told, served: Served) -> tuple[str, ...]:
    """Where a person says that its data is personal whatever its class, whoever may answer."""
    said_so = told.value("GDPR.personal", f"{SERVICE}{served.name}") == "yes"
    return served.may_answer if said_so else served.may_see_personal


def _have_seen(picture: Picture, served: Served) -> Iterator[Backend]:
    for one in _seen(picture, served):
        if one.data_class in PERSONAL and one.target in picture.backends:
            yield picture.backends[one.target]


def _fields(picture: Picture, told: Told, served: Served, recipients: tuple[str, ...]) -> Iterator[Field]:
    about = f"{SERVICE}{served.name}"
    role = _answered(told, "Role", "GDPR.role", about)
    yield Field(letter="a", statement=role)
    if told.value("GDPR.role", about) == "processor":
        yield Field(letter="a", statement=_answered(told, "On behalf of", "GDPR.behalf", about))
    yield Field(letter="b", statement=_purpose(picture, told, served))
    yield Field(letter="c", statement=_answered(told, "People", "GDPR.subjects", about))
    yield Field(letter="c", statement=_answered(told, "Data", "GDPR.data", about))
    yield Field(letter="d", statement=_recipients(picture, served, recipients))
    yield Field(letter="f", statement=_answered(told, "Erased by applications", "GDPR.erased-after", about))


def _answered(told: Told, what: str, question: str, about: str) -> Statement:
    answer = told.of(question, about)
    if answer is None:
        asks = told.asked(question, about)
        return Statement(what=what, says="nobody said", ground=Ground.MISSING, asks=asks)
    return Statement(what=what, says=answer.value, ground=Ground.ASSERTED, evidence=(said(answer),))


def _purpose(picture: Picture, told: Told, served: Served) -> Statement:
    asserted = _answered(told, "Purpose", "GDPR.purpose", f"{SERVICE}{served.name}")
    if asserted.ground is Ground.ASSERTED or not served.purpose:
        return asserted
    where = f"freehold.toml, [service.{served.name}] purpose"
    set_ = Evidence(kind=Kind.FILE, where=where, says=f"purpose is {served.purpose}", as_of=picture.at)
    return Statement(what="Purpose", says=served.purpose, ground=Ground.MEASURED, evidence=(set_,))


def _recipients(picture: Picture, served: Served, recipients: tuple[str, ...]) -> Statement:
    nobody = "engines of the estate answer alone" if served.may_answer else "nobody may answer by the rules"
    says = ", ".join(recipients) or f"none: {nobody}"
    rules = Evidence(
        kind=Kind.FILE,
        where="freehold.toml and policies/",
        says=f"who may see calls of {served.name}",
        as_of=picture.at,
    )
    return Statement(what="Recipients", says=says, ground=Ground.MEASURED, evidence=(rules,))
