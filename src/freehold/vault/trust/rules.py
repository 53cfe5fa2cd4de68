# SPDX-License-Identifier: Apache-2.0
"""What is asked of a model by where it came from, and whose word counts for it. Values; reads no file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.x509 import Certificate

from freehold.contract.licence import LicenceBook
from freehold.signing.elliptic import EllipticVerifier
from freehold.vault.manifest import Manifest


class Mode(StrEnum):
    """What follows where neither a trusted key nor an operator vouches for a model."""

    OFF = "off"  # it runs
    WARN = "warn"  # it runs, and that is said
    ENFORCE = "enforce"  # it does not run


_STRICTNESS = tuple(Mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One ``[trust.NAME]``. A pattern is a source or a repository, in which ``*`` stands for anything."""

    name: str = ""
    match: tuple[str, ...] = ()
    mode: Mode = Mode.ENFORCE
    keys: tuple[EllipticVerifier, ...] = ()
    roots: tuple[Certificate, ...] = ()

    def fit(self, manifest: Manifest) -> tuple[bool, int] | None:
        """How well the rule fits where the model came from: by its exact name, and by how long a pattern."""
        places = {manifest.repository, manifest.origin} - {""}
        fits = [("*" not in pattern, len(pattern)) for pattern in self.match for at in places if _matches(pattern, at)]
        return max(fits, default=None)

    def matches(self, place: str) -> bool:
        """Whether the rule is about what lies there or is called so."""
        return any(_matches(pattern, place) for pattern in self.match)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """All of them, and the two keys that need no rule. Without any, nothing may run."""

    rules: tuple[Rule, ...] = ()
    estate: EllipticVerifier | None = None  # signs manifests at import, and what operators approve
    release: EllipticVerifier | None = None  # signed the approvals that come with this release, and nothing else
    release_approvals: tuple[bytes, ...] = ()
    licences: LicenceBook = field(default_factory=LicenceBook)  # a licence that is not in it wants an approval

    def rule_for(self, manifest: Manifest) -> Rule:
        """The rule that fits best, of equals the strictest; else the default: enforce, and no key."""
        fitting = [(fit, _STRICTNESS.index(rule.mode), rule) for rule in self.rules if (fit := rule.fit(manifest))]
        return max(fitting, key=lambda found: found[:2])[2] if fitting else Rule()

    def known_keys(self) -> Iterator[tuple[str, EllipticVerifier]]:
        """Every key by what it is called, for whoever shows signatures."""
        if self.estate:
            yield "this estate", self.estate
        if self.release:
            yield "the release", self.release
        for rule in self.rules:
            for key in rule.keys:
                yield f"trust.{rule.name}", key


def _matches(pattern: str, place: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), place, re.DOTALL) is not None
