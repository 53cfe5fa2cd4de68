# SPDX-License-Identifier: Apache-2.0
"""Cedar's syntax trees as z3 formulas. Only the prover's process imports this.

What it does not cover it refuses by name: nothing is passed over. It takes trees that Cedar's strict validator has
accepted, so types fit and attributes exist, and only arithmetic can fail. A failure is carried along with each value,
as Cedar's evaluator would meet it: ``&&``, ``||`` and ``if`` do not look at what they do not need.
https://docs.cedarpolicy.com/policies/syntax-operators.html
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

import z3
from cedarpy import pst

from freehold.policy.prove.attributes import ACTION, MAY_BE_UNKNOWN, NAME, PRINCIPAL, RESOURCE
from freehold.policy.prove.universe import Universe
from freehold.policy.prove.values import (
    Bool,
    Entity,
    Long,
    Longs,
    Number,
    Text,
    Texts,
    Truth,
    Value,
    all_of,
    any_of,
    either,
    not_,
    overlap,
    same,
    within,
)
from freehold.policy.trees import attributes
from freehold.policy.unknown import at_worst

_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**63 - 1
_TYPES: Final = {"principal": PRINCIPAL, "resource": RESOURCE, "action": ACTION[0]}
_NAMES: Final = {"principal": "key", "resource": NAME}  # what the id of an entity is
_COMPARED: Final[Mapping[str, Callable[[Number, Number], z3.BoolRef]]] = {
    "less": operator.lt,
    "less_eq": operator.le,
    "greater": operator.gt,
    "greater_eq": operator.ge,
}
_COUNTED: Final[Mapping[str, Callable[[Number, Number], Number]]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
}


class Uncovered(Exception):
    """The construct has no encoding here."""

    def __init__(self, construct: str) -> None:
        super().__init__(construct)
        self.construct = construct


@dataclass(frozen=True, slots=True)
class Coded:
    """A value, and whether evaluating it fails, in which case the value means nothing."""

    value: Value
    fails: Truth = False


class Encoder:
    """Encodes against one universe. Each expression is encoded once."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._known: dict[pst.Expr, Coded] = {}

    def rule(self, tree: pst.Template) -> Coded:
        """Whether the rule holds for the request: as it stands where all that it asks is known, else at its worst.

        Raises Uncovered.
        """
        asked = [name for name in attributes(tree, "resource") if name in MAY_BE_UNKNOWN]
        holds: list[Truth] = []
        fails: list[Truth] = []
        for known in product((True, False), repeat=len(asked)):
            unknown = frozenset(name for name, is_known in zip(asked, known, strict=True) if not is_known)
            here = all_of(self._known_or_not(name, name not in unknown) for name in asked)
            told = self._rule(at_worst(tree, unknown))
            holds.append(all_of((here, truth_of(told))))
            fails.append(all_of((here, told.fails)))
        return Coded(Bool(any_of(holds)), any_of(fails))

    def _rule(self, policy: pst.Template) -> Coded:
        held = Coded(Bool(all_of(self._scope(policy))))
        for clause in policy.clauses:
            told = self.expression(clause.expr)
            if isinstance(clause, pst.Unless):
                told = Coded(Bool(not_(truth_of(told))), told.fails)
            held = _and(held, told)
        return held

    def condition(self, expression: pst.Expr) -> Truth:
        """Whether a condition that cannot fail is true."""
        coded = self.expression(expression)
        if coded.fails is not False:
            raise Uncovered("a condition that can fail")
        return truth_of(coded)

    def expression(self, expression: pst.Expr) -> Coded:
        coded = self._known.get(expression)
        if coded is None:
            coded = self._known[expression] = self._encode(expression)
        return coded

    def _known_or_not(self, name: str, is_known: bool) -> Truth:  # noqa: FBT001
        unknown = self._universe.unknown(name)
        return not_(unknown) if is_known else unknown

    def _scope(self, policy: pst.Template) -> tuple[Truth, Truth, Truth]:
        principal = self._constraint("principal", policy.principal)
        return principal, self._action(policy.action), self._constraint("resource", policy.resource)

    def _constraint(self, variable: str, constraint: pst.PrincipalOrResourceConstraint) -> Truth:
        match constraint:
            case pst.ScopeAny():
                return True
            case pst.ScopeEq(entity=pst.EntityUid() as uid):
                return _equal(self._entity(variable), self._spelt(uid))
            case pst.ScopeIs(entity_type=wanted):
                return str(wanted) == _TYPES[variable]
            case _:
                raise Uncovered(f"the scope '{variable} {_scope_name(constraint)}'")

    def _action(self, constraint: pst.ActionConstraint) -> Truth:
        """The schema has one action and no groups of them, so ``in`` is ``==``."""
        match constraint:
            case pst.ScopeAny():
                return True
            case pst.ActionEq(entity=uid):
                return _equal(self._entity("action"), self._spelt(uid))
            case pst.ActionIn(entities=uids):
                return any_of(_equal(self._entity("action"), self._spelt(uid)) for uid in uids)

    def _encode(self, expression: pst.Expr) -> Coded:
        match expression:
            case pst.UnaryOp(op=op, arg=argument):
                return self._unary(op, self.expression(argument))
            case pst.BinaryOp(op=op, left=left, right=right):
                return self._binary(op, self.expression(left), self.expression(right))
            case pst.IfThenElse(cond=condition, then_expr=then, else_expr=otherwise):
                return _if(self.expression(condition), self.expression(then), self.expression(otherwise))
            case pst.Set(elements=elements):
                return self._set(elements)
        return Coded(self._leaf(expression))

    def _leaf(self, expression: pst.Expr) -> Value:
        value: Value
        match expression:
            case pst.BoolLit(value=truth):
                value = Bool(truth)
            case pst.LongLit(value=number):
                value = Long(z3.IntVal(number))
            case pst.StringLit(value=word):
                value = self._universe.word(word)
            case pst.EntityLit(value=uid):
                value = self._spelt(uid)
            case pst.Var(name="principal" | "action" | "resource" as variable):
                value = self._entity(variable)
            case pst.GetAttr(base=pst.Var(name=variable), attr=name):
                value = self._attribute(variable, name)
            case pst.Is(base=pst.Var(name=variable), entity_type=wanted, in_expr=None) if variable in _TYPES:
                value = Bool(str(wanted) == _TYPES[variable])
            case _:
                raise Uncovered(_expression_name(expression))
        return value

    def _attribute(self, variable: str, name: str) -> Value:
        value = self._universe.attribute(variable, name) if name != NAME else None
        if value is None:
            raise Uncovered(f"the attribute {variable}.{name}")
        return value

    def _entity(self, variable: str) -> Entity:
        if variable == "action":
            return Entity(_TYPES[variable], self._universe.word(ACTION[1]))
        name = self._universe.attribute(variable, _NAMES[variable])
        if not isinstance(name, Text):
            raise Uncovered(f"the variable '{variable}'")
        return Entity(_TYPES[variable], name)

    def _spelt(self, uid: pst.EntityUid) -> Entity:
        return Entity(str(uid.type), self._universe.word(uid.id))

    def _unary(self, op: str, argument: Coded) -> Coded:
        match op, argument.value:
            case "not", Bool(truth):
                return Coded(Bool(not_(truth)), argument.fails)
            case "neg", Long(number):
                return _counted(-number, argument.fails)
            case "is_empty", Texts(row):
                return Coded(Bool(not_(any_of(row))), argument.fails)
            case _:
                raise Uncovered(f"the operator '{op}'")

    def _binary(self, op: str, left: Coded, right: Coded) -> Coded:
        if op == "and":
            return _and(left, right)
        if op == "or":
            return _or(left, right)
        fails = any_of((left.fails, right.fails))
        match left.value, right.value:
            case Long(first), Long(second) if op in _COUNTED:
                return _counted(_COUNTED[op](first, second), fails)
            case Long(first), Long(second) if op in _COMPARED:
                return Coded(Bool(_COMPARED[op](first, second)), fails)
            case one, other if op in {"eq", "not_eq"}:
                truth = _equal(one, other)
                return Coded(Bool(truth if op == "eq" else not_(truth)), fails)
            case container, asked:
                return Coded(Bool(_held(op, container, asked)), fails)

    def _set(self, elements: tuple[pst.Expr, ...]) -> Coded:
        coded = [self.expression(element) for element in elements]
        fails = any_of(element.fails for element in coded)
        texts = [element.value.is_word for element in coded if isinstance(element.value, Text)]
        longs = [element.value.number for element in coded if isinstance(element.value, Long)]
        if elements and len(texts) == len(elements):
            return Coded(Texts(tuple(any_of(column) for column in zip(*texts, strict=True))), fails)
        if elements and len(longs) == len(elements):
            return Coded(Longs(tuple(longs)), fails)
        raise Uncovered("a set of anything but strings or numbers")


