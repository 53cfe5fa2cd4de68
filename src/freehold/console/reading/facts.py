# SPDX-License-Identifier: Apache-2.0
"""What the register knows of whoever runs a backend, and where it knows that from."""

import msgspec

from freehold.contract.facts import UNKNOWN, Reason
from freehold.policy.facts import EXPOSURE, Said


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One operator. ``overridden`` are entries that the estate's own stand in for."""

    name: str
    title: str
    owned: bool
    authorities: tuple[str, ...]
    exposure: tuple[str, ...]
    locations: tuple[str, ...]
    retention_days: int | None
    trains: bool | None
    as_of: str
    own: bool
    overridden: tuple[str, ...]
    rule_version: int
    chain: tuple[Said, ...]
    terms: tuple[Said, ...]
    hosts: tuple[Said, ...]
    statutes: tuple[Said, ...]
    licences: tuple[Said, ...]
    dialects: tuple[str, ...]
    notes: tuple[str, ...]
    unknown: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source once, in the order in which the page comes to them."""
        reasons = (*self.compel, *self.open_questions, *self.tied)
        said = (*self.chain, *self.terms, *self.hosts, *self.statutes, *self.licences)
        return tuple(dict.fromkeys([*(one.source for one in reasons), *(one.source for one in said)]))

    def number_of(self, source: str) -> int:
        """The source in the list of them, from 1."""
        return self.sources.index(source) + 1

    @property
    def compel(self) -> tuple[Reason, ...]:
        """Why each state can compel it."""
        return tuple(one for one in self.reasons if one.state != UNKNOWN and one.rule not in EXPOSURE)

    @property
    def tied(self) -> tuple[Reason, ...]:
        """Weaker ties, which are shown and do not count."""
        return tuple(one for one in self.reasons if one.state != UNKNOWN and one.rule in EXPOSURE)

    @property
    def open_questions(self) -> tuple[Reason, ...]:
        """What nobody could establish: it counts as any state."""
        return tuple(one for one in self.reasons if one.state == UNKNOWN)


class FactsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """``GET facts/{operator}``."""

    facts: Facts
