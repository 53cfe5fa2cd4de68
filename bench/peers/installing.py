# SPDX-License-Identifier: Apache-2.0
"""Environments of their own for what the suite compares with: nothing of a peer comes near the project's.

Every package is pinned and hashed by a lock file beside this one; a changed lock makes the environment anew. Debian's
packages are taken as they come, and need root to be installed.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.peers.places import BENCH, CACHE, LOCKS

_NO_START = Path("/usr/sbin/policy-rc.d")  # Debian asks it whether a package may start its service
_SYSTEM_PATH = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/sbin"


Command = Sequence[str | Path]


def python_environment(name: str) -> Path:
    """The ``bin`` of a virtual environment with what ``locks/NAME.lock`` pins."""
    lock = LOCKS / f"{name}.lock"

    def make(folder: Path) -> None:
        venv.create(folder, with_pip=True)
        pip: Command = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        # the lock is whole, and overrides what a peer asks for and no index has: there is nothing left to resolve
        _run([*pip, "--no-deps", "--require-hashes", "--requirement", lock], f"what {lock} pins")

    return _made(name, lock.read_bytes(), make) / "bin"


def node_environment(name: str) -> Path:
    """The ``node_modules`` that ``locks/NAME/package-lock.json`` pins. No script of a package is run."""
    source = LOCKS / name
    npm = command("npm", "npm")

    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, folder)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder], f"what {source} pins")

    return _made(name, (source / "package-lock.json").read_bytes(), make) / "node_modules"


def native(name: str) -> Path:
    """The program of ``bench/load/NAME.c``, compiled on this host."""
    source, header = BENCH / "load" / f"{name}.c", BENCH / "load" / "http.h"

    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        _run([os.environ.get("CC", "cc"), "-O2", "-o", folder / name, source], f"{source} compiled")

    return _made(f"load-{name}", source.read_bytes() + header.read_bytes(), make) / name


def command(name: str, package: str) -> str:
    """Where a command is; its Debian package is installed if it is nowhere."""
    if found := shutil.which(name, path=_SYSTEM_PATH):
        return found
    if os.geteuid() or not shutil.which("apt-get"):
        sys.exit(f"bench: {name} is not there. Install it ('apt-get install {package}', as root), and run this again.")
    _tell(f"installing Debian's {package}")
    _apt_get(package)
    return shutil.which(name, path=_SYSTEM_PATH) or sys.exit(f"bench: Debian's {package} brought no {name}")


def _apt_get(package: str) -> None:
    """Install it without starting a service that it may bring."""
    ours = not _NO_START.exists()
    if ours:
        _NO_START.write_text("#!/bin/sh\nexit 101\n")
        _NO_START.chmod(0o755)
    try:
        _run(["apt-get", "--quiet", "update"], "Debian's lists of packages")
        _run(["apt-get", "--quiet", "install", "--yes", "--no-install-recommends", package], f"Debian's {package}")
    finally:
        if ours:
            _NO_START.unlink()


def _made(name: str, pins: bytes, make: Callable[[Path], None]) -> Path:
    """The folder that was made of these pins; made now if it is not there, or of others."""
    digest = hashlib.sha256(pins + sys.version.encode()).hexdigest()[:16]
    folder, stamp = CACHE / name, CACHE / f"{name}.made"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process makes it, others wait for it
        if not (stamp.exists() and stamp.read_text() == digest):
            _tell(f"making {folder.relative_to(CACHE.parents[1])}, once")
            stamp.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            stamp.write_text(digest)
    return folder


def _run(arguments: Command, what: str) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"bench: {what} could not be had:\n{(done.stderr or done.stdout).strip()[-2000:]}")


def _tell(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)
