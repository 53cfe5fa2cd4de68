# SPDX-License-Identifier: Apache-2.0
"""What would stop without a provider, a state or a statute."""

import pytest
from tests.unit.assess.exposure.conftest import Assess

from freehold.assess.exposure.losing import Fate, outcomes, read_without
from freehold.errors import NotFound
from freehold.policy.facts import Register

FILES = {
    "a/package.json": '{"dependencies": {"openai": "1"}}',
    "b/package.json": '{"dependencies": {"replicate": "1"}}',
    "c/package.json": '{"dependencies": {"langsmith": "1"}}',
    "d/package.json": '{"dependencies": {"ollama": "1"}}',
    "a/a.ts": 'const m = "gpt-4o";\n',
}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("openai", ["stops", "goes on", "goes on", "goes on"]),
        ("US", ["stops", "may stop", "goes on with less", "goes on"]),
        ("US-CLOUD", ["stops", "may stop", "goes on with less", "goes on"]),
        ("replicate", ["goes on", "stops", "goes on", "goes on"]),
        ("FR", ["may stop", "may stop", "goes on with less", "goes on"]),
    ],
)
def test_each_application_has_its_fate(written: str, expected: list[str], assessed: Assess, register: Register) -> None:
    assessment = assessed(FILES)
    without = read_without(written, register, (one.provider for one in assessment.dependencies))
    assert [one.fate for one in outcomes(assessment, without)] == expected


def test_an_estate_that_answers_to_a_model_is_named(assessed: Assess, register: Register) -> None:
    found = outcomes(assessed(FILES), read_without("openai", register, ()), {"gpt-4o": "support"}.get)  # type: ignore[arg-type] # it has the name
    assert (found[0].application, found[0].fate, found[0].carried) == ("a", Fate.STOPS, ("support",))


def test_what_nobody_knows_cannot_be_thought_away(register: Register) -> None:
    with pytest.raises(NotFound, match="no provider, state or statute"):
        read_without("atlantis", register, ())
