# SPDX-License-Identifier: Apache-2.0
"""What only a person can say of processing and transfers, as data."""

from datetime import date
from importlib import resources
from typing import Final

import msgspec
import yaml

from freehold.assess.evidence.questions import Question

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Questions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. ``reservations``: what a reader has to know before they rely on it."""

    as_of: date
    law: str
    sources: list[str]
    reservations: list[str]
    questions: dict[str, Question]


def load_questions() -> Questions:
    """As this release has them."""
    text = (resources.files("freehold.assess.evidence.gdpr") / "questions.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.load(text, Loader=_LOADER), Questions)  # noqa: S506 - a loader of plain values
