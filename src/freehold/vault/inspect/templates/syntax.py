# SPDX-License-Identifier: Apache-2.0
"""Holds a template against the part of Jinja that chat templates need. Whatever is not on these lists is refused.

The lists were made from 88 public templates, and from Jinja's own filters and tests where they only shape text and
lists. Refused are so: other templates (import, include, extends), Python's attributes behind names with underscores,
however they are spelt, the filter ``attr``, and work that grows without end.
"""

import re
from collections.abc import Iterator
from math import prod

from jinja2 import nodes

from freehold.vault.inspect.findings import Finding, Severity, shown
from freehold.vault.inspect.templates.parsing import descend

_RULE = "template.syntax"
_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Macro,
    nodes.FilterBlock, nodes.With, nodes.Assign, nodes.AssignBlock, nodes.Scope, nodes.Break, nodes.Continue,
    nodes.Name, nodes.NSRef, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword,
    nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat,
    nodes.Compare, nodes.Operand, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Add, nodes.Sub, nodes.Mod, nodes.And,
    nodes.Or, nodes.Not, nodes.Neg, nodes.Pos,
)  # fmt: skip
_FILTERS = frozenset(
    """
    abs batch capitalize count d default dictsort e escape first float from_json groupby indent int items join last
    length list lower map max min reject rejectattr replace reverse round safe select selectattr slice sort string sum
    title tojson trim truncate unique upper wordcount
    """.split()  # noqa: SIM905 - a table
)
_TESTS = frozenset(
    """
    boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer iterable le lessthan
    lower lt mapping ne none number odd sameas sequence string true undefined upper
    """.split()  # noqa: SIM905 - a table
)
_FUNCTIONS = frozenset({"namespace", "raise_exception", "range", "strftime_now", "dict"})
_METHODS = frozenset(
    """
    append capitalize count endswith extend find format get index insert isalnum isalpha isdigit islower isspace isupper
    items join keys lower lstrip partition pop removeprefix removesuffix replace rfind rpartition rsplit rstrip split
    splitlines startswith strip title update upper values zfill
    """.split()  # noqa: SIM905 - a table
)
_CHANGING = frozenset({"append", "extend", "insert", "pop", "update"})
_NEVER_NAMED = frozenset({"self", "lipsum", "cycler", "joiner", "varargs", "kwargs"})
_INTROSPECTION = re.compile(  # what Python's objects have without two underscores
    r"func_(code|globals|closure|defaults|dict)|im_(func|self|class)|(gi|cr|ag)_(frame|code|yieldfrom|await|origin)"
    r"|tb_(frame|next|lineno|lasti)|f_(globals|locals|builtins|code|back|trace)|co_[a-z]+|mro"
)
_MAX_NUMBER = 100_000  # the highest in any of the 88 is 16384
_MOST_PRODUCTS = 100
_FIELD = re.compile(r"\{([^{}]*)\}")
_PLAIN_FIELD = re.compile(r"\w{0,60}")  # neither a look into it nor a width


def check_syntax(tree: nodes.Template, place: str) -> Iterator[Finding]:
    """A refusal for everything that is not on the lists, and a note for what changes its own input."""
    macros = {node.name for node in descend(tree) if isinstance(node, nodes.Macro)}
    if sum(isinstance(node, nodes.Mul) for node in descend(tree)) > _MOST_PRODUCTS:
        message = f"more than {_MOST_PRODUCTS} multiplications are not what chat templates need"
        yield Finding(severity=Severity.REFUSED, rule=_RULE, place=place, message=message)
        return
    for node in descend(tree):
        where = f"{place}, line {node.lineno}"
        if problem := _problem(node, macros):
            yield Finding(severity=Severity.REFUSED, rule=_RULE, place=where, message=problem)
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr in _CHANGING:
            yield Finding(
                severity=Severity.NOTE,
                rule="template.changes",
                place=where,
                message=f"changes a list or a table in place ({node.node.attr}); a sandboxed engine stops there",
            )


