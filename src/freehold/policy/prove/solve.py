# SPDX-License-Identifier: Apache-2.0
"""Asks z3 whether a request can be permitted that a claim rules out. Only the prover's process imports this."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import z3
from cedarpy import pst

from freehold.policy.cedar import read_rules
from freehold.policy.prove.encode import Coded, Encoder, Uncovered, truth_of
from freehold.policy.prove.messages import Answer, Found, NotCovered, Question, Request
from freehold.policy.prove.parsing import parse_condition
from freehold.policy.prove.universe import Universe, holds
from freehold.policy.prove.values import Truth, all_of, any_of, not_
from freehold.policy.trees import nodes


def answer(question: Question) -> Answer:
    """Every claim of the question, or the first construct that the encoder does not cover."""
    rules = read_rules(question.files)
    claims = [(parse_condition(asked.subject), parse_condition(asked.condition)) for asked in question.claims]
    universe = Universe(strings_in((tuple(rule.tree for rule in rules), tuple(claims))), question.states)
    encoder = Encoder(universe)
    coded: list[tuple[pst.Effect, Coded]] = []
    for rule in rules:
        try:
            coded.append((rule.effect, encoder.rule(rule.tree)))
        except Uncovered as unknown:
            place = f"{rule.file}, line {rule.line}"
            return Answer(not_covered=NotCovered(rule=rule.id, place=place, construct=unknown.construct))
    prover = _Prover(universe, permitted(coded), question)
    return Answer(
        found=tuple(
            prover.judge(encoder.condition(subject), encoder.condition(condition)) for subject, condition in claims
        )
    )


def permitted(coded: Iterable[tuple[pst.Effect, Coded]]) -> Truth:
    """Some permit holds, no forbid does, and none fails: Freehold denies where Cedar would pass over a failure."""
    rules = list(coded)
    permits = any_of(truth_of(rule) for effect, rule in rules if effect == "permit")
    forbids = any_of(truth_of(rule) for effect, rule in rules if effect == "forbid")
    return all_of((permits, not_(forbids), not_(any_of(rule.fails for _, rule in rules))))


def strings_in(trees: object) -> set[str]:
    """Every string that is spelt anywhere in syntax trees, ids of entities too."""
    spelt = {literal.value for literal in nodes(trees, pst.StringLit)}
    return spelt | {uid.id for uid in nodes(trees, pst.EntityUid)}


class _Prover:
    """One policy set, asserted once; each claim is tried on top of it."""

    def __init__(self, universe: Universe, allowed: Truth, question: Question) -> None:
        self._universe = universe
        self._now_unix = question.now_unix
        self._solver = z3.Solver()
        self._solver.set(timeout=int(question.claim_limit_s * 1000))
        self._solver.add(*universe.well_formed())
        self._solver.add(allowed)
        self._empty = z3.Solver()  # for questions that are not about the policies
        self._empty.add(*universe.well_formed())

    def judge(self, subject: Truth, condition: Truth) -> Found:
        """One claim, and where it is proved whether it says anything."""
        with _supposing(self._solver, subject, condition) as outcome:
            if outcome == z3.sat:
                return Found(request=self._plainest())
            if outcome != z3.unsat:
                return Found()
        provider = self._universe.provider()
        if _impossible(self._empty, provider, not_(condition)):
            return Found(proved=True)  # that there is no provider is what the claim says
        return Found(
            proved=True,
            no_provider=_impossible(self._solver, provider),
            no_provider_for_these=_impossible(self._solver, provider, subject),
        )

    def _plainest(self) -> Request:
        """Of the requests that the solver may choose from, one that says little beside the point."""
        model = self._solver.model()
        for wanted in self._universe.preferred(self._now_unix):
            model = self._preferring(wanted, model)
        for member in self._universe.members():
            model = self._preferring(z3.Not(member), model)
        return self._universe.read(model)

    def _preferring(self, wanted: z3.BoolRef, model: z3.ModelRef) -> z3.ModelRef:
        """The model with the wish granted and kept, or as it was. Asks the solver only if the model denies it."""
        if holds(model, wanted):
            self._solver.add(wanted)
            return model
        self._solver.push()
        self._solver.add(wanted)
        if self._solver.check() == z3.sat:
            return self._solver.model()
        self._solver.pop()
        return model


@contextmanager
def _supposing(solver: z3.Solver, *truths: Truth) -> Iterator[z3.CheckSatResult]:
    """What the solver says of all of these at once; afterwards it is as it was."""
    depth = solver.num_scopes()
    solver.push()
    try:
        solver.add(*truths)
        yield solver.check()
    finally:
        solver.pop(solver.num_scopes() - depth)


def _impossible(solver: z3.Solver, *truths: Truth) -> bool:
    with _supposing(solver, *truths) as outcome:
        return bool(outcome == z3.unsat)
