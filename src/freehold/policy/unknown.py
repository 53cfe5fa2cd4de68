# SPDX-License-Identifier: Apache-2.0
"""What is not known of a backend matches every forbid and no permit.

Its entity has all that could be true at once, which does it for a rule that asks whether a state is among the
authorities. A rule may ask the other way round, though: ``permit ... when { resource.locations.contains("DE") }`` would
hold for a backend of which nothing is known. So for such a backend each comparison with what is not known is replaced
by its answer at the worst: true where that makes a forbid hold, false where it would make a permit hold. Whatever the
unknown facts are in truth, the backend would then be allowed at least as much.
"""

from dataclasses import replace

from cedarpy import pst

from freehold.contract.facts import UNKNOWN, BackendFacts
from freehold.policy.trees import nodes

UNKNOWN_LICENCE = "unknown"


def unknown_of(facts: BackendFacts, licence: str) -> frozenset[str]:
    """The attributes of a backend that nobody could establish, by their names in the schema."""
    return frozenset(
        name
        for name, is_unknown in (
            ("authorities", _lacks(facts.authorities, facts)),
            ("exposure", UNKNOWN in facts.exposure),
            ("locations", _lacks(facts.locations, facts)),
            ("retention_days", facts.retention_days is None),
            ("trains", facts.trains is None),
            ("licence", licence in ("", UNKNOWN_LICENCE)),
        )
        if is_unknown
    )


def nothing_known(operator: str) -> BackendFacts:
    """An operator that no fact is about."""
    return BackendFacts(
        operator=operator, owned=False, authorities=(UNKNOWN,), exposure=(UNKNOWN,), locations=(UNKNOWN,)
    )


def at_worst(tree: pst.Template, unknown: frozenset[str]) -> pst.Template:
    """The rule as it counts for a backend of which these attributes are not known."""
    holds = tree.effect == "forbid"
    clauses = tuple(
        replace(clause, expr=_bound(clause.expr, unknown, at_most=holds == isinstance(clause, pst.When)))
        for clause in tree.clauses
    )
    return replace(tree, clauses=clauses)


def _lacks(states: tuple[str, ...], facts: BackendFacts) -> bool:
    """Somebody else's backend has an operator that some state can compel, and stands somewhere."""
    return UNKNOWN in states or (not states and not facts.owned)


def _bound(expr: pst.Expr, unknown: frozenset[str], *, at_most: bool) -> pst.Expr:
    """A condition that is true wherever the given one may be true (``at_most``), or only where it must be."""
    if not any(asked.attr in unknown for asked in nodes(expr, pst.GetAttr)):
        return expr
    match expr:
        case pst.UnaryOp(op="not", arg=arg):
            return pst.UnaryOp("not", _bound(arg, unknown, at_most=not at_most))
        case pst.BinaryOp(op="and" | "or" as op, left=left, right=right):
            return pst.BinaryOp(op, _bound(left, unknown, at_most=at_most), _bound(right, unknown, at_most=at_most))
        case pst.IfThenElse(cond=cond, then_expr=then, else_expr=otherwise):
            may = pst.BinaryOp("and", _bound(cond, unknown, at_most=at_most), _bound(then, unknown, at_most=at_most))
            must = pst.UnaryOp("not", _bound(cond, unknown, at_most=not at_most))
            return pst.BinaryOp("or", may, pst.BinaryOp("and", must, _bound(otherwise, unknown, at_most=at_most)))
        case _:
            return pst.BoolLit(at_most)
