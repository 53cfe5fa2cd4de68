# SPDX-License-Identifier: Apache-2.0
"""JSON of somebody else's, read strictly: UTF-8, within a size and a depth, no name twice, no NaN, no endless number.

Whoever reads a file after us may take the first of two equal names or the last; so there must be only one.
"""

import json
from collections.abc import Iterator
from typing import NoReturn

from freehold.errors import VaultError

Node = None | bool | int | float | str | list["Node"] | dict[str, "Node"]

_DEEPEST = 32
_MOST_VALUES = 5_000_000  # the largest vocabularies have two million


def read_json(content: bytes, name: str) -> Node:
    """The document in ``content``; ``name`` stands for it in messages. Raises VaultError."""
    if content.count(b",") + content.count(b"[") + content.count(b"{") > _MOST_VALUES:
        raise VaultError(f"{name}: has more than {_MOST_VALUES} values")
    try:
        document: Node = json.loads(
            content.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant, parse_float=_finite
        )
    except UnicodeDecodeError as exc:
        raise VaultError(f"{name}: is not UTF-8") from exc
    except json.JSONDecodeError as exc:
        raise VaultError(f"{name}, line {exc.lineno}: this is not JSON") from exc
    except RecursionError as exc:
        raise VaultError(f"{name}: is nested deeper than {_DEEPEST}") from exc
    except _Refused as exc:
        raise VaultError(f"{name}: {exc}") from exc
    except ValueError as exc:  # an integer of thousands of digits
        raise VaultError(f"{name}: holds a number that no reader keeps") from exc
    if b"\\ud" in content.lower() and _has_half_a_character(document):
        raise VaultError(f"{name}: holds half a character, which is no text")
    if _is_too_deep(document):
        raise VaultError(f"{name}: is nested deeper than {_DEEPEST}")
    return document


def tables(document: Node) -> Iterator[tuple[str, dict[str, Node]]]:
    """Every table in a document with its path, such as ``a.b[0]``. Without recursion."""
    waiting: list[tuple[str, Node]] = [("", document)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict):
            yield path, node
            dot = "." if path else ""
            inner = [(f"{path}{dot}{key}", child) for key, child in node.items() if isinstance(child, dict | list)]
        else:
            children = enumerate(node if isinstance(node, list) else ())
            inner = [(f"{path}[{place}]", child) for place, child in children if isinstance(child, dict | list)]
        waiting.extend(reversed(inner))


def _has_half_a_character(document: Node) -> bool:
    """Whether a text has one of two surrogates without the other, which nothing else can encode."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_too_deep(document: Node) -> bool:
    level: list[Node] = [document]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in _containers(node)]
        if not level:
            return False
    return True


def _containers(node: Node) -> Iterator[Node]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return (child for child in children if isinstance(child, dict | list))


class _Refused(Exception):
    """Carries what the hooks of the JSON reader found, in our words."""


def _once_each(pairs: list[tuple[str, Node]]) -> dict[str, Node]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"the name {twice[:80]!r} is there twice")
    return mapping


def _no_constant(text: str) -> NoReturn:
    raise _Refused(f"holds {text}, which is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused("holds a number that no reader keeps")
    return number
