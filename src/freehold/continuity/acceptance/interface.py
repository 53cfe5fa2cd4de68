# SPDX-License-Identifier: Apache-2.0
"""What acceptance is made of: cases go in, results come out. Whoever asks the target is handed in.

A file of cases is one ``Suite``. A larger evaluation is another: it only has to say which it is and to give results.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of a tool in an answer. ``arguments`` is what the model wrote, decoded; None if that was no JSON."""

    name: str
    arguments: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a target said."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    declined: bool = False  # the backend marked it as a refusal itself


class Check(Protocol):
    """One thing that an answer must keep to."""

    def problem(self, answer: Answer) -> str:
        """What is wrong with the answer, for a person; empty if nothing is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of the conversation that a case puts to a target."""

    role: str  # "system" | "user" | "assistant"
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that the target may call. ``parameters`` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question, and what its answer must keep to."""

    id: str
    messages: tuple[Message, ...]
    checks: tuple[Check, ...]
    tools: tuple[Tool, ...] = ()
    max_tokens: int
    temperature: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How the answer to one case did. ``answer`` is what was said, for whoever has to understand a failure."""

    case: str
    problems: tuple[str, ...]  # empty: it passed
    answer: Answer = field(default_factory=Answer)

    @property
    def passed(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """How one target did."""

    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> int:
        return sum(verdict.passed for verdict in self.verdicts)

    @property
    def total(self) -> int:
        return len(self.verdicts)


class NotRun(Exception):
    """The target was not asked, or could not answer: that says nothing about how good its answers are."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NotAccepted(Exception):
    """The target was asked, and said that it cannot do what the case asks for."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


Ask = Callable[[Case], Awaitable[Answer]]  # raises NotRun, NotAccepted
Told = Callable[[Verdict, int], None]  # a verdict, and how many there are now


class Suite(Protocol):
    """A set of cases by which targets are judged."""

    @property
    def digest(self) -> str:
        """``sha256:`` and 64 hex digits: the same cases, the same digest."""
        ...

    async def run(self, ask: Ask, told: Told) -> Results:
        """Put every case to whoever ``ask`` asks. Raises NotRun."""
        ...
