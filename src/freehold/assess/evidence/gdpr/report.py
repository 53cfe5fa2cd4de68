# SPDX-License-Identifier: Apache-2.0
"""The record of processing, transfers, erasures, and what the estate itself keeps and shows of its security. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from freehold.assess.evidence.answers import OWN
from freehold.assess.evidence.gdpr.asking import Questions
from freehold.assess.evidence.gdpr.record import PERSONAL, Activity, activity, missing_of
from freehold.assess.evidence.gdpr.transfers import Transfer, transfers
from freehold.assess.evidence.picture import Erasure, Evidence, Kind, LedgerHead, Picture, Seen
from freehold.assess.evidence.questions import Asked, Told, said
from freehold.assess.evidence.statement import Ground, Statement
from freehold.assess.evidence.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A provider that gets personal data. ``calls``: of class personal and above that it answered, on record."""

    provider: str
    legal_name: str
    role: Statement
    contract: Statement
    kept: Statement
    services: tuple[str, ...]
    calls: int | None  # None: there is no ledger
    first_at: str
    last_at: str
    authorities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasures:
    """What was destroyed. ``newest`` has the newest acts, oldest first; ``counts`` has all by kind."""

    counts: dict[str, int]
    newest: tuple[Erasure, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it, with what it was reckoned from. ``gone``: who saw personal data and is not configured any more."""

    at: str
    origin: str
    law: str
    as_of: str
    controller: tuple[Statement, ...]
    activities: tuple[Activity, ...]
    parties: tuple[Party, ...]
    transfers: tuple[Transfer, ...]
    gone: tuple[Seen, ...]
    erasures: Erasures
    keeps: tuple[Statement, ...]
    security: tuple[Statement, ...]
    missing: tuple[Asked, ...]
    reservations: tuple[str, ...]
    sources: tuple[str, ...]
    policy_digest: str
    facts_digest: str
    answers_digest: str


def assess(picture: Picture, questions: Questions) -> Report:
    """Raises EstateError for an answer that is none."""
    told = Told(questions.questions, picture.answers)
    activities = tuple(activity(picture, told, served) for served in picture.services)
    serving = _serving(activities)
    controller = tuple(
        _asserted(told, what, question)
        for what, question in (("Controller", "GDPR.controller"), ("Data protection officer", "GDPR.dpo"))
    )
    parties = tuple(_party(picture, told, name, services) for name, services in serving.items())
    moved = transfers(picture, told, serving)
    security = (*_measures(picture), _asserted(told, "Measures beyond the estate", "GDPR.security"))
    asked = [
        *(one.asks for one in (*controller, *security) if one.asks),
        *(one for each in activities for one in missing_of(each)),
        *(one.asks for party in parties for one in (party.role, party.contract) if one.asks),
        *(one for each in moved for one in each.missing),
    ]
    return Report(
        at=picture.at,
        origin=picture.origin,
        law=questions.law,
        as_of=questions.as_of.isoformat(),
        controller=controller,
        activities=activities,
        parties=parties,
        transfers=moved,
        gone=_gone(picture),
        erasures=_erasures(picture),
        keeps=tuple(_keeps(picture)),
        security=security,
        missing=tuple(dict.fromkeys(asked)),
        reservations=tuple(questions.reservations),
        sources=tuple(questions.sources),
        policy_digest=picture.policy_digest,
        facts_digest=picture.facts_digest,
        answers_digest=picture.answers_digest,
    )


def _serving(activities: tuple[Activity, ...]) -> dict[str, tuple[str, ...]]:
    """Services by the providers that may get their data, or did."""
    names = sorted({name for one in activities for name in one.recipients})
    return {name: tuple(one.service for one in activities if name in one.recipients) for name in names}


def _asserted(told: Told, what: str, question: str, about: str = OWN) -> Statement:
    answer = told.of(question, about)
    if answer is None:
        asks = told.asked(question, about)
        return Statement(what=what, says="nobody said", ground=Ground.MISSING, asks=asks)
    return Statement(what=what, says=answer.value, ground=Ground.ASSERTED, evidence=(said(answer),))


def _party(picture: Picture, told: Told, provider: str, services: tuple[str, ...]) -> Party:
    backends = [one for one in picture.backends.values() if one.operator == provider]
    names = {one.name for one in backends}
    seen = [one for one in _personal(picture) if one.target in names]
    return Party(
        provider=provider,
        legal_name=backends[0].legal_name,
        role=_asserted(told, "Role", "GDPR.recipient-role", provider),
        contract=_asserted(told, "Contract", "GDPR.contract", provider),
        kept=_kept_there(provider, backends[0].facts.retention_days, backends[0].facts.as_of),
        services=services,
        calls=sum(one.calls for one in seen) if picture.ledger else None,
        first_at=min((one.first_at for one in seen), default=""),
        last_at=max((one.last_at for one in seen), default=""),
        authorities=backends[0].facts.authorities,
    )


def _kept_there(provider: str, days: int | None, as_of: str) -> Statement:
    if days is None:
        return Statement(what="Kept there", says="for how long is not confirmed", ground=Ground.MISSING)
    fact = Evidence(
        kind=Kind.FACT,
        where=f"facts about {provider}",
        says=f"{counted(days, 'day')} at most",
        as_of=as_of,
    )
    return Statement(what="Kept there", says=f"{counted(days, 'day')} at most", ground=Ground.KNOWN, evidence=(fact,))


def _personal(picture: Picture) -> Iterator[Seen]:
    """Calls on record of class personal and above; those whose class is not kept any more may be of it."""
    for one in picture.ledger.seen if picture.ledger else ():
        if one.data_class in PERSONAL or not one.data_class:
            yield one


def _gone(picture: Picture) -> tuple[Seen, ...]:
    services = {served.name for served in picture.services}
    return tuple(
        one
        for one in _personal(picture)
        if one.target not in picture.backends or (one.service and one.service not in services)
    )


def _erasures(picture: Picture) -> Erasures:
    head, days = picture.ledger, picture.salts_kept_days
    if head is None:
        return Erasures(counts={}, newest=(), statements=())
    counts = dict(head.erasures)
    words = ", ".join(f"{count} of {act}" for act, count in counts.items()) or "none"
    kept = f"the salts of a day are destroyed {counted(days, 'day')} after it" if days else "salts are kept for ever"
    return Erasures(
        counts=counts,
        newest=head.newest_erasures,
        statements=(
            Statement(what="On record", says=words, ground=Ground.MEASURED, evidence=(_ledger(head),)),
            _file("By themselves", kept, "freehold.toml, [ledger] salts_kept_days", picture.at),
        ),
    )


def _keeps(picture: Picture) -> Iterator[Statement]:
    """What of people the estate itself has, and for how long."""
    days, pruned = picture.salts_kept_days, picture.setup.prune_after_days
    yield _file(
        "Content of calls",
        "none: it is passed on, and held in memory until it is answered",
        "the format of entries, which has no field for it",
        picture.at,
    )
    salts = counted(days, "day") if days else "for ever"
    yield _file("Salts of commitments to content", salts, "freehold.toml, [ledger] salts_kept_days", picture.at)
    how = f"may be pruned after {counted(pruned, 'day')}" if pruned else "never pruned"
    yield _file(
        "Entries: ids of keys, times, counts, digests", how, "freehold.toml, [ledger] prune_after_days", picture.at
    )
    yield _file(
        "Labels of keys and operators, reasons, words of drills",
        "until somebody erases them ('freehold ledger forget --text')",
        "state.db and drills/",
        picture.at,
    )


def _measures(picture: Picture) -> Iterator[Statement]:
    """Of Article 32(1), what the estate's files show."""
    alone = sum(key.alone for key in picture.keys)
    says = f"{alone} of {len(picture.keys)} can be read by their owner alone"
    yield _file("Private keys", says, "keys/", picture.at)
    rules = f"{picture.set}, {picture.policy_digest}: decided for each call before a byte leaves"
    yield _file("Who may see which class", rules, "freehold.toml, [policy], and policies/", picture.at)
    detector = "texts are looked through for identifiers" if picture.setup.detector else "texts are not looked through"
    yield _file("Detection of personal data", detector, "freehold.toml, [policy] detector", picture.at)
    where = picture.setup.host
    yield _file(
        "Public port", f"{where}, {'TLS' if picture.setup.tls else 'no TLS'}", "freehold.toml, [listen]", picture.at
    )
    if picture.ledger is not None:
        says = f"{picture.ledger.size} entries, signed, root {picture.ledger.root}"
        yield Statement(what="Record", says=says, ground=Ground.MEASURED, evidence=(_ledger(picture.ledger),))
    told = ", ".join(picture.witnesses) or "none"
    yield _file("Witnesses of the record", told, "freehold.toml, [witness]", picture.at)


def _file(what: str, says: str, where: str, at: str) -> Statement:
    evidence = Evidence(kind=Kind.FILE, where=where, says=says, as_of=at)
    return Statement(what=what, says=says, ground=Ground.MEASURED, evidence=(evidence,))


def _ledger(head: LedgerHead) -> Evidence:
    where = f"{head.origin}, checkpoint of size {head.size}"
    return Evidence(kind=Kind.LEDGER, where=where, says="its entries, counted", as_of=head.newest_at)
