# SPDX-License-Identifier: Apache-2.0
"""Cedar's values as z3 sees them. Only the prover's process imports this.

A string is one of finitely many words, so a string and a set of strings are both a row of truths, one for each word:
"it is this one" and "it holds this one". Truths that are known stay Python's own and never reach the solver.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import z3

Truth: TypeAlias = bool | z3.BoolRef
Number: TypeAlias = z3.ArithRef
Row: TypeAlias = tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Bool:
    truth: Truth


@dataclass(frozen=True, slots=True)
class Long:
    number: Number


@dataclass(frozen=True, slots=True)
class Text:
    is_word: Row


@dataclass(frozen=True, slots=True)
class Texts:
    has_word: Row


@dataclass(frozen=True, slots=True)
class Longs:
    """A set of numbers that the policy spells out."""

    elements: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Entity:
    type: str
    id: Text


Value = Bool | Long | Text | Texts | Longs | Entity


def all_of(truths: Iterable[Truth]) -> Truth:
    open_ = [truth for truth in truths if truth is not True]
    if any(truth is False for truth in open_):
        return False
    return _joined(z3.And, open_, empty=True)


def any_of(truths: Iterable[Truth]) -> Truth:
    open_ = [truth for truth in truths if truth is not False]
    if any(truth is True for truth in open_):
        return True
    return _joined(z3.Or, open_, empty=False)


def not_(truth: Truth) -> Truth:
    return not truth if isinstance(truth, bool) else z3.Not(truth)


def same(left: Truth, right: Truth) -> Truth:
    return any_of((all_of((left, right)), all_of((not_(left), not_(right)))))


def either(condition: Truth, then: Truth, otherwise: Truth) -> Truth:
    return any_of((all_of((condition, then)), all_of((not_(condition), otherwise))))


def overlap(left: Row, right: Row) -> Truth:
    """A word that both have: equality of strings, membership of a string, ``containsAny``."""
    return any_of(all_of(pair) for pair in zip(left, right, strict=True))


def within(inner: Row, outer: Row) -> Truth:
    return all_of(any_of((not_(one), other)) for one, other in zip(inner, outer, strict=True))


def _joined(join: Callable[[list[Truth]], z3.BoolRef], truths: list[Truth], *, empty: bool) -> Truth:
    if not truths:
        return empty
    return truths[0] if len(truths) == 1 else join(truths)
