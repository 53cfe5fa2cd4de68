# SPDX-License-Identifier: Apache-2.0
"""Witnesses for the tests of the whole: real processes of the product, and one that says what a test tells it to."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.system.estates import FREEHOLD, Estate
from tests.system.waiting import LONG_S, wait_for


class WitnessProcess:
    """A witness in a directory of its own. ``serve`` starts it, again where it was killed."""

    def __init__(self, directory: Path, name: str, *, key_type: str = "ed25519") -> None:
        self.directory = directory
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._run("init", "--name", name, "--key-type", key_type)

    @property
    def vkey(self) -> str:
        return (self.directory / "witness.vkey").read_text(encoding="utf-8").strip()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def watch(self, estate: Estate) -> None:
        self._run("watch", estate.vkey.read_text(encoding="utf-8").strip())

    def serve(self) -> None:
        log = self.directory.with_suffix(".log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [FREEHOLD, "witness", "serve", self.directory, "--port", str(self.port)], stdout=log, stderr=log
            )
        wait_for(self._answers, f"the witness in {self.directory} answers")

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            os.kill(self.process.pid, number)
            self.process.wait(timeout=LONG_S)
            self.process = None

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [FREEHOLD, "witness", command, self.directory, *arguments], check=True, capture_output=True, timeout=LONG_S
        )

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 404
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


class ToldWitness:
    """Answers every request with ``status``, ``media`` and ``body``; hangs while ``hanging`` is set."""

    def __init__(self) -> None:
        self.status, self.media, self.body = 200, "text/plain", b"nonsense\n"
        self.asked = 0
        self.hanging = threading.Event()
        self.released = threading.Event()

    def say(self, status: int, media: str, body: bytes) -> None:
        """To everything it is asked."""
        self.status, self.media, self.body = status, media, body


@contextmanager
def told_witness() -> Iterator[tuple[ToldWitness, str]]:
    """One, and its URL."""
    told = ToldWitness()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            told.asked += 1
            if told.hanging.is_set():
                told.released.wait(LONG_S)
                return
            self._say(told.status, told.media, told.body)

        def do_GET(self) -> None:
            self._say(404, "text/plain", b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

        def _say(self, status: int, media: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", media)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        told.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def have_witness(estate: Estate, name: str, vkey: str, url: str) -> None:
    """Write a witness, and the leave to contact it, into the estate's freehold.toml."""
    place = url.removeprefix("http://")
    text = f"""
[grant.{name}]
for = "witness"
hosts = ["{place}"]
allow_private = true

[witness.{name}]
vkey = "{vkey}"
url = "{url}"
answer_s = 2.0
"""
    with (estate.files / "freehold.toml").open("a", encoding="utf-8") as file:
        file.write(text)
