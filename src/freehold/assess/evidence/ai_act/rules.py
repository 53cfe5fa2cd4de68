# SPDX-License-Identifier: Apache-2.0
"""The duties as data: what each is, on whom and under which answers it lies, from when it applies, and the source."""

from datetime import date
from importlib import resources
from typing import Final, Literal

import msgspec
import yaml

from freehold.assess.evidence.questions import Question

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Role = Literal["provider", "deployer"]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of the file."""


class Source(_Strict, frozen=True):
    """What was read, and the day of it."""

    source: str
    as_of: date


class Later(_Strict, frozen=True):
    """An answer with which a duty applies from another day: one of ``values``, or a day before ``before``."""

    question: str
    start: date = msgspec.field(name="from")
    values: list[str] = []
    before: date | None = None

    def holds(self, value: str) -> bool:
        if self.before is None or not value:
            return value in self.values
        return date.fromisoformat(value) < self.before


class Duty(_Strict, frozen=True):
    """``shown``: what of the estate itself is evidence for it; ``asks``: the question how it is met."""

    article: str
    title: str
    who: list[Role]
    start: date = msgspec.field(name="from")
    source: str
    per: Literal["estate", "service"] = "estate"
    when: dict[str, list[str]] = {}
    later: Later | None = None
    shown: Literal["logged", "kept", "suspended", ""] = ""
    asks: str = ""
    note: str = ""


class Tuning(_Strict, frozen=True):
    """The guideline on modified models. Compute is in FLOP."""

    share: int
    gpai_flop: float
    systemic_flop: float
    flop_per_parameter_and_token: int
    no_training: list[str]
    source: str
    start: date = msgspec.field(name="from")
    note: str


class Rules(_Strict, frozen=True):
    """The whole file."""

    as_of: date
    law: str
    sources: dict[str, Source]
    questions: dict[str, Question]
    duties: list[Duty]
    tuning: Tuning
    disagreements: list[str]


def load_rules() -> Rules:
    """As this release has them."""
    text = (resources.files("freehold.assess.evidence.ai_act") / "rules.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.load(text, Loader=_LOADER), Rules)  # noqa: S506 - a loader of plain values
