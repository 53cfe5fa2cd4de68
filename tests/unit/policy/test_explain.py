# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from tests.law_builder import law, operator

from freehold.contract.call import DataClass
from freehold.contract.facts import UNKNOWN, BackendFacts, Confidence, Reason
from freehold.policy.cedar import read_rules
from freehold.policy.explain import Explanation, explain
from freehold.policy.facts import owned_facts
from freehold.policy.judge import Application, Backend, Circumstances, Judge

PARENT = Reason(
    state="US",
    because="Mother Inc. holds all of Fille SAS and has its seat in US.",
    rule="parent",
    source="https://example.test/register",
    as_of="2026-11-01",
    confidence=Confidence.CONFIRMED,
)
EU_REGION = replace(operator("fille", "FR", "US", locations=("FR",)), reasons=(PARENT,))


def explained(
    set_name: str,
    facts: BackendFacts,
    own: str = "",
    *,
    data_class: DataClass = DataClass.PERSONAL,
    services: tuple[str, ...] = ("*",),
) -> Explanation:
    made = law(set_name, own)
    judge = Judge(read_rules(made.files), [Backend(name="x", facts=facts, licence="MIT")], made.states)
    circumstances = Circumstances(service="desk", purpose="", data_class=data_class, at_unix=100)
    return explain(judge, Application(key="key_1", services=services), "x", circumstances)


def facts_of(explanation: Explanation, rule: str) -> tuple[str, ...]:
    return next(because.facts for because in explanation.because if because.rule == rule)


def test_the_rule_the_state_and_the_source_that_refused_are_named() -> None:
    explanation = explained("eu-only", EU_REGION)
    assert (explanation.allowed, explanation.rules) == (False, ("no-authority-outside-eu",))
    (because,) = explanation.because
    assert (because.effect, because.file) == ("forbid", "sets/eu-only.cedar")
    assert because.says == "Nobody whom a state outside the EU can compel may see a call."
    assert because.facts == (
        "It is not an engine of this estate.",
        "Its authorities: FR, US.",
        (
            "US can compel its operator: Mother Inc. holds all of Fille SAS and has its seat in US"
            " (confirmed, https://example.test/register, 2026-11-01)."
        ),
    )


def test_what_is_allowed_is_explained_by_the_rule_that_permits() -> None:
    explanation = explained("owned-only", owned_facts())
    assert (explanation.allowed, explanation.in_short) == (True, "It may see the call.")
    assert facts_of(explanation, "owned-engines") == ("It is an engine of this estate.",)


def test_where_nothing_permits_the_permits_are_shown_with_what_they_lack() -> None:
    explanation = explained("owned-only", EU_REGION)
    assert (explanation.rules, explanation.because) == (("default-deny",), ())
    assert explanation.in_short.endswith("no rule permits it.")
    assert [(because.rule, because.facts) for because in explanation.not_met] == [
        ("owned-engines", ("It is not an engine of this estate.",))
    ]


def test_what_is_not_known_is_said_to_be_so() -> None:
    dark = operator("dark", "FR", UNKNOWN, trains=None, retention_days=None)
    explanation = explained("eu-or-adequate", dark)
    (_, sentence) = facts_of(explanation, "no-authority-without-adequacy")
    assert sentence.startswith("Not all of its authorities are known")
    assert sentence.endswith("Known so far: FR.")
    assert facts_of(explanation, "personal-not-kept")[1].startswith("Its retention is not known")
    assert facts_of(explanation, "no-training-on-ours")[1].startswith(
        "Whether it trains on what it is sent is not known"
    )


def test_a_rule_that_names_states_is_met_by_those_among_them() -> None:
    own = '@id("not-there") forbid (principal, action, resource) when { resource.exposure.containsAny(["CN", "RU"]) };'
    facts = operator("o", "FR", exposure=("CN", "JP"))
    met = facts_of(explained("open", facts, own, data_class=DataClass.PUBLIC), "not-there")
    assert met == ("Its exposure: CN, JP.", "CN has a weaker tie to its operator.")


def test_the_call_and_the_key_are_facts_too() -> None:
    own = (
        '@id("so") forbid (principal, action, resource) when { context.service == "desk" && context.purpose == ""'
        ' && context.unix_time > 5 && resource.licence == "MIT" && resource.operator != "x" };'
    )
    explanation = explained("owned-only", owned_facts(), own, services=("other",))
    assert facts_of(explanation, "key-lists-service") == ("The key lists other.", "The service is desk.")
    assert facts_of(explanation, "so") == (
        "The service is desk.",
        "The service states no purpose.",
        "The time is 100 (Unix).",
        "Its model's licence is MIT.",
        "Its operator is self.",
    )


def test_a_rule_that_cannot_be_evaluated_is_named() -> None:
    own = '@id("broken") forbid (principal, action, resource) when { context.unix_time + 9223372036854775807 > 0 };'
    explanation = explained("owned-only", owned_facts(), own)
    assert "broken cannot be evaluated" in explanation.in_short
    assert [because.rule for because in explanation.because] == ["broken"]


def test_a_rule_that_says_nothing_is_quoted() -> None:
    own = '@id("mute")\npermit (principal, action, resource)\nwhen { resource.owned };'
    quoted = next(because for because in explained("owned-only", owned_facts(), own).because if because.rule == "mute")
    assert quoted.says == '@id("mute") permit (principal, action, resource) when { resource.owned };'
