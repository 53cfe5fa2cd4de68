# SPDX-License-Identifier: Apache-2.0
"""freehold policy, of an estate that is down."""

import csv
import io
import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Run

from freehold.admin.keys import KeyRecord
from freehold.admin.state import State
from freehold.bootstrap.consult import law_in_files
from freehold.contract.backend import BackendKind, Model, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.decision import Decision, Verdict
from freehold.contract.estate import Estate
from freehold.ledger import compose
from freehold.ledger.writing.log import Log, NewEntry
from freehold.signing.keys import load_signer

LOCAL = Target(name="local", kind=BackendKind.ENGINE, model=Model(name="m", digest="sha256:0"), operator="self")


@pytest.fixture
def eu_only(estate: Estate) -> Estate:
    text = estate.settings.read_text()
    estate.settings.write_text(text.replace('# set = "owned-only"', 'set = "eu-only"'))
    return estate


def add_rule(estate: Estate, text: str) -> None:
    estate.policies.mkdir(exist_ok=True)
    (estate.policies / "own.cedar").write_text(text)


def test_a_new_estate_has_sound_rules(run: Run, estate: Estate) -> None:
    shown = run("policy", "check", "--estate", estate.directory)
    assert (shown.exit_code, "in the files  owned-only" in shown.stdout) == (0, True)
    told = json.loads(run("policy", "check", "--estate", estate.directory, "--json").stdout)["policy"]
    assert (told["set"], told["in_force"], told["pending"]) == ("owned-only", False, False)


def test_the_rules_are_printed_whole_with_the_states_written_out(run: Run, eu_only: Estate) -> None:
    printed = run("policy", "check", "--print", "--estate", eu_only.directory).stdout
    assert '@id("no-authority-outside-eu")' in printed
    assert '["AT", "BE",' in printed
    assert "[/*" not in printed


def test_what_is_wrong_with_a_rule_is_told_by_file_and_line(run: Run, estate: Estate) -> None:
    add_rule(estate, '@id("a")\npermit (principal, action, resource)\nwhen { resource.ownd };')
    for command in ("check", "explain", "matrix"):
        shown = run("policy", command, "--estate", estate.directory)
        assert (shown.exit_code, shown.stdout) == (1, "")
        assert "freehold: policies/own.cedar, line 3: attribute 'ownd'" in shown.stderr


def test_a_set_that_there_is_not_is_a_wrong_setting(run: Run, estate: Estate) -> None:
    estate.settings.write_text(estate.settings.read_text().replace('# set = "owned-only"', 'set = "none"'))
    shown = run("policy", "check", "--estate", estate.directory)
    assert (shown.exit_code, "[policy]" in shown.stderr) == (1, True)


def test_a_made_up_call_is_explained_for_targets_and_providers_of_the_register(run: Run, eu_only: Estate) -> None:
    asked = ("policy", "explain", "--data-class", "personal", "--backend", "local", "--backend", "provider:openai")
    shown = run(*asked, "--estate", eu_only.directory)
    assert "local: It may see the call." in shown.stdout
    assert "provider:openai (openai): It may not see the call." in shown.stdout
    assert "forbid no-authority-outside-eu  (sets/eu-only.cedar, line 22)" in shown.stdout
    assert "US can compel its operator: " in shown.stdout
    told = json.loads(run(*asked, "--estate", eu_only.directory, "--json").stdout)["explanation"]
    assert [(each["backend"], each["allowed"]) for each in told["backends"]] == [
        ("local", True),
        ("provider:openai", False),
    ]


