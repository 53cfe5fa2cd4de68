# SPDX-License-Identifier: Apache-2.0
"""What the numbers of a run were taken on, in words that another run can be compared by."""

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.estate import processor
from bench.peers.freehold import CONDITIONS

from freehold import __version__
from freehold.admin import interpreter

_BUILT = {
    True: "built with profile-guided optimisation",
    False: "built without profile-guided optimisation",
    None: "which does not say how it was built",
}


def facts() -> dict[str, str]:
    """The machine, the disk that estates of this run lie on, and how ours was run."""
    return {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "python": f"{python()}; litellm runs on the same",
        "disk": _file_system(Path(tempfile.gettempdir())),
        "freehold": _commit(),
        "conditions": CONDITIONS,
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def python() -> str:
    """The interpreter and how it was built: two builds of one version differ by more than most changes gain."""
    return f"{interpreter.name()}, {_BUILT[interpreter.is_profiled()]}"


def _file_system(path: Path) -> str:
    """The type of file system that a folder lies on: the longest mount point above it."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    above = [(point, kind) for point, kind in mounts if path.resolve().is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]))[1] if above else "unknown"


def _commit() -> str:
    """The version, and the commit where git knows one."""
    git = shutil.which("git")
    if git is None:
        return __version__
    command = (git, "-C", Path(__file__).parent, "describe", "--always", "--dirty")
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{__version__} ({said.stdout.strip()})" if said.returncode == 0 else __version__
