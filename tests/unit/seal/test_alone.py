# SPDX-License-Identifier: Apache-2.0
"""A program is watched by the kernel in a network that holds nothing: what it wanted is told, whatever it was."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WANTS = """
import socket
def attempt(step):
    try:
        step()
    except OSError as problem:
        print(problem.errno)
attempt(lambda: socket.getaddrinfo("wanted.example", 443))
attempt(lambda: socket.create_connection(("192.0.2.1", 443), 5))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.7", 8125)))
attempt(lambda: socket.socket(socket.AF_UNIX).connect(OUTSIDE))
attempt(lambda: socket.socket(socket.AF_UNIX).connect(chr(0) + "freehold-abstract"))
inside = socket.socket(socket.AF_UNIX)
inside.bind("own.sock")
inside.listen()
socket.socket(socket.AF_UNIX).connect("own.sock")
"""


def alone(folder: Path, *command: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "freehold.seal.alone", str(folder), "-", *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    if said.get("problem"):
        pytest.skip(f"this host gives no network namespace: {said['problem']}")
    return said


def test_names_addresses_datagrams_and_foreign_sockets_are_told_and_own_ones_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    outside = tmp_path / "outside.sock"
    outside.touch()
    said = alone(folder, sys.executable, "-c", WANTS.replace("OUTSIDE", repr(str(outside))))
    wanted = {(one["kind"], one["what"]) for one in said["wanted"]}
    assert said["exit"] == 0
    assert {
        ("address", "192.0.2.1:443"),
        ("address", "198.51.100.7:8125"),
        ("socket", str(outside)),
        ("socket", "@freehold-abstract"),
    } <= wanted
    assert not any("own.sock" in what for _, what in wanted)
    if said["names"]:
        assert ("name", "wanted.example") in wanted


def test_what_is_started_by_what_is_started_is_watched_too(tmp_path: Path) -> None:
    inner = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.9', 9))"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    said = alone(tmp_path, sys.executable, "-c", outer)
    assert ("address", "192.0.2.9:9") in {(one["kind"], one["what"]) for one in said["wanted"]}


def test_the_exit_status_is_the_commands_own(tmp_path: Path) -> None:
    said = alone(tmp_path, sys.executable, "-c", "raise SystemExit(3)")
    assert (said["exit"], said["wanted"]) == (3, [])