def test_the_class_of_the_service_and_the_key_is_the_least(run: Run, estate: Estate) -> None:
    with closing(State(estate.state)) as state:
        state.add_api_key(_key(DataClass.RESTRICTED, services=("other",)))
    asked = ("policy", "explain", "--key", "key_1", "--data-class", "public", "--estate", estate.directory, "--json")
    told = json.loads(run(*asked).stdout)["explanation"]
    assert told["call"] == {"service": "default", "data_class": "restricted", "key": "key_1"}
    assert told["backends"][0]["rules"] == ["key-lists-service"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--service", "none"), "there is no service 'none'; there are: default"),
        (("--backend", "none"), "there is no target 'none'; there are: local"),
        (("--backend", "provider:none"), "there is no provider 'none'"),
        (("--key", "none"), "there is no API key 'none'"),
        (("--decision", "dec_none"), "there is no readable log"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(run: Run, estate: Estate, arguments: tuple[str, ...], said: str) -> None:
    shown = run("policy", "explain", *arguments, "--estate", estate.directory)
    assert (shown.exit_code, said in shown.stderr) == (1, True)


def test_a_decision_and_a_made_up_call_are_two_questions(run: Run, estate: Estate) -> None:
    shown = run("policy", "explain", "--decision", "dec_1", "--service", "default", "--estate", estate.directory)
    assert shown.exit_code == 2


def test_the_matrix_is_a_grid_with_notes(run: Run, eu_only: Estate) -> None:
    shown = run("policy", "matrix", "--provider", "scaleway", "--estate", eu_only.directory)
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert rows[0] == ["SERVICE", "DATA", "CLASS", "LOCAL", "PROVIDER:SCALEWAY"]
    assert rows[3] == ["default", "personal", "yes", "1", "(no", "2)"]
    assert rows[6] == ["1", "owned-engines"]
    assert "In brackets" in shown.stderr


def test_the_matrix_is_written_as_csv_and_html(run: Run, estate: Estate, tmp_path: Path) -> None:
    page = tmp_path / "matrix.html"
    shown = run("policy", "matrix", "--csv", "-", "--html", page, "--estate", estate.directory)
    assert len(list(csv.DictReader(io.StringIO(shown.stdout)))) == 4
    assert page.read_text().startswith("<!doctype html>")
    told = json.loads(run("policy", "matrix", "--estate", estate.directory, "--json").stdout)["matrix"]
    assert (told["set"], len(told["cells"])) == ("owned-only", 4)


@pytest.fixture
def decision(estate: Estate) -> str:
    """Of a call in the ledger, made under the law in the estate's files."""
    law = law_in_files(estate).law
    call = Call(
        id="call_01",
        dialect=Dialect.OPENAI,
        operation=Operation.CHAT,
        asked="gpt-4o",
        service="default",
        key_id="key_1",
        data_class=DataClass.INTERNAL,
        stream=False,
        body=b"",
    )
    verdict = Verdict(target="local", allowed=True, rules=("owned-engines",))
    made = Decision(id="dec_01", verdicts=(verdict,), policy_digest=law.policy_digest, facts_digest=law.facts_digest)
    admission = compose.admission(
        call, made, targets=[LOCAL], snapshot_version=1, request_commitment="00", at_utc=datetime.now(UTC)
    )
    log = Log(estate.ledger, salts=estate.salts, signer=load_signer(str(estate.ledger_key)))
    log.append([NewEntry(data=admission)], "2026-11-22")
    log.publish()
    log.close()
    with closing(State(estate.state)) as state:
        state.add_api_key(_key(DataClass.PUBLIC))
    return made.id


def test_a_call_of_the_past_is_explained_by_the_rules_still_in_force(run: Run, estate: Estate, decision: str) -> None:
    shown = run("policy", "explain", "--decision", decision, "--estate", estate.directory)
    assert "still in force" in shown.stdout
    assert "permit owned-engines" in shown.stdout
    told = json.loads(run("policy", "explain", "--decision", decision, "--estate", estate.directory, "--json").stdout)
    assert (told["decision"]["entry"], told["decision"]["same_policy"]) == (0, True)
    assert told["decision"]["explanations"][0]["rules"] == ["owned-engines"]


def test_a_call_of_the_past_keeps_its_record_when_rules_change(run: Run, estate: Estate, decision: str) -> None:
    add_rule(estate, '@id("none") forbid (principal, action, resource);')
    shown = run("policy", "explain", "--decision", decision, "--estate", estate.directory)
    assert (shown.exit_code, "owned-engines" in shown.stdout) == (0, True)
    assert "Other rules are in force since" in shown.stderr
    assert "still in force" not in shown.stdout


def test_a_key_that_was_changed_since_is_not_explained_as_if_it_had_not_been(
    run: Run, estate: Estate, decision: str
) -> None:
    estate.state.unlink()
    shown = run("policy", "explain", "--decision", decision, "--estate", estate.directory)
    assert "would be decided otherwise now" in shown.stderr


def test_a_decision_that_is_not_on_record_is_told(run: Run, estate: Estate, decision: str) -> None:
    shown = run("policy", "explain", "--decision", "dec_02", "--estate", estate.directory)
    assert (shown.exit_code, "no decision 'dec_02' is on record" in shown.stderr) == (1, True)


def _key(data_class: DataClass, *, services: tuple[str, ...] = ("*",)) -> KeyRecord:
    return KeyRecord(
        id="key_1", label="", secret_sha256="ab", services=services, data_class=data_class, created_unix=1.0
    )
