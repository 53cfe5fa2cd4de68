# SPDX-License-Identifier: Apache-2.0
"""One provider in the light of the facts, as a person reads it: who can compel it and why, and what nobody knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from freehold.contract.facts import UNKNOWN, BackendFacts, Confidence
from freehold.policy.facts.derive import (
    RULE_VERSION,
    backend_facts,
    in_force,
    organisation_versions,
    provider_versions,
)
from freehold.policy.facts.entries import Fact, Organisation, Owner, Provider
from freehold.policy.facts.law import statutes_of
from freehold.policy.facts.register import Register

_DOUBT = (Confidence.CONFIRMED, Confidence.REPORTED, Confidence.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing that the facts say, with its source. ``depth`` is how far it is from the provider."""

    what: str
    value: str
    source: str
    as_of: str
    confidence: str
    note: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All there is to say of one provider on a day."""

    name: str
    title: str
    rule_version: int
    facts: BackendFacts
    confidence: Confidence  # of the weakest link that names a state
    own: bool  # the entry is the estate's
    overridden: tuple[str, ...]  # entries of the chain that the estate's own stand in for
    chain: tuple[Said, ...]
    terms: tuple[Said, ...]  # locations, retention, training
    hosts: tuple[Said, ...]
    dialects: tuple[str, ...]
    statutes: tuple[Said, ...]
    licences: tuple[Said, ...]
    notes: tuple[str, ...]
    unknown: tuple[
        str, ...
    ]  # what is not known of its terms, in plain sentences; of its chain, the reasons for UNKNOWN say


def describe(register: Register, name: str, today: date) -> Description:
    """Raises NotFound for a name that the register does not have."""
    facts = backend_facts(register, name, today=today)
    provider = register.providers[name]
    chain = _Chain(register, today)
    told = tuple(said for version in provider_versions(register, name) for said in chain.provider(version))
    return Description(
        name=name,
        title=provider.name,
        rule_version=RULE_VERSION,
        facts=facts,
        confidence=max(
            (r.confidence for r in facts.reasons if r.state != UNKNOWN), key=_DOUBT.index, default=_DOUBT[-1]
        ),
        own=register.is_own("providers", name),
        overridden=tuple(sorted(_replaced(register, name, chain.told))),
        chain=told,
        terms=tuple(_terms(provider)),
        hosts=tuple(_said(host.host, _state(host.location), host, host.note) for host in provider.hosts),
        dialects=tuple(provider.dialects),
        statutes=tuple(_statutes(register, facts)),
        licences=tuple(_licences(register, provider)),
        notes=tuple(provider.notes),
        unknown=tuple(_unknown_terms(provider, facts)),
    )


class _Chain:
    """Everybody between a provider and whoever can be compelled, in the order of the rule. Owners are told once."""

    def __init__(self, register: Register, today: date) -> None:
        self._register = register
        self._today = today
        self.told: set[str] = set()

    def provider(self, provider: Provider) -> Iterator[Said]:
        if provider.operator is not None:
            yield from self._organisation("operator", provider.operator.organisation, provider.operator)
        for holder in provider.key_holders:
            yield from self._organisation("holder of keys", holder.organisation, holder)
        for processor in provider.sub_processors.listed if provider.sub_processors is not None else ():
            what = "sub-processor" if processor.counts else "sub-processor that sees no plaintext"
            yield from self._organisation(what, processor.organisation, processor, note=processor.purpose)

    def _organisation(self, what: str, name: str, link: Fact, *, note: str = "", depth: int = 0) -> Iterator[Said]:
        known = name in self.told
        self.told.add(name)
        for organisation in organisation_versions(self._register, name):
            notes = "; ".join(filter(None, (note, organisation.note)))
            seat = f"seat {_state(organisation.seat)}, {organisation.confidence.value}"
            yield _said(what, f"{organisation.name} ({seat})", link, notes, depth)
            if not known:
                yield from self._behind(organisation, depth + 1)

    def _behind(self, organisation: Organisation, depth: int) -> Iterator[Said]:
        for owner in organisation.owners.listed if organisation.owners is not None else ():
            what = "owner" if owner.controls else "owner without control"
            held = "; ".join(filter(None, (_held(owner), owner.note, _when(owner, self._today))))
            yield from self._organisation(what, owner.organisation, owner, note=held, depth=depth)
        for tie in organisation.ties:
            yield _said(tie.kind, _state(tie.state), tie, tie.name, depth)


def _held(owner: Owner) -> str:
    share = {"majority": "more than half", "minority": "a minority", "unknown": "share not known"}
    return "; ".join(filter(None, (share.get(owner.share, owner.share), owner.control)))


def _when(owner: Owner, today: date) -> str:
    if owner.expected_by is not None:
        return f"expected by {owner.expected_by.isoformat()}, counted already"
    if in_force(owner, today):
        return f"until {owner.until.isoformat()}" if owner.until is not None else ""
    if owner.effective is not None and owner.effective > today:
        return f"counts from {owner.effective.isoformat()}"
    return "ended: does not count"


def _replaced(register: Register, provider: str, organisations: set[str]) -> Iterator[str]:
    if provider in register.overridden.providers:
        yield f"providers.{provider}"
    for name in organisations & set(register.overridden.organisations):
        yield f"organisations.{name}"


def _terms(provider: Provider) -> Iterator[Said]:
    if (where := provider.locations) is not None:
        whole = "nowhere else" if where.complete == "yes" else "perhaps elsewhere too"
        yield _said("computed in", f"{', '.join(map(_state, where.states)) or UNKNOWN}, {whole}", where, where.note)
    if (kept := provider.retention) is not None:
        yield _said("kept for", f"{kept.days} days at most", kept, kept.note)
    if (training := provider.training) is not None:
        yield _said("trained on", training.trains, training, training.note)


def _statutes(register: Register, facts: BackendFacts) -> Iterator[Said]:
    for name, statute in statutes_of(register, facts.authorities).items():
        note = "; ".join(filter(None, (statute.reach, statute.note)))
        yield _said(name, f"{statute.state}: {statute.act}", statute, note)


def _licences(register: Register, provider: Provider) -> Iterator[Said]:
    for name in provider.licences:
        licence = register.licences[name]
        remote = {"yes": "the licensor may restrict use remotely", "no": "", "unknown": "remote restriction not known"}
        terms = (remote[licence.remote_restriction], licence.excluded, licence.limit, licence.note)
        yield _said(licence.family, licence.licence, licence, "; ".join(filter(None, terms)))


def _unknown_terms(provider: Provider, facts: BackendFacts) -> Iterator[str]:
    if UNKNOWN in facts.locations:
        yield "that calls are computed in no state but those named is not confirmed"
    if facts.retention_days is None:
        yield "for how long what is sent is kept is not confirmed"
    if facts.trains is None:
        yield "that what is sent is not trained on is not confirmed"
    if not provider.dialects:
        yield "the dialect that it speaks is not in the register"
    if not provider.hosts:
        yield "no host of it is in the register"


def _said(what: str, value: str, fact: Fact, note: str, depth: int = 0) -> Said:
    return Said(
        what=what,
        value=value,
        source=fact.source,
        as_of=fact.as_of.isoformat(),
        confidence=fact.confidence.value,
        note=note,
        depth=depth,
    )


def _state(state: str) -> str:
    return UNKNOWN if state == "unknown" else state
