# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.snapshot import ApiKey
from freehold.policy import Policy, rules_digest
from freehold.policy.rules import RULES

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
CLOUD = replace(LOCAL, name="cloud", kind=BackendKind.PROVIDER, operator="somebody", authorities=("US",))


def test_an_owned_engine_is_allowed_and_a_provider_is_not() -> None:
    decision = Policy().decide(CALL, key=KEY, service=SERVICE, targets=(LOCAL, CLOUD))
    assert decision.allowed == ("local",)
    assert [(verdict.target, verdict.rules) for verdict in decision.verdicts] == [
        ("local", ("owned-engines",)),
        ("cloud", ("default-deny",)),
    ]


def test_an_engine_that_somebody_else_operates_is_refused() -> None:
    leased = replace(LOCAL, operator="somebody")
    assert Policy().decide(CALL, key=KEY, service=SERVICE, targets=(leased,)).allowed == ()


def test_a_key_that_does_not_list_the_service_is_forbidden_whatever_permits() -> None:
    key = replace(KEY, services=("other",))
    decision = Policy().decide(CALL, key=key, service=SERVICE, targets=(LOCAL,))
    assert decision.allowed == ()
    assert decision.verdicts[0].rules == ("key-lists-service",)


def test_without_a_rule_everything_is_refused() -> None:
    assert Policy(rules=()).decide(CALL, key=KEY, service=SERVICE, targets=(LOCAL,)).allowed == ()


def test_what_was_decided_for_one_key_is_not_used_for_another() -> None:
    policy = Policy()
    assert policy.decide(CALL, key=KEY, service=SERVICE, targets=(LOCAL,)).allowed
    other = replace(KEY, id="key_2", services=())
    assert not policy.decide(CALL, key=other, service=SERVICE, targets=(LOCAL,)).allowed


def test_each_call_has_a_decision_of_its_own_under_the_digest_of_the_rules() -> None:
    policy = Policy()
    first = policy.decide(CALL, key=KEY, service=SERVICE, targets=(LOCAL,))
    second = policy.decide(replace(CALL, id="call_02"), key=KEY, service=SERVICE, targets=(LOCAL,))
    assert (first.id, second.id) == ("dec_01", "dec_02")
    assert first.policy_digest == rules_digest() != rules_digest(RULES[:1])
