# SPDX-License-Identifier: Apache-2.0
"""From inside an engine's jail nothing can be reached. The prisoner enters it by the functions that the worker uses."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.contract.backend import Jail
from freehold.engine import llamacpp
from freehold.engine.order import UNFIT, Order, Report
from freehold.engine.plan import EnginePlan
from freehold.seal.bpf import machine

HERE = Path(__file__).parent
NOBODY = 65534
REFUSED = {f"refused {error}" for error in ("EACCES", "EPERM", "ENOSYS", "EBADF")}  # not for want of something to reach
ROOT = os.geteuid() == 0

pytestmark = pytest.mark.skipif(machine() is None, reason="there is a jail for Linux on x86_64 and aarch64 only")
users = pytest.mark.parametrize(
    "user",
    [
        pytest.param(0, id="this-user"),
        pytest.param(NOBODY, id="ordinary-user", marks=pytest.mark.skipif(not ROOT, reason="only root can be another")),
    ],
)


@dataclass(frozen=True, slots=True)
class Prison:
    """A made-up estate with the files of a real one, and listeners that a prisoner would like to reach."""

    estate: Path
    weights: Path
    folder: Path
    targets: dict[str, Any]

    def hold(self, user: int, *, nested: bool = False, layers: int = 0, free: bool = False) -> dict[str, Any]:
        """What a prisoner got, and what it says of its jail. A free one only tries the sockets."""
        given = {
            **self.targets,
            "estate": str(self.estate),
            "vault": str(self.estate / "vault"),
            "weights": str(self.weights),
            "secret": str(self.estate / "keys/ledger.key"),
            "folder": str(self.folder),
            "files": [str(path) for path in self.estate.rglob("*") if path.is_file() and path != self.weights],
            "user": user,
            "nested": nested,
            "layers": layers,
            "free": free,
        }
        command = [sys.executable, str(HERE / "prisoner.py"), json.dumps(given)]
        done = subprocess.run(command, check=False, capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr.decode()
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def prison(tmp_path: Path) -> Iterator[Prison]:
    estate = tmp_path / "estate"
    names = ("freehold.toml", "keys/ledger.key", "vault/other", "ledger/checkpoint", "salts/2026-11-22", "state.db")
    for name in (*names, "vault/weights", "run/supervisor.lock", "run/log/engine.log"):
        path = estate / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"GGUF")
        path.chmod(0o666)  # what protects it is the jail alone
    folder = estate / "run/engine/local"
    folder.mkdir(parents=True)
    for place in (tmp_path, *tmp_path.parents[:1], *(path for path in estate.rglob("*") if path.is_dir()), estate):
        place.chmod(0o777)
    with ExitStack() as listeners:
        tcp = listeners.enter_context(socket.create_server(("127.0.0.1", 0)))
        paths = {name: _listen(listeners, estate / f"run/{name}.sock") for name in ("control", "container_engine")}
        datagram = _listen(listeners, estate / "run/datagram.sock", socket.SOCK_DGRAM)
        abstract = f"freehold-test-{os.getpid()}"
        _listen(listeners, "\0" + abstract)
        targets = {"tcp_port": tcp.getsockname()[1], "abstract": abstract, "datagram": datagram, **paths}
        yield Prison(estate, estate / "vault/weights", folder, targets)


def _listen(stack: ExitStack, address: Path | str, kind: int = socket.SOCK_STREAM) -> str:
    listener = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
    previous = Path.cwd()
    if isinstance(address, Path):  # its path may be longer than a socket's name may be
        os.chdir(address.parent)
        listener.bind(address.name)
        address.chmod(0o777)
        os.chdir(previous)
        address = f"../../{address.name}"  # as seen from the prisoner's folder
    else:
        listener.bind(address)
    if kind == socket.SOCK_STREAM:
        listener.listen()
    return address


@users
def test_nothing_can_be_reached_from_inside(prison: Prison, user: int) -> None:
    answer = prison.hold(user)
    assert answer["jail"] == {"network_namespace": True, "seccomp": True, "landlock": True, "missing": [], "left": []}
    assert len(answer["tried"]) > 100
    assert {name: result for name, result in answer["tried"].items() if result not in REFUSED} == {}


def test_outside_the_jail_the_same_sockets_are_reached(prison: Prison) -> None:
    assert set(prison.hold(0, free=True)["tried"].values()) == {"DONE"}


@users
def test_what_an_engine_lives_on_is_left(prison: Prison, user: int) -> None:
    lives = prison.hold(user)["lives"]
    assert set(lives.values()) == {"DONE"}, lives


def test_the_estate_is_as_it_was(prison: Prison) -> None:
    before = {path: path.stat().st_mode for path in prison.estate.rglob("*")}
    prison.hold(0)
    assert {path: path.stat().st_mode for path in prison.estate.rglob("*")} == before
    assert {path.read_bytes() for path in before if path.is_file()} == {b"GGUF"}


@users
def test_a_part_that_cannot_be_had_is_named_and_the_others_still_hold(prison: Prison, user: int) -> None:
    """A second jail inside the first may make no namespace, and its seventeenth set of rules is one too many."""
    answer = prison.hold(user, nested=True, layers=16)
    held = answer["jail"]
    assert (held["network_namespace"], held["seccomp"], held["landlock"]) == (False, True, False)
    assert held["missing"][0].startswith("network namespace: ")
    assert held["missing"][1].startswith("landlock: ")
    assert "EPERM" in held["missing"][0]
    reached = {name for name, result in answer["tried"].items() if result not in REFUSED}
    assert reached == set()


def test_a_jail_with_a_missing_part_is_not_sealed() -> None:
    assert not Jail(network_namespace=True, seccomp=True, missing=("landlock: none",)).sealed


@pytest.fixture(scope="session")
def hostile_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    binary = tmp_path_factory.mktemp("hostile") / "llama-server"
    subprocess.run([compiler, "-o", binary, HERE / "hostile_server.c"], check=True, timeout=60)
    return binary


def test_the_jail_holds_after_the_worker_became_another_program(prison: Prison, hostile_server: Path) -> None:
    done = _work(prison, binary=str(hostile_server))
    report = msgspec.json.decode(done.stdout, type=Report)
    found = dict(line.split("=") for line in done.stderr.decode().splitlines())
    refused = {name for name, number in found.items() if number == "13"}
    assert (report.build, report.jail.sealed, report.jail.missing) == ("llama-server", True, ())
    assert {found[name] for name in ("weights", "magic", "listen")} == {"0"}
    assert refused == {"internet", "connect", "passwd", "parent", "own_file", "shell"}
    assert {found[name] for name in ("kill", "fork")} == {"1"}
    assert found["core_limit"] == "0"
    assert found["no_new_privileges"] == "1"
    assert found["dies_with_parent"] == "1"
    assert (found["variables"], found["descriptors"]) == (str(len(llamacpp.ENVIRONMENT)), "1")


def test_a_worker_with_weights_that_do_not_load_says_so_by_its_exit(prison: Prison) -> None:
    done = _work(prison)
    report = msgspec.json.decode(done.stdout, type=Report)
    assert report.build.startswith("xllamacpp ")
    assert report.jail.sealed
    assert done.returncode == UNFIT


def test_a_worker_whose_parent_is_gone_ends_before_it_loads(prison: Prison) -> None:
    done = _work(prison, parent_pid=1)
    assert (done.returncode, done.stdout) == (-9, b"")


def _work(prison: Prison, *, binary: str = "", parent_pid: int = 0) -> subprocess.CompletedProcess[bytes]:
    """One worker from its order to its end."""
    weights = os.open(prison.weights, os.O_RDONLY)
    order = Order(
        model="made-up",
        weights_fd=weights,
        folder=str(prison.folder),
        socket="engine.sock",
        parent_pid=parent_pid or os.getpid(),
        plan=EnginePlan(context_tokens=512, slots=1, threads=1, prompt_threads=1, queue=1, prompt_cache_mib=0),
        chat_template=prison.targets["control"],
        binary=binary,
        sealed=True,
    )
    try:
        return subprocess.run(
            [sys.executable, "-I", "-m", "freehold.engine.worker"],
            check=False,
            input=msgspec.json.encode(order),
            capture_output=True,
            pass_fds=(weights,),
            timeout=30,
        )
    finally:
        os.close(weights)
