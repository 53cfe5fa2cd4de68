# SPDX-License-Identifier: Apache-2.0
"""freehold evidence, of an estate that is down."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Run

from freehold.admin.keys import KeyRecord
from freehold.admin.state import State
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.ledger import compose
from freehold.ledger.writing.log import Log, NewEntry
from freehold.signing.keys import load_signer

AT = datetime(2026, 11, 22, 14, 38, tzinfo=UTC)
FOREIGN = '\n[target.claude]\nprovider = "anthropic"\nmodel = "claude-opus-4-8"\n[provider.anthropic]\nkey = "env:K"\n'
GIVEN = ("--by", "A. Weber", "--source", "a contract")


@pytest.fixture
def two(estate: Estate) -> Estate:
    """One that has a provider behind its own engine, and rules that forbid it."""
    text = estate.settings.read_text().replace('targets = ["local"]', 'targets = ["local", "claude"]')
    estate.settings.write_text(text + FOREIGN)
    return estate


def allow(estate: Estate, rule: str) -> None:
    estate.policies.mkdir(exist_ok=True)
    (estate.policies / "own.cedar").write_text(rule)


def csf(run: Run, estate: Estate, *options: str) -> dict[str, Any]:
    shown = run("evidence", "csf", "--json", "--estate", estate.directory, *options)
    assert shown.exit_code == 0, shown.stderr
    told: dict[str, Any] = json.loads(shown.stdout)["csf"]
    return told


def write(estate: Estate, *acts: str) -> None:
    log = Log(estate.ledger, salts=estate.salts, signer=load_signer(str(estate.ledger_key)))
    for number, kind in enumerate(acts):
        entry = compose.act(id=f"act_{number}", kind=kind, subject="call-1", operator="op", digests={}, at_utc=AT)
        log.append([NewEntry(data=entry)], "2026-11-22")
    log.publish()
    log.close()


def criterion(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(s["grade"] for s in report["estate"]["criteria"] if s["grade"]["criterion"] == name)


def test_the_summary_has_the_floor_and_the_profile_beside_every_score(run: Run, estate: Estate) -> None:
    shown = run("evidence", "csf", "--estate", estate.directory)
    assert (shown.exit_code, shown.stderr) == (0, "")
    scores = [line for line in shown.stdout.splitlines() if " %  v1.2.1-2025-10" in line]
    assert len(scores) == 2
    assert all("SEAL-0" in line for line in scores)
    assert "The sources disagree:" in shown.stdout
    assert "about self: SOV-8 q1, q2, q3, q4" in shown.stdout


def test_another_profile_is_named(run: Run, estate: Estate) -> None:
    assert csf(run, estate, "--profile", "calculator-2026-06")["profile"] == "calculator-2026-06"
    shown = run("evidence", "csf", "--profile", "none", "--estate", estate.directory)
    assert (shown.exit_code, "calculator-2026-06" in shown.stderr) == (1, True)


def test_an_answer_is_kept_with_who_gave_it_and_counts(run: Run, estate: Estate) -> None:
    before = criterion(csf(run, estate), "SOV-8.q4")
    given = run("evidence", "answer", "SOV-8.q4", "3", *GIVEN, "--estate", estate.directory, "--json")
    assert json.loads(given.stdout)["answer"]["by"] == "A. Weber"
    after = criterion(csf(run, estate), "SOV-8.q4")
    assert (before["basis"], after["basis"], after["step"]) == ("missing", "asserted", 3)
    assert (estate.directory / "evidence" / "answers.toml").read_text().count("[[answer]]") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("SOV-9.q1", "1"), "no question"),
        (("SOV-8.q4", "5"), "not a step"),
        (("SOV-8.q4", "1", "--about", "openai"), "no subject"),
        (("SOV-8.q4", "1", "--by", "two\nlines"), "by is not one line"),
    ],
)
def test_an_answer_to_nothing_is_refused_and_not_kept(
    run: Run, estate: Estate, arguments: tuple[str, ...], says: str
) -> None:
    shown = run("evidence", "answer", arguments[0], arguments[1], *GIVEN, *arguments[2:], "--estate", estate.directory)
    assert (shown.exit_code, says in shown.stderr) == (1, True)
    assert not (estate.directory / "evidence").exists()


def test_a_provider_that_the_rules_forbid_does_not_count_and_one_that_they_permit_does(run: Run, two: Estate) -> None:
    assert csf(run, two)["estate"]["may_not"] == ["claude"]
    text = two.settings.read_text().replace('# set = "owned-only"', 'set = "open"')
    two.settings.write_text(text.replace('data_class = "internal"', 'data_class = "public"'))
    told = csf(run, two)
    assert told["estate"]["may_answer"] == ["local", "claude"]
    assert "claude" in next(one["backends"] for one in told["estate"]["held_by"] if one["criterion"] == "SOV-3.q1")
    facts = criterion(told, "SOV-1.q8")["evidence"]
    assert any(one["kind"] == "fact" and one["where"] and one["as_of"] for one in facts)


def test_a_provider_that_one_key_alone_may_reach_counts(run: Run, two: Estate) -> None:
    """A rule that names a key must not hide the provider that it opens."""
    key = KeyRecord(
        id="key_0123456789ab",
        label="",
        secret_sha256="0" * 64,
        services=("*",),
        data_class=DataClass.PUBLIC,
        created_unix=1.0,
    )
    text = two.settings.read_text().replace('# set = "owned-only"', 'set = "open"')
    two.settings.write_text(text.replace('data_class = "internal"', 'data_class = "public"'))
    allow(
        two,
        '@id("only-one") forbid (principal, action, resource) '
        f'unless {{ resource.owned || principal == Freehold::Application::"{key.id}" }};',
    )
    assert csf(run, two)["estate"]["may_answer"] == ["local"]
    with closing(State(two.state)) as state:
        state.add_api_key(key)
    assert csf(run, two)["estate"]["may_answer"] == ["local", "claude"]


def test_erasures_are_shown_from_the_ledgers_acts(run: Run, estate: Estate) -> None:
    write(estate, "call.forget", "key.create", "salts.expire")
    told = csf(run, estate)
    stands = criterion(told, "SOV-3.q3")
    assert (stands["step"], stands["basis"]) == (3, "measured")
    assert "2 erasures" in stands["evidence"][0]["says"]
    assert stands["evidence"][0]["as_of"].startswith("2026-11-22T14:38:00")
    assert told["ledger"]["size"] == 3


def test_a_ledger_whose_head_does_not_hold_is_no_evidence(run: Run, estate: Estate) -> None:
    write(estate, "call.forget")
    head = estate.ledger / "checkpoint"
    head.chmod(0o600)
    head.write_bytes(head.read_bytes().replace(b"\n1\n", b"\n2\n"))
    shown = run("evidence", "csf", "--estate", estate.directory)
    assert (shown.exit_code, shown.stdout) == (1, "")


def test_a_floor_that_is_too_low_fails_a_pipeline(run: Run, estate: Estate) -> None:
    for least, code in ((0, 0), (1, 1)):
        shown = run("evidence", "csf", "--min-seal", least, "--estate", estate.directory)
        assert (shown.exit_code, "SEAL-0" in shown.stdout) == (code, True)


def test_the_page_is_written_and_needs_a_file(run: Run, estate: Estate, tmp_path: Path) -> None:
    page = tmp_path / "csf.html"
    done = run("evidence", "csf", "--format", "html", "--output", page, "--estate", estate.directory)
    assert (done.exit_code, done.stdout) == (0, "")
    assert page.read_text().startswith("<!doctype html>")
    assert run("evidence", "csf", "--format", "html", "--estate", estate.directory).exit_code == 2
    gone = tmp_path / "none" / "csf.html"
    shown = run("evidence", "csf", "--format", "html", "--output", gone, "--estate", estate.directory)
    assert (shown.exit_code, "cannot be written" in shown.stderr) == (1, True)


def test_what_is_no_estate_is_said_to_be_none(run: Run, tmp_path: Path) -> None:
    assert run("evidence", "csf", "--estate", tmp_path).exit_code == 1


def test_nothing_but_answers_changes_an_estate(run: Run, two: Estate) -> None:
    def files() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in two.directory.rglob("*") if path.is_file()}

    before = files()
    csf(run, two)
    assert files() == before


def ask(run: Run, estate: Estate, framework: str, noun: str) -> dict[str, Any]:
    shown = run("evidence", framework, "--json", "--estate", estate.directory)
    assert shown.exit_code == 0, shown.stderr
    told: dict[str, Any] = json.loads(shown.stdout)[noun]
    return told


def permitted(estate: Estate) -> None:
    """The second target may see what is of class public, and no more."""
    text = estate.settings.read_text().replace('# set = "owned-only"', 'set = "open"')
    estate.settings.write_text(text.replace('data_class = "internal"', 'data_class = "public"'))


def test_duties_are_told_with_their_days_and_answers_change_them(run: Run, estate: Estate) -> None:
    told = ask(run, estate, "ai-act", "ai_act")
    assert {one["article"]: one["start"] for one in told["services"][0]["duties"]}["Art. 26(6)"] == "2027-12-02"
    assert "AIA.role" in {one["id"] for one in told["missing"]}
    name = told["services"][0]["service"]
    given = run(
        "evidence", "answer", "AIA.role", "deployer", *GIVEN, "--about", f"service:{name}", "--estate", estate.directory
    )
    assert given.exit_code == 0, given.stderr
    after = ask(run, estate, "ai-act", "ai_act")
    assert "AIA.role" not in {one["id"] for one in after["missing"]}
    standing = {one["article"]: one["standing"] for one in after["services"][0]["duties"]}
    assert (standing["Art. 50(1)"], standing["Art. 50(3)"]) == ("does not apply", "open")


def test_models_of_the_vault_are_held_against_the_guideline(run: Run, estate: Estate) -> None:
    shown = run("evidence", "ai-act", "--estate", estate.directory)
    assert (shown.exit_code, "The vault has no model." in shown.stdout, "Art. 50(2)" in shown.stdout) == (0, True, True)
    given = ("evidence", "answer", "AIA.trained", "no", *GIVEN, "--about", "model:none", "--estate", estate.directory)
    assert (run(*given).exit_code, "no subject" in run(*given).stderr) == (1, True)


def test_transfers_are_told_where_a_person_says_that_data_is_personal(run: Run, two: Estate) -> None:
    permitted(two)
    assert ask(run, two, "gdpr", "gdpr")["transfers"] == []
    about = ("--about", "service:default", "--estate", two.directory)
    assert run("evidence", "answer", "GDPR.personal", "yes", *GIVEN, *about).exit_code == 0
    told = ask(run, two, "gdpr", "gdpr")
    assert {one["state"] for one in told["transfers"]} >= {"US", "??"}
    assert [one["provider"] for one in told["parties"]] == ["anthropic"]
    given = ("evidence", "answer", "GDPR.mechanism", "scc-2", *GIVEN, "--estate", two.directory)
    assert run(*given, "--about", "anthropic/US").exit_code == 0
    assert run(*given, "--about", "anthropic/??").exit_code == 0
    for wrong in ("anthropic", "anthropic/XX", "openai/US", "service:default"):
        assert run(*given, "--about", wrong).exit_code == 1
    us = next(one for one in ask(run, two, "gdpr", "gdpr")["transfers"] if one["state"] == "US")
    assert (us["mechanism"]["ground"], [one["id"] for one in us["missing"]]) == (
        "asserted",
        ["GDPR.mechanism-since", "GDPR.assessed"],
    )


def test_erasures_on_record_are_in_the_record_of_processing(run: Run, estate: Estate) -> None:
    write(estate, "call.forget", "key.create", "salts.expire")
    told = ask(run, estate, "gdpr", "gdpr")["erasures"]
    assert told["counts"] == {"call.forget": 1, "salts.expire": 1}
    assert [one["position"].rpartition("/")[2] for one in told["newest"]] == ["0", "2"]


@pytest.mark.parametrize("framework", ["ai-act", "gdpr"])
def test_a_document_is_written_in_html_and_markdown_and_a_pipeline_may_ask_for_answers(
    run: Run, estate: Estate, tmp_path: Path, framework: str
) -> None:
    for form, begins in (("html", "<!doctype html>"), ("markdown", "# ")):
        path = tmp_path / form
        done = run("evidence", framework, "--format", form, "--output", path, "--estate", estate.directory)
        assert (done.exit_code, done.stdout) == (0, "")
        assert path.read_text().startswith(begins)
    for wrong in (("--format", "html"), ("--output", tmp_path / "x"), ("--format", "html", "--output", "x", "--json")):
        assert run("evidence", framework, *wrong, "--estate", estate.directory).exit_code == 2
    shown = run("evidence", framework, "--complete", "--estate", estate.directory)
    assert (shown.exit_code, "Not answered:" in shown.stdout) == (1, True)


def test_the_register_is_written_with_a_plan_and_says_what_is_missing(run: Run, two: Estate, tmp_path: Path) -> None:
    text = two.settings.read_text().replace('# set = "owned-only"', 'set = "open"')
    two.settings.write_text(text.replace('data_class = "internal"', 'data_class = "public"'))
    folder = tmp_path / "register"
    done = run("evidence", "dora", "--output", folder, "--estate", two.directory)
    assert (done.exit_code, "B_02.01.c0010 --about anthropic" in done.stdout) == (1, True)
    assert len(list(folder.glob("b_*.csv"))) == 8
    assert "No drill" in (folder / "exit-anthropic.md").read_text()
    assert (folder / "dora.html").read_text().startswith("<!doctype html>")
    given = ("evidence", "answer", "B_02.01.c0010", "C-1", *GIVEN, "--estate", two.directory)
    assert run(*given).exit_code == 1
    assert run(*given, "--about", "anthropic").exit_code == 0
    told = json.loads(run("evidence", "dora", "--json", "--estate", two.directory).stdout)["dora"]
    assert told["entries"]["rows"]["B_03.02"][0]["c0010"]["value"] == "C-1"
    assert criterion(csf(run, two), "SOV-8.q4")["basis"] == "missing"


def test_an_estate_that_leans_on_nobody_has_nothing_to_register(run: Run, estate: Estate) -> None:
    shown = run("evidence", "dora", "--estate", estate.directory)
    assert (shown.exit_code, "No provider may answer" in shown.stdout) == (0, True)
