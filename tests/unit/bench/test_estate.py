# SPDX-License-Identifier: Apache-2.0
"""Our own side: the estate that is compared is one that reads, with nothing turned off."""

from pathlib import Path

from bench.peers import freehold

from freehold.policy.facts import load_register
from freehold.settings import parse_settings

_PLACES = {"port": 8080, "admin_port": 8081, "upstream": 9000}


def test_its_ledger_is_strict_and_its_rules_decide() -> None:
    settings = parse_settings(freehold._SETTINGS.format(policy="", **_PLACES))
    assert settings.ledger.durability == "strict"
    assert settings.policy.set == "eu-only"
    assert set(settings.foreign) == {"matching", "translated"}


def test_a_part_that_is_turned_on_is_a_setting() -> None:
    settings = parse_settings(freehold._SETTINGS.format(policy='detector = "identifiers"', **_PLACES))
    assert settings.policy.detector == "identifiers"


def test_its_facts_name_whoever_runs_the_upstream(tmp_path: Path) -> None:
    lines = {"sure": freehold._SURE, "lines": freehold._SURE.replace(", ", "\n    ")}
    providers = "".join(freehold._PROVIDER % {**lines, "dialect": dialect} for dialect in ("openai", "anthropic"))
    (tmp_path / "bench.yaml").write_text(freehold._FACTS % lines + providers)
    assert {"bench-openai", "bench-anthropic"} <= set(load_register(tmp_path).providers)
