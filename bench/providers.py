# SPDX-License-Identifier: Apache-2.0
"""Simulated providers for the benchmark, each a process of its own, so that nobody waits for another's interpreter."""

import json
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self

import msgspec
from tests.simulator.faults import Fault, Play
from tests.simulator.server import KEY


class Provider:
    """One of them, from ``with`` on. Its vendors lie behind paths of their own, as in ``tests/simulator/server.py``."""

    key = KEY

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.simulator"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if self._process.stdout is None:
            raise RuntimeError("the simulator has no output")
        self.port = int(json.loads(self._process.stdout.readline())["port"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def play(self, fault: Fault | None = None) -> None:
        """Answer like this from now on."""
        self._control("PUT", "play", msgspec.json.encode(Play(fault=fault)))

    def heard(self) -> list[dict[str, Any]]:
        """Every request since the last ``forget``."""
        found: list[dict[str, Any]] = json.loads(self._control("GET", "heard"))
        return found

    def forget(self) -> None:
        self._control("DELETE", "heard")

    def cut(self) -> None:
        """End every connection, this one too."""
        try:
            self._control("DELETE", "connections")
        except (HTTPException, OSError):
            return

    def await_held(self, calls: int, patience_s: float = 60.0) -> None:
        """Return once so many answers are held in their midst."""
        deadline = time.monotonic() + patience_s
        while sum(1 for request in self.heard() if request["broke_s"]) < calls:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the provider did not have {calls} answers under way within {patience_s} s")
            time.sleep(0.1)

    def _control(self, method: str, what: str, body: bytes = b"") -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"/control/{what}", body)
            return connection.getresponse().read()
        finally:
            connection.close()