def _and(left: Coded, right: Coded) -> Coded:
    first = truth_of(left)
    fails = any_of((left.fails, all_of((first, right.fails))))
    return Coded(Bool(all_of((first, truth_of(right)))), fails)


def _or(left: Coded, right: Coded) -> Coded:
    first = truth_of(left)
    fails = any_of((left.fails, all_of((not_(first), right.fails))))
    return Coded(Bool(any_of((first, truth_of(right)))), fails)


def _if(condition: Coded, then: Coded, otherwise: Coded) -> Coded:
    chosen = truth_of(condition)
    fails = any_of((condition.fails, either(chosen, then.fails, otherwise.fails)))
    match then.value, otherwise.value:
        case Bool(one), Bool(other):
            return Coded(Bool(either(chosen, one, other)), fails)
        case Long(one), Long(other):
            return Coded(Long(z3.If(chosen, one, other)), fails)
        case Text(one), Text(other):
            return Coded(Text(tuple(either(chosen, *pair) for pair in zip(one, other, strict=True))), fails)
        case Texts(one), Texts(other):
            return Coded(Texts(tuple(either(chosen, *pair) for pair in zip(one, other, strict=True))), fails)
    raise Uncovered("an 'if' between anything but truths, numbers, strings and sets of strings")


def _counted(number: Number, fails: Truth) -> Coded:
    """Cedar's numbers have 64 bits, and a result beyond them is a failure."""
    return Coded(Long(number), any_of((fails, z3.Or(number < _SMALLEST, number > _LARGEST))))


