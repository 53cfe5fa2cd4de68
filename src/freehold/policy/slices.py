# SPDX-License-Identifier: Apache-2.0
"""The rules cut by what they look at, so that a question is put to Cedar about as few of them as it can turn on.

Rules that begin by asking for another service are left out. Those that look at nothing but the backend, or at it and
the data class, say the same for many calls: what they said is kept. Cedar's answer over all rules follows from its
answers over the parts, because each rule holds, does not hold or fails by itself.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cedarpy
from cedarpy import pst

from freehold.contract.call import DataClass
from freehold.policy.cedar import Rule
from freehold.policy.trees import attributes, looks_at_application, nodes
from freehold.policy.unknown import at_worst

_KEPT: Final = 1024  # parts, each for some services; they are made again at need
_KEPT_FINDINGS: Final = 65536

Ask = Callable[[cedarpy.PolicySet], cedarpy.AuthzResult]


@dataclass(frozen=True, slots=True)
class Findings:
    """What some rules said to one question, by their ids."""

    permits: frozenset[str] = frozenset()
    forbids: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()  # could not be evaluated


class Slices:
    """The rules, ready to be asked of any call to any backend."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        asked = [(rule, _context_of(rule.tree)) for rule in rules]
        self._of_backend = _Group([rule for rule, context in asked if context == set()])
        self._of_class = _Group([rule for rule, context in asked if context == {"data_class"}])
        self._of_call = _Group([rule for rule, context in asked if context not in (set(), {"data_class"})])
        self._found: dict[tuple[str, DataClass | None], Findings] = {}

    def ask(
        self, ask: Ask, *, service: str, backend: str, data_class: DataClass, unknown: frozenset[str]
    ) -> list[Findings]:
        """What every part of the rules says. ``ask`` puts the question to Cedar; ``unknown`` is of the backend."""
        return [
            self._remembered((backend, None), self._of_backend, ask, unknown),
            self._remembered((backend, data_class), self._of_class, ask, unknown),
            self._of_call.part(service, unknown).ask(ask),
        ]

    def _remembered(
        self, key: tuple[str, DataClass | None], group: "_Group", ask: Ask, unknown: frozenset[str]
    ) -> Findings:
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _KEPT_FINDINGS:
                self._found.clear()
            found = self._found[key] = group.part("", unknown).ask(ask)
        return found


class _Group:
    """Rules that look at the same, as Cedar has them for each service that they name and each kind of unknown."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._about = [(rule, _service(rule.tree)) for rule in rules]
        self._services = {service for _, service in self._about}
        self._parts: dict[tuple[str | None, frozenset[str]], _Part] = {}

    def part(self, service: str, unknown: frozenset[str]) -> "_Part":
        """Every rule that could hold, or fail to be evaluated, for a call of the service."""
        named = service if service in self._services else None
        part = self._parts.get((named, unknown))
        if part is None:
            if len(self._parts) >= _KEPT:
                self._parts.clear()
            rules = [rule for rule, about in self._about if about in (None, named)]
            part = self._parts[named, unknown] = _Part(rules, unknown)
        return part


class _Part:
    """Some rules as Cedar has them, as they count for backends of which the same is unknown."""

    def __init__(self, rules: Sequence[Rule], unknown: frozenset[str]) -> None:
        self._ids = {f"policy{number}": rule.id for number, rule in enumerate(rules)}
        self._policies = _policies(rules, unknown) if rules else None

    def ask(self, ask: Ask) -> Findings:
        if self._policies is None:
            return Findings()
        answer = ask(self._policies)
        reasons = frozenset(self._ids[name] for name in answer.diagnostics.reasons)
        errors = answer.diagnostics.errors
        return Findings(
            permits=reasons if answer.allowed else frozenset(),
            forbids=frozenset() if answer.allowed else reasons,
            failed=self._named_in(errors) if errors else frozenset(),
        )

    def _named_in(self, errors: Iterable[str]) -> frozenset[str]:
        return frozenset(rule for name, rule in self._ids.items() if any(f"`{name}`" in error for error in errors))


def _policies(rules: Sequence[Rule], unknown: frozenset[str]) -> cedarpy.PolicySet:
    """Cedar's own form. It numbers the rules of a text: policy0, policy1, ..."""
    if not unknown:  # several times quicker than from trees
        return cedarpy.PolicySet.from_str("\n".join(rule.text for rule in rules))
    names = [f"policy{number}" for number in range(len(rules))]
    trees = {name: replace(at_worst(rule.tree, unknown), id=name) for name, rule in zip(names, rules, strict=True)}
    return cedarpy.PolicySet.from_pst(pst.PolicySet(templates={}, static_policies=trees, template_links=()))


def _context_of(tree: pst.Template) -> set[str] | None:
    """What a rule asks of the call beside its backend. None: of the application too, or of the context as a whole."""
    asked = attributes(tree, "context")
    whole = sum(1 for var in nodes(tree, pst.Var) if var.name == "context")
    single = sum(1 for got in nodes(tree, pst.GetAttr) if got.base == pst.Var("context"))
    return None if looks_at_application(tree) or whole != single else set(asked)


def _service(tree: pst.Template) -> str | None:
    """``desk`` of a rule that begins with ``when { context.service == "desk"``: it cannot hold for another."""
    if not tree.clauses or not isinstance(tree.clauses[0], pst.When):
        return None
    first = tree.clauses[0].expr
    while isinstance(first, pst.BinaryOp) and first.op == "and":
        first = first.left
    match first:
        case pst.BinaryOp(
            op="eq", left=pst.GetAttr(base=pst.Var("context"), attr="service"), right=pst.StringLit(value)
        ):
            return value
        case _:
            return None
