# SPDX-License-Identifier: Apache-2.0
"""The other reference pages are whole: the ledger's fields, the dependencies, the processes."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.docs.pages import Page

from freehold.continuity.states import TABLE
from freehold.contract.backend import EngineState
from freehold.contract.record import Ending
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, DecisionRecord, OutcomeEntry, TargetRecord

FORMAT = "docs/reference/ledger-format.md"
SECTIONS = {
    "Admission": (AdmissionEntry, DecisionRecord, TargetRecord),
    "Outcome": (OutcomeEntry,),
    "Act": (ActEntry,),
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_field_of_an_entry_is_told(heading: str, pages: Mapping[str, Page]) -> None:
    section = pages[FORMAT].section(heading)
    missing = [
        field.name
        for kind in SECTIONS[heading]
        for field in dataclasses.fields(kind)
        if f"`{field.name}`" not in section
    ]
    assert not missing, f"{FORMAT}: the section {heading} does not tell {', '.join(missing)}"


def test_every_ending_of_a_call_is_told(pages: Mapping[str, Page]) -> None:
    section = pages[FORMAT].section("Outcome")
    missing = [ending for ending in Ending if f"`{ending}`" not in section]
    assert not missing, f"{FORMAT}: the section Outcome does not tell the endings {', '.join(missing)}"


def test_every_state_of_an_engine_is_told(pages: Mapping[str, Page]) -> None:
    page = pages["docs/tasks/operate.md"]
    missing = [state for state in EngineState if f"`{state}`" not in page.text]
    assert not missing, f"{page.path} does not tell the engine's states {', '.join(missing)}"


def test_the_table_of_states_is_the_one_that_the_code_acts_by(pages: Mapping[str, Page]) -> None:
    page = pages["docs/tasks/withdrawal.md"]
    expected = [
        [f"`{row.state}`", row.cause, row.begins, row.begun_by, row.ends, row.ended_by, row.traffic] for row in TABLE
    ]
    assert page.rows("The states") == expected, f"{page.path} and src/freehold/continuity/states.py differ"


@pytest.mark.parametrize("name", ["run.lock", "detector.lock", "tune.lock"])
def test_every_runtime_dependency_is_told(name: str, pages: Mapping[str, Page], root: Path) -> None:
    lock = (root / "requirements" / name).read_text(encoding="utf-8")
    locked = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock, re.MULTILINE)
    page = pages["docs/reference/dependencies.md"]
    missing = [name for name in locked if f"`{name}`" not in page.text]
    assert not missing, f"{page.path} does not tell why {', '.join(missing)} of requirements/{name} is there"


def test_every_architecture_decision_says_context_options_choice_and_cost(pages: Mapping[str, Page]) -> None:
    decisions = [page for path, page in pages.items() if re.match(r"docs/adr/\d{4}-", path)]
    lacking = [
        f"{page.path} lacks '## {heading}'"
        for page in decisions
        for heading in ("Context", "Options", "Choice", "Cost")
        if heading not in page.headings
    ]
    assert not lacking, "\n".join(lacking)
