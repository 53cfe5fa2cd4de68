# SPDX-License-Identifier: Apache-2.0
"""Hands on the facts about licences: unions spelt out as their states, and where the operator is."""

from collections.abc import Iterable

from freehold.contract.licence import LicenceBook, LicenceTerms, RepositoryLicence
from freehold.errors import SettingsError
from freehold.policy.facts.entries import LicenceTerms as TermsFact
from freehold.policy.facts.register import Register
from freehold.policy.facts.states import STATES

_ESTABLISHED = {"yes": True, "no": False, "unknown": None}


def licence_book(register: Register, region: str) -> LicenceBook:
    """The facts for an operator in ``region``, empty where the estate does not say. Raises SettingsError."""
    if region and region not in STATES:
        raise SettingsError(
            f"[estate] region: {region!r} is not a state of ISO 3166-1",
            hint="Write two capitals such as DE; the United Kingdom is GB.",
        )
    return LicenceBook(
        terms=tuple(_terms(register, name, fact) for name, fact in register.licence_terms.items()),
        repositories=tuple(
            RepositoryLicence(
                repository=fact.repository,
                revisions=tuple(fact.revisions),
                licence=fact.licence,
                source=fact.source,
                as_of=fact.as_of.isoformat(),
            )
            for fact in register.repositories.values()
        ),
        region=region,
    )


def _terms(register: Register, name: str, fact: TermsFact) -> LicenceTerms:
    return LicenceTerms(
        name=name,
        title=fact.title,
        known_as=_small(fact.known_as),
        marks=_small(fact.marks),
        remote_restriction=_ESTABLISHED[fact.remote_restriction],
        excluded=tuple(sorted({state for code in fact.excluded for state in _states(register, code)})),
        excluded_whom=fact.excluded_whom,
        cap=fact.cap,
        limit=fact.limit,
        source=fact.source,
        as_of=fact.as_of.isoformat(),
    )


def _states(register: Register, code: str) -> Iterable[str]:
    union = register.jurisdictions.get(code)
    return union.members if union else (code,)


def _small(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(" ".join(text.casefold().split()) for text in texts)
