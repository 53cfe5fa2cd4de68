# SPDX-License-Identifier: Apache-2.0
"""Finds where a template decides by what a message says, or by the date: how a back door in a template is built.

Honest templates ask who speaks, of what kind a part is, and whether a mark of the format such as ``</think>`` is there;
the last is noted. Anything else that is looked for in a message needs an approval: the template that leaves most
conversations alone and changes one in which a certain word stands looks like that. Cutting a text at a word asks for
the word as well.
"""

import re
from collections.abc import Iterator, Sequence

from jinja2 import nodes

from freehold.vault.inspect.findings import Finding, Severity, shown
from freehold.vault.inspect.templates.flow import Flow, texts_in
from freehold.vault.inspect.templates.parsing import descend
from freehold.vault.inspect.templates.said import ASKING, CLEAN, FIELDS_ABOUT, MESSAGE, MIXED, TEXT, dated, said

_CUTTING = frozenset(
    """
    lstrip partition removeprefix removesuffix replace rpartition rsplit rstrip split strip
    """.split()  # noqa: SIM905 - a table
)
_ASKING_TESTS = frozenset(
    "eq equalto ge greaterthan gt in le lessthan lt lower ne sameas upper".split()  # noqa: SIM905 - a table
)
_MARK = re.compile(r"<\S{0,60}|\S{0,60}>|\[[^\s\]]{0,60}\]?|\[[A-Z ]{1,40}\]|```\S{0,20}|[^\w\s]{0,8}|&\w{1,8};")
_PARTS = frozenset({"audio", "blocks", "data", "image", "image_url", "parts", "text", "type", "value", "video"})
_SMALL = 9  # a number up to this may be compared with a length


def check_conditions(tree: nodes.Template, flow: Flow, place: str) -> Iterator[Finding]:
    """What a template asks of what is said, and of the day."""
    asked = _Asked(flow)
    for node in descend(tree):
        where = f"{place}, line {node.lineno}"
        if (looked_for := asked.of(node)) is not None:
            if not looked_for or any(re.search(r"\w", text) for text in looked_for):
                yield _finding(where, node, looked_for)
        elif asked.of_the_day(node):
            yield Finding(
                severity=Severity.APPROVAL,
                rule="template.date",
                place=where,
                message="decides by the date: what the template does can change on a day that somebody chose",
            )


def _finding(where: str, node: nodes.Node, looked_for: list[str]) -> Finding:
    what = ", ".join(repr(shown(text, 60)) for text in looked_for) or "something that is worked out"
    severity, rule = Severity.APPROVAL, "template.condition"
    message = f"decides by what a message says, as a back door would: it looks for {what}"
    if looked_for and all(_MARK.fullmatch(text.strip()) for text in looked_for):
        severity, rule = Severity.NOTE, "template.mark"
        message = f"looks for a mark of its format in what is said: {what}"
    elif looked_for and isinstance(node, nodes.Compare) and _PARTS.issuperset(looked_for):
        rule = "template.part"
        message = f"asks whether what is said has a part {what}; in a plain text it would find the word"
    return Finding(severity=severity, rule=rule, place=where, message=message)


class _Asked:
    """What the expressions of one template look for."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._said = flow.settle(said, MIXED)
        self._dated = flow.settle(dated, 1)

    def of(self, node: nodes.Node) -> list[str] | None:
        """The texts that are looked for in what a message says; empty if they are worked out; None if none are."""
        if isinstance(node, nodes.Compare):
            return self._compared(node)
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            return self._called(node.node.attr, node.node.node, node.args)
        if isinstance(node, nodes.Getitem):
            return self._looked_up(node.node, node.arg)
        if isinstance(node, nodes.Test) and node.name in _ASKING_TESTS:
            return self._texts(node.args) if self._is_text(node.node, *node.args) else None
        return self._filtered(node, node.node) if isinstance(node, nodes.Filter) and node.node is not None else None

    def of_the_day(self, node: nodes.Node) -> bool:
        """Whether the clock is asked."""
        if isinstance(node, nodes.Compare):
            return any(self._is_dated(side) for side in _sides(node))
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
            asks = node.node.attr in ASKING | _CUTTING
            return asks and any(map(self._is_dated, (node.node.node, *node.args)))
        if isinstance(node, nodes.Getitem):
            return self._is_dated(node.arg)
        return isinstance(node, nodes.Test) and node.name in _ASKING_TESTS and self._is_dated(node.node)

    def _compared(self, node: nodes.Compare) -> list[str] | None:
        sides = _sides(node)
        literal = any(map(texts_in, sides))
        marked = [(side, self._is_asked(side, node, literal=literal)) for side in sides]
        asked = [side for side, is_asked in marked if is_asked]
        others = [side for side, is_asked in marked if not is_asked]
        if not asked or (others and all(_is_empty_or_size(other, asked) for other in others)):
            return None
        texts = self._texts(others or sides)
        return texts if others or texts else None

    def _is_asked(self, side: nodes.Expr, node: nodes.Compare, *, literal: bool) -> bool:
        """Whether what is said comes to the comparison. ``'tool_calls' in message`` asks for a field, and is none."""
        level = said(side, self._said)
        if level != MESSAGE or not literal:
            return level >= TEXT
        return not any(operand.op in ("in", "notin") and operand.expr is side for operand in node.ops)

    def _called(self, method: str, receiver: nodes.Expr, arguments: list[nodes.Expr]) -> list[str] | None:
        if method == "get" and arguments:
            return self._looked_up(receiver, arguments[0])
        if method in ASKING and self._is_text(receiver, *arguments):
            return self._texts([receiver, *arguments] if said(receiver, self._said) == CLEAN else arguments)
        if method in _CUTTING and arguments and self._is_text(receiver):
            return self._texts(arguments)
        return None

    def _looked_up(self, table: nodes.Expr, key: nodes.Expr) -> list[str] | None:
        by_content = said(table, self._said) == CLEAN and not isinstance(key, nodes.Slice) and self._is_text(key)
        return self._texts([table]) if by_content else None

    def _filtered(self, node: nodes.Filter, receiver: nodes.Expr) -> list[str] | None:
        if node.name in ("replace", "trim") and node.args:
            return self._texts(node.args) if self._is_text(receiver) else None
        tests = {text for argument in node.args[:2] for text in texts_in(argument)} & _ASKING_TESTS
        if node.name in ("select", "reject") and tests:
            return self._texts(node.args[1:]) if self._is_text(receiver, *node.args) else None
        if node.name in ("selectattr", "rejectattr") and tests and said(receiver, self._said) > CLEAN:
            field = (texts_in(node.args[0]) or [""])[0]
            return None if field in FIELDS_ABOUT else self._texts(node.args[2:])
        return None

    def _is_text(self, *parts: nodes.Expr) -> bool:
        return any(said(part, self._said) >= TEXT for part in parts)

    def _is_dated(self, node: nodes.Expr) -> bool:
        return bool(dated(node, self._dated))

    def _texts(self, parts: Sequence[nodes.Expr]) -> list[str]:
        return [text for part in parts for text in self._flow.texts(part)]


def _sides(node: nodes.Compare) -> list[nodes.Expr]:
    return [node.expr, *(operand.expr for operand in node.ops)]


def _is_empty_or_size(other: nodes.Expr, asked: list[nodes.Expr]) -> bool:
    """Nothing, or a small number that a length is compared with."""
    if not isinstance(other, nodes.Const):
        return False
    sizes = all(isinstance(side, nodes.Filter) and side.name in ("length", "count") for side in asked)
    return other.value in (None, True, False, "") or (sizes and other.value in range(_SMALL + 1))
