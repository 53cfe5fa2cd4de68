# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from tests.facts_builder import provider, said, text
from tests.provider_builder import certificate

from freehold.contract.call import Dialect
from freehold.contract.endpoint import Endpoint, Prefill
from freehold.contract.estate import Estate
from freehold.errors import SettingsError
from freehold.policy.facts import load_register
from freehold.provider import endpoints_of
from freehold.settings import read_settings

HEAD = '[estate]\norigin = "example.org/a"\n[service.default]\ntargets = ["there"]\n'
OWN = {
    "paris": provider(
        None, hosts=[said(host="llm.example.fr"), said(host="10.0.0.7"), said(host="localhost")], dialects=["openai"]
    )
}


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "paris.yaml").write_text(text(providers=OWN))
    return Estate(tmp_path)


def read(estate: Estate, name: str, table: str) -> tuple[Endpoint, ...]:
    target = f'[target.there]\nprovider = "{name}"\nmodel = "m"\n'
    estate.settings.write_text(f"{HEAD}{target}[provider.{name}]\n{table}\n")
    return endpoints_of(read_settings(estate.settings), load_register(estate.facts), estate)


@pytest.mark.parametrize(
    ("name", "base_url", "dialects", "prefill"),
    [
        ("openai", "https://api.openai.com/v1", (Dialect.OPENAI, Dialect.RESPONSES), Prefill.NONE),
        ("anthropic", "https://api.anthropic.com/v1", (Dialect.ANTHROPIC,), Prefill.TEXT),
        ("mistral", "https://api.mistral.ai/v1", (Dialect.MISTRAL,), Prefill.PREFIX),
        ("scaleway", "https://api.scaleway.ai/v1", (Dialect.OPENAI,), Prefill.NONE),
    ],
)
def test_a_provider_of_the_register_needs_no_more_than_its_name(
    name: str, base_url: str, dialects: tuple[Dialect, ...], prefill: Prefill, estate: Estate
) -> None:
    (found,) = read(estate, name, 'key = "env:KEY"')
    assert (found.provider, found.base_url, found.dialects, found.prefill) == (name, base_url, dialects, prefill)
    assert (found.key, found.allow_private) == ("env:KEY", False)


def test_what_the_settings_say_goes_before_the_facts(estate: Estate) -> None:
    table = """base_url = "https://LLM.example.fr:8443/v1/"
facts = "facts/paris.yaml"
dialect = "mistral"
prefill = "none"
idle_s = 7
max_answer_mb = 1
least_events_per_minute = 0"""
    (found,) = read(estate, "paris", table)
    assert (found.base_url, found.host, found.port) == ("https://llm.example.fr:8443/v1", "llm.example.fr", 8443)
    assert (found.dialects, found.prefill) == ((Dialect.MISTRAL,), Prefill.NONE)
    assert (found.limits.idle_s, found.limits.answer_bytes, found.limits.least_events_per_minute) == (7.0, 2**20, 0.0)


def test_a_provider_that_no_target_uses_is_not_read(estate: Estate) -> None:
    estate.settings.write_text(
        f'{HEAD}[target.there]\nengine = "llamacpp"\nmodel = "m"\n[provider.nobody]\nbase_url = "https://x.example"\n'
    )
    assert endpoints_of(read_settings(estate.settings), load_register(estate.facts), estate) == ()


@pytest.mark.parametrize(
    ("base_url", "private"),
    [
        ("https://llm.example.fr/v1", False),
        ("https://llm.example.fr/v1", True),
        ("http://llm.example.fr/v1", True),
        ("http://10.0.0.7:8080/v1", True),
        ("https://10.0.0.7/v1", True),
        ("http://localhost:8080", True),
    ],
)
def test_places_that_may_be(base_url: str, private: bool, estate: Estate) -> None:
    (found,) = read(estate, "paris", f'base_url = "{base_url}"\nallow_private = {str(private).lower()}')
    assert found.base_url == base_url


