# SPDX-License-Identifier: Apache-2.0
"""Scenarios: a YAML timeline of what befalls which targets, strictly read. Pure; injects nothing.

A scenario names targets of the estate, or says ``first`` (the service's first target at a provider), ``foreign`` (all
of them) or ``owned`` (its engines), so that it fits any estate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Final, TypeVar

from freehold.continuity.document import Node, blamed, read_document
from freehold.contract.backend import BackendKind, Target
from freehold.contract.drill import BEFORE_HEADERS, FaultKind, Sabotage
from freehold.errors import NotFound, SettingsError

HINT: Final = "Correct the file; docs/tasks/rehearse.md has its format."
CRASH: Final = "crash"

_FOLDER: Final = resources.files("freehold.continuity.drill") / "scenarios"
_LONGEST_S: Final = 3600.0
_MOST_STEPS: Final = 200
_TRUTH: Final[Mapping[str, bool]] = {"true": True, "false": False}
T = TypeVar("T")


class Verb(StrEnum):
    """What a step does."""

    FAULT = "fault"
    RESTORE = "restore"
    DIRECTIVE = "directive"
    LIFT = "lift"


class Group(StrEnum):
    """Names for targets whatever an estate calls them."""

    FIRST = "first"
    FOREIGN = "foreign"
    OWNED = "owned"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Befalling:
    """What happens to targets, and when. A fault has a sabotage, unless it is the crash of an engine."""

    at_s: float
    verb: Verb
    targets: tuple[str, ...]
    sabotage: Sabotage | None = None
    cuts: bool = False  # of a directive: whether answers under way are cut over

    @property
    def crashes(self) -> bool:
        return self.verb is Verb.FAULT and self.sabotage is None

    @property
    def said(self) -> str:
        """In a few words, for a person."""
        return _told(self.verb, self.targets, self.sabotage, cuts=self.cuts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(_Befalling):
    """One line of the timeline. Its targets are names, or groups."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The whole file. Steps are in the order of their times."""

    name: str
    about: str
    duration_s: float
    steps: tuple[Step, ...]

    @property
    def needs_provider(self) -> bool:
        """Whether it says something of a first target at a provider."""
        return any(Group.FIRST in step.targets for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(_Befalling):
    """A step with the targets that it befalls on this estate, which may be none."""


def shipped() -> tuple[str, ...]:
    """The names of the scenarios that come with this release."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in _FOLDER.iterdir() if file.name.endswith(".yaml")))


def shipped_text(name: str) -> str:
    """The text of one of them. Raises NotFound."""
    if name not in shipped():
        known = ", ".join(shipped())
        raise NotFound(f"there is no scenario {name!r}; there are: {known}", hint="Name one of them, or a file.")
    return (_FOLDER / f"{name}.yaml").read_text("utf-8")


def read_scenario(text: str, name: str) -> Scenario:
    """The scenario in the text of a file called ``name``. Raises SettingsError naming the line."""
    return _Reading(name).scenario(read_document(text, name, hint=HINT))


def resolve(scenario: Scenario, targets: tuple[Target, ...], name: str) -> tuple[Move, ...]:
    """The scenario on a service's targets, in the service's order. Raises SettingsError naming the line.

    A group that has nobody in it stays empty, but for ``first``.
    """
    return tuple(
        Move(
            at_s=step.at_s,
            verb=step.verb,
            targets=_cast(step, targets, name),
            sabotage=step.sabotage,
            cuts=step.cuts,
        )
        for step in scenario.steps
    )


def _cast(step: Step, targets: tuple[Target, ...], name: str) -> tuple[str, ...]:
    kinds = {target.name: target.kind for target in targets}
    foreign = [target for target, kind in kinds.items() if kind is BackendKind.PROVIDER]
    owned = [target for target, kind in kinds.items() if kind is BackendKind.ENGINE]
    groups = {Group.FIRST: foreign[:1], Group.FOREIGN: foreign, Group.OWNED: owned}
    found: list[str] = []
    for named in step.targets:
        there = groups[Group(named)] if named in groups else [named] if named in kinds else None
        if there is None or (named == Group.FIRST and not there):
            what = "there is no target at a provider" if there is not None else f"there is no target {named!r}"
            known = ", ".join([*kinds, *Group])
            raise SettingsError(
                f"{name}, line {step.line}: {what} in the service; what can be named is: {known}", hint=HINT
            )
        found += there
    wrong = [target for target in found if step.verb is Verb.FAULT and step.crashes != (target in owned)]
    if wrong:
        rule = "only an engine of the estate can crash" if step.crashes else "an engine has no connection to spoil"
        raise SettingsError(f"{name}, line {step.line}: {rule}, and {wrong[0]} is not fit for it", hint=HINT)
    return tuple(dict.fromkeys(found))


class _Reading:
    """One file, for errors that name a line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def scenario(self, root: Node) -> Scenario:
        table = _Table(self, root)
        name, about = table.take("name", _text), table.take("about", _text, "")
        duration_s = table.take("duration_s", _between(1.0, _LONGEST_S))
        steps = table.node("steps")
        table.close()
        if not isinstance(steps.value, list) or not 0 < len(steps.value) <= _MOST_STEPS:
            raise self.error(steps, f"'steps' is a list of 1 to {_MOST_STEPS}")
        read = [self._step(node, duration_s) for node in steps.value]
        return Scenario(
            name=name, about=about, duration_s=duration_s, steps=tuple(sorted(read, key=lambda step: step.at_s))
        )

    def error(self, node: Node, what: str) -> SettingsError:
        return blamed(self._name, node, what, hint=HINT)

    def _step(self, node: Node, duration_s: float) -> Step:
        table = _Table(self, node)
        verbs = [verb for verb in Verb if table.has(verb)]
        if len(verbs) != 1:
            raise self.error(node, f"a step has exactly one of: {', '.join(Verb)}")
        (verb,) = verbs
        sabotage, cuts = None, False
        if verb is Verb.FAULT:
            sabotage = self._sabotage(table)
        elif verb is Verb.DIRECTIVE:
            cuts = table.take(verb.value, _one_of({"cut": True, "finish": False}))
        else:
            table.take(verb.value, _one_of({"true": True}))
        at_s = table.take("at_s", _between(0.0, duration_s))
        targets = table.names("targets")
        table.close()
        return Step(at_s=at_s, verb=verb, targets=targets, line=node.line, sabotage=sabotage, cuts=cuts)

    def _sabotage(self, table: "_Table") -> Sabotage | None:
        kinds = {kind.value: kind for kind in FaultKind}
        kind = table.take(Verb.FAULT, _one_of({**kinds, CRASH: None}))
        if kind is None:
            return None
        given = Sabotage(kind=kind)
        return Sabotage(
            kind=kind,
            after_events=table.take("after_events", _whole(0, 10_000), BEFORE_HEADERS),
            running=table.take("running", _one_of(_TRUTH), given.running),
            share=table.take("share", _between(0.01, 1.0), given.share),
            status=table.take("status", _whole(300, 599), given.status),
            retry_after_s=table.take("retry_after_s", _between(0.0, _LONGEST_S), given.retry_after_s),
            pause_s=table.take("pause_s", _between(0.01, 600.0), given.pause_s),
            model=table.take("model", _text, given.model),
        )


class _Table:
    """One mapping, of which every key must be taken."""

    def __init__(self, reading: _Reading, node: Node) -> None:
        if not isinstance(node.value, dict):
            raise reading.error(node, "expected names with values, such as 'name: outage'")
        self._reading = reading
        self._node = node
        self._left = dict(node.value)

    def has(self, key: str) -> bool:
        return key in self._left

    def node(self, key: str) -> Node:
        if key not in self._left:
            raise self._reading.error(self._node, f"lacks {key!r}")
        return self._left.pop(key)

    def take(self, key: str, convert: Callable[[str], T], default: T | None = None) -> T:
        """The value of a key. Without a default it must be there."""
        if default is not None and key not in self._left:
            return default
        node = self.node(key)
        if isinstance(node.value, str):
            try:
                return convert(node.value)
            except ValueError as exc:
                raise self._reading.error(node, f"'{key}' is {exc}, and not {node.value[:60]!r}") from exc
        raise self._reading.error(node, f"'{key}' is one value")

    def names(self, key: str) -> tuple[str, ...]:
        """One name, or a list of them."""
        node = self.node(key)
        listed = node.value if isinstance(node.value, list) else [node]
        names = [item.value for item in listed if isinstance(item.value, str) and item.value]
        if not listed or len(names) != len(listed):
            raise self._reading.error(node, f"{key!r} is a name, or a list of names")
        return tuple(names)

    def close(self) -> None:
        """Raises SettingsError for a key that means nothing."""
        for key, node in self._left.items():
            raise self._reading.error(node, f"unknown key {key!r}")


def _told(verb: Verb, targets: tuple[str, ...], sabotage: Sabotage | None, *, cuts: bool) -> str:
    whom = ", ".join(targets) or "nobody"
    match verb:
        case Verb.FAULT:
            return f"{_said_of(sabotage)}: {whom}"
        case Verb.DIRECTIVE:
            return f"directive, answers under way {'are cut over' if cuts else 'may finish'}: {whom}"
        case Verb.RESTORE:
            return f"fault over: {whom}"
        case Verb.LIFT:
            return f"directive lifted: {whom}"


def _said_of(sabotage: Sabotage | None) -> str:
    if sabotage is None:
        return "the engine's process is killed"
    more = f" {sabotage.status}" if sabotage.kind is FaultKind.STATUS else ""
    share = f", {sabotage.share:.0%} of the calls" if sabotage.share < 1 else ""
    return f"fault {sabotage.kind}{more}{share}"


def _text(written: str) -> str:
    if not 0 < len(written) <= 2000:
        raise ValueError("a text of 1 to 2000 characters")
    return written


def _between(least: float, most: float) -> Callable[[str], float]:
    def convert(written: str) -> float:
        try:
            number = float(written)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return number

    return convert


def _whole(least: int, most: int) -> Callable[[str], int]:
    def convert(written: str) -> int:
        if not (written.isascii() and written.isdecimal() and least <= int(written[:9]) <= most and len(written) < 9):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(written)

    return convert


def _one_of(words: Mapping[str, T]) -> Callable[[str], T]:
    def convert(written: str) -> T:
        if written not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return words[written]

    return convert
