# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from tests.law_builder import law, operator

from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.decision import Decision
from freehold.contract.law import Law
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.policy import Policy

CALL = Call(
    id="call_01",
    dialect=Dialect.OPENAI,
    operation=Operation.CHAT,
    asked="gpt-4o",
    service="default",
    key_id="key_1",
    data_class=DataClass.INTERNAL,
    stream=False,
    body=b"{}",
)
KEY = ApiKey(id="key_1", secret_sha256="", services=("*",), requests_per_minute=60)
SERVICE = Service(name="default", data_class=DataClass.INTERNAL, targets=("local", "cloud"))
LOCAL = Target(name="local", kind=BackendKind.ENGINE, model=Model(name="m", digest="sha256:0"), operator="self")
CLOUD = replace(LOCAL, name="cloud", kind=BackendKind.PROVIDER, operator="somebody", authorities=("FR",))
NOBODY_FORBIDS = '@id("all") permit (principal, action, resource);'


def policy_of(law_: Law, *targets: Target) -> Policy:
    return Policy(Snapshot(version=1, services=(SERVICE,), targets=targets or (LOCAL, CLOUD), law=law_))


def decided(
    policy: Policy, *targets: Target, call: Call = CALL, key: ApiKey = KEY, service: Service = SERVICE, at_unix: int = 0
) -> Decision:
    return policy.decide(call, key=key, service=service, targets=targets or (LOCAL, CLOUD), at_unix=at_unix)


def verdicts(decision: Decision) -> list[tuple[str, bool, tuple[str, ...]]]:
    return [(verdict.target, verdict.allowed, verdict.rules) for verdict in decision.verdicts]


def test_an_owned_engine_is_allowed_and_a_provider_is_not() -> None:
    assert verdicts(decided(policy_of(law(facts=(operator("somebody", "FR"),))))) == [
        ("local", True, ("owned-engines",)),
        ("cloud", False, ("default-deny",)),
    ]


def test_under_eu_only_who_can_compel_decides_and_not_where_it_stands() -> None:
    eu_region = operator("somebody", "FR", "US", locations=("FR",))
    assert decided(policy_of(law("eu-only", facts=(operator("somebody", "FR"),)))).allowed == ("local", "cloud")
    refused = decided(policy_of(law("eu-only", facts=(eu_region,))))
    assert verdicts(refused)[1] == ("cloud", False, ("no-authority-outside-eu",))


@pytest.mark.parametrize("kind", list(BackendKind))
def test_an_operator_of_whom_nothing_is_known_is_refused(kind: BackendKind) -> None:
    leased = replace(CLOUD, kind=kind)
    assert decided(policy_of(law("eu-only"), leased), leased).allowed == ()


def test_a_provider_does_not_become_owned_by_what_its_operator_is_called() -> None:
    posing = replace(CLOUD, operator="self")
    assert decided(policy_of(law(), posing), posing).allowed == ()


def test_a_key_that_does_not_list_the_service_is_forbidden_whatever_permits() -> None:
    decision = decided(policy_of(law(own=NOBODY_FORBIDS)), LOCAL, key=replace(KEY, services=("other",)))
    assert verdicts(decision) == [("local", False, ("key-lists-service",))]


def test_without_a_rule_everything_is_refused() -> None:
    assert verdicts(decided(policy_of(Law()), LOCAL)) == [("local", False, ("default-deny",))]


def test_what_was_decided_for_one_key_is_not_used_for_another() -> None:
    policy = policy_of(law())
    assert decided(policy, LOCAL).allowed
    assert not decided(policy, LOCAL, key=replace(KEY, id="key_2", services=())).allowed


@pytest.mark.parametrize(
    "condition",
    [
        'principal.key == "key_2"',
        'principal == Freehold::Application::"key_2"',
        'principal has key && principal.key like "*2"',
    ],
)
def test_keys_are_told_apart_where_a_rule_names_one(condition: str) -> None:
    policy = policy_of(law(own=f'@id("one-key") forbid (principal, action, resource) when {{ {condition} }};'))
    assert decided(policy, LOCAL).allowed
    assert not decided(policy, LOCAL, key=replace(KEY, id="key_2")).allowed


def test_a_purpose_and_a_class_can_be_asked_for() -> None:
    own = '@id("hr") forbid (principal, action, resource) when { context.purpose == "hr" && context.data_class > 1 };'
    policy, hr = policy_of(law(own=own)), replace(SERVICE, name="hr", purpose="hr")
    assert decided(policy, LOCAL, service=hr).allowed
    personal = replace(CALL, data_class=DataClass.PERSONAL)
    assert decided(policy, LOCAL, call=personal).allowed
    assert not decided(policy, LOCAL, call=personal, service=hr).allowed


@pytest.mark.parametrize(
    ("condition", "last"),
    [
        ("context.unix_time > 100", 100),
        ("context.unix_time >= 100", 99),
        ("!(context.unix_time < 100)", 99),
        ("100 <= context.unix_time", 99),
        ("context.unix_time - 50 > 50", 100),  # more than a comparison: judged anew for every call
    ],
)
def test_a_rule_that_begins_to_hold_does_so_for_calls_that_were_decided_before(condition: str, last: int) -> None:
    policy = policy_of(law(own=f'@id("from") forbid (principal, action, resource) when {{ {condition} }};'))
    allowed = [bool(decided(policy, LOCAL, at_unix=at).allowed) for at in range(90, 110)]
    assert allowed == [at <= last for at in range(90, 110)]


def test_a_moment_that_a_rule_names_is_that_second_alone() -> None:
    policy = policy_of(law(own='@id("at") forbid (principal, action, resource) when { context.unix_time == 100 };'))
    refused = [at for at in range(98, 103) if not decided(policy, LOCAL, at_unix=at).allowed]
    assert refused == [100]


def test_each_call_has_a_decision_of_its_own_under_the_digests_of_the_law() -> None:
    made = law()
    policy = policy_of(made)
    first, second = decided(policy), decided(policy, call=replace(CALL, id="call_02"))
    assert (first.id, second.id) == ("dec_01", "dec_02")
    assert (first.policy_digest, first.facts_digest) == (made.policy_digest, made.facts_digest)
    assert first.policy_digest != law(own=NOBODY_FORBIDS).policy_digest