@pytest.mark.parametrize(
    ("base_url", "said_"),
    [
        ("https://llm.example.fr.example.com/v1", "the facts name no host 'llm.example.fr.example.com' of paris"),
        ("https://example.fr/v1", "those that they name are: llm.example.fr, 10.0.0.7, localhost"),
        ("https://xllm.example.fr/v1", "the facts name no host"),
        ("https://llm.example.fr./v1", "the facts name no host"),
        ("http://llm.example.fr/v1", "plain http:// is for a private or loopback address alone"),
        ("https://10.0.0.7/v1", "10.0.0.7 is private or loopback, and needs allow_private = true"),
        ("https://localhost/v1", "localhost is private or loopback"),
        ("https://user@llm.example.fr/v1", "without credentials, query or fragment"),
        ("https://llm.example.fr@evil.example/v1", "without credentials, query or fragment"),
        ("https://llm.example.fr/v1?a=b", "without credentials, query or fragment"),
        ("https://llm.example.fr/v1#a", "without credentials, query or fragment"),
        ("https://llm.example.fr\\\\@evil.example/v1", "without credentials, query or fragment"),
        ("https://llm.example.fr/v1/../..", "'.' or '..' in its path"),
        ("https://llm.example.fr:x/v1", "is not https://HOST"),
        ("https://llm.example.fr:0/v1", "is not https://HOST"),
        ("https://[::1/v1", "is not https://HOST"),
        ("ftp://llm.example.fr/v1", "is not https://HOST"),
        ("llm.example.fr/v1", "is not https://HOST"),
        ("https:///v1", "is not https://HOST"),
    ],
)
def test_places_that_may_not_be(base_url: str, said_: str, estate: Estate) -> None:
    with pytest.raises(SettingsError) as refused:
        read(estate, "paris", f'key = "env:KEY"\nbase_url = "{base_url}"')
    assert said_ in refused.value.message
    assert f"{estate.settings}, line 10: [provider.paris] base_url" in refused.value.message
    assert "docs/" in refused.value.advice


@pytest.mark.parametrize(
    ("name", "table", "said_"),
    [
        ("nobody", "", "no facts are known of a provider 'nobody'"),
        ("azure-openai", "", "lacks 'base_url'; the hosts that the facts name are: {resource}.openai.azure.com"),
        ("azure-openai", 'base_url = "https://a.b.openai.azure.com"', "the facts name no host 'a.b.openai.azure.com'"),
        ("cohere", 'base_url = "https://api.cohere.com/v1"', "lacks 'dialect'"),
        ("paris", "", "lacks 'base_url'"),
        ("paris", 'facts = "facts/none.yaml"', "is not there or cannot be read"),
        ("paris", 'facts = "elsewhere/paris.yaml"', "is not a file facts/NAME.yaml of the estate"),
        ("paris", 'facts = "facts/../../paris.yaml"', "is not a file facts/NAME.yaml of the estate"),
        ("openai", 'facts = "facts/paris.yaml"', "has no entry providers.openai"),
        ("openai", 'tls_ca = "none.pem"', "cannot be read as certificates"),
        ("openai", 'tls_ca = "facts/paris.yaml"', "cannot be read as certificates"),
    ],
)
def test_what_is_missing_is_said(name: str, table: str, said_: str, estate: Estate) -> None:
    with pytest.raises(SettingsError, match=rf"line \d+: \[provider\.{name}\]") as refused:
        read(estate, name, table)
    assert said_ in refused.value.message


def test_a_region_stands_for_one_label(estate: Estate) -> None:
    (found,) = read(estate, "azure-openai", 'base_url = "https://mine.openai.azure.com/openai/v1"')
    assert found.host == "mine.openai.azure.com"


def test_an_authority_of_the_estate_is_read_at_the_start(estate: Estate) -> None:
    certificate(estate.directory, "llm.example.fr")
    (found,) = read(estate, "paris", 'base_url = "https://llm.example.fr/v1"\ntls_ca = "ca.pem"')
    assert found.tls_ca == "ca.pem"
