# SPDX-License-Identifier: Apache-2.0
"""Questions that only a person can answer, as data files have them; and which answer counts. Pure.

An answer is checked when it is given and again when it is read: the file that keeps it may be edited by hand.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, Literal

import msgspec

from freehold.assess.evidence.answers import OWN, Answer, newest
from freehold.assess.evidence.picture import Evidence, Kind
from freehold.errors import EstateError

SERVICE: Final = "service:"  # before the name of a service that an answer is about
MODEL: Final = "model:"  # before that of a model of the vault
_NUMBER: Final = re.compile(r"[0-9]{1,40}(\.[0-9]{1,20})?([eE][+]?[0-9]{1,3})?")

Subject = Literal["self", "provider", "service", "model", "transfer"]


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One. ``about``: what kind of subject it is about; a transfer is ``PROVIDER/STATE``."""

    text: str
    about: Subject
    kind: Literal["text", "choice", "date", "number"]
    choices: Sequence[str] = ()

    @property
    def takes(self) -> str:
        """What may be given, for a person."""
        taken = {"text": "a line of text", "date": "a day such as 2026-01-31", "number": "a number such as 3.2e19"}
        return f"one of {', '.join(self.choices)}" if self.kind == "choice" else taken[self.kind]

    def check(self, value: str) -> None:
        """Raises EstateError for what is no answer to it."""
        if not self._holds(value):
            raise EstateError(f"{value[:80]!r} is no answer: {self.text}", hint=f"Give {self.takes}.")

    def _holds(self, value: str) -> bool:
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "number":
            return _NUMBER.fullmatch(value) is not None and 0 < float(value) < float("inf")
        if self.kind == "date":
            return re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII) is not None and _is_day(value)
        return bool(value.strip())


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question that nobody answered, and what it is about."""

    id: str
    about: str
    text: str
    takes: str


class Told:
    """The answers that count, to the questions of one file."""

    def __init__(self, questions: Mapping[str, Question], answers: Sequence[Answer]) -> None:
        """Raises EstateError for an answer that is none."""
        self._questions = questions
        self._newest = {key: one for key, one in newest(answers).items() if one.id in questions}
        for answer in self._newest.values():
            questions[answer.id].check(answer.value)

    def of(self, question: str, about: str = OWN) -> Answer | None:
        return self._newest.get((question, about))

    def value(self, question: str, about: str = OWN) -> str:
        """Empty: nobody said."""
        answer = self.of(question, about)
        return answer.value if answer else ""

    def asked(self, question: str, about: str = OWN) -> Asked:
        one = self._questions[question]
        return Asked(id=question, about=about, text=one.text, takes=one.takes)


def said(answer: Answer) -> Evidence:
    """What an answer is as evidence: somebody's word, with their grounds."""
    says = f"{answer.by} answered {answer.id} about {answer.about}: {answer.value}; grounds: {answer.source}"
    return Evidence(kind=Kind.ANSWER, where="evidence/answers.toml", says=says, as_of=answer.at)


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
