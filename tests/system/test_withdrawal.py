# SPDX-License-Identifier: Apache-2.0
"""The night on which a provider is ordered off: what an operator types, and what callers see."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from tests.simulator.faults import AFTER_HEADERS, Fault, FaultKind, Play
from tests.simulator.scripts import TALE
from tests.simulator.server import Simulator
from tests.system import clients, foreign, records
from tests.system.estates import Estate
from tests.system.simulated import ASK
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, Answer, post

ORDER = ("--reason", "an order of the state", "--source", "https://example.org/orders/17")
IDLE_S = 120.0
GONE, LEFT, SIBLING = "anthropic.sim-tale", "mistral.sim-tale", "anthropic.sim-text"


@pytest.fixture(scope="module")
def house(running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    own = Estate(tmp_path_factory.mktemp("withdrawal") / "estate")
    try:
        patient = [replace(one, settings=(f"idle_s = {IDLE_S}",)) for one in (foreign.ANTHROPIC, foreign.MISTRAL)]
        foreign.found(own, running_simulator, *patient)
        foreign.serve(own, "desk", "anthropic/sim-tale", "mistral/sim-tale", settings=('aliases = ["gpt-*"]',))
        foreign.serve(own, "alone", "anthropic/sim-tale")
        foreign.serve(own, "sibling", "anthropic/sim-text")
        own.up()
        yield own
        own.run("ledger", "verify")
    finally:
        own.destroy()


@pytest.fixture(autouse=True)
def nothing_in_force(house: Estate) -> Iterator[None]:
    """Every test leaves the estate as it found it."""
    yield
    assert states(house) == {}
    assert not [view for view in house.ask("directive", "list")["directives"] if view["state"] != "lifted"]


@pytest.fixture
def chat(house: Estate) -> Iterator[OpenAI]:
    with clients.openai(house) as client:
        yield client


def call(house: Estate, service: str = "desk", **more: Any) -> Answer:
    return post(house, CHAT, {"model": service, "messages": ASK, "max_tokens": 2048}, **more)


def who_answers(house: Estate, service: str = "desk") -> str:
    return call(house, service).headers["freehold-target"]


def issue(house: Estate, *options: str) -> dict[str, Any]:
    view: dict[str, Any] = house.ask("directive", "issue", *options, *ORDER)["directive"]
    return view


def states(house: Estate) -> dict[str, str]:
    targets = house.ask("target", "list")["targets"]
    return {view["target"]: view["state"] for view in targets if view["state"] != "active"}


@pytest.mark.parametrize(
    ("scope", "name", "hit"),
    [
        ("--model", "sim-tale", [GONE, LEFT]),
        ("--model", "*-text", [SIBLING]),
        ("--provider", "anthropic", [GONE, SIBLING]),
        ("--authority", "fr", [GONE, LEFT, SIBLING]),
        ("--region", "FR", [GONE, LEFT, SIBLING]),
        ("--authority", "US", []),
    ],
)
def test_a_dry_run_shows_what_it_would_hit(house: Estate, scope: str, name: str, hit: list[str]) -> None:
    preview = issue(house, scope, name, "--dry-run")["preview"]
    assert [row["target"] for row in preview["targets"]] == hit


@pytest.mark.usefixtures("simulator")
def test_the_next_call_goes_elsewhere_and_comes_back_when_it_is_lifted(house: Estate) -> None:
    assert who_answers(house) == GONE
    directive = issue(house, "--provider", "anthropic", "--tell")
    assert [who_answers(house, name) for name in ("desk", "gpt-4o")] == [LEFT, LEFT]
    stopped = call(house, "alone")
    assert (stopped.status, stopped.json["error"]["code"]) == (503, "no_target")
    assert "an order of the state" in stopped.json["error"]["message"]
    assert "retry-after" in stopped.headers
    assert states(house) == {GONE: "withdrawn", SIBLING: "withdrawn"}
    refused = house.attempt("target", "restore", GONE)
    assert (refused.returncode, f"withdrawn by directive {directive['id']}" in refused.stderr) == (1, True)
    house.run("directive", "lift", directive["id"])
    assert [who_answers(house, name) for name in ("desk", "alone")] == [GONE, GONE]


@pytest.mark.usefixtures("simulator")
def test_overlapping_directives_hold_until_the_last_is_lifted(house: Estate) -> None:
    first, second = issue(house, "--model", "sim-tex*"), issue(house, "--provider", "anthropic")
    house.run("directive", "lift", second["id"])
    assert (who_answers(house), states(house)) == (GONE, {SIBLING: "withdrawn"})
    house.run("directive", "lift", first["id"])


def test_a_running_stream_is_cut_over(house: Estate, chat: OpenAI, simulator: Simulator) -> None:
    simulator.play(Play(fault=Fault(kind=FaultKind.SILENCE, after=8), only="/anthropic"))
    with chat.chat.completions.create(model="desk", messages=ASK, max_tokens=2048, stream=True) as stream:
        pieces = iter(stream)
        said = next(piece.choices[0].delta.content for piece in pieces if piece.choices[0].delta.content)
        began_s = time.monotonic()
        directive = issue(house, "--model", "sim-tale", "--cut-over", "--dry-run")
        assert directive["targets"] == [GONE, LEFT]
        directive = issue(house, "--provider", "anthropic", "--cut-over")
        rest = [piece.choices[0].delta.content or "" for piece in pieces if piece.choices]
        assert said + "".join(rest) == TALE
        assert time.monotonic() - began_s < IDLE_S, "it was given up by idle_s, and not by the directive"
        call_id = stream.response.headers["x-request-id"]
    assert records.call(house, call_id).ending == "continued"
    house.run("directive", "lift", directive["id"])


def test_a_running_stream_may_finish(house: Estate, chat: OpenAI, simulator: Simulator) -> None:
    drip = Fault(kind=FaultKind.DRIP, after=AFTER_HEADERS, pause_s=0.0005)
    simulator.play(Play(fault=drip, only="/anthropic"))
    with chat.chat.completions.create(model="desk", messages=ASK, max_tokens=2048, stream=True) as stream:
        pieces = iter(stream)
        said = next(piece.choices[0].delta.content for piece in pieces if piece.choices[0].delta.content)
        directive = issue(house, "--provider", "anthropic")
        assert said + "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices) == TALE
        assert stream.response.headers["freehold-target"] == GONE
        call_id = stream.response.headers["x-request-id"]
    assert records.call(house, call_id).ending == "complete"
    house.run("directive", "lift", directive["id"])


@pytest.mark.usefixtures("simulator")
def test_a_directive_takes_effect_at_its_hour(house: Estate) -> None:
    at = datetime.now(UTC) + timedelta(seconds=8)
    directive = issue(house, "--provider", "anthropic", "--effective", at.isoformat())
    assert (directive["state"], who_answers(house)) == ("scheduled", GONE)
    wait_for(lambda: who_answers(house) == LEFT, "the directive is in force")
    assert time.time() >= int(at.timestamp())
    house.down()
    house.up()
    assert who_answers(house) == LEFT
    house.run("directive", "lift", directive["id"])


def test_what_looks_withdrawn_waits_for_a_person(house: Estate, simulator: Simulator) -> None:
    """Two keys are refused, and the sibling answers."""
    other = house.ask("key", "create", "other")["key"]["secret"]
    simulator.play(Play(fault=Fault(kind=FaultKind.STATUS, status=404), only="/anthropic"))
    assert [call(house, key=key).headers["freehold-target"] for key in (house.key, other)] == [LEFT, LEFT]
    simulator.play(Play())
    assert who_answers(house, "sibling") == SIBLING
    wait_for(lambda: states(house).get(GONE) == "suspected", f"{GONE} is suspected")
    simulator.record.clear()
    assert who_answers(house) == LEFT
    assert not [heard for heard in simulator.requests if heard.path.startswith("/anthropic")]
    (view,) = [view for view in house.ask("target", "list")["targets"] if view["target"] == GONE]
    assert len({seen["key"] for seen in view["evidence"]}) >= 2
    assert all(seen["statuses"] == [404] for seen in view["evidence"])
    house.run("target", "restore", GONE)
    assert who_answers(house) == GONE


@pytest.mark.usefixtures("simulator")
def test_a_person_withdraws_and_restores(house: Estate) -> None:
    house.run("target", "withdraw", GONE, "--reason", "wrong bills")
    assert who_answers(house) == LEFT
    house.run("target", "restore", GONE)
    assert who_answers(house) == GONE


@pytest.mark.usefixtures("simulator")
def test_two_operators_sign(house: Estate, tmp_path: Path) -> None:
    settings = house.files / "freehold.toml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before.replace("# signatures = 1", "signatures = 2"), encoding="utf-8")
    house.run("reload")
    token = tmp_path / "token"
    token.write_text(house.ask("operator", "create", "Jeanne")["operator"]["token"])
    directive = issue(house, "--provider", "anthropic")
    assert (directive["state"], who_answers(house)) == ("unconfirmed", GONE)
    assert house.attempt("directive", "confirm", directive["id"]).returncode == 1
    house.run("directive", "confirm", directive["id"], "--operator-token", token)
    assert who_answers(house) == LEFT
    house.run("directive", "lift", directive["id"], "--operator-token", token)
    assert who_answers(house) == LEFT
    house.run("directive", "confirm", directive["id"])
    assert who_answers(house) == GONE
    settings.write_text(before, encoding="utf-8")
    house.run("reload")
