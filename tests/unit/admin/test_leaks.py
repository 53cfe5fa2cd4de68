# SPDX-License-Identifier: Apache-2.0
"""What the attempts of every process come to: in a sealed estate anything possible is a failure."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.admin.conftest import FakeSupervisor, Steps

from freehold.admin.interface import Parts
from freehold.admin.leaks import check_egress, rows_of
from freehold.admin.operations import Operations
from freehold.admin.requests import Nothing
from freehold.admin.sealing import require_owned
from freehold.contract.attempt import Attempt, Bait, Reach, Tried
from freehold.contract.backend import EngineState, EngineStatus, Jail
from freehold.errors import EgressDenied
from freehold.settings import parse_settings, read_settings

WHOLE = Jail(network_namespace=True, seccomp=True, landlock=True)
OPEN = Attempt(name="tcp-ipv4", outcome=Reach.POSSIBLE)
SHUT = Attempt(name="tcp-ipv4", outcome=Reach.REFUSED, reason="EACCES")
FOREIGN = """
[estate]
origin = "example/ledger"
[service.far]
targets = ["cloud"]
[service.near]
targets = ["cloud", "local"]
[target.cloud]
provider = "openai"
model = "gpt"
[target.local]
engine = "llamacpp"
model = "tiny"
[provider.openai]
"""


def verdicts(*attempts: Attempt, sealed: bool) -> list[object]:
    return [row["verdict"] for row in rows_of(Tried(process="gateway", pid=1, attempts=attempts), sealed=sealed)]


def test_what_is_possible_is_open_in_an_estate_and_a_failure_in_a_sealed_one() -> None:
    assert verdicts(OPEN, SHUT, sealed=False) == ["open", "ok"]
    assert verdicts(OPEN, SHUT, sealed=True) == ["fail", "ok"]


def test_a_process_that_does_not_say_is_a_failure() -> None:
    assert verdicts(sealed=False) == ["fail"]


def test_a_service_that_only_a_provider_could_answer_stops_a_sealed_start() -> None:
    with pytest.raises(EgressDenied, match=r"no target of its own: far$"):
        require_owned(parse_settings(FOREIGN))
    require_owned(parse_settings(FOREIGN.replace('targets = ["cloud"]', 'targets = ["local"]')))


async def test_a_reload_does_not_give_a_sealed_estate_a_service_that_nobody_may_answer(
    parts: Parts, steps: Steps
) -> None:
    settings = read_settings(parts.estate.settings)
    operations = Operations(replace(parts, sealed=True), settings)
    await operations.start()
    text = parts.estate.settings.read_text()
    extra = FOREIGN[FOREIGN.index("[service.far]") : FOREIGN.index("[service.near]")]
    provided = FOREIGN[FOREIGN.index("[target.cloud]") : FOREIGN.index("[target.local]")]
    parts.estate.settings.write_text(text + extra + provided + "[provider.openai]\n")
    with pytest.raises(EgressDenied):
        await operations.reload(Nothing(), steps.asker())


async def test_every_process_is_in_the_check_and_an_engine_by_its_jail(parts: Parts) -> None:
    supervisor = FakeSupervisor(
        engines=(
            EngineStatus(target="whole", state=EngineState.READY, pid=2, jail=WHOLE),
            EngineStatus(target="torn", state=EngineState.READY, pid=3, jail=replace(WHOLE, landlock=False)),
            EngineStatus(target="asleep", state=EngineState.ASLEEP),
        )
    )
    baits: list[Bait] = []

    def attempt_all(bait: Bait) -> tuple[Attempt, ...]:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(bait.path)
        baits.append(bait)
        return (SHUT,)

    rows = await check_egress(replace(parts, supervisor=supervisor, sealed=True), attempt_all)
    assert [(row["process"], row["attempt"]) for row in rows] == [
        ("supervisor", "tcp-ipv4"),
        ("gateway", "tcp-ipv4"),
        ("control", "tcp-ipv4"),
        ("ledger", "tcp-ipv4"),
        *(("engine whole", part) for part in ("network", "connect", "files")),
        *(("engine torn", part) for part in ("network", "connect", "files")),
    ]
    assert [row["attempt"] for row in rows if row["verdict"] == "fail"] == ["files"]
    (bait,) = baits
    assert (bait.port_host, bait.port) == ("127.0.0.1", 8080)
    assert not Path(bait.path).exists()
