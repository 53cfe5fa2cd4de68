# SPDX-License-Identifier: Apache-2.0
"""The process that serves a log: in its jail, over a real port, to a monitor that knows nothing of the estate."""

import gzip
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, act_bytes, append, open_log, write_log
from tests.ledger_monitor import ROUNDS, Fetch, Monitor, write_at_random
from tests.provider_builder import certificate

from freehold.bootstrap.listeners import open_listener
from freehold.ledger.writing.log import Log

SETTINGS = """
[estate]
origin = "estate.example/ledger"
[ledger]
serve = "127.0.0.1:1"
[service.default]
targets = ["local"]
[target.local]
engine = "llamacpp"
model = "tiny"
"""


@dataclass(frozen=True, slots=True)
class Served:
    log: Log
    port: int
    process: subprocess.Popen[bytes]

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def raw(self, head: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as line:
            line.sendall(head)
            return b"".join(iter(lambda: line.recv(65_536), b""))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A log that is open for writing, and the process that serves it."""
    (tmp_path / "freehold.toml").write_text(SETTINGS)
    log = open_log(tmp_path)
    append(log, [act_bytes(f"act-{index}") for index in range(300)])
    log.publish()
    with open_listener("127.0.0.1", 0) as listener:
        process = _start(tmp_path, listener)
        try:
            yield Served(log, listener.getsockname()[1], process)
        finally:
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=60)
            log.close()
    assert process.returncode == 0, said
    assert b"Traceback" not in said, said


def _start(estate: Path, listener: socket.socket) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "freehold.bootstrap.tiles", "--estate", str(estate)]
    said = ["--supervisor", str(os.getpid()), "--listener", str(listener.fileno())]
    return subprocess.Popen(
        [*program, *said], pass_fds=[listener.fileno()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@contextmanager
def _fetching(served: Served) -> Iterator[Fetch]:
    """As the format wants it: over one connection, accepting gzip, telling 404 from everything else."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)

    def fetch(path: str) -> bytes | None:
        connection.request("GET", f"/{path}", headers={"accept-encoding": "gzip, identity"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 404:
            return None
        assert answer.status == 200
        return gzip.decompress(body) if answer.getheader("content-encoding") == "gzip" else body

    try:
        yield fetch
    finally:
        connection.close()


def test_a_monitor_follows_the_log_while_it_is_written(served: Served) -> None:
    with _fetching(served) as fetch:
        monitor = Monitor(fetch, KEY.vkey)
        for seed in range(max(10, ROUNDS // 6)):
            write_at_random(served.log, 1, seed)
            monitor.poll()
            for index in (0, len(monitor.entries) - 1) if monitor.entries else ():
                monitor.prove(index)
        monitor.patience = 0
        assert monitor.poll().size == len(monitor.entries) == served.log.size


def test_it_gives_out_the_log_and_nothing_beside_it(served: Served) -> None:
    status, headers, body = served.ask("/checkpoint")
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert body == (served.log.directory / "checkpoint").read_bytes()
    assert served.ask("/checkpoint?now")[0] == 200
    for path in (
        "/journal",
        "/low-water",
        "/home",
        "/salts/2026-11-22",
        "/",
        "/tile/",
        "/freehold.toml",
        "/minimum-index",
    ):
        assert served.ask(path)[0] == 404
    status, headers, body = served.ask("/tile/entries/000", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) == (served.log.directory / "tile/entries/000").stat().st_size
    status, headers, _ = served.ask("/tile/entries/000", "POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        b"/../freehold.toml",
        b"/tile/../journal",
        b"/tile/%2e%2e/journal",
        b"/%2e%2e/freehold.toml",
        b"/tile/0/..%2f..%2fjournal",
        b"//journal",
        b"/tile//0/000",
        b"/checkpoint%00",
        b"/tile/entries/000%2f..%2f..%2f..%2fjournal",
        b"/tile\\..\\journal",
    ],
)
def test_no_trick_with_a_path_leads_elsewhere(served: Served, path: bytes) -> None:
    answer = served.raw(b"GET " + path + b" HTTP/1.1\r\nHost: log.example\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ", 2)[1] in (b"404", b"400")
    assert b"FhJ1" not in answer
    assert b"[estate]" not in answer


def test_it_is_locked_in_before_it_answers_anybody(served: Served) -> None:
    assert served.ask("/checkpoint")[0] == 200
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert (fields["Seccomp"], fields["NoNewPrivs"], int(fields["CapEff"], 16)) == ("2", "1", 0)


def test_beyond_this_machine_it_is_served_with_the_estates_certificate(tmp_path: Path) -> None:
    authority, chain, key = certificate(tmp_path, "log.example.org")
    listen = f'[listen]\ntls_cert = "{chain.name}"\ntls_key = "{key.name}"\n'
    (tmp_path / "freehold.toml").write_text(listen + SETTINGS.replace("127.0.0.1:1", "192.0.2.1:1"))
    directory = write_log(tmp_path, [b"{}"])
    with open_listener("127.0.0.1", 0) as listener:
        process = _start(tmp_path, listener)
        try:
            context = ssl.create_default_context(cafile=authority)
            with (
                socket.create_connection(listener.getsockname(), timeout=60) as line,
                context.wrap_socket(line, server_hostname="log.example.org") as secured,
            ):
                secured.sendall(b"GET /checkpoint HTTP/1.1\r\nHost: log.example.org\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: secured.recv(65_536), b""))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    assert answer.endswith((directory / "checkpoint").read_bytes())
