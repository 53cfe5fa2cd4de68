# SPDX-License-Identifier: Apache-2.0
"""The control process as a process: it comes up without a ledger or a supervisor, and ends when it is told to."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from freehold.admin.client import AdminClient
from freehold.contract.estate import Estate


@contextlib.contextmanager
def control(estate: Estate, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "freehold.bootstrap.control", "--estate", str(estate.directory), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_it_serves_until_it_is_told_to_stop(estate: Estate) -> None:
    with control(estate, "--no-tcp") as process:
        client = AdminClient(estate.control_socket)
        client.wait(120.0)
        assert client.rows("models") == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(120.0) == 0
        assert not estate.control_socket.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[gateway]", "[gateway]\nturbo = true"), "[gateway] turbo: unknown key"),
        (('# admin_host = "127.0.0.1"', 'admin_host = "0.0.0.0"'), "operators' tokens would cross the network"),
    ],
)
def test_what_it_cannot_start_with_is_said_in_one_line(estate: Estate, change: Any, said: str) -> None:
    estate.settings.write_text(estate.settings.read_text().replace(*change))
    with control(estate) as process:
        _, errors = process.communicate(timeout=120.0)
    assert process.returncode == 1
    (line,) = errors.decode().splitlines()
    assert line.startswith("freehold: ")
    assert said in line
