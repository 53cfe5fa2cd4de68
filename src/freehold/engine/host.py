# SPDX-License-Identifier: Apache-2.0
"""Reads what this process may use of the machine: the lesser of the hardware and its control group. Linux only."""

import math
import os
import re
from pathlib import Path

from freehold.engine.plan import Host


def this_host(root: Path = Path("/")) -> Host:
    """Cores and available memory, as the kernel tells them beneath ``root``."""
    group = _control_group(root)
    return Host(cores=_cores(group), memory_bytes=_memory_bytes(root, group))


def _control_group(root: Path) -> Path:
    """The folder of this process's control group, version 2; one that does not exist where there is none."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        if line.startswith("0::"):
            return root / "sys/fs/cgroup" / line[3:].lstrip("/")
    return root / "sys/fs/cgroup"


def _cores(group: Path) -> int:
    allowed = len(os.sched_getaffinity(0))
    quota = _read(group / "cpu.max").split()  # "max 100000" or "150000 100000"
    if len(quota) == 2 and quota[0].isdigit():
        allowed = min(allowed, math.ceil(int(quota[0]) / int(quota[1])))
    return max(1, allowed)


def _memory_bytes(root: Path, group: Path) -> int:
    match = re.search(r"^MemAvailable:\s+(\d+) kB", _read(root / "proc/meminfo"), re.MULTILINE)
    available = int(match[1]) * 1024 if match else 0
    limit, used = _read(group / "memory.max").strip(), _read(group / "memory.current").strip()
    if limit.isdigit() and used.isdigit():
        available = min(available, max(0, int(limit) - int(used)))
    return available


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
