# SPDX-License-Identifier: Apache-2.0
"""Who all gets what is sent to a provider, and in which state they are, as the facts have it. Pure.

Whoever owns a provider gets nothing by that alone, and is not listed: that a state can compel an owner is another
question, which ``policy/facts`` answers. What is not established is listed as unknown, and never left out.
"""

from collections.abc import Iterator

from freehold.assess.evidence.picture import Recipient
from freehold.contract.facts import UNKNOWN, Confidence
from freehold.policy.facts import Register
from freehold.policy.facts.derive import organisation_versions, provider_versions
from freehold.policy.facts.entries import Fact, Provider

_OPERATES = "operates it"
_COMPUTES = "computes there"


def recipients_of(register: Register, provider: str) -> tuple[Recipient, ...]:
    """None of one that the register does not have."""
    if provider not in register.providers:
        return ()
    found = (one for entry in provider_versions(register, provider) for one in _of(register, entry))
    return tuple(dict.fromkeys(found))


def _of(register: Register, entry: Provider) -> Iterator[Recipient]:
    if entry.operator is None:
        yield _unknown("whoever operates it", _OPERATES, entry)
    else:
        yield from _seats(register, entry.operator.organisation, _OPERATES, entry.operator)
    for holder in entry.key_holders:
        yield from _seats(register, holder.organisation, "holds keys", holder)
    listed = entry.sub_processors
    for processor in listed.listed if listed is not None else ():
        if processor.counts:
            does = f"processes for it: {processor.purpose}" if processor.purpose else "processes for it"
            yield from _seats(register, processor.organisation, does, processor)
    if listed is None or listed.complete != "yes" or listed.confidence is not Confidence.CONFIRMED:
        yield _unknown("further sub-processors", "may process for it", listed or entry)
    yield from _places(entry)


def _places(entry: Provider) -> Iterator[Recipient]:
    known = entry.locations
    for state in known.states if known is not None else ():
        if state != "unknown" and known is not None:
            yield _recipient(entry.name, _COMPUTES, state, known)
    if known is None or known.complete != "yes" or known.confidence is not Confidence.CONFIRMED:
        yield _unknown(entry.name, "may compute elsewhere", known or entry)


def _seats(register: Register, organisation: str, does: str, link: Fact) -> Iterator[Recipient]:
    for version in organisation_versions(register, organisation):
        yield _recipient(version.name, does, UNKNOWN if version.seat == "unknown" else version.seat, link)


def _unknown(name: str, does: str, fact: Fact) -> Recipient:
    return _recipient(name, does, UNKNOWN, fact)


def _recipient(name: str, does: str, state: str, fact: Fact) -> Recipient:
    return Recipient(
        name=name,
        does=does,
        state=state,
        source=fact.source,
        as_of=fact.as_of.isoformat(),
        confidence=fact.confidence,
    )
