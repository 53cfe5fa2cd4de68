# SPDX-License-Identifier: Apache-2.0
"""What is found in one file: dependencies, what is one's own, secrets by kind and place, and what could not be read."""

from dataclasses import dataclass

from freehold.assess.exposure.knowledge import Certainty, Kind, Rule

UNKNOWN_PROVIDER = "unknown"  # an endpoint that nobody here knows
OWN = "self"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One dependency, where it stands. ``evidence`` is what the rule matched, never the line around it."""

    file: str  # relative to what was asked for, with "/"
    line: int  # from 1
    kind: Kind
    provider: str
    evidence: str
    certainty: Certainty
    source: str  # of the rule
    note: str = ""
    owned: bool = False
    model: str = ""  # the name that is asked for, where it is one
    host: str = ""  # that is named, where one is
    features: tuple[str, ...] = ()  # of the API: chains of calls, and fields that they are given

    @property
    def key(self) -> tuple[int, Kind, str, bool]:
        """A line is told once for each kind and provider."""
        return (self.line, self.kind, self.provider, self.owned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret in plain text, by kind and place."""

    file: str
    line: int
    what: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A file that was not read, or not whole."""

    file: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one file came to."""

    found: tuple[Found, ...] = ()
    secrets: tuple[Secret, ...] = ()
    troubles: tuple[Trouble, ...] = ()


def found_by(  # noqa: PLR0913 - one argument for each thing that is told
    rule: Rule, file: str, line: int, kind: Kind, evidence: str, *, owned: bool = False, model: str = "", host: str = ""
) -> Found:
    """A finding as the rule has it. The rule's kind goes before that of the place."""
    return Found(
        file=file,
        line=line,
        kind=rule.kind or kind,
        provider=OWN if owned or rule.owned else rule.provider,
        evidence=evidence,
        certainty=rule.certainty,
        source=rule.source,
        note=rule.note,
        owned=owned or rule.owned,
        model=model,
        host=host,
    )
