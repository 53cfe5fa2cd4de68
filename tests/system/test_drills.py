# SPDX-License-Identifier: Apache-2.0
"""A rehearsed withdrawal on an estate with two providers and its own engine: nothing lost, and nothing left behind."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.simulator.server import Simulator
from tests.system import foreign
from tests.system.estates import FREEHOLD, Estate
from tests.system.waiting import LONG_S, wait_for
from tests.system.wire import CHAT, post

TARGETS = ("openai/sim-tool", "anthropic/sim-tool")  # they call a tool where they are given one
FIRST, SECOND = (target.replace("/", ".") for target in TARGETS)
# Whoever runs these tests in the background of a shell has them ignore Ctrl-C, and all that they start.
_HEEDS_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
JUNE = """\
name: june-in-brief
duration_s: 7
steps:
  - {at_s: 2, fault: cut, running: true, after_events: 0, targets: first}
  - {at_s: 2.3, fault: status, status: 404, targets: first}
  - {at_s: 3, directive: cut, targets: first}
  - {at_s: 5, fault: status, status: 429, retry_after_s: 1, share: 0.5, targets: first}
  - {at_s: 5, lift: true, targets: first}
  - {at_s: 6, restore: true, targets: first}
"""


@pytest.fixture(scope="module")
def house(estate: Estate, running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """Two providers, and behind them the estate's own engine."""
    own = Estate(tmp_path_factory.mktemp("drilled") / "estate")
    try:
        foreign.found(own, running_simulator, foreign.OPENAI, foreign.ANTHROPIC)
        own.take_vault_of(estate)
        foreign.serve(own, "support", *TARGETS, settings=('data_class = "public"', "rto_s = 20"))
        path = own.files / "freehold.toml"
        text = path.read_text(encoding="utf-8").replace(f', "{SECOND}"]', f', "{SECOND}", "local"]')
        path.write_text(text + '\n[target.local]\nengine = "llamacpp"\nmodel = "smollm2-135m-instruct"\n')
        (own.directory / "june.yaml").write_text(JUNE, encoding="utf-8")
        own.up()
        yield own
    finally:
        own.destroy()


def test_june_is_uneventful_and_on_record(house: Estate, running_simulator: Simulator) -> None:
    running_simulator.record.clear()
    drill = house.ask("drill", "run", house.directory / "june.yaml", "--requests", "30")["drill"]
    calls = drill["calls"]
    assert (calls["made"], calls["answered"], calls["lost"], calls["broken"], calls["shed"]) == (30, 30, 0, 0, 0)
    assert (drill["policy_violations"], drill["tool_calls_doubled"], drill["passed"]) == (0, 0, True)
    assert drill["tool_calls"] > 0
    answered_by = {name for second in drill["seconds"] for name in second["answered"]}
    assert answered_by >= {FIRST, SECOND}
    assert [step["targets"] for step in drill["happened"]] == [[FIRST]] * 6
    assert len({heard.path for heard in running_simulator.requests}) == 2  # the real adapters asked both
    assert "The ledger holds" in house.run("ledger", "verify")


def test_the_scorecard_is_kept_and_the_ledger_has_its_digest(house: Estate) -> None:
    drills = house.ask("drill", "list")["drills"]
    shown = house.ask("drill", "show", drills[0]["id"])["drill"]
    assert shown["digest"].startswith("sha256:")
    entries = b"".join(path.read_bytes() for path in (house.files / "ledger").rglob("*") if path.is_file())
    assert f'"scorecard":"{shown["digest"]}"'.encode() in entries
    page = (house.files / "drills" / f"{shown['id']}.html").read_text(encoding="utf-8")
    assert shown["id"] in page
    assert "<script" not in page


def test_a_drill_befalls_nobody_else_and_ctrl_c_leaves_nothing_in_force(house: Estate) -> None:
    (house.directory / "gone.yaml").write_text(
        "name: gone\nduration_s: 60\nsteps:\n  - {at_s: 0, directive: cut, targets: [foreign, owned]}\n"
    )
    before = _version(house)
    running = subprocess.Popen(
        [
            *(sys.executable, "-c", _HEEDS_CTRL_C),
            *(FREEHOLD, "drill", "run", house.directory / "gone.yaml", "--requests", "4", "--estate", house.directory),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: _version(house) >= before + 2, "the directive of the drill is in force")
        assert _ask(house)["model"]  # while every target is withdrawn for the drill
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=LONG_S)
    wait_for(lambda: b'"act":"drill.stop"' in _entries(house), "the end of the drill is on record")
    assert _version(house) == before + 3
    assert running.returncode == 130
    assert _ask(house)["model"]


def test_simulated_providers_that_break_and_an_engine_that_dies(house: Estate) -> None:
    """Everybody at once: what is lost is said to be, and the command says so by its exit code."""
    (house.directory / "crash.yaml").write_text(
        "name: crash\nduration_s: 3\nsteps:\n"
        "  - {at_s: 0.5, fault: reset, targets: foreign}\n"
        "  - {at_s: 0.5, fault: crash, targets: owned}\n"
    )
    arguments = ("--simulated", "--kill-engine", "--requests", "8", "--json")
    done = house.attempt("drill", "run", house.directory / "crash.yaml", *arguments)
    card = json.loads(done.stdout)["drill"]
    calls = card["calls"]
    assert card["simulated"] == ["simulated-1", "simulated-2"]
    assert calls["answered"] + calls["lost"] + calls["broken"] + calls["shed"] == calls["made"] == 8
    assert done.returncode == (0 if card["passed"] else 1)
    assert card["policy_violations"] == 0


def _ask(house: Estate) -> dict[str, Any]:
    return post(house, CHAT, {"model": "support", "messages": [{"role": "user", "content": "Hello"}]}).json


def _version(house: Estate) -> int:
    return max(int(gateway["snapshot_version"]) for gateway in house.status()["gateways"])


def _entries(house: Estate) -> bytes:
    house.attempt("ledger", "verify")
    return b"".join(path.read_bytes() for path in (house.files / "ledger").rglob("*") if path.is_file())
