# SPDX-License-Identifier: Apache-2.0
"""The text of a file of facts as mappings, lists and strings. Far less than YAML, so that a file means what it shows.

Every scalar is the text that stands there: ``NO`` is Norway, not false, and ``2026-01-01`` is no number. A name given
twice, an anchor, an alias, a tag and a second document are refused.
"""

from collections.abc import Iterator

import yaml

from freehold.errors import SettingsError

Node = str | list["Node"] | dict[str, "Node"]

HINT = "Correct the file; docs/reference/facts.md has its format."
_DEEPEST = 12
_LARGEST_CHARACTERS = 2**20
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the same events from C, where PyYAML was built with it


def read_document(text: str, name: str) -> dict[str, Node]:
    """The one mapping in the text of a file called ``name``. Raises SettingsError naming the line."""
    if len(text) > _LARGEST_CHARACTERS:
        raise SettingsError(f"{name}: is longer than {_LARGEST_CHARACTERS} characters", hint=HINT)
    try:
        root = _Reader(name, yaml.parse(text, Loader=_Loader)).root()
    except yaml.MarkedYAMLError as exc:
        line = f", line {exc.problem_mark.line + 1}" if exc.problem_mark else ""
        raise SettingsError(f"{name}{line}: this is not YAML", hint=HINT) from exc
    except yaml.YAMLError as exc:
        raise SettingsError(f"{name}: has characters that YAML does not allow", hint=HINT) from exc
    if not isinstance(root, dict):
        raise SettingsError(f"{name}: is not a mapping of tables, such as 'providers:'", hint=HINT)
    return root


class _Reader:
    """One pass over the events of the parser."""

    def __init__(self, name: str, events: Iterator[yaml.Event]) -> None:
        self._name = name
        self._events = events

    def root(self) -> Node:
        root: Node = {}
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(event, "a file is one document")
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, depth=0)
        return root

    def _node(self, event: yaml.Event, *, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self._error(event, f"nested deeper than {_DEEPEST}")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._error(event, "anchors and aliases are not allowed: write it out")
        if getattr(event, "tag", None) is not None:
            raise self._error(event, "tags ('!') are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return [self._node(item, depth=depth + 1) for item in self._until(yaml.SequenceEndEvent)]
        return self._mapping(depth)

    def _mapping(self, depth: int) -> Node:
        mapping: dict[str, Node] = {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._node(event, depth=depth + 1)
            if not isinstance(key, str):
                raise self._error(event, "a name is plain text")
            if key in mapping:
                raise self._error(event, f"{key!r} is given twice")
            mapping[key] = self._node(next(self._events), depth=depth + 1)
        return mapping

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _error(self, event: yaml.Event, what: str) -> SettingsError:
        line = f", line {event.start_mark.line + 1}" if event.start_mark else ""
        return SettingsError(f"{self._name}{line}: {what}", hint=HINT)
