# SPDX-License-Identifier: Apache-2.0
"""An estate in the hands of a service manager: it says when it is ready, reloads at SIGHUP, and ends at SIGTERM."""

import os
import pty
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.system import clients, processes
from tests.system.conftest import NewEstate
from tests.system.estates import FREEHOLD, Estate
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, chat, post

ANALYZE = shutil.which("systemd-analyze")
UNIT = Path(__file__).parents[2] / "deploy" / "freehold.service"


class Manager:
    """Runs one estate in the foreground, as a unit of ``Type=notify`` is run."""

    def __init__(self, house: Estate, folder: Path) -> None:
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(folder / "notify"))
        self.notices.settimeout(120)
        command: list[str | Path] = [FREEHOLD, "up", "--estate", house.directory]
        command += ["--port", str(house.port), "--admin-port", str(house.admin_port)]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def heard(self) -> str:
        return self.notices.recv(100).decode()


@contextmanager
def managed(house: Estate, folder: Path) -> Iterator[Manager]:
    house.key = house.ask("key", "create", "application")["key"]["secret"]
    manager = Manager(house, folder)
    try:
        assert manager.heard() == "READY=1"
        yield manager
    finally:
        manager.process.kill()
        manager.process.wait()
        manager.notices.close()


def aliases(house: Estate) -> list[str]:
    (service,) = house.status()["services"]
    return list(service["aliases"])


def test_a_manager_hears_of_the_start_reloads_it_and_ends_it(new_estate: NewEstate, tmp_path: Path) -> None:
    house = new_estate()
    with managed(house, tmp_path) as manager:
        settings = house.files / "freehold.toml"
        was = settings.read_text(encoding="utf-8")
        with clients.openai(house) as openai:
            stream = openai.chat.completions.create(
                model="gpt-4o", max_tokens=64, stream=True, messages=[{"role": "user", "content": "Count to fifty."}]
            )
            next(iter(stream))
            settings.write_text(re.sub(r"aliases *= *\[", 'aliases = ["brand-new", ', was, count=1), encoding="utf-8")
            manager.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "brand-new" in aliases(house), "the new name is in force")
            assert [piece for piece in stream if piece.choices and piece.choices[0].finish_reason]
        settings.write_text(was + "\nnonsense = 1\n", encoding="utf-8")
        manager.process.send_signal(signal.SIGHUP)
        log = house.files / "run" / "log" / "control.log"
        wait_for(lambda: "not reloaded" in log.read_text(encoding="utf-8"), "it is told")
        assert post(house, CHAT, chat(model="brand-new")).status == 200
        manager.process.terminate()
        assert manager.heard() == "STOPPING=1"
        assert manager.process.wait(60) == 0
        assert not processes.of_estate(house.directory)


def test_an_estate_ends_with_the_terminal_that_it_runs_on(new_estate: NewEstate) -> None:
    house = new_estate()
    house.run("key", "create", "application")
    child, terminal = pty.fork()
    if not child:
        ports = ["--port", str(house.port), "--admin-port", str(house.admin_port)]
        os.execv(FREEHOLD, [str(FREEHOLD), "up", "--estate", str(house.directory), *ports])  # noqa: S606 - no shell is meant
    try:
        wait_for(house.answers, "it answers", timeout_s=120)
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    wait_for(lambda: not processes.of_estate(house.directory), "all of it has ended", timeout_s=30)


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")
def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/freehold/.venv/bin/freehold", str(FREEHOLD)))
    done = subprocess.run([str(ANALYZE), "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
