# SPDX-License-Identifier: Apache-2.0
"""What a rule looks at, read off its syntax tree: for what a decision depends on, and for saying why it fell."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TypeVar

from cedarpy import pst

T = TypeVar("T")

_APPLICATION = "Application"
_COMPARISONS = frozenset({"eq", "not_eq", "less", "less_eq", "greater", "greater_eq"})


def nodes(node: object, kind: type[T]) -> Iterator[T]:
    """Every node of a kind under ``node``, itself among them, from left to right."""
    if isinstance(node, kind):
        yield node
    if isinstance(node, dict):
        for value in node.values():
            yield from nodes(value, kind)
    elif isinstance(node, tuple):
        for value in node:
            yield from nodes(value, kind)
    elif is_dataclass(node):
        for one in fields(node):
            yield from nodes(getattr(node, one.name), kind)


def attributes(node: object, of: pst.VarName) -> tuple[str, ...]:
    """The names that are asked of ``principal``, ``resource`` or ``context``, each once, in order."""
    asked = (got.attr for got in nodes(node, pst.GetAttr) if got.base == pst.Var(of))
    return tuple(dict.fromkeys(asked))


def names_key(tree: pst.Template) -> bool:
    """Whether the rule can tell two applications apart whose keys list the same services."""
    if any(uid.type.basename == _APPLICATION for uid in pst.entity_uids(tree)):
        return True
    return _uses(tree, "principal") > sum(1 for got in nodes(tree, pst.GetAttr) if _asks(got, "principal", "services"))


def looks_at_application(tree: pst.Template) -> bool:
    """Whether the rule can tell one application from another at all."""
    return names_key(tree) or _uses(tree, "principal") > 0


def instants(tree: pst.Template) -> tuple[int, ...] | None:
    """The seconds at which the rule may change its mind. None: at any, because it does more than compare with some."""
    time = pst.GetAttr(base=pst.Var("context"), attr="unix_time")
    compared: list[int] = []
    for operation in nodes(tree, pst.BinaryOp):
        sides = (operation.left, operation.right)
        if operation.op in _COMPARISONS and time in sides:
            compared += [side.value for side in sides if isinstance(side, pst.LongLit)]
    harmless = sum(1 for got in nodes(tree, pst.GetAttr) if got.base == time.base and got != time)
    if _uses(tree, "context") != harmless + len(compared):
        return None
    return tuple(sorted({edge for at in compared for edge in (at, at + 1)}))


def _uses(tree: pst.Template, name: pst.VarName) -> int:
    return sum(1 for var in nodes(tree, pst.Var) if var.name == name)


def _asks(got: pst.GetAttr, of: pst.VarName, attr: str) -> bool:
    return got.base == pst.Var(of) and got.attr == attr
