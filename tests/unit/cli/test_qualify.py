# SPDX-License-Identifier: Apache-2.0
"""freehold target qualify, as far as it goes without an estate that is up."""

import pytest
from tests.unit.cli.conftest import Run

from freehold.cli.qualify import _show
from freehold.contract.estate import Estate


def test_an_estate_that_is_down_has_nobody_to_judge(run: Run, estate: Estate) -> None:
    refused = run("target", "qualify", "default", "--estate", estate.directory)
    assert refused.exit_code == 1
    assert "is down" in refused.stderr


def test_what_was_wrong_is_shown_with_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    case = {"id": "france", "passed": False, "problems": ["does not contain 'Paris'"], "answer": "Lyon\n"}
    judged = {"service": "s", "target": "paris", "model": "m", "state": "not qualified", "reason": "", "passed": 0}
    not_run = {**judged, "target": "rome", "state": "not run", "reason": "forbidden: it may not", "total": None}
    _show([{**judged, "total": 1, "cases": [case]}, {**not_run, "cases": []}])
    shown = capsys.readouterr().out
    assert "paris, france: does not contain 'Paris'\n  it said: 'Lyon\\n'" in shown
    assert "! rome: forbidden: it may not" in shown
    assert "0 of 1" in shown
