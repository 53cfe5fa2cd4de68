# SPDX-License-Identifier: Apache-2.0
"""Programs that tests need and hosts may lack, out of Debian's packages."""

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

_LOCK = Path(tempfile.gettempdir()) / "freehold-tests-apt.lock"
_TURN_S = 600


def installed(program: str, package: str = "") -> str:
    """The program's path, once it is there. One installs at a time; others' installations are waited for."""
    with _LOCK.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if found := shutil.which(program):
            return found
        apt = ["/usr/bin/apt-get", "--quiet", "-o", f"DPkg::Lock::Timeout={_TURN_S}"]
        for command in (["update"], ["install", "--yes", "--no-install-recommends", package or program]):
            subprocess.run([*apt, *command], check=True, capture_output=True, timeout=_TURN_S)
    found = shutil.which(program)
    assert found, f"the package {package or program} has no {program}"
    return found
