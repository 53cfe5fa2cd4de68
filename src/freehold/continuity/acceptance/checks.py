# SPDX-License-Identifier: Apache-2.0
"""What an answer can be held against. Pure; each check says in words what is wrong, or nothing."""

import unicodedata
from dataclasses import dataclass

from freehold.continuity.acceptance.interface import Answer, ToolCall
from freehold.continuity.acceptance.language import language_of
from freehold.continuity.acceptance.refusal import refuses
from freehold.continuity.acceptance.schema import Expression, Schema, Unusable, decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains:
    """The text is in the answer, letter for letter."""

    text: str

    def problem(self, answer: Answer) -> str:
        return "" if _composed(self.text) in _composed(answer.text) else f"does not contain {self.text[:80]!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotContains:
    """The text is not in the answer."""

    text: str

    def problem(self, answer: Answer) -> str:
        return f"contains {self.text[:80]!r}" if _composed(self.text) in _composed(answer.text) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The expression is found in the answer."""

    pattern: str
    expression: Expression

    def problem(self, answer: Answer) -> str:
        return "" if self.expression.found_in(answer.text) else f"does not match {self.pattern[:80]!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowsSchema:
    """The whole answer is JSON that keeps to a schema."""

    schema: dict[str, object]
    validator: Schema

    def problem(self, answer: Answer) -> str:
        try:
            value = decoded(answer.text)
        except Unusable as unusable:
            return unusable.what
        wrong = self.validator.problem(value)
        return f"the JSON is not what its schema says: {wrong}" if wrong else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsTool:
    """The answer calls the tool, with these arguments: exactly, or with others besides. None: whatever they are."""

    name: str
    arguments: dict[str, object] | None = None
    exact: bool = False

    def problem(self, answer: Answer) -> str:
        if any(self.is_meant_by(call) for call in answer.calls):
            return ""
        called = any(call.name == self.name for call in answer.calls)
        return f"calls {self.name!r} with other arguments" if called else f"does not call {self.name!r}"

    def is_meant_by(self, call: ToolCall) -> bool:
        """Whether this is the call. Its arguments are a JSON object in any case."""
        if call.name != self.name or not isinstance(call.arguments, dict):
            return False
        return self.arguments is None or _keeps_to(call.arguments, self.arguments, exact=self.exact)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsNoTool:
    """The answer calls nothing."""

    def problem(self, answer: Answer) -> str:
        return f"calls {answer.calls[0].name[:80]!r}" if answer.calls else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuses:
    """The answer refuses, or does not."""

    refuses: bool

    def problem(self, answer: Answer) -> str:
        if refuses(answer) is self.refuses:
            return ""
        return "does not refuse" if self.refuses else "refuses"


@dataclass(frozen=True, slots=True, kw_only=True)
class HasLength:
    """How long the answer is, in characters, or in words as white space parts them. None: no bound."""

    min_characters: int | None = None
    max_characters: int | None = None
    min_words: int | None = None
    max_words: int | None = None

    def problem(self, answer: Answer) -> str:
        text = answer.text.strip()
        for unit, length, least, most in (
            ("characters", len(text), self.min_characters, self.max_characters),
            ("words", len(text.split()), self.min_words, self.max_words),
        ):
            if least is not None and length < least:
                return f"has {length} {unit}, fewer than {least}"
            if most is not None and length > most:
                return f"has {length} {unit}, more than {most}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IsIn:
    """The answer is in a language, by its ISO 639-1 code."""

    language: str

    def problem(self, answer: Answer) -> str:
        found = language_of(answer.text)
        if found == self.language:
            return ""
        return f"is in {found!r}, not in {self.language!r}" if found else f"is not clearly in {self.language!r}"


def same(one: object, other: object) -> bool:
    """Whether two values are the same in JSON, where true is not 1 and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(mine, theirs) for mine, theirs in zip(one, other, strict=True))
    return one == other


def _keeps_to(found: object, wanted: object, *, exact: bool) -> bool:
    if exact or not (isinstance(found, dict) and isinstance(wanted, dict)):
        return same(found, wanted)
    return all(name in found and _keeps_to(found[name], wanted[name], exact=False) for name in wanted)


def _composed(text: str) -> str:
    """One spelling for letters that have several in Unicode."""
    return unicodedata.normalize("NFC", text)
