# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest
from tests.facts_builder import organisation, provider, text
from tests.provider_builder import endpoint
from tests.unit.cli.conftest import Run

from freehold.contract.estate import Estate
from freehold.egress.secrets import Secrets


def test_every_provider_is_listed_with_what_is_known_of_it(run: Run, estate: Estate) -> None:
    listed = json.loads(run("provider", "list", "--estate", estate.directory, "--json").stdout)["providers"]
    assert len(listed) >= 25
    mistral = next(row for row in listed if row["name"] == "mistral")
    assert mistral["authorities"] == ["??", "FR", "US"]
    assert {"exposure", "locations", "confidence", "as_of", "open_questions"} <= set(mistral)
    assert "mistral" in run("provider", "list", "--estate", estate.directory).stdout


def test_the_facts_can_be_read_where_there_is_no_estate(run: Run, estate: Estate) -> None:
    shown = run("provider", "show", "ovhcloud", "--estate", estate.directory / "none")
    assert (shown.exit_code, "OVH SAS" in shown.stdout) == (0, True)
    assert "these are the facts of this release alone" in shown.stderr


def test_a_provider_is_shown_with_reasons_sources_and_what_is_not_known(run: Run, estate: Estate) -> None:
    shown = run("provider", "show", "alibaba-qwen", "--estate", estate.directory).stdout
    assert "CN  authority (parent): Alibaba Group controls" in shown
    assert "https://www.alibabacloud.com/help/en/model-studio/regions/" in shown
    assert "What is not known" in shown
    assert "CN-NIL" in shown
    told = json.loads(run("provider", "show", "alibaba-qwen", "--estate", estate.directory, "--json").stdout)[
        "provider"
    ]
    assert {"authorities", "reasons", "chain", "terms", "hosts", "statutes", "licences", "unknown"} <= set(told)
    assert all(
        {"state", "because", "rule", "source", "as_of", "confidence"} == set(reason) for reason in told["reasons"]
    )


def test_what_the_estate_overrides_and_adds_is_marked(run: Run, estate: Estate) -> None:
    estate.facts.mkdir()
    own = {"organisations": {"operator": organisation("FR")}, "providers": {"paris": provider(), "mistral": provider()}}
    (estate.facts / "own.yaml").write_text(text(**own))
    shown = run("provider", "show", "mistral", "--estate", estate.directory).stdout
    assert "! overridden by the estate: providers.mistral" in shown
    assert "paris *" in run("provider", "list", "--estate", estate.directory).stdout
    told = json.loads(run("provider", "show", "mistral", "--estate", estate.directory, "--json").stdout)["provider"]
    assert (told["own"], told["overridden"], told["authorities"]) == (True, ["providers.mistral"], ["FR"])


def test_a_name_that_is_not_known_is_answered_with_those_near_it(run: Run, estate: Estate) -> None:
    for typed, near in (("ovh", "ovhcloud"), ("Mistrall", "mistral"), ("azure", "azure-openai")):
        refused = run("provider", "show", typed, "--estate", estate.directory)
        assert refused.exit_code == 1
        assert f"there is no provider {typed!r}" in refused.stderr
        assert near in refused.stderr
    assert "'freehold provider list'" in run("provider", "show", "zzz", "--estate", estate.directory).stderr


def test_a_defective_fact_of_the_estate_is_named(run: Run, estate: Estate) -> None:
    estate.facts.mkdir()
    (estate.facts / "own.yaml").write_text("providers:\n  paris: {name: Paris}\n")
    refused = run("provider", "list", "--estate", estate.directory)
    assert refused.exit_code == 1
    assert "own.yaml: providers.paris: lacks 'source'" in refused.stderr


def test_a_key_is_kept_encrypted_and_the_line_for_the_settings_is_given(run: Run, estate: Estate) -> None:
    kept = run("provider", "key", "openai", "--estate", estate.directory, input="hunter2\n")
    assert (kept.exit_code, kept.stdout) == (0, 'key = "file:keys/openai.age"\n')
    told = run("provider", "key", "mistral", "--estate", estate.directory, "--json", input="hunter3")
    assert json.loads(told.stdout)["provider"]["key"] == "file:keys/mistral.age"
    read = Secrets(estate).of(endpoint("https://api.openai.com/v1", key="file:keys/openai.age"))
    assert read is not None
    assert read.reveal() == "hunter2"
    assert "hunter" not in kept.output + told.output


@pytest.mark.parametrize(
    ("name", "given"), [("openai", ""), ("openai", "two\nlines"), ("../openai", "k"), ("Open", "k")]
)
def test_what_is_no_key_and_no_name_is_refused(name: str, given: str, run: Run, estate: Estate) -> None:
    refused = run("provider", "key", name, "--estate", estate.directory, input=given)
    assert refused.exit_code in (1, 2)
    assert not list(estate.keys.glob("*.age"))


def test_a_key_needs_an_estate(run: Run, tmp_path: Path) -> None:
    refused = run("provider", "key", "openai", "--estate", tmp_path / "none", input="hunter2")
    assert refused.exit_code == 1
    assert "is not an estate" in refused.stderr
