# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
from dataclasses import replace
from pathlib import Path

import click
import pytest
from tests.unit.cli.conftest import Run

from freehold.admin.orders import Holding, Orders, OwedAct
from freehold.admin.state import State
from freehold.cli.options import At, Token
from freehold.continuity.directives import digest_of
from freehold.continuity.states import Cause
from freehold.continuity.suspicion import Sighting
from freehold.contract.estate import Estate
from freehold.contract.standing import Directive, ScopeKind

SOURCE = "https://example.org/orders/17"
PROVIDER = """
[service.far]
targets = ["far", "spare"]

[target.far]
provider = "mistral"
model = "mistral-small-latest"
retires = "2031-01-01"

[target.spare]
provider = "mistral"
model = "mistral-large-latest"

[provider.mistral]
"""
DIRECTIVE = Directive(
    id="dir_1",
    kind=ScopeKind.MODEL,
    name="mistral-small-*",
    source=SOURCE,
    reason_sha256="ab" * 32,
    issued_unix=1_795_000_000.0,
    issued_by="op_1",
    effective_unix=1_795_000_000.0,
    took_effect_unix=1_795_000_000.0,
)


@pytest.fixture
def ordered(estate: Estate) -> Estate:
    """An estate that is down, with a directive in force and one that waits, and a target that is suspected."""
    with estate.settings.open("a", encoding="utf-8") as settings:
        settings.write(PROVIDER)
    owed = OwedAct(kind="directive.issue", subject="dir_1", operator="op_1", digests={})
    seen = Sighting(key_id="key_1", count=3, statuses=(403, 404), legal=True, first_unix=5.0, last_unix=9.0)
    with contextlib.closing(State(estate.state)) as state:
        orders = Orders(state)
        orders.add(DIRECTIVE, "an order of the state", owed)
        waiting = replace(DIRECTIVE, id="dir_2", name="none", signatures=2, took_effect_unix=0.0)
        orders.add(waiting, "another order", owed)
        orders.hold(Holding(target="spare", cause=Cause.EVIDENCE, since_unix=9.0, sightings=(seen,)))
    return estate


def test_directives_are_listed_while_the_estate_is_down(run: Run, ordered: Estate) -> None:
    listed = json.loads(run("directive", "list", "--estate", ordered.directory, "--json").stdout)["directives"]
    assert [(view["id"], view["state"], view["targets"], view["reason"]) for view in listed] == [
        ("dir_1", "in force", ["far"], "an order of the state"),
        ("dir_2", "unconfirmed", [], "another order"),
    ]
    assert listed[0]["digest"] == digest_of(DIRECTIVE)
    assert (listed[0]["to_sign"], listed[1]["to_sign"]) == (None, listed[1]["digest"])
    shown = run("directive", "list", "--estate", ordered.directory)
    assert shown.stdout.splitlines()[1].split()[:6] == ["dir_1", "in", "force", "model", "mistral-small-*", "far"]
    assert "dir_2: it waits for another operator: 'freehold directive confirm dir_2'" in shown.stderr


def test_targets_are_listed_with_what_holds_them_and_the_evidence(run: Run, ordered: Estate) -> None:
    listed = json.loads(run("target", "list", "--estate", ordered.directory, "--json").stdout)["targets"]
    assert {view["target"]: view["state"] for view in listed} == {
        "local": "active",
        "far": "withdrawn",
        "spare": "suspected",
    }
    far, spare = listed[1:]
    assert (far["directives"], far["since"], far["retires"]) == (["dir_1"], "2026-11-18T11:06:40Z", "2031-01-01")
    assert spare["evidence"] == [
        {
            "key": "key_1",
            "count": 3,
            "statuses": [403, 404],
            "legal": True,
            "first": "1970-01-01T00:00:05Z",
            "last": "1970-01-01T00:00:09Z",
        }
    ]
    shown = run("target", "list", "--estate", ordered.directory)
    assert "! far: directive dir_1: an order of the state" in shown.stdout
    assert "key_1: refused 3 times with 403, 404, for a legal reason" in shown.stdout
    assert "Decide: 'freehold target restore spare'" in shown.stderr


def test_an_estate_that_was_never_up_has_no_directive(run: Run, estate: Estate) -> None:
    assert json.loads(run("directive", "list", "--estate", estate.directory, "--json").stdout) == {"directives": []}
    assert "No directive was ever issued" in run("directive", "list", "--estate", estate.directory).stdout
    (local,) = json.loads(run("target", "list", "--estate", estate.directory, "--json").stdout)["targets"]
    assert (local["state"], local["kind"], local["provider"]) == ("active", "engine", None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "m", "--source", SOURCE), "Missing option '--reason'"),
        (("--model", "m", "--reason", "r"), "Missing option '--source'"),
        (("--reason", "r", "--source", SOURCE), "name exactly one of --model"),
        (("--model", "m", "--provider", "p", "--reason", "r", "--source", SOURCE), "name exactly one of --model"),
        (("--model", "m", "--reason", "r", "--source", SOURCE, "--effective", "soon"), "'soon' is not a time"),
        (
            ("--model", "m", "--reason", "r", "--source", SOURCE, "--effective", "2027-01-01T08:00"),
            "has no time zone",
        ),
        (
            ("--model", "m", "--reason", "r", "--source", SOURCE, "--operator-token", "/nowhere"),
            "cannot be read as a file with a token",
        ),
    ],
)
def test_what_is_misspelt_is_said_before_anything_is_started(
    run: Run, estate: Estate, arguments: tuple[str, ...], said: str
) -> None:
    refused = run("directive", "issue", *arguments, "--estate", estate.directory)
    assert refused.exit_code == 2
    assert said in " ".join(refused.stderr.split())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2027-01-01", "2027-01-01T00:00:00+00:00"),
        ("2027-01-01T08:00:00Z", "2027-01-01T08:00:00+00:00"),
        ("2027-01-01T08:00+02:00", "2027-01-01T08:00:00+02:00"),
    ],
)
def test_times_have_a_zone(written: str, read: str) -> None:
    assert At().convert(written, None, None) == read


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FREEHOLD_OPERATOR", raising=False)
    assert Token().convert("", None, None) == ""
    monkeypatch.setenv("FREEHOLD_OPERATOR", "fho_environment\n")
    assert Token().convert("", None, None) == "fho_environment"
    path = tmp_path / "token"
    path.write_text("fho_file\n")
    assert Token().convert(str(path), None, None) == "fho_file"
    path.write_text("")
    with pytest.raises(click.BadParameter, match="is empty"):
        Token().convert(str(path), None, None)
