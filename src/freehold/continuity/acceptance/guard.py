# SPDX-License-Identifier: Apache-2.0
"""Refuses cases that tell nothing: those that an empty answer, or one and the same answer to all, would pass.

It tries answers; it does not prove that there is none. An answer is only ever found by holding it against the cases as
a target's would be, so a file that is refused is rightly refused.
"""

import math
from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from freehold.continuity.acceptance.cases import CaseFile
from freehold.continuity.acceptance.checks import (
    CallsTool,
    Contains,
    FollowsSchema,
    HasLength,
    IsIn,
    Matches,
    Refuses,
)
from freehold.continuity.acceptance.interface import Answer, Case, ToolCall
from freehold.continuity.acceptance.judge import problems
from freehold.continuity.acceptance.language import sample
from freehold.continuity.acceptance.refusal import REFUSAL
from freehold.continuity.acceptance.sample import text_for, value_for
from freehold.errors import SettingsError

_COMMON: Final = (
    *("Yes", "No", "OK", "yes", "no", "true", "false", "null", "0", "1", "42", "{}", "[]", '""', "a", "A", ".", " "),
    "Hello! How can I help you today?",
    "I don't know.",
    REFUSAL,
)
T = TypeVar("T")

_FILLER: Final = "word"
_LONGEST_FILLED: Final = 20_000  # words, or characters
_NAMED: Final = 5


def require_telling(suite: CaseFile, *, name: str, min_share: float) -> None:
    """Raises SettingsError where one answer to everything would pass ``min_share`` of the cases."""
    enough = least_passed(len(suite.cases), min_share)
    for label, answer in _constant_answers(suite.cases):
        passed = _passed_by(answer, suite.cases, enough)
        if len(passed) >= enough:
            listed = ", ".join(passed[:_NAMED]) + (", ..." if len(passed) > _NAMED else "")
            raise SettingsError(
                f"{name}: {label} passes {len(passed)} of {len(suite.cases)} cases ({listed}), and {enough} are enough",
                hint="Add checks or cases that no one answer can keep to: max_words, not_contains, other tool calls.",
            )


def least_passed(total: int, min_share: float) -> int:
    """How many cases are a share of them. At least one."""
    return max(1, math.ceil(round(min_share * total, 9)))


def _passed_by(answer: Answer, cases: tuple[Case, ...], enough: int) -> list[str]:
    """The cases that the answer passes; those after it cannot be enough any more are not looked at."""
    passed: list[str] = []
    for number, case in enumerate(cases):
        if len(passed) + len(cases) - number < enough:
            break
        if not any(problems(case, answer)):
            passed.append(case.id)
    return passed


def _constant_answers(cases: tuple[Case, ...]) -> Iterator[tuple[str, Answer]]:
    yield "an empty answer", Answer()
    every_call = tuple(call for case in cases for call in _calls(case))
    texts = dict.fromkeys([*_COMMON, *_texts_of_all(cases)])
    for text in texts:
        label = f"the one answer {text[:60]!r}"
        yield label, Answer(text=text)
        yield f"{label} with every tool called", Answer(text=text, calls=every_call)
    for case in cases:
        calls = _calls(case)
        for text in filter(None, _texts(case)):
            yield f"the one answer {text[:60]!r}, made for {case.id},", Answer(text=text, calls=calls)
        yield f"the one tool call made for {case.id}", Answer(calls=calls)


def _texts_of_all(cases: tuple[Case, ...]) -> Iterator[str]:
    """Texts that are made for all cases together."""
    wanted = list(dict.fromkeys(text for case in cases for text in _wanted(case)))
    languages = list(dict.fromkeys(sample(check.language) for case in cases for check in _of(case, IsIn)))
    for separator in (" ", "\n", ""):
        yield separator.join(wanted)
        yield separator.join([*languages, *wanted])
    yield " ".join([REFUSAL, *languages, *wanted])
    yield from languages
    merged: dict[str, object] = {}
    for case in cases:
        for check in _of(case, FollowsSchema):
            value = value_for(check.schema)
            merged |= value if isinstance(value, dict) else {}
    yield msgspec.json.encode(merged).decode()
    longest = max(
        (check.min_words or check.min_characters or 0 for case in cases for check in _of(case, HasLength)), default=0
    )
    if longest:
        yield _filled(" ".join(wanted), longest, longest)


def _texts(case: Case) -> Iterator[str]:
    """Texts that are made for one case."""
    for schema in _of(case, FollowsSchema):
        yield msgspec.json.encode(value_for(schema.schema)).decode()
    parts = [sample(check.language) for check in _of(case, IsIn)]
    parts += [REFUSAL for check in _of(case, Refuses) if check.refuses]
    text = " ".join([*parts, *_wanted(case)])
    bounds = list(_of(case, HasLength))
    words = max((bound.min_words or 0 for bound in bounds), default=0)
    characters = max((bound.min_characters or 0 for bound in bounds), default=0)
    yield text
    yield "".join(_wanted(case))
    yield _filled(text, words, characters)


def _wanted(case: Case) -> list[str]:
    found = [check.text for check in _of(case, Contains)]
    return found + [text_for(check.pattern) for check in _of(case, Matches)]


def _calls(case: Case) -> tuple[ToolCall, ...]:
    """The calls that the case wants, with what its tools' schemas ask for besides."""
    return tuple(
        ToolCall(name=check.name, arguments=check.arguments if check.arguments is not None else {})
        for check in _of(case, CallsTool)
    )


def _filled(text: str, words: int, characters: int) -> str:
    words, characters = min(words, _LONGEST_FILLED), min(characters, _LONGEST_FILLED)
    lacking = max(words - len(text.split()), 0)
    text = " ".join([text, *[_FILLER] * lacking]).strip()
    return text + "a" * max(characters - len(text), 0)


def _of(case: Case, kind: type[T]) -> Iterator[T]:
    return (check for check in case.checks if isinstance(check, kind))
