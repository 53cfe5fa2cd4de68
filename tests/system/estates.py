# SPDX-License-Identifier: Apache-2.0
"""A really running estate, seen from outside: its commands, its ports and its files. Imports nothing of the product."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.system import processes
from tests.system.waiting import LONG_S, wait_for

FREEHOLD = Path(sys.executable).with_name("freehold")
MODEL = "smollm2-135m-instruct"


class Estate:
    """One estate's directory, and the ports on which it is run."""

    def __init__(self, directory: Path, *, enter: Sequence[str] = (), root: Path = Path("/")) -> None:
        """``enter`` puts a command into the estate's own namespaces, whose files are seen from here under ``root``."""
        self.directory = directory
        self.files = root / directory.relative_to("/")
        self._enter = enter
        self.port = free_port()
        self.admin_port = free_port()
        self.key = ""  # the first API key, once it is up
        self.first_answer: dict[str, Any] = {}  # of the first ``up``

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def vkey(self) -> Path:
        return self.files / "keys" / "ledger.vkey"

    def attempt(self, *arguments: str | Path, timeout_s: float = LONG_S) -> subprocess.CompletedProcess[str]:
        """Run a command on the estate, whatever comes of it."""
        command = [*self._enter, FREEHOLD, *arguments, "--estate", self.directory]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False, env=_environment()
        )

    def run(self, *arguments: str | Path) -> str:
        """Run a command that must succeed: what it printed."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"freehold {' '.join(map(str, arguments))}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, *arguments: str | Path) -> dict[str, Any]:
        """Run a command that must succeed, and read the one JSON object that it prints."""
        answer = json.loads(self.run(*arguments, "--json"))
        assert isinstance(answer, dict)
        return answer

    def attempt_up(self, *options: str) -> subprocess.CompletedProcess[str]:
        ports = ("--port", str(self.port), "--admin-port", str(self.admin_port))
        return self.attempt("up", *ports, "--detach", "--json", *options)

    def up(self, *options: str) -> dict[str, Any]:
        """Start it. Remembers the API key of the run that made it."""
        done = self.attempt_up(*options)
        assert done.returncode == 0, f"freehold up: {done.stdout}\n{done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        self.key = answer.get("api_key") or self.key
        self.first_answer = self.first_answer or answer
        return answer

    def down(self) -> None:
        self.run("down")

    def set(self, table: str, setting: str) -> None:
        """Put a line under a table's head in freehold.toml."""
        path = self.files / "freehold.toml"
        text = path.read_text(encoding="utf-8")
        assert f"\n[{table}]\n" in text, f"freehold.toml has no [{table}]"
        path.write_text(text.replace(f"\n[{table}]\n", f"\n[{table}]\n{setting}\n"), encoding="utf-8")

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.ask("status")["status"]
        return status

    def target(self) -> dict[str, Any]:
        """What ``status`` says of the one target."""
        (target,) = self.status()["targets"]
        assert isinstance(target, dict)
        return target

    def process(self, name: str) -> int:
        """The pid of a process of the estate, by what ``status`` calls it."""
        pids = [process["pid"] for process in self.status()["processes"] if process["name"].startswith(name)]
        assert len(pids) == 1, f"status shows {len(pids)} processes called {name}"
        return int(pids[0])

    def answers(self) -> bool:
        """Whether the public port would answer a call."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def admin(self, method: str, path: str, token: str) -> int:
        """The status of a request to the admin port."""
        connection = HTTPConnection("127.0.0.1", self.admin_port, timeout=LONG_S)
        try:
            connection.request(method, path, headers={"authorization": f"Bearer {token}"})
            return connection.getresponse().status
        finally:
            connection.close()

    def kill(self, pid: int) -> None:
        """End one of its processes without warning."""
        assert pid in processes.of_estate(self.directory), f"{pid} is no process of this estate"
        processes.kill({pid})
        wait_for(lambda: not processes.alive(pid), f"{pid} is dead")

    def blob(self) -> Path:
        """The weights in the vault: its largest blob."""
        return max((self.files / "vault" / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)

    def take_vault_of(self, other: "Estate") -> None:
        """Have the other's models without fetching them again."""
        shutil.copytree(other.files / "vault", self.files / "vault", dirs_exist_ok=True)

    def destroy(self) -> None:
        """Leave no process of it, whatever state it is in, and no models, which are large.

        Nobody is to see how it ends, so it is not asked to: ``down`` would take a second of every test.
        """
        wait_for(self._is_dead, f"the processes of {self.directory} are gone")
        shutil.rmtree(self.files / "vault", ignore_errors=True)

    def _is_dead(self) -> bool:
        """Whether nothing of it ran; what did has been killed."""
        left = processes.of_estate(self.directory)
        processes.kill(left)
        return not left


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FREEHOLD_")}
