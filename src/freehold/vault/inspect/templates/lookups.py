# SPDX-License-Identifier: Apache-2.0
"""Refuses look-ups by a name that the template puts together itself: ``x['__cla' ~ 'ss__']`` and all its disguises.

A name that is written out is held to the rules of ``syntax.py``; a name that comes from the application's data is what
look-ups are for. A name that is made from pieces could be any, so there is no telling what it reaches.
"""

from collections.abc import Iterator

from jinja2 import nodes

from freehold.vault.inspect.findings import Finding, Severity
from freehold.vault.inspect.templates.flow import Flow, Levels, field_of, texts_in
from freehold.vault.inspect.templates.parsing import descend

_GIVEN, _MADE = 0, 1
_HAND_ON = frozenset(
    """
    batch d default dictsort first groupby items last list max min reject rejectattr select selectattr slice sort unique
    """.split()  # noqa: SIM905 - a table
)
_NUMBERS = frozenset({"abs", "count", "float", "int", "length", "round", "wordcount", "find", "index", "rfind", "sum"})
_HAND_ON_METHODS = frozenset(  # something of what it was given, or a piece of it
    """
    get items keys lower lstrip partition pop removeprefix removesuffix rpartition rsplit rstrip split splitlines strip
    upper values
    """.split()  # noqa: SIM905 - a table
)
_BY_ATTRIBUTE = frozenset({"groupby", "join", "map", "max", "min", "rejectattr", "selectattr", "sort", "sum", "unique"})


def check_lookups(tree: nodes.Template, flow: Flow, place: str) -> Iterator[Finding]:
    """A refusal for every look-up whose name is made up."""
    levels = flow.settle(_made, _MADE)
    for node in descend(tree):
        if _by_made_item(node, levels) or (isinstance(node, nodes.Filter) and _by_hidden_attribute(node)):
            yield Finding(
                severity=Severity.REFUSED,
                rule="template.syntax",
                place=f"{place}, line {node.lineno}",
                message="looks something up by a name that the template puts together: it could be any name",
            )


def _by_made_item(node: nodes.Node, levels: Levels) -> bool:
    if not isinstance(node, nodes.Getitem) or isinstance(node.arg, nodes.Slice | nodes.Const):
        return False
    return bool(_made(node.arg, levels))


def _by_hidden_attribute(node: nodes.Filter) -> bool:
    """Filters that take the name of an attribute must have it written out."""
    if node.name not in _BY_ATTRIBUTE:
        return False
    named = [pair.value for pair in node.kwargs if pair.key == "attribute"]
    if node.name in ("selectattr", "rejectattr", "groupby"):
        named += node.args[:1]
    return any(not isinstance(name, nodes.Const) for name in named)


def _made(node: nodes.Node, levels: Levels) -> int:  # noqa: PLR0911 - one for each kind of node
    """_MADE where an expression may give a text that was put together."""
    if isinstance(node, nodes.Name):
        return levels.get(node.name, _GIVEN)
    if isinstance(node, nodes.Concat):
        return _MADE
    if isinstance(node, nodes.Add | nodes.Mod | nodes.Mul):
        sides = (node.left, node.right)
        return max(_MADE if texts_in(side) else _made(side, levels) for side in sides)
    if isinstance(node, nodes.Filter):
        return _handed_on(node.name, node.node, node.args, levels, _HAND_ON)
    if isinstance(node, nodes.Call):
        return _made_by_call(node, levels)
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        known = levels.get(field_of(node))
        cut = isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice) and bool(texts_in(node.node))
        return _MADE if cut else known if known is not None else _made(node.node, levels)
    if isinstance(node, nodes.CondExpr | nodes.And | nodes.Or | nodes.List | nodes.Tuple | nodes.Dict | nodes.Pair):
        return max((_made(child, levels) for child in node.iter_child_nodes()), default=_GIVEN)
    return _GIVEN


def _made_by_call(node: nodes.Call, levels: Levels) -> int:
    if isinstance(node.node, nodes.Name):
        return levels.get(f"{node.node.name}()", _GIVEN)
    if isinstance(node.node, nodes.Getattr):
        return _handed_on(node.node.attr, node.node.node, node.args, levels, _HAND_ON_METHODS)
    return _MADE


def _handed_on(
    name: str, receiver: nodes.Expr | None, arguments: list[nodes.Expr], levels: Levels, hand_on: frozenset[str]
) -> int:
    """A filter or a method gives a number, or something of what it was given, or else a text of its own making."""
    if name in _NUMBERS:
        return _GIVEN
    if name not in hand_on or receiver is None:
        return _MADE
    return max(_made(part, levels) for part in (receiver, *arguments))
