# SPDX-License-Identifier: Apache-2.0
"""What an inspection has to say, as values: how grave it is, where, and in words for whoever decides."""

from dataclasses import dataclass
from enum import StrEnum

from freehold.contract.digest import sha256_of


class Severity(StrEnum):
    """What follows from a finding."""

    REFUSED = "refused"  # the model does not come in; no approval changes that
    APPROVAL = "needs approval"  # a person has to say that it may
    NOTE = "note"


_GRAVEST_FIRST = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found. ``rule`` is stable: docs/reference/inspection.md has each."""

    severity: Severity
    rule: str  # such as "template.condition"
    place: str  # the file, and where in it
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def gravest_first(findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings without repetitions, in the order in which they are to be read."""
    return tuple(
        sorted(
            dict.fromkeys(findings), key=lambda found: (_GRAVEST_FIRST.index(found.severity), found.place, found.rule)
        )
    )


def digest_of(text: str) -> str:
    """``sha256:`` over a text's UTF-8; a lone surrogate, which JSON can hold, counts as what it is."""
    return sha256_of(text.encode("utf-8", "surrogatepass"))


def shown(text: str, limit: int = 200) -> str:
    """A text of somebody else's as it may stand in a message: on one line, every invisible character spelt out."""
    cut = text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in cut)