def _equal(left: Value, right: Value) -> Truth:
    match left, right:
        case Bool(one), Bool(other):
            return same(one, other)
        case Long(one), Long(other):
            equal: Truth = one == other
            return equal
        case Text(one), Text(other):
            return overlap(one, other)
        case Texts(one), Texts(other):
            return all_of((within(one, other), within(other, one)))
        case Entity(type=one, id=first), Entity(type=other, id=second):
            return one == other and overlap(first.is_word, second.is_word)
    raise Uncovered("'==' between these types")


def _held(op: str, container: Value, asked: Value) -> Truth:
    match op, container, asked:
        case "contains", Texts(outer), Text(word):
            return overlap(outer, word)
        case "contains", Longs(elements), Long(number):
            return any_of(element == number for element in elements)
        case "contains_all", Texts(outer), Texts(inner):
            return within(inner, outer)
        case "contains_any", Texts(outer), Texts(inner):
            return overlap(outer, inner)
    raise Uncovered(f"the operator '{op}' between these types")


def truth_of(coded: Coded) -> Truth:
    """What a condition comes to. Raises Uncovered for what is none."""
    if not isinstance(coded.value, Bool):
        raise Uncovered("a condition that is not a truth")
    return coded.value.truth


def _scope_name(constraint: pst.PrincipalOrResourceConstraint) -> str:
    names = {pst.ScopeIn: "in", pst.ScopeIsIn: "is ... in", pst.ScopeEq: "== a slot of a template"}
    return names.get(type(constraint), type(constraint).__name__)


def _expression_name(expression: pst.Expr) -> str:
    names = {
        pst.HasAttr: "'has'",
        pst.Like: "'like'",
        pst.Is: "'is ... in'",
        pst.Record: "a record",
        pst.GetAttr: "an attribute of anything but principal, resource and context",
        pst.Var: "the context as a whole",
    }
    return names.get(type(expression), type(expression).__name__)
