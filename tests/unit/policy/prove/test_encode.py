# SPDX-License-Identifier: Apache-2.0
"""The encoding against Cedar itself: the same answer for every request that was tried."""

import re
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.prove_builder import NOW_UNIX, STATES, Encoded, chance_of, law, rules, shipped_law, some_request

from freehold.contract.law import Law
from freehold.errors import PolicyInvalid
from freehold.policy.cedar import read_rules
from freehold.policy.load import schema_text
from freehold.policy.prove.attributes import NAME, TABLE
from freehold.policy.prove.messages import Asked, Question
from freehold.policy.prove.request import is_ruled_out, ruling_on
from freehold.policy.prove.solve import answer

_SHIPPED = ("owned-only", "eu-only", "eu-or-adequate", "open")


@pytest.mark.parametrize("name", _SHIPPED)
def test_shipped_sets_decide_the_same_in_cedar_and_in_the_encoding(name: str) -> None:
    _agree(shipped_law(name), chance_of(name), requests=250)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(rules(), min_size=1, max_size=4), st.integers(0, 2**32))
def test_random_rules_decide_the_same_in_cedar_and_in_the_encoding(texts: list[str], seed: int) -> None:
    _agree(_valid(texts), chance_of(seed), requests=30)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(rules(), min_size=1, max_size=3), st.integers(0, 2**32))
def test_no_request_that_cedar_permits_breaks_what_was_proved(texts: list[str], seed: int) -> None:
    tried = _valid(texts)
    conditions = ('resource.authorities.contains("US")', "resource.trains", "resource.retention_days > 30", "true")
    subject = "context.data_class >= 2"
    asked = tuple(Asked(subject=subject, condition=condition) for condition in conditions)
    found = answer(_question(tried, asked)).found
    chance, read = chance_of(seed), read_rules(tried.files)
    for one, condition in zip(found, conditions, strict=True):
        if one.request is not None:
            assert ruling_on(one.request, read, tried).allowed
            assert is_ruled_out(one.request, f"{subject} && {condition}", tried)
    for _ in range(20):
        request = some_request(chance, ["US", "DE", "BR", "desk", "acme", "*", "never-named", "nor-this"])
        if ruling_on(request, read, tried).allowed:
            for one, condition in zip(found, conditions, strict=True):
                assert not one.proved or not is_ruled_out(request, f"{subject} && {condition}", tried)


def test_a_rule_that_overflows_denies_as_it_does_in_the_estate() -> None:
    tried = law(
        "permit(principal, action, resource);",
        "forbid(principal, action, resource) when { resource.retention_days + 1 < 0 };",
    )
    (found,) = answer(
        _question(tried, (Asked(subject="true", condition=f"resource.retention_days >= {2**63 - 1}"),))
    ).found
    assert found.proved


def test_two_services_that_no_rule_names_are_not_taken_for_one() -> None:
    tried = law("permit(principal, action, resource) when { context.service != context.purpose };")
    asked = Asked(subject='context.service != "a" && context.purpose != "a"', condition="true")
    (found,) = answer(_question(tried, (asked,))).found
    assert found.request is not None


def test_two_sets_of_states_that_no_rule_names_may_be_disjoint() -> None:
    tried = law(
        "permit(principal, action, resource) "
        "unless { resource.authorities.containsAny(resource.locations) || resource.owned };"
    )
    (found,) = answer(_question(tried, (Asked(subject="true", condition="true"),))).found
    assert found.request is not None
    facts = found.request.backend.facts
    assert facts.authorities
    assert facts.locations
    assert not set(facts.authorities) & set(facts.locations)


def test_the_table_of_attributes_is_the_schema() -> None:
    declared = dict(re.findall(r"^\s+(\w+): (Long|String|Bool|Set<String>),", schema_text(), re.MULTILINE))
    table = {name: kind for names in TABLE.values() for name, kind in names.items() if name != NAME}
    assert table == declared


def _agree(tried: Law, chance: Random, *, requests: int) -> None:
    encoded, read = Encoded.of(tried), read_rules(tried.files)
    for _ in range(requests):
        request = some_request(chance, encoded.universe.words)
        assert encoded.judge(request, tried.states) == (True, ruling_on(request, read, tried).allowed), request


def _valid(texts: list[str]) -> Law:
    try:
        return law(*texts)
    except PolicyInvalid:
        assume(False)
        raise


def _question(tried: Law, claims: tuple[Asked, ...]) -> Question:
    return Question(
        files=tried.files,
        states=STATES,
        claims=claims,
        now_unix=NOW_UNIX,
        claim_limit_s=5,
        limit_s=5,
        memory_bytes=2**31,
    )
