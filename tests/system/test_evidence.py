# SPDX-License-Identifier: Apache-2.0
"""Evidence from an estate that ran: two providers, june-2026 behind it, an erasure on record; the same up and down."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.simulator.server import Simulator
from tests.system import foreign
from tests.system.estates import MODEL, Estate
from tests.system.wire import CHAT, post

FIRST, SECOND = "openai.sim-tool", "anthropic.sim-tool"
SETTINGS = ('data_class = "personal"', "rto_s = 20")
ANSWERS = {"GDPR.role": "controller", "AIA.role": "deployer", "AIA.high-risk": "none"}
_IN_BRITAIN = """organisations:
  simulated-cloud:
    name: Simulated Cloud Ltd
    seat: GB
    source: CONTRACT
    confidence: confirmed
    owners: {complete: "yes", source: CONTRACT, confidence: confirmed}
"""
_ALL_OF_THEM = "source: CONTRACT, confidence: confirmed}"
_HANDED_ON = f'listed: [{{organisation: simulated-cloud, purpose: support, sees_plaintext: "yes", {_ALL_OF_THEM}], '


@dataclass(frozen=True)
class House:
    """An estate that is down again, and what it said of itself while it was up."""

    estate: Estate
    up: dict[str, Any]


@pytest.fixture(scope="module")
def house(estate: Estate, running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    own = Estate(tmp_path_factory.mktemp("shown") / "estate")
    try:
        foreign.found(own, running_simulator, foreign.OPENAI, foreign.ANTHROPIC, policy="open")
        _hand_on(own.files / "facts" / "simulated.yaml")
        own.take_vault_of(estate)
        foreign.serve(own, "support", "openai/sim-tool", "anthropic/sim-tool", settings=SETTINGS)
        path = own.files / "freehold.toml"
        text = path.read_text(encoding="utf-8").replace(f', "{SECOND}"]', f', "{SECOND}", "local"]')
        path.write_text(text + f'\n[target.local]\nengine = "llamacpp"\nmodel = "{MODEL}"\n')
        own.up()
        body = {"model": "support", "max_tokens": 4, "messages": [{"role": "user", "content": "Hello"}]}
        own.run("ledger", "forget", post(own, CHAT, body).headers["freehold-receipt"])
        own.attempt("drill", "run", "june-2026", "--requests", "12")
        for question, value in ANSWERS.items():
            about = ("--about", "service:support", "--by", "A", "--source", "B")
            own.run("evidence", "answer", question, value, *about)
        up = {**own.ask("evidence", "csf"), **_register(own)}
        own.down()
        yield House(estate=own, up=up)
    finally:
        own.destroy()


def test_a_score_is_the_same_up_and_down_and_counts_who_may_answer(house: House, tmp_path: Path) -> None:
    down = house.estate.ask("evidence", "csf")["csf"]
    for told in (house.up["csf"], down):
        assert told["estate"]["may_answer"] == [FIRST, SECOND, "local"]
        assert told["estate"]["profile"] == "v1.2.1-2025-10"
        assert told["ledger"]["erasures"] == {"call.forget": 1}
        assert set(told["estate"]["without"]) == {FIRST, SECOND, "local"}
        assert {one["about"] for one in told["missing"]} == {"self", "openai", "anthropic"}
    assert [one["grade"]["step"] for one in house.up["csf"]["estate"]["criteria"]] == [
        one["grade"]["step"] for one in down["estate"]["criteria"]
    ]
    page = tmp_path / "csf.html"
    house.estate.run("evidence", "csf", "--format", "html", "--output", page)
    assert b"<script" not in page.read_bytes()


def test_the_register_knows_the_drill_and_the_room_that_there_was(house: House, tmp_path: Path) -> None:
    lean = house.up["dora"]["leaning"]
    carried = {on["provider"]: on["carried"][0] for on in lean["providers"]}
    assert (lean["up"], set(carried)) == (True, {"openai", "anthropic"})
    assert carried["openai"]["drills"][0]["scenario"] == "june-2026"
    assert carried["anthropic"]["drills"] == []
    assert carried["openai"]["foreseen"]["fate"]
    assert _register(house.estate)["dora"]["leaning"]["up"] is False
    folder = tmp_path / "register"
    assert house.estate.attempt("evidence", "dora", "--output", folder).returncode == 1
    assert len(list(folder.glob("b_*.csv"))) == 8
    plan = (folder / "exit-openai.md").read_text(encoding="utf-8")
    assert "- Drill drill_" in plan
    assert "12 calls in" in plan
    assert "No drill on this estate has tested this." in (folder / "exit-anthropic.md").read_text(encoding="utf-8")


def test_duties_rest_on_the_log_the_drill_and_answers(house: House, tmp_path: Path) -> None:
    told = house.estate.ask("evidence", "ai-act")["ai_act"]
    (service,) = told["services"]
    duties = {duty["article"]: duty for duty in service["duties"]}
    assert (duties["Art. 50(3)"]["standing"], duties["Art. 26(6)"]["standing"]) == ("open", "does not apply")
    assert duties["Art. 26(6)"]["met"]["ground"] == "measured"
    assert duties["Art. 26(5)"]["met"]["evidence"][0]["kind"] == "drill"
    assert [(one["model"], one["verdict"]) for one in told["models"]] == [(MODEL, "not trained here")]
    page = tmp_path / "ai-act.html"
    house.estate.run("evidence", "ai-act", "--format", "html", "--output", page)
    assert b"not trained here" in page.read_bytes()


def test_the_record_of_processing_has_recipients_transfers_and_the_erasure(house: House, tmp_path: Path) -> None:
    told = house.estate.ask("evidence", "gdpr")["gdpr"]
    (activity,) = told["activities"]
    assert (activity["in_record"], activity["personal"]["ground"]) == (True, "measured")
    assert sorted(activity["recipients"]) == ["anthropic", "openai"]
    assert next(one["calls"] for one in told["parties"] if one["provider"] == "openai") > 0
    (transfer,) = told["transfers"]
    assert (transfer["provider"], transfer["state"]) == ("anthropic", "GB")
    assert transfer["mechanism"]["ground"] == "known"
    assert transfer["ages"][0]["age_days"] > 0
    (act,) = told["erasures"]["newest"]
    paper = tmp_path / "record.md"
    house.estate.run("evidence", "gdpr", "--format", "markdown", "--output", paper)
    assert f"freehold ledger receipt {act['position']}" in paper.read_text(encoding="utf-8")


def _register(own: Estate) -> dict[str, Any]:
    """It lacks what only people know, so that the command exits with 1."""
    done = own.attempt("evidence", "dora", "--json")
    assert done.returncode == 1, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _hand_on(facts: Path) -> None:
    """Have the second provider hand calls on to somebody in Britain."""
    text = facts.read_text(encoding="utf-8").replace("organisations:\n", _IN_BRITAIN)
    before, providers, after = text.rpartition("sub_processors: {")
    facts.write_text(f"{before}{providers}{_HANDED_ON}{after}", encoding="utf-8")
