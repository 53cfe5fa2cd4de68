# SPDX-License-Identifier: Apache-2.0
"""Where the values of a template's names come from. Scopes and order are ignored: a name may hold all it is ever given.

So whatever is asked about a name is answered for the worst that it can hold, and a template gains nothing by handing
a value from name to name.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from jinja2 import nodes

from freehold.errors import VaultError
from freehold.vault.inspect.templates.parsing import descend

Levels = Mapping[str, int]
Judge = Callable[[nodes.Node, Levels], int]

_MOST_PASSES = 25
_MOST_PARTS = 20_000  # of all that names are bound to; of 88 public templates, the highest is 762
_MOST_TEXTS = 20  # of one name: enough to show what it may be


class Flow:
    """What each name of one template is bound to. A field of a namespace is ``ns.field``, a macro's text ``name()``."""

    def __init__(self, tree: nodes.Template) -> None:
        """Names that a macro has for itself are renamed in the tree, so that two macros do not share them."""
        self._bound: dict[str, list[nodes.Node]] = {}
        self._texts: dict[str, tuple[str, ...]] = {}
        macros = {node.name: node for node in descend(tree) if isinstance(node, nodes.Macro)}
        for macro in macros.values():
            _rename_own(macro)
        for node in descend(tree):
            for name, value in _bindings(node, macros):
                self._bound.setdefault(name, []).append(value)
        values = (value for bound in self._bound.values() for value in bound)
        if any(count > _MOST_PARTS for count, _ in enumerate(part for value in values for part in descend(value))):
            raise VaultError("the values of the template are more intertwined than any that is meant to be read")

    def settle(self, judge: Judge, worst: int) -> Levels:
        """The level of every name: the highest of what it may hold, until nothing rises any more.

        Names that hand on each other's values in a long chain are taken for the worst, so that the time is bounded.
        """
        levels: dict[str, int] = dict.fromkeys(self._bound, 0)
        for _ in range(_MOST_PASSES):
            before = dict(levels)
            for name, values in self._bound.items():
                levels[name] = max(levels[name], *(judge(value, levels) for value in values))
            if levels == before:
                return levels
        return dict.fromkeys(self._bound, worst)

    def texts(self, node: nodes.Expr) -> list[str]:
        """The texts that are written out in an expression, and in what its names are bound to."""
        names = [part.name for part in descend(node) if isinstance(part, nodes.Name)]
        return list(dict.fromkeys([*texts_in(node), *(text for name in names for text in self._texts_of(name))]))

    def _texts_of(self, name: str) -> tuple[str, ...]:
        if name not in self._texts:
            texts = (text for value in self._bound.get(name, ()) for text in texts_in(value))
            self._texts[name] = tuple(islice(dict.fromkeys(texts), _MOST_TEXTS))
        return self._texts[name]


def field_of(node: nodes.Getattr | nodes.Getitem) -> str:
    """``ns.field`` for a look-up of a field by its name on a plain name; empty for any other expression."""
    key = key_of(node)
    return f"{node.node.name}.{key}" if key and isinstance(node.node, nodes.Name) else ""


def key_of(node: nodes.Node) -> str:
    """The name that ``x.key`` or ``x['key']`` looks up; empty where none is written out."""
    if isinstance(node, nodes.Getattr):
        return str(node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return node.arg.value
    return ""


def texts_in(node: nodes.Node) -> list[str]:
    """The texts that are written out in an expression; names of fields, as in ``x['content']``, are none."""
    fields = {id(part.arg) for part in descend(node) if isinstance(part, nodes.Getitem)}
    constants = [part for part in descend(node) if isinstance(part, nodes.Const) and id(part) not in fields]
    return [part.value for part in constants if isinstance(part.value, str)]


def _rename_own(macro: nodes.Macro) -> None:
    targets = [node for node in descend(macro) if isinstance(node, nodes.Name) and node.ctx in ("store", "param")]
    own = {node.name for node in targets} - {"messages"}
    for node in descend(macro):
        if isinstance(node, nodes.Name | nodes.NSRef) and node.name in own:
            node.name = f"{macro.name}/{node.name}"


def _bindings(node: nodes.Node, macros: Mapping[str, nodes.Macro]) -> Iterator[tuple[str, nodes.Node]]:
    if isinstance(node, nodes.Assign):
        yield from _targets(node.target, node.node)
        if isinstance(node.target, nodes.Name) and isinstance(node.node, nodes.Call):  # namespace(field=value)
            yield from ((f"{node.target.name}.{pair.key}", pair.value) for pair in node.node.kwargs)
    elif isinstance(node, nodes.For):
        yield from _targets(node.target, node.iter)
    elif isinstance(node, nodes.AssignBlock):
        yield from _targets(node.target, _said_in(node.body))
    elif isinstance(node, nodes.With):
        for target, given in zip(node.targets, node.values, strict=False):
            yield from _targets(target, given)
    elif isinstance(node, nodes.Macro):
        yield f"{node.name}()", _said_in(node.body)
        by_default = node.args[len(node.args) - len(node.defaults) :]
        yield from ((name.name, value) for name, value in zip(by_default, node.defaults, strict=False))
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in macros:
        called = macros[node.node.name]
        yield from zip((name.name for name in called.args), node.args, strict=False)
        yield from ((f"{called.name}/{pair.key}", pair.value) for pair in node.kwargs)


def _targets(target: nodes.Node, value: nodes.Node) -> Iterator[tuple[str, nodes.Node]]:
    if isinstance(target, nodes.NSRef):
        yield f"{target.name}.{target.attr}", value
        if isinstance(value, nodes.Expr):
            yield target.name, nodes.Dict([nodes.Pair(nodes.Const(0), value)])  # where it is handed on whole
    elif isinstance(target, nodes.Name):
        yield target.name, value
    elif isinstance(target, nodes.Tuple):
        for item in target.items:
            yield from _targets(item, value)


def _said_in(body: list[nodes.Node]) -> nodes.Expr:
    """What a block puts out, as one expression."""
    parts = [
        part for node in body for output in descend(node) if isinstance(output, nodes.Output) for part in output.nodes
    ]
    return nodes.Concat([nodes.Const("") if isinstance(part, nodes.TemplateData) else part for part in parts])
