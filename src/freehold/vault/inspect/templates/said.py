# SPDX-License-Identifier: Apache-2.0
"""How near an expression of a template is to what a message says, and whether it comes from the clock.

It errs to the side of suspicion: what is not known to leave the words of a message out is taken to hold them.
"""

from collections.abc import Sequence

from jinja2 import nodes

from freehold.vault.inspect.templates.flow import Levels, field_of, key_of, texts_in
from freehold.vault.inspect.templates.parsing import descend

CLEAN = 0  # nothing of a message
MESSAGE = 1  # a message, or several
TEXT = 2  # what one says, or a part of it
MIXED = 3  # a table that the template made, with something of the above in it: no field of it can be trusted

FIELDS_ABOUT = frozenset(  # fields of a message, or of a part of one, that say what it is and not what it says
    """
    audio channel content_type format function id image image_url index input_audio name prefix recipient recipients
    role tool_call_id tool_calls type video
    """.split()  # noqa: SIM905 - a table
)
ASKING = frozenset({"startswith", "endswith", "find", "rfind", "index", "count"})  # methods that are questions

_STILL_MESSAGES = frozenset({"function", "tool_calls"})
_SAME = frozenset(
    """
    batch d default dictsort first items last list reject rejectattr reverse select selectattr slice sort unique
    """.split()  # noqa: SIM905 - a table
)
_SAME_METHODS = frozenset({"items", "keys", "values", "pop"})
_MOST_PARTS = 200
_LOOP = frozenset({"previtem", "nextitem"})


def said(node: nodes.Node, levels: Levels) -> int:  # noqa: PLR0911 - one for each kind of node
    """The level of an expression, given those of the names."""
    if isinstance(node, nodes.Name):
        return max(levels.get(node.name, CLEAN), MESSAGE if node.name == "messages" else CLEAN)
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        return _looked_up(node, levels)
    if isinstance(node, nodes.Filter):
        return _through_filter(node, levels)
    if isinstance(node, nodes.Call):
        return _by_call(node, levels)
    if isinstance(node, nodes.Compare | nodes.Test | nodes.Not):
        return CLEAN
    if isinstance(node, nodes.CondExpr):
        return _highest([node.expr1, node.expr2 or node.expr1], levels)
    level = _highest(list(node.iter_child_nodes()), levels)
    if isinstance(node, nodes.Dict) and level:
        return MIXED
    return TEXT if isinstance(node, nodes.Concat) and level == MESSAGE else level


def dated(node: nodes.Node, levels: Levels) -> int:
    """1 where an expression may come from the clock, or is too long to tell."""
    for count, part in enumerate(descend(node)):
        if count > _MOST_PARTS:
            return 1
        if isinstance(part, nodes.Name) and (part.name == "strftime_now" or levels.get(part.name)):
            return 1
        if isinstance(part, nodes.Getattr | nodes.Getitem) and levels.get(field_of(part)):
            return 1
    return 0


def _highest(parts: Sequence[nodes.Node | None], levels: Levels) -> int:
    return max((said(part, levels) for part in parts if part is not None), default=CLEAN)


def _looked_up(node: nodes.Getattr | nodes.Getitem, levels: Levels) -> int:
    key = key_of(node)
    if key in _LOOP:
        return MESSAGE
    if (known := levels.get(field_of(node))) is not None:
        return known
    base = said(node.node, levels)
    return _field(key, base) if key else base


def _field(key: str, base: int) -> int:
    if base in (CLEAN, MIXED) or key in _STILL_MESSAGES:
        return base
    return CLEAN if key in FIELDS_ABOUT else TEXT


def _through_filter(node: nodes.Filter, levels: Levels) -> int:
    base = _highest([node.node, *node.args], levels)
    if node.name in ("length", "count"):
        return TEXT if base >= TEXT else CLEAN
    if node.name in _SAME or base == CLEAN:
        return base
    fields = [text for pair in node.kwargs if pair.key == "attribute" for text in texts_in(pair.value)]
    about = node.name == "map" and base != MIXED and bool(fields) and all(field in FIELDS_ABOUT for field in fields)
    return CLEAN if about else max(base, TEXT)


def _by_call(node: nodes.Call, levels: Levels) -> int:
    called = node.node
    given = _highest([*node.args, *(pair.value for pair in node.kwargs)], levels)
    if isinstance(called, nodes.Name):
        makes_table = called.name in ("namespace", "dict") and given
        return MIXED if makes_table else levels.get(f"{called.name}()", CLEAN)
    if not isinstance(called, nodes.Getattr):
        return MIXED
    base = said(called.node, levels)
    if called.attr == "get" and node.args:
        keys = texts_in(node.args[0])
        return max(_field(keys[0], base) if keys else base, given)
    if called.attr in ASKING:
        return CLEAN  # it is a question by itself, and found as one
    if called.attr in _SAME_METHODS:
        return base
    return max(base, given, TEXT) if base or given else CLEAN
