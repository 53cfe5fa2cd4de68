# SPDX-License-Identifier: Apache-2.0
"""From inside the jail of vLLM, which may connect, there is nobody to connect to and nothing of the estate to open."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from freehold.seal.bpf import machine

HERE = Path(__file__).parent
NOBODY = 65534
ROOT = os.geteuid() == 0
# Refused, or not there at all: what it could not name it could not reach either.
NOT_REACHED = {
    f"refused {error}" for error in ("EACCES", "EPERM", "ENOSYS", "ENOENT", "EROFS", "ESRCH", "ECONNREFUSED")
}
NOT_REACHED |= {f"refused {error}" for error in ("ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "ENXIO", "ENODEV")}

pytestmark = pytest.mark.skipif(machine() is None, reason="there is a jail for Linux on x86_64 and aarch64 only")
users = pytest.mark.parametrize(
    "user",
    [
        pytest.param(0, id="this-user"),
        pytest.param(NOBODY, id="ordinary-user", marks=pytest.mark.skipif(not ROOT, reason="only root can be another")),
    ],
)


@pytest.fixture
def estate() -> Iterator[Path]:
    """Where another user may come, too."""
    with tempfile.TemporaryDirectory(prefix="freehold-") as place:
        Path(place).chmod(0o777)
        yield Path(place, "estate")


@pytest.fixture
def given(estate: Path) -> Iterator[dict[str, Any]]:
    """A made-up estate, and listeners that a prisoner would like to reach."""
    for name in (
        "freehold.toml",
        "keys/ledger.key",
        "vault/weights",
        "vault/other",
        "salts/day",
        "run/supervisor.lock",
    ):
        path = estate / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"GGUF")
        path.chmod(0o666)
    folder = estate / "run/engine/local"
    folder.mkdir(parents=True)
    for place in (estate, *(path for path in estate.rglob("*") if path.is_dir())):
        place.chmod(0o777)
    with ExitStack() as opened:
        tcp = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = f"freehold-test-{os.getpid()}"
        _listen(opened, f"\0{abstract}")
        yield {
            "estate": str(estate),
            "vault": str(estate / "vault"),
            "weights": str(estate / "vault/weights"),
            "secret": str(estate / "keys/ledger.key"),
            "folder": str(folder),
            "files": [str(path) for path in estate.rglob("*") if path.is_file()],
            "tcp_port": tcp.getsockname()[1],
            "abstract": abstract,
            "control": _listen(opened, estate / "run/control.sock"),
            "container_engine": _listen(opened, estate / "run/docker.sock"),
            "datagram": _listen(opened, estate / "run/datagram.sock", socket.SOCK_DGRAM),
        }


def _listen(opened: ExitStack, address: Path | str, kind: int = socket.SOCK_STREAM) -> str:
    listener = opened.enter_context(socket.socket(socket.AF_UNIX, kind))
    if isinstance(address, Path):
        previous = Path.cwd()
        os.chdir(address.parent)
        listener.bind(address.name)
        address.chmod(0o777)
        os.chdir(previous)
    else:
        listener.bind(address)
    if kind == socket.SOCK_STREAM:
        listener.listen()
    return str(address)


def hold(given: dict[str, Any], user: int) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "housemate.py"), json.dumps({**given, "user": user})]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@users
def test_nothing_but_its_own_can_be_reached_from_inside(given: dict[str, Any], user: int) -> None:
    answer = hold(given, user)
    assert answer["jail"]["missing"] == []
    assert answer["jail"]["left"]
    assert len(answer["tried"]) > 40
    assert {name: result for name, result in answer["tried"].items() if result not in NOT_REACHED} == {}


@users
def test_what_vllm_lives_on_is_left(given: dict[str, Any], user: int) -> None:
    lives = hold(given, user)["lives"]
    if user:  # who may not look into this interpreter's folder; a program of its own is another's affair
        lives.pop("the model, from a process of its own")
    assert set(lives.values()) == {"DONE"}, lives


def test_it_sees_the_places_that_it_needs_and_no_other(given: dict[str, Any]) -> None:
    answer = hold(given, 0)
    assert answer["seen"] == []
    assert answer["processes"] == ["1"]
    assert len(answer["descriptors"]) == 5  # the three standard ones, its weights, and the listing's own


def test_the_estate_is_as_it_was(given: dict[str, Any]) -> None:
    estate = Path(given["estate"])
    before = {path: path.stat().st_mode for path in estate.rglob("*")}
    hold(given, 0)
    assert {path: path.stat().st_mode for path in estate.rglob("*")} == before
    assert {path.read_bytes() for path in before if path.is_file()} == {b"GGUF"}
