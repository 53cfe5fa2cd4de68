# SPDX-License-Identifier: Apache-2.0
import json

from tests.unit.cli.conftest import Run

from freehold.contract.estate import Estate

PROVE = ("policy", "prove", "--estate")
US = "no personal data under authority US"


def test_a_claim_is_proved_of_the_rules_in_the_files(run: Run, estate: Estate) -> None:
    _choose(estate, "eu-only")
    assert run(*PROVE, estate.directory, US).stdout == f"proved: {US}\n"


def test_what_breaks_a_claim_is_shown_and_the_exit_code_is_1(run: Run, estate: Estate) -> None:
    _choose(estate, "open")
    result = run(*PROVE, estate.directory, "no data located in CN")
    assert result.exit_code == 1
    assert result.stdout.startswith("broken: no data located in CN\n")
    assert "permitted by    anybody (sets/open.cedar, line 9)" in result.stdout


def test_without_a_claim_those_of_the_estate_are_tried(run: Run, estate: Estate) -> None:
    assert "claims nothing" in run(*PROVE, estate.directory).stdout
    estate.policies.mkdir(exist_ok=True)
    (estate.policies / "claims.txt").write_text(f"{US}\n", encoding="utf-8")
    assert (
        run(*PROVE, estate.directory).stdout
        == f"policies/claims.txt:1: proved: {US} (no provider is permitted at all)\n"
    )


def test_json_has_the_verdict_and_the_counterexample(run: Run, estate: Estate) -> None:
    _choose(estate, "open")
    proved, broken = json.loads(run(*PROVE, estate.directory, "--json", US, "no data located in CN").stdout)["claims"]
    assert (proved["answer"], proved["proved"], proved["vacuous"], proved["counterexample"]) == (
        "proved",
        True,
        False,
        None,
    )
    assert broken["answer"] == "broken"
    assert broken["counterexample"]["locations"] == ["CN"]
    assert broken["counterexample"]["permitted_by"] == ["anybody"]


def test_the_meaning_of_a_claim_is_a_condition_in_cedar(run: Run, estate: Estate) -> None:
    assert (
        'context.data_class >= 2 && resource.authorities.contains("US")'
        in run(*PROVE, estate.directory, "--meaning", US).stdout
    )


def test_a_claim_that_does_not_parse_is_refused(run: Run, estate: Estate) -> None:
    result = run(*PROVE, estate.directory, "no personal dta")
    assert result.exit_code == 1
    assert "'data' is expected at column 13" in result.stderr


def _choose(estate: Estate, set_name: str) -> None:
    text = estate.settings.read_text(encoding="utf-8")
    estate.settings.write_text(text.replace('# set = "owned-only"', f'set = "{set_name}"'), encoding="utf-8")
    assert f'set = "{set_name}"' in estate.settings.read_text(encoding="utf-8")