def _problem(node: nodes.Node, macros: set[str]) -> str:  # noqa: PLR0911 - one for each kind of node
    """What a node, by itself, has that no chat template needs; empty if nothing."""
    if not isinstance(node, _NODES):
        return f"the statement or expression {type(node).__name__} is not one that chat templates need"
    if isinstance(node, nodes.Filter):
        return _filter_problem(node)
    if isinstance(node, nodes.Test):
        return _unknown("test", node.name, _TESTS)
    if isinstance(node, nodes.Mod) and isinstance(node.left, nodes.Const) and isinstance(node.left.value, str):
        return "a text is formatted by '%', which can make it as long as it likes"
    if isinstance(node, nodes.Mul) and _product(node) > _MAX_NUMBER:
        return f"numbers multiply to more than {_MAX_NUMBER}: a loop or a text of that size stops an engine"
    if isinstance(node, nodes.Const):
        return _constant_problem(node.value)
    if isinstance(node, nodes.Call):
        return _call_problem(node, macros)
    return _name_problem(node)


def _filter_problem(node: nodes.Filter) -> str:
    """A filter, and the one whose name it is given: ``map('attr', ...)`` is the filter ``attr``."""
    named = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
    if node.name == "map" and node.args:
        return (
            _unknown("filter", str(named[0]), _FILTERS) if named else "'map' is given a filter that is not written out"
        )
    if node.name in ("select", "reject") and node.args:
        return _unknown("test", str(named[0]), _TESTS) if named else "a test is used that is not written out"
    if node.name in ("selectattr", "rejectattr") and len(node.args) > 1:
        return _unknown("test", str(named[1]), _TESTS) if len(named) > 1 else "a test is used that is not written out"
    return _unknown("filter", node.name, _FILTERS)


def _unknown(kind: str, name: str, known: frozenset[str]) -> str:
    return "" if name in known else f"the {kind} {shown(name, 60)!r} is not one that chat templates need"


def _constant_problem(value: object) -> str:
    if isinstance(value, int | float) and abs(value) > _MAX_NUMBER:
        return f"a number is larger than {_MAX_NUMBER}: a loop or a text of that size stops an engine"
    if isinstance(value, str) and ("__" in value or _INTROSPECTION.fullmatch(value)):
        return f"the text {shown(value, 60)!r} holds a name by which Python reaches its own insides"
    return ""


def _product(node: nodes.Mul) -> float:
    """The product of all numbers that are written out in a multiplication, of whatever else."""
    constants = [part.value for part in descend(node) if isinstance(part, nodes.Const)]
    return prod(value for value in constants if isinstance(value, int | float) and abs(value) > 1)


def _call_problem(node: nodes.Call, macros: set[str]) -> str:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        return "a call passes on arguments that nobody can see"
    called = node.node
    if isinstance(called, nodes.Name):
        known = called.name in _FUNCTIONS or called.name in macros
        return "" if known else f"the function {shown(called.name)!r} is not one that chat templates need"
    if not isinstance(called, nodes.Getattr) or called.attr not in _METHODS:
        name = called.attr if isinstance(called, nodes.Getattr) else type(called).__name__
        return f"the call of {shown(name)!r} is not one that chat templates need"
    return _format_problem(called.node) if called.attr == "format" else ""


def _format_problem(receiver: nodes.Expr) -> str:
    """str.format reaches attributes from inside a text, so its text must be there to read, and its fields plain."""
    if not isinstance(receiver, nodes.Const) or not isinstance(receiver.value, str):
        return "'format' is called on what is not a text that is written out"
    plain = all(_PLAIN_FIELD.fullmatch(field) for field in _FIELD.findall(receiver.value))
    return "" if plain else f"'format' looks into what it is given: {shown(receiver.value, 60)!r}"


def _name_problem(node: nodes.Node) -> str:
    """The names that a node carries: variables, attributes, macros, keyword arguments, fields of a namespace."""
    names = [name for field in ("name", "attr", "key") if isinstance(name := getattr(node, field, None), str)]
    own = isinstance(node, nodes.Name | nodes.NSRef | nodes.Macro)  # made by the template, not looked up in anything
    for name in names:
        if "__" in name or (name.startswith("_") and not own):
            return f"the name {shown(name)!r} begins with an underscore, or is one of Python's own"
        if isinstance(node, nodes.Name) and name in _NEVER_NAMED:
            return f"the name {shown(name)!r} is one of Jinja's own that chat templates do not need"
        if isinstance(node, nodes.Getattr) and _INTROSPECTION.fullmatch(name):
            return f"the attribute {shown(name)!r} is one by which Python reaches its own insides"
    return ""
