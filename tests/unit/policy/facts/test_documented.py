# SPDX-License-Identifier: Apache-2.0
"""The documentation tells every field and every step, and its files of facts do what it says."""

import re
from datetime import date
from pathlib import Path

import msgspec
import pytest

from freehold.policy.facts import EXPOSURE, RULE_VERSION, backend_facts, describe, entries, load_register
from freehold.policy.facts.register import KINDS

DOCS = Path(__file__).parents[4] / "docs"
REFERENCE = (DOCS / "reference" / "facts.md").read_text(encoding="utf-8")
TASK = (DOCS / "tasks" / "who-can-compel.md").read_text(encoding="utf-8")
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(entries).values() if isinstance(kind, type) and issubclass(kind, entries.Fact)]
)
def test_every_field_is_told(kind: type[entries.Fact]) -> None:
    untold = [field.name for field in msgspec.structs.fields(kind) if f"`{field.name}`" not in REFERENCE]
    assert not untold


def test_every_table_and_every_step_is_told() -> None:
    steps = {"operator", "parent", "keys", "sub-processor", "unknown", *EXPOSURE}
    assert not [name for name in steps if f"**`{name}`**" not in REFERENCE]
    assert not [kind for kind in KINDS if f"`{kind}`" not in REFERENCE]
    assert f"## The rule, version {RULE_VERSION}\n" in REFERENCE


def test_the_example_of_an_estates_own_facts_is_loaded_and_settles_its_provider(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
    (tmp_path / "paris.yaml").write_text(block)
    found = backend_facts(load_register(tmp_path), "paris", today=TODAY)
    assert (found.authorities, found.exposure, found.locations) == (("FR",), (), ("FR",))


def test_the_file_that_settles_ovhcloud_settles_it(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TASK, re.DOTALL)
    (tmp_path / "ovhcloud.yaml").write_text(block)
    register = load_register(tmp_path)
    found = backend_facts(register, "ovhcloud", today=TODAY)
    assert (found.authorities, found.exposure, found.locations) == (("FR",), ("US",), ("FR",))
    assert (found.retention_days, found.trains) == (0, False)
    assert describe(register, "ovhcloud", TODAY).overridden == (
        "organisations.ovh",
        "organisations.ovh-groupe",
        "providers.ovhcloud",
    )


@pytest.mark.parametrize(
    ("heading", "provider"),
    [("Mistral", "mistral"), ("OVHcloud", "ovhcloud"), ("Azure", "azure-openai"), ("Alibaba", "alibaba-qwen")],
)
def test_the_tables_of_the_worked_cases_are_what_the_facts_say(heading: str, provider: str) -> None:
    section = next(part for part in TASK.split("\n### ")[1:] if part.startswith(heading))
    found = backend_facts(load_register(), provider, today=TODAY)
    told = {"authorities": found.authorities, "exposure": found.exposure, "computed in": found.locations}
    rows = re.findall(r"^\| (authorities|exposure|computed in) \| (.*) \|$", section, re.MULTILINE)
    assert rows
    for name, states in rows:
        assert tuple(states.replace("`", "").split()) == told[name]
