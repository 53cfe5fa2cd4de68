# SPDX-License-Identifier: Apache-2.0
"""A provider that the rules forbid: not one byte goes to it and its name is not looked up, by the kernel's own account.

The whole estate runs under strace, from its start on, so that native code is seen as well as Python.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.simulator.server import Simulator
from tests.system import foreign, processes, programs
from tests.system.callers import Question, calling
from tests.system.estates import FREEHOLD, Estate
from tests.system.simulated import ASK
from tests.system.waiting import LONG_S, wait_for
from tests.system.wire import CHAT, MESSAGES, RESPONSES, post

FORBIDDEN = "provider.test"  # a name that nobody has (RFC 6761)
NAMED = replace(foreign.OPENAI, name="named", host=FORBIDDEN)
NUMBERED = replace(foreign.OPENAI, name="numbered")
_INET = re.compile(r"sa_family=AF_INET6?, sin6?_port=htons\((\d+)\)")
_ASKS_NAMES = ("/etc/hosts", "/etc/resolv.conf", "nscd", "systemd.resolve", "provider\\4test")
BODIES: Mapping[str, Mapping[str, object]] = {
    CHAT: {"messages": ASK},
    RESPONSES: {"input": "What now?"},
    MESSAGES: {"messages": ASK, "max_tokens": 20},
}


@dataclass(frozen=True, slots=True)
class Trace:
    """What the kernel was asked for by every process of an estate."""

    path: Path

    @property
    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8", errors="replace").splitlines()

    def ports_dialled(self) -> set[int]:
        """Of every connection that was begun and every datagram that was sent over IP."""
        calls = [line for line in self.lines if re.search(r"\b(connect|sendto|sendmsg|sendmmsg)\(", line)]
        return {int(found[1]) for line in calls if (found := _INET.search(line))}

    def names_asked(self) -> list[str]:
        """Whatever a resolver begins with."""
        return [line for line in self.lines if any(mark in line for mark in _ASKS_NAMES)]


@pytest.fixture(scope="module")
def strace() -> str:
    return programs.installed("strace")


@contextmanager
def traced(house: Estate, strace: str, path: Path) -> Iterator[Trace]:
    """Run the estate in the foreground, all its processes seen."""
    watch = [strace, "-f", "-qq", "-s", "512", "-e", "trace=%network,open,openat", "-o", str(path)]
    ports = ["--port", str(house.port), "--admin-port", str(house.admin_port)]
    up = [str(FREEHOLD), "up", *ports, "--estate", str(house.directory)]
    with subprocess.Popen([*watch, *up], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            wait_for(house.answers, "the traced estate answers")
            yield Trace(path)
        finally:
            house.down()
            running.wait(timeout=LONG_S)


@pytest.fixture
def house(running_simulator: Simulator, tmp_path: Path) -> Iterator[Estate]:
    own = Estate(tmp_path / "estate")
    try:
        foreign.found(own, running_simulator, NAMED, NUMBERED, policy="owned-only")
        foreign.serve(own, "named", "named")
        foreign.serve(own, "numbered", "numbered")
        foreign.serve(own, "both", "named", "numbered")
        own.up()
        own.down()
        yield own
    finally:
        processes.kill(processes.of_estate(own.directory))
        own.destroy()


def test_nothing_goes_to_a_forbidden_provider_not_even_its_name_to_a_resolver(
    house: Estate, simulator: Simulator, strace: str, tmp_path: Path
) -> None:
    with traced(house, strace, tmp_path / "trace") as trace:
        for service in ("named", "numbered", "both"):
            for path, body in BODIES.items():
                for stream in (False, True):
                    answer = post(house, path, {"model": service, "stream": stream, **body})
                    assert answer.status == 403
                    assert answer.headers["freehold-decision"]
        for command in ("status", "doctor", "provider list", "egress list", "policy matrix", "reload"):
            house.run(*command.split())
    assert len(trace.lines) > 100, "strace saw nothing"
    assert trace.ports_dialled() <= {house.port, house.admin_port}
    assert trace.names_asked() == []
    assert simulator.record.counts.connections == 0
    assert simulator.record.counts.bytes == 0


def test_the_guard_sees_what_goes_to_a_provider_that_is_permitted(
    house: Estate, simulator: Simulator, strace: str, tmp_path: Path
) -> None:
    settings = house.files / "freehold.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("owned-only", "eu-only"), encoding="utf-8")
    with traced(house, strace, tmp_path / "trace") as trace:
        assert trace.ports_dialled() <= {house.port, house.admin_port}
        assert trace.names_asked() == []
        with calling(house) as callers:
            assert callers["chat"].ask(Question(service="numbered"), stream=True).finish == "stop"
        assert post(house, CHAT, {"model": "named", "messages": ASK}).status == 503
    assert simulator.port in trace.ports_dialled()
    assert trace.names_asked()
    assert len(simulator.requests) == 1
