# SPDX-License-Identifier: Apache-2.0
"""The judge against Cedar itself, and what is unknown against everything that it could be."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.law_builder import NOW_UNIX, SETS, law, operator

from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.facts import UNKNOWN, BackendFacts
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.policy import Policy
from freehold.policy.cedar import read_rules
from freehold.policy.facts import owned_facts
from freehold.policy.judge import (
    Application,
    Backend,
    Circumstances,
    Judge,
    application_entity,
    backend_entity,
    context_of,
)
from freehold.policy.matrix import tabulate

OWN = """
@id("desk-only") forbid (principal, action, resource) when { context.service == "desk" && resource.operator == "b" };
@id("late") forbid (principal, action, resource) when { context.unix_time >= 1795000001 && resource.trains };
@id("guest") forbid (principal == Freehold::Application::"key_2", action, resource) when { context.data_class > 1 };
@id("mit") permit (principal, action, resource) when { resource.licence == "MIT" && resource.retention_days < 10 };
@id("big") forbid (principal, action, resource) when { context.purpose == "hr" && resource.exposure.contains("CN") };
"""
SERVICES = tuple(
    Service(name=name, data_class=data_class, targets=("local", *"abcdef"), purpose=purpose)
    for name, data_class, purpose in (
        ("desk", DataClass.PUBLIC, ""),
        ("hr", DataClass.PERSONAL, "hr"),
        ("lab", DataClass.INTERNAL, "research"),
    )
)
OPERATORS = (
    operator("a", "FR"),
    operator("b", "DE", "NO", trains=True),
    operator("c", "FR", "US", locations=("FR",), exposure=("CN",), retention_days=31),
    operator("d", "CH", UNKNOWN),
    operator("e", "FR", retention_days=None, trains=None),
    operator("f", UNKNOWN, exposure=(UNKNOWN,), locations=(UNKNOWN,)),
)
KEYS = tuple(
    ApiKey(id=f"key_{number}", secret_sha256="", services=services, requests_per_minute=1)
    for number, services in enumerate((("*",), ("desk",), ("desk", "hr"), ()))
)
TARGETS = (
    Target(name="local", kind=BackendKind.ENGINE, model=Model(name="m", digest=""), operator="self", licence="MIT"),
    *(
        Target(
            name=facts.operator,
            kind=BackendKind.PROVIDER,
            model=Model(name="m", digest=""),
            operator=facts.operator,
            licence="MIT" if number % 2 else "",
        )
        for number, facts in enumerate(OPERATORS)
    ),
)
LAW = law("open", OWN, facts=OPERATORS)
SNAPSHOT = Snapshot(version=1, services=SERVICES, targets=TARGETS, keys=KEYS, law=LAW)
POLICIES = cedarpy.PolicySet.from_str("\n".join(file.text for file in LAW.files))
BACKENDS = {
    target.name: Backend(
        name=target.name,
        facts={facts.operator: facts for facts in (owned_facts(), *OPERATORS)}[target.operator],
        licence=target.licence,
    )
    for target in TARGETS
}
CALL = Call(
    id="call_1",
    dialect=Dialect.OPENAI,
    operation=Operation.CHAT,
    asked="",
    service="",
    key_id="",
    data_class=DataClass.PUBLIC,
    stream=False,
    body=b"",
)


def by_cedar(key: ApiKey, backend: Backend, circumstances: Circumstances) -> bool:
    application = Application(key=key.id, services=key.services)
    entities = [application_entity(application), backend_entity(backend, LAW.states)]
    request = {
        "principal": {"type": "Freehold::Application", "id": key.id},
        "action": {"type": "Freehold::Action", "id": "infer"},
        "resource": {"type": "Freehold::Backend", "id": backend.name},
        "context": context_of(circumstances),
    }
    answer = cedarpy.is_authorized(request, POLICIES, cedarpy.Entities.from_json_str(json.dumps(entities)))
    assert not answer.diagnostics.errors
    return answer.allowed


def requests(count: int) -> Iterator[tuple[ApiKey, Service, DataClass, int]]:
    dice = random.Random(2026)  # noqa: S311 - the same requests in every run
    for _ in range(count):
        moment = int(NOW_UNIX) + dice.randint(-3, 3)
        yield dice.choice(KEYS), dice.choice(SERVICES), DataClass(dice.randint(0, 3)), moment


def test_cedar_the_cached_decision_and_the_matrix_agree_on_ten_thousand_requests() -> None:
    policy, cedar, matrices, asked = Policy(SNAPSHOT), {}, {}, 0
    judge = Judge(read_rules(LAW.files), BACKENDS.values(), LAW.states)
    for key, service, given_class, at_unix in requests(10_000 // len(TARGETS) + 1):
        data_class = max(given_class, service.data_class)
        call = replace(CALL, data_class=data_class)
        circumstances = Circumstances(
            service=service.name, purpose=service.purpose, data_class=data_class, at_unix=at_unix
        )
        if (key.id, at_unix) not in matrices:
            cells = tabulate(judge, Application(key=key.id, services=key.services), SERVICES, at_unix=at_unix)
            matrices[key.id, at_unix] = {(cell.service, cell.data_class, cell.target): cell for cell in cells}
        for verdict in policy.decide(call, key=key, service=service, targets=TARGETS, at_unix=at_unix).verdicts:
            cell = matrices[key.id, at_unix][service.name, given_class.name.lower(), verdict.target]
            question = (key.id, circumstances, verdict.target)
            if question not in cedar:
                cedar[question] = by_cedar(key, BACKENDS[verdict.target], circumstances)
            # what is unknown may be taken at the worst, never at better than Cedar says of everything at once
            assert verdict.allowed == cell.allowed == cedar[question], (question, verdict, cell)
            assert verdict.rules == cell.rules
            asked += 1
    assert asked >= 10_000


def ruling(facts: BackendFacts, set_name: str, data_class: DataClass, own: str = "", licence: str = "MIT") -> bool:
    made = law(set_name, own)
    backend = Backend(name="x", facts=facts, licence=licence)
    judge = Judge(read_rules(made.files), [backend], made.states)
    circumstances = Circumstances(service="desk", purpose="", data_class=data_class, at_unix=0)
    return judge.judge(Application(key="k", services=("*",)), "x", circumstances).allowed


STATES = st.lists(st.sampled_from(["DE", "FR", "CH", "US", "CN"]), min_size=1, max_size=2, unique=True).map(tuple)
KNOWN = st.builds(
    lambda authorities, exposure, locations, retention_days, trains: operator(
        "o", *authorities, exposure=exposure, locations=locations, retention_days=retention_days, trains=trains
    ),
    STATES,
    STATES,
    STATES,
    st.sampled_from([0, 30, 31]),
    st.booleans(),
)
FORGOTTEN = st.sampled_from(
    [
        {"authorities": (UNKNOWN,)},
        {"exposure": (UNKNOWN,)},
        {"locations": (UNKNOWN,)},
        {"retention_days": None},
        {"trains": None},
        {
            "authorities": (UNKNOWN,),
            "exposure": (UNKNOWN,),
            "locations": (UNKNOWN,),
            "retention_days": None,
            "trains": None,
        },
    ]
)
CLASSES = st.sampled_from(list(DataClass))


@pytest.mark.parametrize("set_name", SETS)
@settings(max_examples=40, deadline=None)
@given(facts=KNOWN, forgotten=FORGOTTEN, data_class=CLASSES)
def test_to_forget_a_fact_never_turns_no_into_yes(
    set_name: str, facts: BackendFacts, forgotten: dict[str, object], data_class: DataClass
) -> None:
    if ruling(replace(facts, **forgotten), set_name, data_class):  # type: ignore[arg-type] # names of fields
        assert ruling(facts, set_name, data_class)


ATOMS = st.sampled_from(
    [
        'resource.authorities.contains("FR")',
        '["FR", "DE"].containsAll(resource.authorities)',
        'resource.authorities == ["FR"]',
        'resource.exposure.containsAny(["CN", "US"])',
        'resource.locations.contains("DE")',
        "resource.locations.isEmpty()",
        "resource.retention_days < 31",
        "resource.retention_days == 30",
        "resource.trains",
        "resource.trains == false",
        'resource.licence == "MIT"',
        "context.data_class > 1",
        'principal.services.contains("desk")',
    ]
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} && {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} || {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"(({two[0]}) == ({two[1]}))"),
        st.tuples(inner, inner, inner).map(lambda three: f"(if {three[0]} then {three[1]} else {three[2]})"),
    ),
    max_leaves=5,
)
RULES = st.lists(
    st.tuples(st.sampled_from(["permit", "forbid"]), st.sampled_from(["when", "unless"]), CONDITIONS),
    min_size=1,
    max_size=3,
)


@settings(max_examples=100, deadline=None)
@given(rules=RULES, facts=KNOWN, forgotten=FORGOTTEN, data_class=CLASSES, licence=st.sampled_from(["MIT", ""]))
def test_that_holds_whatever_rules_an_estate_writes(
    rules: list[tuple[str, str, str]],
    facts: BackendFacts,
    forgotten: dict[str, object],
    data_class: DataClass,
    licence: str,
) -> None:
    own = "\n".join(
        f'@id("r{number}") {effect} (principal, action, resource) {clause} {{ {condition} }};'
        for number, (effect, clause, condition) in enumerate(rules)
    )
    unknowing = replace(facts, **forgotten)  # type: ignore[arg-type] # names of fields
    if ruling(unknowing, "owned-only", data_class, own, licence):
        for known in (licence,) if licence else ("MIT", "GPL-3.0"):
            assert ruling(facts, "owned-only", data_class, own, known)


@pytest.mark.parametrize(
    "condition",
    ['resource.locations.contains("DE")', '(if true then resource else resource).locations.contains("DE")'],
)
def test_a_permit_for_a_state_does_not_hold_for_an_unknown_one(condition: str) -> None:
    own = f'@id("german") permit (principal, action, resource) when {{ {condition} }};'
    assert ruling(operator("o", "DE"), "owned-only", DataClass.PUBLIC, own)
    assert not ruling(operator("o", "DE", locations=(UNKNOWN,)), "owned-only", DataClass.PUBLIC, own)


@pytest.mark.parametrize("states", [(), (UNKNOWN,)])
def test_somebody_elses_backend_without_authorities_is_unknown(states: tuple[str, ...]) -> None:
    assert not ruling(replace(operator("o", "FR"), authorities=states), "eu-only", DataClass.PUBLIC)


def test_a_forbid_that_cannot_be_evaluated_denies_and_is_named() -> None:
    own = '@id("broken") forbid (principal, action, resource) when { context.unix_time + 9223372036854775807 > 0 };'
    made = law(own=own)
    judge = Judge(read_rules(made.files), [Backend(name="local", facts=owned_facts())], made.states)
    circumstances = Circumstances(service="desk", purpose="", data_class=DataClass.PUBLIC, at_unix=1)
    found = judge.judge(Application(key="k", services=("*",)), "local", circumstances)
    assert (found.allowed, found.rules, found.failed) == (False, ("policy-error",), ("broken",))
    refused = judge.judge(Application(key="k", services=()), "local", circumstances)
    assert refused.rules == ("key-lists-service", "policy-error")
