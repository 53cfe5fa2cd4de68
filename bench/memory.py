# SPDX-License-Identifier: Apache-2.0
"""Memory as PSS: what processes share is counted once, by parts. From /proc, so Linux only."""

import re
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")


def pss_by_process(named: Mapping[str, int]) -> dict[str, int]:
    """Bytes of each named process and of their parent, the supervisor. Others count with the nearest of these above."""
    parents = _parents()
    names = {parents[pid]: "supervisor" for pid in named.values()} | {pid: name for name, pid in named.items()}
    return _pss_of(names, parents)


def pss_of_trees(named: Mapping[str, int]) -> dict[str, int]:
    """Bytes of each named process and of all that it started, but for those that have a name of their own."""
    return _pss_of({pid: name for name, pid in named.items()}, _parents())


def _pss_of(names: Mapping[int, str], parents: Mapping[int, int]) -> dict[str, int]:
    sizes = dict.fromkeys(names.values(), 0)
    for pid in parents:
        owner: int | None = pid
        while owner is not None and owner not in names:
            owner = parents.get(owner)
        if owner is not None:
            sizes[names[owner]] += _pss_bytes(pid)
    return sizes


def _parents() -> dict[int, int]:
    parents = {}
    for directory in _PROC.iterdir():
        if directory.name.isdigit():
            stat = _read(directory / "stat")
            if stat:
                parents[int(directory.name)] = int(stat.rpartition(")")[2].split()[1])
    return parents


def _pss_bytes(pid: int) -> int:
    found = re.search(r"^Pss:\s+(\d+) kB", _read(_PROC / str(pid) / "smaps_rollup"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _read(path: Path) -> str:
    """Empty for a process that has ended, or that is not ours to look at."""
    try:
        return path.read_text()
    except OSError:
        return ""
