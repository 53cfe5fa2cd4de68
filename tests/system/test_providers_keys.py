# SPDX-License-Identifier: Apache-2.0
"""The keys that providers ask for: where they may lie, what happens while one is missing; and they show nowhere."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.simulator.faults import Fault, FaultKind, Play
from tests.simulator.server import Simulator
from tests.system import foreign, processes
from tests.system.estates import FREEHOLD, Estate
from tests.system.simulated import ASK
from tests.system.waiting import LONG_S
from tests.system.wire import CHAT, MESSAGES, Answer, post

VARIABLE = "SIMULATED_PROVIDER_KEY"
WITH_KEY = {
    "from-env": f"env:{VARIABLE}",
    "from-file": f"file:{foreign.KEY_FILE}",
    "from-age": "file:keys/from-age.age",
}
ABSENT = {"no-env": "env:NO_SUCH_PROVIDER_KEY", "no-file": "file:keys/none.key", "no-age": "file:keys/none.age"}


@pytest.fixture(scope="module")
def house(running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """A service for each place of a key, and one more with another provider behind it."""
    own = Estate(tmp_path_factory.mktemp("keys") / "estate")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(VARIABLE, running_simulator.key)
        try:
            providers = [replace(foreign.OPENAI, name=name, key=key) for name, key in (WITH_KEY | ABSENT).items()]
            foreign.found(own, running_simulator, *providers)
            for provider in providers:
                foreign.serve(own, provider.name, provider.name)
                foreign.serve(own, f"{provider.name}-or", provider.name, "from-file")
            command = [str(FREEHOLD), "provider", "key", "from-age", "--estate", str(own.directory)]
            subprocess.run(
                command, input=running_simulator.key, text=True, check=True, capture_output=True, timeout=LONG_S
            )
            own.up()
            yield own
        finally:
            own.destroy()


def ask(house: Estate, service: str) -> Answer:
    return post(house, CHAT, {"model": service, "messages": ASK})


@pytest.mark.parametrize("service", WITH_KEY)
def test_a_key_is_sent_from_wherever_it_lies(house: Estate, simulator: Simulator, service: str) -> None:
    assert ask(house, service).status == 200
    assert simulator.requests[0].header("authorization") == f"Bearer {simulator.key}"


@pytest.mark.parametrize("service", ABSENT)
def test_without_its_key_a_target_cannot_answer_and_the_next_one_does(
    house: Estate, simulator: Simulator, service: str
) -> None:
    answer = ask(house, service)
    assert answer.status == 503
    assert answer.json["error"]["code"] == "provider_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    assert simulator.record.counts.bytes == 0
    assert ask(house, f"{service}-or").headers["freehold-target"] == "from-file"


def test_a_key_that_comes_later_is_taken_without_a_start(house: Estate, simulator: Simulator) -> None:
    path = house.files / "keys" / "none.key"
    foreign.keep_key(path)
    assert ask(house, "no-file").status == 200
    path.chmod(0o644)
    assert ask(house, "no-file").status == 503
    path.chmod(0o600)
    path.write_text("not\na key\n", encoding="ascii")
    assert ask(house, "no-file").status == 503
    path.write_text("wrong-key\n", encoding="ascii")
    assert ask(house, "no-file").json["error"]["code"] == "provider_refused"
    path.unlink()
    assert ask(house, "no-file").status == 503


def test_doctor_says_which_key_is_missing(house: Estate) -> None:
    told = house.attempt("doctor").stdout
    for service, key in ABSENT.items():
        assert any(service in line and key in line for line in told.splitlines()), told


def test_a_secret_shows_nowhere(house: Estate, simulator: Simulator) -> None:
    """Not in what is kept, not in what is printed, not in what callers and operators are told."""
    told = []
    repeated = json.dumps({"error": {"message": f"key {simulator.key} is bad", "type": "x", "code": simulator.key}})
    for status in (400, 401, 403, 404, 422, 429, 500):
        simulator.play(Play(fault=Fault(kind=FaultKind.STATUS, status=status, text=repeated)))
        told += [str(ask(house, service)) for service in WITH_KEY]
        told.append(str(post(house, MESSAGES, {"model": "from-file", "messages": ASK, "max_tokens": 20})))
    simulator.play(Play(fault=Fault(kind=FaultKind.MALFORMED, after=3, text=f"data: {simulator.key}\n\n")))
    told.append(str(post(house, CHAT, {"model": "from-file", "messages": ASK, "stream": True})))
    simulator.play(Play())
    told += [str(ask(house, service)) for service in (*WITH_KEY, *ABSENT)]
    for command in ("status", "doctor", "provider list", "provider show from-file", "egress list", "policy matrix"):
        done = house.attempt(*command.split(), "--json")
        told += [done.stdout, done.stderr]
    house.run("reload")
    assert simulator.key not in "".join(told)
    assert files_with(house.files, simulator.key.encode()) == {house.files / foreign.KEY_FILE}
    arguments = [processes.command_line(pid) for pid in processes.of_estate(house.directory)]
    assert simulator.key.encode() not in b"".join(arguments)


def files_with(folder: Path, secret: bytes) -> set[Path]:
    files = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return {path for path in files if path.is_file() and secret in path.read_bytes()}
