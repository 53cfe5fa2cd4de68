# SPDX-License-Identifier: Apache-2.0
import pytest
from tests.unit.cli.conftest import Run

from freehold.cli.ledger import _forgotten
from freehold.contract.estate import Estate


@pytest.mark.parametrize(
    "asked", [[], ["a/1", "--call", "call_1"], ["--day", "2026-11-22", "--text", "key_1"], ["--call", ""]]
)
def test_exactly_one_thing_is_named_before_anything_is_done(run: Run, estate: Estate, asked: list[str]) -> None:
    done = run("ledger", "forget", *asked, "--estate", estate.directory)
    assert done.exit_code == 2
    assert "Name exactly one of" in done.stderr
    assert not estate.state.exists()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"text": "key_1"}, "What was written about key_1 is erased, and that is on record."),
        (
            {"call": "call_1", "admission": "a/1", "act": "a/9", "kind": "call.forget", "at": "2026"},
            "The salt of call_1 is destroyed: act a/9, call.forget at 2026.",
        ),
        (
            {"day": "2026-11-22", "act": "a/9", "kind": "salts.expire", "at": "2026"},
            "The salts of 2026-11-22 are destroyed: act a/9, salts.expire at 2026.",
        ),
    ],
)
def test_what_was_erased_is_said_with_the_act(told: dict[str, str], said: str) -> None:
    assert _forgotten(told) == said
