# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

from freehold.engine.host import this_host


def lay(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_a_control_group_the_machine_counts(tmp_path: Path) -> None:
    host = this_host(lay(tmp_path, proc__meminfo="MemTotal: 9 kB\nMemAvailable:    2048 kB\n"))
    assert host.memory_bytes == 2048 * 1024
    assert host.cores == len(os.sched_getaffinity(0))


def test_a_control_groups_limits_count_where_they_are_lower(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        proc__meminfo="MemAvailable:    2048 kB\n",
        proc__self__cgroup="0::/inner\n",
        sys__fs__cgroup__inner__memory_dot_max="1048576\n",
        sys__fs__cgroup__inner__memory_dot_current="48576\n",
        sys__fs__cgroup__inner__cpu_dot_max="50000 100000\n",
    )
    host = this_host(root)
    assert (host.cores, host.memory_bytes) == (1, 1_000_000)


def test_a_control_group_without_limits_changes_nothing(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        proc__meminfo="MemAvailable:    2048 kB\n",
        proc__self__cgroup="0::/\n",
        sys__fs__cgroup__memory_dot_max="max\n",
        sys__fs__cgroup__cpu_dot_max="max 100000\n",
    )
    host = this_host(root)
    assert (host.cores, host.memory_bytes) == (len(os.sched_getaffinity(0)), 2048 * 1024)


def test_a_host_that_tells_nothing_has_at_least_one_core(tmp_path: Path) -> None:
    host = this_host(tmp_path)
    assert (host.cores >= 1, host.memory_bytes) == (True, 0)
