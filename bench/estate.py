# SPDX-License-Identifier: Apache-2.0
"""A real estate for the benchmark: made by ``freehold up`` in a directory of its own, and stopped at the end."""

import contextlib
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.client import Asker, TcpConnection, UnixConnection
from bench.peers.processes import free_port

from freehold.contract.estate import Estate

_FREEHOLD = Path(sys.executable).with_name("freehold")
_MODEL = "default"  # the service of a fresh estate
_SLEEP_AFTER = re.compile(r"^#? ?sleep_after_s = .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the numbers were taken on."""

    processor: str
    cores: int
    python: str
    freehold: str
    engine: str
    model: str
    context_tokens: int
    slots: int
    threads: int


class BenchEstate:
    """One estate, and the two ways to its model: through the gateway, and past it."""

    def __init__(self, directory: Path) -> None:
        self._estate = Estate(directory / "estate")
        self._ports = free_port(), free_port()
        self._key = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._estate.directory.exists():
            self.down()

    def up(self) -> None:
        port, admin_port = map(str, self._ports)
        told = self._freehold("up", "--port", port, "--admin-port", admin_port, "--detach", "--json")
        self._key = told.get("api_key") or self._key

    def down(self) -> None:
        self._freehold("down", "--json")

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self._freehold("status", "--json")["status"]
        return status

    def facts(self) -> Facts:
        status = self.status()
        target = status["targets"][0]
        return Facts(
            processor=processor(),
            cores=len(os.sched_getaffinity(0)),
            python=platform.python_version(),
            freehold=status["version"],
            engine=target["build"],
            model=target["model"],
            context_tokens=target["context_tokens"],
            slots=target["slots"],
            threads=target["threads"],
        )

    def through_gateway(self) -> Asker:
        """A caller with a key, at the public port."""
        return Asker(TcpConnection("127.0.0.1", self._ports[0]), _MODEL, self._key)

    def past_gateway(self) -> Asker:
        """The same calls, straight to the engine's own socket."""
        target = self.status()["targets"][0]
        return Asker(UnixConnection(self._estate.engine_folder(target["target"]) / "engine.sock"), target["model"])

    def sleep_after(self, idle_s: float) -> None:
        """Let engines sleep after so short an idle time; from the next start on."""
        text, changes = _SLEEP_AFTER.subn(f"sleep_after_s = {idle_s}", self._estate.settings.read_text())
        if changes != 1:
            raise RuntimeError("freehold.toml of a fresh estate no longer shows sleep_after_s once")
        self._estate.settings.write_text(text)

    def await_sleep(self, patience_s: float = 120.0) -> None:
        deadline = time.monotonic() + patience_s
        while self.status()["targets"][0]["state"] != "asleep":
            if time.monotonic() > deadline:
                raise RuntimeError(f"the engine did not fall asleep within {patience_s} s")
            time.sleep(0.5)

    def _freehold(self, command: str, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [_FREEHOLD, command, "--estate", self._estate.directory, *arguments], stdout=subprocess.PIPE, check=True
        )
        told: dict[str, Any] = json.loads(done.stdout)
        return told


def processor() -> str:
    """What the kernel calls the processor."""
    with contextlib.suppress(OSError):
        named = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if named:
            return named[1]
    return platform.machine()
