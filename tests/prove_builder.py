# SPDX-License-Identifier: Apache-2.0
"""Laws, random rules and random requests to try the prover with, and one request as z3 sees it."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import z3
from hypothesis import strategies as st

from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN, BackendFacts
from freehold.contract.law import Law, RuleFile
from freehold.policy.cedar import read_rules
from freehold.policy.facts import load_register, owned_facts
from freehold.policy.judge import Application, Backend, Circumstances, backend_entity
from freehold.policy.load import Sources, check, law_of, shipped
from freehold.policy.prove.attributes import NAME
from freehold.policy.prove.encode import Encoder
from freehold.policy.prove.messages import Request
from freehold.policy.prove.solve import permitted, strings_in
from freehold.policy.prove.universe import Universe, holds
from freehold.policy.prove.values import Truth

NOW_UNIX = 1_795_000_000
GROUPS = {"EU": ("AT", "DE", "FR"), "EEA": ("AT", "DE", "FR", "NO"), "ADEQUATE": ("GB", "JP")}
STATES = ("AT", "BR", "CN", "DE", "FR", "GB", "JP", "NO", "US")
_LARGEST = 2**63 - 1


def law(*rules: str) -> Law:
    """A law of these rules, validated; each gets an id if it has none."""
    text = "\n".join(
        rule if rule.startswith("@") else f'@id("rule-{number}") {rule}' for number, rule in enumerate(rules)
    )
    files = (RuleFile(name="policies/test.cedar", text=text),)
    check(files)
    return Law(files=files, states=STATES)


def shipped_law(name: str, *own: RuleFile) -> Law:
    return law_of(Sources(set=name, files=(*shipped(name), *own), register=load_register()), now_unix=NOW_UNIX)


@dataclass(frozen=True)
class Encoded:
    """Whether a law permits, and whether a request is one, as z3 has it."""

    universe: Universe
    permits: Truth
    well_formed: Truth

    @classmethod
    def of(cls, law: Law) -> "Encoded":
        rules = read_rules(law.files)
        universe = Universe(strings_in(tuple(rule.tree for rule in rules)), law.states)
        encoder = Encoder(universe)
        coded = [(rule.effect, encoder.rule(rule.tree)) for rule in rules]
        return cls(universe, permitted(coded), z3.And(*universe.well_formed()))

    def judge(self, request: Request, states: Sequence[str]) -> tuple[bool, bool]:
        """Whether the request is well-formed, and whether it is permitted."""
        model = z3.Model()
        for unknown, value in _values(self.universe, request, states):
            model.update_value(unknown, value)
        return holds(model, self.well_formed), holds(model, z3.And(self.permits))


def _values(universe: Universe, request: Request, states: Sequence[str]) -> Iterator[tuple[z3.ExprRef, z3.ExprRef]]:
    """Every unknown that is not false: what the model leaves open is."""
    asked, true = request.circumstances, z3.BoolVal(True)
    known: dict[str, dict[str, Any]] = {
        "principal": {"key": request.application.key, "services": request.application.services},
        "resource": {NAME: request.backend.name, **_attributes(request.backend, states)},
        "context": {
            "data_class": int(asked.data_class),
            "purpose": asked.purpose,
            "service": asked.service,
            "unix_time": asked.at_unix,
        },
    }
    for (variable, name), row in universe._texts.items():
        yield from ((truth, true) for word, truth in _row(universe, row) if word == known[variable][name])
    for (variable, name), row in universe._sets.items():
        yield from ((truth, true) for word, truth in _row(universe, row) if word in known[variable][name])
    yield from ((truth, true) for (variable, name), truth in universe._bools.items() if known[variable][name])
    yield from ((truth, true) for name, truth in universe._unknown.items() if name in request.backend.unknown)
    for (variable, name), number in universe._longs.items():
        yield number, z3.IntVal(known[variable][name])


def _attributes(backend: Backend, states: Sequence[str]) -> dict[str, Any]:
    attributes = backend_entity(backend, states)["attrs"]
    assert isinstance(attributes, dict)
    return attributes


def _row(universe: Universe, row: Sequence[Truth]) -> Iterator[tuple[str, Truth]]:
    return zip(universe.words, row, strict=True)


def chance_of(seed: int | str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - chance that can be had again, for tests


def some_request(chance: random.Random, words: Iterable[str]) -> Request:
    """Any request that the estate might judge, in these words."""
    words = sorted(set(words) - {UNKNOWN})
    codes = [word for word in words if len(word) == 2]

    def some(of: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(chance.sample(of, chance.randrange(0, min(4, len(of))))))

    def states() -> tuple[str, ...]:
        return (UNKNOWN,) if chance.random() < 0.1 else some(codes if chance.random() < 0.8 else words)

    number = chance.choice([0, 1, 29, 30, 31, 365, 2**31 - 1, _LARGEST, -_LARGEST - 1])
    facts = BackendFacts(
        operator=chance.choice(words),
        owned=False,
        authorities=states(),
        exposure=states(),
        locations=states(),
        retention_days=chance.choice([None, number]),
        trains=chance.choice([None, True, False]),
    )
    service = chance.choice(words)
    lists = [("*",), (service,), some(words)] if "*" in words else [(service,), some(words)]
    return Request(
        application=Application(key=chance.choice(words), services=chance.choice(lists)),
        backend=Backend(
            name=chance.choice(words),
            facts=owned_facts() if chance.random() < 0.2 else facts,
            licence=chance.choice(["", *words]),
        ),
        circumstances=Circumstances(
            service=service,
            purpose=chance.choice(words),
            data_class=chance.choice(list(DataClass)),
            at_unix=chance.choice([0, NOW_UNIX, _LARGEST]),
        ),
    )


_WORDS = st.sampled_from(["US", "DE", "desk", "acme", "*", ""]).map(lambda word: f'"{word}"')
_BOOLS = ["resource.owned", "resource.trains", "true"]
_LONGS = ["resource.retention_days", "context.data_class", "context.unix_time", "0", "2", "30", str(_LARGEST)]
_TEXTS = ["principal.key", "resource.operator", "resource.licence", "context.purpose", "context.service"]
_SETS = ["principal.services", "resource.authorities", "resource.exposure", "resource.locations"]
_ENTITIES = [
    'principal == Freehold::Application::"desk"',
    'resource != Freehold::Backend::"acme"',
    'action == Freehold::Action::"infer"',
    "principal is Freehold::Application",
]


def rules() -> st.SearchStrategy[str]:
    """A rule within what the prover covers."""
    return st.builds(
        "{0}({1}, {2}, {3}) {4} {{ {5} }}{6};".format,
        st.sampled_from(["permit", "permit", "forbid"]),
        st.sampled_from(["principal", "principal", 'principal == Freehold::Application::"desk"']),
        st.sampled_from(["action", 'action == Freehold::Action::"infer"', 'action in [Freehold::Action::"infer"]']),
        st.sampled_from(["resource", "resource is Freehold::Backend", 'resource == Freehold::Backend::"acme"']),
        st.sampled_from(["when", "unless"]),
        _truth(3),
        _truth(1).map(lambda condition: f" when {{ {condition} }}") | st.just(""),
    )


def _truth(depth: int) -> st.SearchStrategy[str]:
    leaves = [st.sampled_from(_BOOLS + _ENTITIES)]
    number, text, texts = _number(depth), _text(depth), _texts(depth)
    leaves += [
        st.builds("({} {} {})".format, number, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), number),
        st.builds("({} {} {})".format, text, st.sampled_from(["==", "!="]), text),
        st.builds("({}).contains({})".format, texts, text),
        st.builds("({}).{}({})".format, texts, st.sampled_from(["containsAll", "containsAny"]), texts),
        st.builds("({} == {})".format, texts, texts),
        st.sampled_from(_SETS).map("{}.isEmpty()".format),
        st.builds("[{}, {}].contains({})".format, number, number, number),
    ]
    if depth == 0:
        return st.one_of(leaves)
    inner = _truth(depth - 1)
    return st.one_of(
        *leaves,
        inner.map("!({})".format),
        st.builds("({} {} {})".format, inner, st.sampled_from(["&&", "||"]), inner),
        st.builds("(if {} then {} else {})".format, inner, inner, inner),
    )


def _number(depth: int) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(_LONGS)
    if depth < 2:
        return leaves
    inner = _number(depth - 1)
    return st.one_of(
        leaves,
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*"]), inner),
        inner.map("(-({}))".format),
    )


def _text(depth: int) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(_TEXTS) | _WORDS
    return leaves if depth < 2 else leaves | st.builds("(if {} then {} else {})".format, _truth(0), leaves, leaves)


def _texts(depth: int) -> st.SearchStrategy[str]:
    leaves = st.sampled_from(_SETS) | st.lists(_WORDS | st.sampled_from(_TEXTS), min_size=1, max_size=3).map(
        lambda words: f"[{', '.join(words)}]"
    )
    return leaves if depth < 2 else leaves | st.builds("(if {} then {} else {})".format, _truth(0), leaves, leaves)
