# SPDX-License-Identifier: Apache-2.0
"""Gathers the program for a bundle: this checkout's source, the wheels that its locks name, and what starts them.

Wheels come from a folder, or are fetched by pip as files, and nothing of them is run. Both ways pip holds every one to
the hashes in the lock.
"""

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import freehold
from freehold.errors import VaultError
from freehold.vault.bundle.format import Program
from freehold.vault.bundle.packing import BundledProgram, KnownFile
from freehold.vault.bundle.starter import SOURCE, STARTER
from freehold.vault.bundle.tar import END, header_of, padding

_PARTS: Final = ("LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", "requirements", "src", "docs")
_LEFT_OUT: Final = re.compile(r"(^|/)(\.[^/]*|__pycache__|[^/]*\.egg-info|[^/]*\.pyc)(/|$)")
_MACHINES: Final = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_NEWEST_GLIBC: Final = 39  # 2.39: that of Ubuntu 24.04
_NAMED_BY_YEAR: Final = ("manylinux1", "manylinux2010", "manylinux2014")
_NEEDS_GLIBC: Final = re.compile(r"manylinux_2_([0-9]+)_|manylinux(1|2010|2014)_")
_OF_YEAR: Final = {"1": 5, "2010": 12, "2014": 17}  # PEP 600, "Legacy manylinux tags"
_MARKERS: Final = Path(__file__).with_name("asking_markers.py")
_SAID_WITHIN_S: Final = 60.0
_ALWAYS: Final = ("run", "tune")  # the locks that 'make up' installs

Take = Callable[[Path, tuple[str, ...], Path], None]  # a lock, options of pip, a folder to be made


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedProgram:
    """The program for one platform. ``extras`` are those of pyproject.toml that have a lock of their own."""

    platform: str
    python: str
    extras: tuple[str, ...] = ()


def gather(wanted: WantedProgram, take: Take, scratch: Path) -> BundledProgram:
    """All files of it, in ``scratch``. Raises VaultError."""
    root, options = source_root(), _options(wanted)
    scratch.mkdir()
    lock = scratch / "requirements.txt"
    lock.write_text(_locked(root, wanted), encoding="utf-8")
    wheels = scratch / "wheels"
    take(lock, options, wheels)
    _write_source(root, scratch / SOURCE)
    starter = Path(__file__).with_name("starter.py")
    files = [_known(SOURCE, scratch / SOURCE), _known(STARTER, starter)]
    files += [_known(f"wheels/{wheel.name}", wheel) for wheel in sorted(wheels.glob("*.whl"))]
    program = Program(
        version=freehold.__version__,
        platform=wanted.platform,
        python=wanted.python,
        glibc=_glibc(wheel.name for wheel in wheels.glob("*.whl")),
        extras=tuple(sorted(wanted.extras)),
    )
    return BundledProgram(program=program, files=files)


def _glibc(wheels: Iterable[str]) -> str:
    """The oldest version that all of them run with, by their names."""
    oldest = [
        min(int(minor) if minor else _OF_YEAR[year] for minor, year in named)
        for wheel in wheels
        if (named := _NEEDS_GLIBC.findall(wheel))
    ]
    return f"2.{max(oldest)}" if oldest else ""


def source_root() -> Path:
    """The checkout that this runs from. Raises VaultError where there is none."""
    root = Path(freehold.__file__).parents[2]
    if not (root / "pyproject.toml").is_file() or not (root / "requirements" / "run.lock").is_file():
        raise VaultError(
            "the program is exported from a checkout, and this one was installed without",
            hint="Run the export with the command of a checkout, .venv/bin/freehold; or export without --program.",
        )
    return root


def _locked(root: Path, wanted: WantedProgram) -> str:
    """What the locks name for that machine. Raises VaultError."""
    text = "".join(_lock(root, name) for name in (*_ALWAYS, *sorted(set(wanted.extras))))
    command = [sys.executable, "-I", str(_MARKERS), wanted.python, _MACHINES[wanted.platform]]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=_SAID_WITHIN_S, check=False)
    if done.returncode:
        raise VaultError("pip does not say what of requirements/*.lock is for that platform", hint="Is pip installed?")
    return done.stdout


def _lock(root: Path, name: str) -> str:
    path = root / "requirements" / f"{name}.lock"
    if not re.fullmatch(r"[a-z0-9-]+", name) or name == "dev" or not path.is_file():
        known = sorted(lock.stem for lock in path.parent.glob("*.lock") if lock.stem not in (*_ALWAYS, "dev"))
        raise VaultError(f"there is no extra {name!r} with a lock; there are: {', '.join(known) or 'none'}")
    return path.read_text(encoding="utf-8")


def _options(wanted: WantedProgram) -> tuple[str, ...]:
    """Which wheels fit, in pip's words. It takes the first that does, so those for the oldest systems come first."""
    machine = _MACHINES.get(wanted.platform)
    if machine is None or not re.fullmatch(r"3\.[0-9]{1,2}", wanted.python):
        known = " or ".join(_MACHINES)
        raise VaultError(f"{wanted.platform!r} with Python {wanted.python!r} is not known; a platform is {known}")
    glibc = [f"manylinux_2_{minor}" for minor in range(5, _NEWEST_GLIBC + 1)]
    tags = [f"{tag}_{machine}" for tag in (*_NAMED_BY_YEAR, *glibc)]
    return (f"--python-version={wanted.python}", "--implementation=cp", *(f"--platform={tag}" for tag in tags))


def _write_source(root: Path, place: Path) -> None:
    """A tar of what the program is built from; the same source gives the same bytes."""
    with place.open("xb") as archive:
        for path in _source_files(root):
            content = path.read_bytes()  # through links, which lead to other files of it
            archive.write(header_of(str(path.relative_to(root)), len(content)) + content + padding(len(content)))
        archive.write(END)


def _source_files(root: Path) -> Iterator[Path]:
    found = [
        file for part in _PARTS for file in ((root / part).rglob("*") if (root / part).is_dir() else [root / part])
    ]
    for path in sorted(found):
        if path.is_file() and not _LEFT_OUT.search(str(path.relative_to(root))):
            yield path


def _known(title: str, path: Path) -> KnownFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return KnownFile(title=title, path=path, digest=f"sha256:{digest}", size_bytes=path.stat().st_size)
