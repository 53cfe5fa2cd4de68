# SPDX-License-Identifier: Apache-2.0
"""A warden and what it seals, as real processes: clients are served, and nothing leaves, however it is tried."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.system import processes

from freehold.contract.attempt import Reach
from freehold.errors import EstateError
from freehold.seal.bpf import machine
from freehold.seal.entering import seal
from freehold.seal.kernel import landlock_abi

HERE = Path(__file__).parent / "sealed"
PARTS = ("own", "own, not waiting", "own, by a link", "own, by a descriptor", "own, relative", "own, in a thread")


def _can_seal() -> bool:
    release = tuple(int(part) for part in os.uname().release.split(".")[:2] if part.isdigit())
    with contextlib.suppress(OSError):
        return machine() is not None and release >= (5, 19) and landlock_abi() >= 2
    return False


pytestmark = pytest.mark.skipif(not _can_seal(), reason="sealing needs Linux 5.19 with seccomp and Landlock")


@dataclass
class Yard:
    """What is around: two listeners that are not the estate's, and the estate's folder of sockets."""

    folder: Path
    unix: socket.socket
    abstract: socket.socket
    tcp: socket.socket

    @property
    def given(self) -> dict[str, Any]:
        return {
            "run": str(self.folder / "run"),
            "movable": str(self.folder / "vault"),
            "foreign": str(self.folder / "foreign" / "foreign.sock"),
            "abstract": self.abstract.getsockname()[1:].decode(),
            "tcp_port": self.tcp.getsockname()[1],
            "native": "",
            "unsealed": False,
            "handed": "nothing",
        }

    def reached(self) -> bool:
        """Whether anybody has connected to what is not the estate's."""
        return bool(select.select([self.unix, self.abstract, self.tcp], [], [], 0)[0])


@dataclass
class Inmate:
    """A sealed process, by what it says."""

    process: "subprocess.Popen[str]"
    pid: int = 0
    port: int = 0

    def says(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "it ended before it had said anything"
        return json.loads(line)

    def asked_to_connect(self, path: str) -> str:
        """Be its client, on TCP: what it got when it connected to the path."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as client:
            client.sendall(path.encode())
            return client.recv(100).decode()


@pytest.fixture
def yard() -> Iterator[Yard]:
    """In a folder whose path is short: a socket's, even behind that of another process's root, has 107 bytes."""
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="yard-")))
        for name in ("run", "vault", "foreign"):
            (folder / name).mkdir()
        unix, abstract = (opened.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        unix.bind(str(folder / "foreign" / "foreign.sock"))
        abstract.bind(f"\0freehold-seam-{folder.name}")
        tcp = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        for listener in (unix, abstract):
            listener.listen()
        yield Yard(folder, unix, abstract, tcp)


@contextlib.contextmanager
def inmate(yard: Yard, task: str, **more: Any) -> Iterator[Inmate]:
    given = json.dumps(yard.given | {"task": task} | more)
    command = [
        sys.executable,
        "-m",
        "freehold.seal.warden",
        yard.given["run"],
        sys.executable,
        HERE / "inmate.py",
        given,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as warden:
        told = Inmate(warden)
        try:
            first = told.says()
            told.pid, told.port = first["pid"], first["port"]
            yield told
        finally:
            warden.terminate()
            warden.wait(60)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    binary = tmp_path_factory.mktemp("native") / "native_threads"
    subprocess.run([compiler, "-pthread", "-o", binary, HERE / "native_threads.c"], check=True, timeout=60)
    return str(binary)


def test_nothing_is_reached_but_the_estates_own_sockets(yard: Yard, native: str) -> None:
    with inmate(yard, "try", native=native) as sealed:
        tried = sealed.says()
    done = {name for name, outcome in tried.items() if outcome == "DONE"}
    assert done == {*PARTS, "own, another program"}
    assert tried.pop("own, that is not there") == "ENOENT"
    assert {tried.pop("foreign, linked to"), tried.pop("foreign, moved here")} == {"EXDEV"}
    assert tried.pop("foreign, another program") == "13"
    assert tried.pop("dns") == "refused"
    assert {outcome for name, outcome in tried.items() if name not in done} == {"EACCES"}
    assert not yard.reached()


def test_clients_are_served_while_nothing_leaves(yard: Yard) -> None:
    with inmate(yard, "serve") as sealed:
        own, foreign = f"{yard.given['run']}/own.sock", yard.given["foreign"]
        for _ in range(20):
            assert sealed.asked_to_connect(own) == "DONE"
            assert sealed.asked_to_connect(foreign) == "EACCES"
    assert not yard.reached()


def test_a_name_that_changes_while_it_is_looked_at_leads_nowhere_else(yard: Yard) -> None:
    with inmate(yard, "race", rounds=3000) as sealed:
        came = sealed.says()
    assert came["connected"] > 0
    assert came["refused"] > 0
    assert not yard.reached()


def test_without_its_warden_nothing_connects_any_more(yard: Yard) -> None:
    with inmate(yard, "orphaned") as sealed:
        assert sealed.says() == "ENOSYS"
        os.kill(sealed.pid, signal.SIGKILL)


def test_the_end_of_the_warden_is_the_end_of_what_it_started(yard: Yard) -> None:
    with inmate(yard, "serve") as sealed:
        ended = os.pidfd_open(sealed.pid)
        sealed.process.kill()
        assert select.select([ended], [], [], 60)[0]
        os.close(ended)


def test_the_warden_ends_when_what_it_sealed_has_ended_and_as_it_did(yard: Yard) -> None:
    with inmate(yard, "serve") as sealed:
        os.kill(sealed.pid, signal.SIGKILL)
        assert sealed.process.wait(60) != 0


def test_each_thread_of_both_is_under_a_filter(yard: Yard) -> None:
    with inmate(yard, "serve") as sealed:
        for process in (sealed.pid, sealed.process.pid):
            threads = processes.threads(process)
            assert threads
            assert {(thread["Seccomp"], thread["NoNewPrivs"]) for thread in threads} == {("2", "1")}


def test_a_sealed_process_cannot_get_at_its_warden(yard: Yard) -> None:
    with inmate(yard, "serve") as sealed:
        # it serves as its own client here: to be read, the warden's memory would have to be a socket's path
        assert sealed.asked_to_connect(f"/proc/{sealed.process.pid}/root{yard.given['foreign']}") == "EACCES"
    assert not yard.reached()


def test_the_check_finds_every_way_shut(yard: Yard) -> None:
    with inmate(yard, "attempts") as sealed:
        tried = sealed.says()
    descriptors, _ = tried.pop("descriptors")
    assert descriptors == Reach.FAILED
    assert {outcome for outcome, _ in tried.values()} == {Reach.REFUSED}


def test_the_check_finds_a_socket_that_was_handed_in(yard: Yard) -> None:
    with inmate(yard, "attempts", handed="sockets") as sealed:
        outcome, reason = sealed.says()["descriptors"]
    assert outcome == Reach.POSSIBLE
    assert "AF_INET SOCK_STREAM" in reason
    assert "AF_INET SOCK_DGRAM" in reason


def test_the_check_says_of_an_open_process_what_is_possible(yard: Yard) -> None:
    with inmate(yard, "attempts", unsealed=True) as free:
        tried = free.says()
    assert {tried[name][0] for name in ("tcp-loopback", "unix-path", "unix-abstract")} == {Reach.POSSIBLE}
    assert yard.reached()


def test_a_kernel_that_cannot_seal_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freehold.seal.entering.machine", lambda: None)
    with pytest.raises(EstateError, match="there is no filter of system calls for this machine"):
        seal(-1, movable=[])
