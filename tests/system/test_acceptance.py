# SPDX-License-Identifier: Apache-2.0
"""Acceptance cases on the real small model: a substitute answers once it has passed them, and not before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.system.estates import MODEL, Estate
from tests.system.wire import CHAT, chat, post

CASES = """
cases:
  - id: capital-of-france
    prompt: What is the capital of France? Answer in one sentence.
    max_tokens: 48
    checks: [contains: Paris, not_contains: Berlin, language: en, refusal: false]
  - id: capital-of-germany
    prompt: What is the capital of Germany? Answer in one sentence.
    max_tokens: 48
    checks: [contains: Berlin, not_contains: Paris]
"""


@pytest.fixture(scope="module")
def accepting(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """A service whose first target has a model that is not there, and whose second one would have to stand in."""
    own = Estate(tmp_path_factory.mktemp("accepting") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        settings = own.files / "freehold.toml"
        text = settings.read_text(encoding="utf-8").replace('targets = ["local"]', 'targets = ["gone", "local"]')
        gone = '\n[target.gone]\nengine = "llamacpp"\nmodel = "no-such-model"\n'
        settings.write_text(text + gone, encoding="utf-8")
        own.set("service.default", 'acceptance = "acceptance/default.yaml"')
        _cases(own).parent.mkdir()
        _cases(own).write_text(CASES, encoding="utf-8")
        own.up()
        yield own
    finally:
        own.destroy()


def _cases(estate: Estate) -> Path:
    return estate.files / "acceptance" / "default.yaml"


def test_a_substitute_answers_once_it_has_passed(accepting: Estate) -> None:
    assert post(accepting, CHAT, chat()).status == 503
    done = accepting.attempt("target", "qualify", "default")
    assert done.returncode == 1, "the first target cannot be judged"
    assert "local: capital-of-germany passed (2 of 2)" in done.stderr
    answer = post(accepting, CHAT, chat())
    assert (answer.status, answer.headers["freehold-target"]) == (200, "local")

    gone, local = accepting.status()["services"][0]["acceptance"]["targets"]
    assert (gone["standing"], gone["current_pass"]) == ("first", False)
    assert (local["standing"], local["passed"], local["total"]) == ("qualified", 2, 2)

    _cases(accepting).write_text(CASES.replace("one sentence", "a short sentence"), encoding="utf-8")
    accepting.run("reload")
    assert post(accepting, CHAT, chat()).status == 503, "other cases have to be passed anew"
    accepting.run("ledger", "verify")


def test_a_target_is_judged_in_a_sealed_estate_too(accepting: Estate) -> None:
    _cases(accepting).write_text(CASES, encoding="utf-8")
    accepting.down()
    accepting.up("--sealed")
    runs = accepting.ask("target", "qualify", "default", "--target", "local")["qualifications"]
    assert [(run["target"], run["model"], run["state"]) for run in runs] == [("local", MODEL, "qualified")]


def test_cases_that_tell_nothing_stop_a_start(accepting: Estate) -> None:
    accepting.down()
    _cases(accepting).write_text("cases: [{id: a, prompt: Hello., checks: [not_contains: x]}]", encoding="utf-8")
    refused = accepting.attempt_up()
    assert refused.returncode == 1
    assert "an empty answer passes 1 of 1 cases (a)" in refused.stderr
