# SPDX-License-Identifier: Apache-2.0
"""A person's file as nodes that know their line. Far less than YAML: no anchor, alias, tag or second document.

Text is what stands there. Only where JSON is written in YAML, as in a schema, is a bare word a number, true, false or
null; nothing else is: ``NO`` and ``2026-01-01`` stay text.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

from freehold.errors import SettingsError

_DEEPEST: Final = 24
_LARGEST_CHARACTERS: Final = 2**20
_MOST_DIGITS: Final = 300
_BEYOND: Final = 2**63
_NUMBER = re.compile(r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
_WORDS: Final = {"true": True, "false": False, "null": None}
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the same events from C, where PyYAML was built with it


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list or a mapping, and the line on which it begins."""

    value: "str | list[Node] | dict[str, Node]"
    line: int
    quoted: bool = False  # a scalar that is text, whatever it looks like

    def data(self) -> object:
        """The same as JSON has it."""
        if isinstance(self.value, dict):
            return {name: node.data() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        if self.quoted:
            return self.value
        if self.value in _WORDS:
            return _WORDS[self.value]
        return _number(self.value) if len(self.value) <= _MOST_DIGITS and _NUMBER.match(self.value) else self.value


def _number(text: str) -> object:
    """What is beyond a number of 64 bits stays text, which no schema takes for a number."""
    if text.lstrip("-").isdigit():
        return int(text) if abs(int(text)) < _BEYOND else text
    return float(text) if math.isfinite(float(text)) else text


def read_document(text: str, name: str, *, hint: str) -> Node:
    """The one node in the text of a file called ``name``. Raises SettingsError naming the line, with ``hint``."""
    if len(text) > _LARGEST_CHARACTERS:
        raise SettingsError(f"{name}: is longer than {_LARGEST_CHARACTERS} characters", hint=hint)
    try:
        return _Reader(name, hint, yaml.parse(text, Loader=_Loader)).root()
    except yaml.MarkedYAMLError as exc:
        line = f", line {exc.problem_mark.line + 1}" if exc.problem_mark else ""
        raise SettingsError(f"{name}{line}: this is not YAML", hint=hint) from exc
    except yaml.YAMLError as exc:
        raise SettingsError(f"{name}: has characters that YAML does not allow", hint=hint) from exc


def blamed(name: str, node: Node, what: str, *, hint: str) -> SettingsError:
    """The error for a node that is well-formed and cannot be all the same."""
    return SettingsError(f"{name}, line {node.line}: {what}", hint=hint)


class _Reader:
    """One pass over the events of the parser."""

    def __init__(self, name: str, hint: str, events: Iterator[yaml.Event]) -> None:
        self._name = name
        self._hint = hint
        self._events = events

    def root(self) -> Node:
        root = Node({}, 1)
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._blamed(_empty(event), "a file is one document")
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, depth=0)
        return root

    def _node(self, event: yaml.Event, *, depth: int) -> Node:
        here = _empty(event)
        if depth > _DEEPEST:
            raise self._blamed(here, f"nested deeper than {_DEEPEST}")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._blamed(here, "anchors and aliases are not allowed: write it out")
        if getattr(event, "tag", None) is not None:
            raise self._blamed(here, "tags ('!') are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            return Node(str(event.value), here.line, quoted=bool(event.style))
        if isinstance(event, yaml.SequenceStartEvent):
            return Node([self._node(item, depth=depth + 1) for item in self._until(yaml.SequenceEndEvent)], here.line)
        return Node(self._mapping(depth), here.line)

    def _mapping(self, depth: int) -> dict[str, Node]:
        mapping: dict[str, Node] = {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._node(event, depth=depth + 1)
            if not isinstance(key.value, str):
                raise self._blamed(key, "a name is plain text")
            if key.value in mapping:
                raise self._blamed(key, f"{key.value[:60]!r} is given twice")
            mapping[key.value] = self._node(next(self._events), depth=depth + 1)
        return mapping

    def _blamed(self, node: Node, what: str) -> SettingsError:
        return blamed(self._name, node, what, hint=self._hint)

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event


def _empty(event: yaml.Event) -> Node:
    return Node("", event.start_mark.line + 1 if event.start_mark else 1)
