# SPDX-License-Identifier: Apache-2.0
"""A provider before an engine of the estate: it answers while it is well, and when it is not, the engine does."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.simulator.faults import AFTER_HEADERS, Fault, FaultKind, Play
from tests.simulator.server import Simulator
from tests.system import foreign, records
from tests.system.estates import MODEL, Estate
from tests.system.wire import CHAT, chat, post

WRONG = [
    Fault(kind=FaultKind.STATUS, status=503),
    Fault(kind=FaultKind.REDIRECT, status=308, text="http://provider.test/"),
    Fault(kind=FaultKind.MALFORMED, after=AFTER_HEADERS),
    Fault(kind=FaultKind.OVERSIZE, after=AFTER_HEADERS, size_bytes=3 * 2**20),
    Fault(kind=FaultKind.ENDLESS, after=AFTER_HEADERS, text=" " * 65536),
]


@pytest.fixture(scope="module")
def house(estate: Estate, running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    own = Estate(tmp_path_factory.mktemp("mixed") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        bounded = replace(foreign.OPENAI, settings=("max_answer_mb = 1",))
        foreign.tell(own, running_simulator, bounded)
        foreign.serve(own, "mixed", "openai", "local")
        foreign.serve(own, "held", "openai", "local", settings=['data_class = "restricted"'])
        for number in range(len(WRONG)):
            for stream in (False, True):
                foreign.serve(
                    own, f"mixed-{number}-{stream}".lower(), f"there-{number}-{stream}=openai".lower(), "local"
                )
        own.up()
        yield own
    finally:
        own.destroy()


def test_the_provider_answers_while_it_is_well(house: Estate, simulator: Simulator) -> None:
    answer = post(house, CHAT, chat(model="mixed", max_tokens=20))
    assert answer.headers["freehold-target"] == "openai"
    assert answer.json["model"] == "sim"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("number", range(len(WRONG)), ids=[fault.kind for fault in WRONG])
def test_the_engine_answers_when_the_provider_cannot(
    house: Estate, simulator: Simulator, number: int, stream: bool
) -> None:
    """A target of its own for each, because one that failed often is not asked first any more."""
    simulator.play(Play(fault=WRONG[number]))
    answer = post(house, CHAT, chat(model=f"mixed-{number}-{stream}".lower(), stream=stream))
    assert answer.status == 200
    assert answer.headers["freehold-target"] == "local"
    assert len(simulator.requests) == 1
    record = records.call(house, answer.headers["x-request-id"])
    assert record.ending == "complete"
    assert record.outcomes[0]["model"] == MODEL


@pytest.mark.parametrize("data_class", ["restricted", ""])
def test_what_may_not_leave_stays_with_the_engine(house: Estate, simulator: Simulator, data_class: str) -> None:
    service, header = ("mixed", {"freehold_data_class": data_class}) if data_class else ("held", {})
    answer = post(house, CHAT, chat(model=service), **header)
    assert answer.status == 200
    assert answer.headers["freehold-target"] == "local"
    assert simulator.record.counts.bytes == 0


def test_a_provider_that_cannot_do_what_is_asked_is_passed_over(house: Estate, simulator: Simulator) -> None:
    """Filling in the middle is nothing that this provider offers, nor the engine: told so, and nothing sent."""
    answer = post(house, "/v1/fim/completions", {"model": "mixed", "prompt": "def f(", "suffix": "return 1"})
    assert answer.status == 400
    assert simulator.record.counts.bytes == 0
