# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of an estate's processes. Trusts no report of the product."""

import os
import signal
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def of_estate(directory: Path) -> set[int]:
    """The live processes that name the estate's directory on their command line, and all that descend from them."""
    parents = _parents()
    found = {pid for pid in parents if _names(pid, directory)}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def alive(pid: int) -> bool:
    return _state(pid) not in {"", "Z", "X"}


def kill(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def send(pid: int, number: signal.Signals) -> None:
    os.kill(pid, number)


def status_line(pid: int, name: str) -> str:
    """One field of /proc/PID/status."""
    return _status(PROC / str(pid))[name]


def threads(pid: int) -> list[dict[str, str]]:
    """The fields of status of each thread that lives; of none, where the process has ended meanwhile."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in (PROC / str(pid) / "task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                found.append(_status(task))
    return found


def command_line(pid: int) -> bytes:
    """Its words, each behind a NUL; nothing of a process that has ended meanwhile."""
    return _read(pid, "cmdline")


def maps(pid: int) -> list[str]:
    """The lines of /proc/PID/maps; none of a process that has ended meanwhile."""
    return _read(pid, "maps").decode(errors="replace").splitlines()


def open_files(pid: int) -> set[str]:
    """What the process has open, as the kernel names it; nothing of one that has ended meanwhile."""
    opened = set()
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                opened.add(str(descriptor.readlink()))
    return opened


def _status(place: Path) -> dict[str, str]:
    lines = (place / "status").read_text(encoding="ascii", errors="replace").splitlines()
    return {field: value.strip() for field, _, value in (line.partition(":") for line in lines)}


def _parents() -> dict[int, int]:
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) and stat[0] not in {"Z", "X"}:
            parents[int(entry.name)] = int(stat[1])
    return parents


def _names(pid: int, directory: Path) -> bool:
    return os.fsencode(directory) in command_line(pid).split(b"\0")


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def _state(pid: int) -> str:
    stat = _stat(pid)
    return stat[0] if stat else ""


def _stat(pid: int) -> list[str]:
    """/proc/PID/stat from the state on; empty where there is no such process."""
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()
