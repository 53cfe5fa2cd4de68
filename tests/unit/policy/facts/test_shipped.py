# SPDX-License-Identifier: Apache-2.0
"""The facts of this release: whole, sourced, never better known than they are. And four cases."""

import re
from datetime import date

import pytest

from freehold.contract.facts import UNKNOWN, BackendFacts, Confidence
from freehold.policy.facts import Register, backend_facts, load_register, members_of
from freehold.policy.facts.register import KINDS, walk

TODAY = date(2026, 11, 22)
PROVIDERS = set(
    """
    openai anthropic google azure-openai aws-bedrock mistral cohere xai meta deepseek alibaba-qwen moonshot zhipu ai21
    aleph-alpha ovhcloud scaleway ionos nebius groq together fireworks huggingface perplexity stackit
    """.split()  # noqa: SIM905 - a list to be read
)


@pytest.fixture(scope="module")
def shipped() -> Register:
    return load_register()


def of(shipped: Register, name: str) -> BackendFacts:
    return backend_facts(shipped, name, today=TODAY)


def test_the_register_has_the_providers_that_it_promises(shipped: Register) -> None:
    assert set(shipped.providers) >= PROVIDERS
    assert not shipped.own


@pytest.mark.parametrize("kind", KINDS)
def test_every_fact_has_a_source_and_a_day_that_is_not_to_come(shipped: Register, kind: str) -> None:
    entries = getattr(shipped, kind)
    assert entries
    for name, entry in entries.items():
        for path, fact in walk(entry, f"{kind}.{name}"):
            assert fact.source.strip(), path
            assert fact.as_of <= TODAY, path


def test_no_source_that_has_to_be_located_again_confirms_anything(shipped: Register) -> None:
    for kind in KINDS:
        for name, entry in getattr(shipped, kind).items():
            for path, fact in walk(entry, f"{kind}.{name}"):
                assert not ("public copy" in fact.source and fact.confidence is Confidence.CONFIRMED), path


def test_no_chain_is_presented_as_settled_while_its_owners_are_not(shipped: Register) -> None:
    assert all(UNKNOWN in of(shipped, name).authorities for name in shipped.providers)


def test_the_unions_are_those_of_the_treaties(shipped: Register) -> None:
    assert len(members_of(shipped, "EU")) == 27
    assert members_of(shipped, "EEA") - members_of(shipped, "EU") == {"IS", "LI", "NO"}


def test_every_host_is_a_name_or_a_pattern_of_names(shipped: Register) -> None:
    hosts = [host.host for provider in shipped.providers.values() for host in provider.hosts]
    assert len(hosts) == len(set(hosts))
    assert all(re.fullmatch(r"[a-z0-9.{}-]+", host) for host in hosts)
    assert "{region}" in " ".join(hosts)


def test_mistral_is_under_france_and_by_its_sub_processors_under_the_united_states(shipped: Register) -> None:
    found = of(shipped, "mistral")
    assert found.authorities == (UNKNOWN, "FR", "US")
    assert {"NL", "US"} <= set(found.exposure)
    assert {reason.rule for reason in found.reasons if reason.state == "US"} == {"sub-processor", "parent", "minority"}
    assert found.retention_days == 30


def test_ovhcloud_is_under_france_with_ties_and_open_questions(shipped: Register) -> None:
    found = of(shipped, "ovhcloud")
    assert found.authorities == (UNKNOWN, "FR")
    assert {"CA", "US"} <= set(found.exposure)


def test_the_eu_region_of_a_us_cloud_is_under_the_united_states(shipped: Register) -> None:
    found = of(shipped, "azure-openai")
    assert found.authorities == (UNKNOWN, "IE", "US")
    assert [reason.rule for reason in found.reasons if reason.state == "US"] == ["parent"]


def test_the_frankfurt_host_of_a_chinese_provider_is_under_china(shipped: Register) -> None:
    found = of(shipped, "alibaba-qwen")
    assert {"CN", "SG"} <= set(found.authorities)
    assert "DE" not in found.authorities
    assert {"CN", UNKNOWN} <= set(found.locations)
    (frankfurt,) = [host for host in shipped.providers["alibaba-qwen"].hosts if host.location == "DE"]
    assert frankfurt.host == "{workspace}.eu-central-1.maas.aliyuncs.com"


def test_a_merger_that_is_announced_counts_already(shipped: Register) -> None:
    assert {"CA", "DE"} <= set(of(shipped, "aleph-alpha").authorities)
