# SPDX-License-Identifier: Apache-2.0
"""Scenarios with one defect each, named for it. None is read; each refusal names file, line and defect."""

from pathlib import Path

import pytest

from freehold.continuity.drill.scenario import HINT, read_scenario
from freehold.errors import SettingsError

ASSETS = sorted((Path(__file__).parent / "assets").glob("*.yaml"))
SAID = {
    "after-its-end": "line 4: 'at_s' is a number from 0 to 10, and not '11'",
    "alias": "line 1: anchors and aliases are not allowed",
    "crash-with-a-status": "line 4: unknown key 'status'",
    "directive-maybe": "line 4: 'directive' is one of cut, finish",
    "endless": "line 2: 'duration_s' is a number from 1 to 3600",
    "key-twice": "line 2: 'name' is given twice",
    "lift-false": "line 4: 'lift' is one of true",
    "no-number": "line 2: 'duration_s' is a number",
    "no-steps": "line 3: 'steps' is a list of 1 to 200",
    "no-targets": "line 4: lacks 'targets'",
    "no-verb": "line 4: a step has exactly one of: fault, restore, directive, lift",
    "not-a-table": "line 1: expected names with values",
    "not-yaml": "this is not YAML",
    "share-of-nothing": "line 4: 'share' is a number from 0.01 to 1",
    "status-of-an-answer": "line 4: 'status' is a whole number from 300 to 599",
    "targets-nested": "line 4: 'targets' is a name, or a list of names",
    "time-is-a-word": "line 2: 'duration_s' is a number from 1 to 3600, and not 'soon'",
    "two-verbs": "line 4: a step has exactly one of",
    "unknown-fault": "line 5: 'fault' is one of refuse, dns",
    "unknown-key": "line 3: unknown key 'colour'",
}


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: path.stem)
def test_a_scenario_with_a_defect_is_refused_and_the_line_is_named(path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read_scenario(path.read_text(encoding="utf-8"), path.name)
    assert SAID[path.stem] in refused.value.message
    assert refused.value.message.startswith(path.name)
    assert refused.value.advice == HINT


def test_every_defect_has_its_words() -> None:
    assert set(SAID) == {path.stem for path in ASSETS}
