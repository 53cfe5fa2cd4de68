# SPDX-License-Identifier: Apache-2.0
"""Processes of the benchmark: started in a folder of their own, awaited, and ended with all that they started."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_S = 90.0
_STOP_S = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str | Path], *, port: int, folder: Path, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """The pid, once the port takes connections. What it says goes to ``log`` in the folder."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await(process, port, folder)
        yield process.pid
    finally:
        _end(process)


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"freehold-bench-{name}-") as folder:
        yield Path(folder)


def _await(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    said = (folder / "log").read_text(errors="replace").strip()[-1500:]
    raise RuntimeError(f"{folder.name}: nothing listens on port {port}; it said:\n{said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)  # its own group: start_new_session
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
            return
