# SPDX-License-Identifier: Apache-2.0
"""An estate that is stopped in the middle of streams: they finish, within a limit, and no new call is taken."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.simulator.faults import Fault, FaultKind, Play
from tests.simulator.server import Simulator
from tests.system import foreign, processes, records
from tests.system.estates import FREEHOLD, Estate
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, ask, asking, chat, post


@pytest.fixture
def house(running_simulator: Simulator, tmp_path: Path) -> Iterator[Estate]:
    own = Estate(tmp_path / "estate")
    try:
        foreign.found(own, running_simulator, replace(foreign.OPENAI, settings=("idle_s = 300",)))
        foreign.serve(own, "default", "openai")
        yield own
    finally:
        own.destroy()


def started(house: Estate, finished_within_s: float) -> None:
    house.set("gateway", f"finished_within_s = {finished_within_s}")
    house.up()


def test_a_stream_finishes_while_no_new_call_is_taken(house: Estate, simulator: Simulator) -> None:
    started(house, 120)
    simulator.play(Play(fault=Fault(kind=FaultKind.HELD, after=3), times=1))
    body = chat(stream=True)
    with asking(house, "POST", CHAT, sent(body)) as response:
        begun = response.read(20)
        call = response.headers["x-request-id"]
        stopping = subprocess.Popen([FREEHOLD, "down", "--estate", house.directory])
        wait_for(lambda: ask(house, "GET", "/readyz", key="").status == 503, "the gateway is stopping")
        refused = post(house, CHAT, chat())
        assert (refused.status, ask(house, "GET", "/healthz", key="").status) == (503, 200)
        simulator.requests[-1].let_go = True
        whole = begun + response.read()
    assert whole.rstrip().endswith(b"data: [DONE]")
    assert stopping.wait(120) == 0
    assert not processes.of_estate(house.directory)
    house.up()
    assert records.call(house, call).ending == "complete"


def test_what_does_not_finish_in_time_is_cut_and_on_record(house: Estate, simulator: Simulator) -> None:
    started(house, 0.2)
    simulator.play(Play(fault=Fault(kind=FaultKind.SILENCE, after=3), times=1))
    with asking(house, "POST", CHAT, sent(chat(stream=True))) as response:
        response.read(20)
        call = response.headers["x-request-id"]
        house.down()
    assert not processes.of_estate(house.directory)
    house.up()
    assert records.call(house, call).ending in {"cancelled", "failed"}


def sent(body: dict[str, object]) -> bytes:
    return json.dumps(body).encode()
