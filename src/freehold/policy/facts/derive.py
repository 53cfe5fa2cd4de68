# SPDX-License-Identifier: Apache-2.0
"""Which states can compel whoever operates a backend. The rule is written here, has a version, and is all there is.

Version 1. The steps, by the id that a reason names:

1. ``operator``. The state in which the operator has its seat is an authority.
2. ``parent``. So is the seat of whoever holds more than half of the operator or is stated to control it, and of whoever
   holds more than half of that one or controls it, to the end of the chain. A share that nobody established counts as
   more than half.
3. ``keys``. So is the seat of whoever else holds keys to what is kept, and of its parents by step 2. The operator
   holds keys in any case: it cannot compute on what it cannot read.
4. ``sub-processor``. So is the seat of every sub-processor that sees plaintext, and of its parents by step 2. One that
   is not confirmed to see none sees it.
5. ``unknown``. Each question of steps 1 to 4 needs a confirmed answer: who operates, where the seat is, who all have
   more than half or control, and which are all the sub-processors. As long as one has none, UNKNOWN is an authority
   beside whatever is reported. People and states have no parents.
6. An estate's own entry stands in for the one of the same name; but that one counts beside it unless the estate's is
   confirmed. So what is merely reported can add an authority and never take one away.
7. ``minority``, ``listing``, ``subsidiary``, ``tie``. The seat of an owner with half or less and without control, and
   the states of listings, subsidiaries and other ties of every organisation of the chain, are exposure: shown, no
   authority. A minority that is not confirmed might be more, which is an open question of step 5. While UNKNOWN is an
   authority it is exposure too: who owns what is then not known either.
8. A link counts from the day on which it takes effect, and until the day on which it ends if that end is confirmed.
   What is announced without a day counts at once.

Where a call may be computed, for how long it is kept, and whether it is trained on follow the same thought: only a
confirmed answer is an answer; a reported one can make it worse and not better.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TypeVar

from freehold.contract.facts import UNKNOWN, BackendFacts, Confidence, Reason
from freehold.errors import NotFound
from freehold.policy.facts.entries import Fact, Organisation, Owner, Provider
from freehold.policy.facts.register import Register

RULE_VERSION = 1

_DOUBT = (Confidence.CONFIRMED, Confidence.REPORTED, Confidence.UNKNOWN)  # the later, the less is known
F = TypeVar("F", bound=Fact)

EXPOSURE = frozenset({"minority", "listing", "subsidiary", "tie"})


def backend_facts(register: Register, provider: str, *, today: date) -> BackendFacts:
    """What follows from the facts for one provider of the register, on a day. Raises NotFound."""
    if provider not in register.providers:
        raise NotFound(f"there is no provider {provider!r} in the register", hint="'freehold provider list' shows all.")
    versions = provider_versions(register, provider)
    reasons = tuple(dict.fromkeys(reason for entry in versions for reason in _Chain(register, today).follow(entry)))
    authorities = {reason.state for reason in reasons if reason.rule not in EXPOSURE}
    exposure = {reason.state for reason in reasons if reason.rule in EXPOSURE} | (authorities & {UNKNOWN})
    return BackendFacts(
        operator=provider,
        owned=False,
        authorities=tuple(sorted(authorities)),
        exposure=tuple(sorted(exposure)),
        locations=tuple(sorted({state for entry in versions for state in _locations(entry)})),
        retention_days=_longest([_retention_days(entry) for entry in versions]),
        trains=_worst([_trains(entry) for entry in versions]),
        reasons=reasons,
        as_of=min([reason.as_of for reason in reasons] + [_day(fact) for entry in versions for fact in _terms(entry)]),
    )


def owned_facts() -> BackendFacts:
    """An engine of the estate: nobody else operates it or keeps anything, and it stands where the estate does."""
    return BackendFacts(operator="self", owned=True, authorities=(), retention_days=0, trains=False)


def provider_versions(register: Register, name: str) -> tuple[Provider, ...]:
    """Step 6: the entry in force, and the one that it stands in for unless it is confirmed."""
    return _versions(register.providers[name], register.overridden.providers.get(name))


def organisation_versions(register: Register, name: str) -> tuple[Organisation, ...]:
    """Step 6, for an organisation."""
    return _versions(register.organisations[name], register.overridden.organisations.get(name))


def in_force(owner: Owner, today: date) -> bool:
    """Step 8."""
    begun = owner.effective is None or owner.effective <= today
    ended = owner.until is not None and owner.until <= today and owner.confidence is Confidence.CONFIRMED
    return begun and not ended


def has_all_parents(organisation: Organisation) -> bool:
    """Step 5: whether it is confirmed that nobody but the listed owners has more than half or control."""
    owners = organisation.owners
    if organisation.kind != "company":
        return True
    return owners is not None and owners.complete == "yes" and owners.confidence is Confidence.CONFIRMED


class _Chain:
    """One walk from a provider to whoever can be compelled. Each organisation is visited once."""

    def __init__(self, register: Register, today: date) -> None:
        self._register = register
        self._today = today
        self._visited: set[str] = set()

    def follow(self, provider: Provider) -> Iterator[Reason]:
        if provider.operator is None:
            yield _unknown(f"it is not known who operates {provider.name}", provider)
        else:
            because = f"{{}} operates {provider.name} and has its seat in {{}}"
            yield from self._organisation(provider.operator.organisation, "operator", because, provider.operator)
        for holder in provider.key_holders:
            because = f"{{}} holds keys of {provider.name} and has its seat in {{}}"
            yield from self._organisation(holder.organisation, "keys", because, holder)
        yield from self._sub_processors(provider)

    def _sub_processors(self, provider: Provider) -> Iterator[Reason]:
        listing = provider.sub_processors
        for processor in listing.listed if listing is not None else ():
            if processor.counts:
                because = f"{{}} processes for {provider.name} and has its seat in {{}}"
                yield from self._organisation(processor.organisation, "sub-processor", because, processor)
        if listing is None or listing.complete != "yes" or listing.confidence is not Confidence.CONFIRMED:
            yield _unknown(f"not all sub-processors of {provider.name} are established", listing or provider)

    def _organisation(self, name: str, step: str, because: str, link: Fact) -> Iterator[Reason]:
        """An authority and its parents. ``because`` has a place for the name and one for the seat."""
        if link.confidence is not Confidence.CONFIRMED:
            named = self._register.organisations[name].name
            yield _unknown(f"that {because.partition(' and has')[0].format(named)} is not confirmed", link)
        if name in self._visited:
            return
        self._visited.add(name)
        for organisation in organisation_versions(self._register, name):
            yield from self._seat(organisation, step, because, link)
            yield from self._parents(organisation)
            yield from _ties(organisation)

    def _seat(self, organisation: Organisation, step: str, because: str, link: Fact) -> Iterator[Reason]:
        if organisation.seat != "unknown":
            apart = organisation.source != link.source
            yield Reason(
                state=organisation.seat,
                because=because.format(organisation.name, organisation.seat),
                rule=step,
                source=f"{link.source}; for the seat: {organisation.source}" if apart else link.source,
                as_of=min(_day(link), _day(organisation)),
                confidence=max(link.confidence, organisation.confidence, key=_DOUBT.index),
            )
        if organisation.seat == "unknown" or organisation.confidence is not Confidence.CONFIRMED:
            yield _unknown(f"the seat of {organisation.name} is not confirmed", organisation)

    def _parents(self, organisation: Organisation) -> Iterator[Reason]:
        for owner in organisation.owners.listed if organisation.owners is not None else ():
            if not in_force(owner, self._today):
                continue
            because = f"{{}} {_holding(owner)} {organisation.name} and has its seat in {{}}"
            if owner.controls:
                yield from self._organisation(owner.organisation, "parent", because, owner)
            else:
                yield from self._minority(owner, because)
        if not has_all_parents(organisation):
            yield _unknown(
                f"who has more than half of {organisation.name}, or control, is not confirmed",
                organisation.owners or organisation,
            )

    def _minority(self, owner: Owner, because: str) -> Iterator[Reason]:
        for holder in organisation_versions(self._register, owner.organisation):
            state = UNKNOWN if holder.seat == "unknown" else holder.seat
            yield _reason(state, because.format(holder.name, state), "minority", owner)
            if owner.confidence is not Confidence.CONFIRMED:
                yield _unknown(f"that {because.partition(' and has')[0].format(holder.name)} is not confirmed", owner)


def _ties(organisation: Organisation) -> Iterator[Reason]:
    verbs = {"listing": "is listed in", "subsidiary": "has a subsidiary in", "tie": "has ties to"}
    for tie in organisation.ties:
        state = UNKNOWN if tie.state == "unknown" else tie.state
        name = f" ({tie.name})" if tie.name else ""
        yield _reason(state, f"{organisation.name} {verbs[tie.kind]} {state}{name}", tie.kind, tie)


def _holding(owner: Owner) -> str:
    """What an owner does, up to the name of what is owned."""
    held = {"majority": "holds more than half", "minority": "holds a minority", "unknown": "holds an unknown share"}
    share = held.get(owner.share, f"holds {owner.share}")
    if not owner.control:
        return f"{share} of"
    return f"controls ({owner.control})" if owner.share == "unknown" else f"{share}, with control ({owner.control}), of"


def _versions(entry: F, replaced: F | None) -> tuple[F, ...]:
    return (entry,) if replaced is None or entry.confidence is Confidence.CONFIRMED else (entry, replaced)


def _locations(provider: Provider) -> Iterable[str]:
    known = provider.locations
    if known is None:
        return [UNKNOWN]
    settled = known.complete == "yes" and known.confidence is Confidence.CONFIRMED and "unknown" not in known.states
    return [state for state in known.states if state != "unknown"] + ([] if settled else [UNKNOWN])


def _retention_days(provider: Provider) -> int | None:
    known = provider.retention
    return known.days if known is not None and known.confidence is Confidence.CONFIRMED else None


def _trains(provider: Provider) -> bool | None:
    known = provider.training
    if known is None or known.trains == "unknown":
        return None
    if known.trains == "yes":
        return True
    return False if known.confidence is Confidence.CONFIRMED else None


def _longest(days: list[int | None]) -> int | None:
    known = [count for count in days if count is not None]
    return max(known) if len(known) == len(days) else None


def _worst(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _terms(provider: Provider) -> list[Fact]:
    terms = (provider, provider.operator, provider.locations, provider.retention, provider.training)
    return [fact for fact in terms if fact is not None]


def _day(fact: Fact) -> str:
    return fact.as_of.isoformat()


def _unknown(because: str, fact: Fact) -> Reason:
    return _reason(UNKNOWN, because, "unknown", fact)


def _reason(state: str, because: str, rule: str, fact: Fact) -> Reason:
    return Reason(
        state=state, because=because, rule=rule, source=fact.source, as_of=_day(fact), confidence=fact.confidence
    )
