# SPDX-License-Identifier: Apache-2.0
"""Runs cmake and the compiler over a source tree, in processes that reach no network. Whatever interrupts ends them."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from freehold.egress.enclosure import enclosed, no_way_out
from freehold.errors import EstateError

OPTIONS: Final = (
    "CMAKE_BUILD_TYPE=Release",
    "GGML_NATIVE=ON",  # whatever this processor can do
    "GGML_CCACHE=OFF",
    "BUILD_SHARED_LIBS=OFF",
    "LLAMA_CURL=OFF",
    "LLAMA_OPENSSL=OFF",
    "LLAMA_BUILD_TESTS=OFF",
    "LLAMA_BUILD_EXAMPLES=OFF",
    "LLAMA_BUILD_UI=OFF",
    "LLAMA_USE_PREBUILT_UI=OFF",  # would be downloaded while it builds
)
PROGRAMS: Final = ("llama-server", "llama-quantize", "llama-perplexity")
_POLL_S: Final = 0.2
_ANSWER_S: Final = 30.0
_KEPT_ENVIRONMENT: Final = ("PATH", "CC", "CXX", "LD_LIBRARY_PATH")
_PERCENT: Final = re.compile(rb"\[\s*(\d{1,3})%\]")
_STEPS: Final = re.compile(rb"\[(\d{1,6})/(\d{1,6})\]")
_TAIL_BYTES: Final = 4096
_TO_INSTALL: Final = "On Debian: apt install build-essential cmake. cmake also comes with 'pip install cmake'."

Told = Callable[[str], None]  # what is being done; raising from it ends the work


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What compiles."""

    cmake: str
    generator: str
    compiler: str
    cmake_version: str
    compiler_version: str


def find_tools(environment: Mapping[str, str]) -> Tools:
    """Those on the PATH, or beside this Python, where a wheel puts cmake. Raises EstateError naming what is missing."""
    path = os.pathsep.join((environment.get("PATH", ""), str(Path(sys.executable).parent)))
    wanted = {
        "cmake": ("cmake",),
        "a C compiler": (environment.get("CC", ""), "cc", "gcc", "clang"),
        "a C++ compiler": (environment.get("CXX", ""), "c++", "g++", "clang++"),
        "make or ninja": ("make", "ninja"),
    }
    found = {what: _first(names, path) for what, names in wanted.items()}
    if missing := [what for what, place in found.items() if not place]:
        raise EstateError(f"an engine cannot be built: this host lacks {', '.join(missing)}", hint=_TO_INSTALL)
    return Tools(
        cmake=found["cmake"],
        generator="Ninja" if found["make or ninja"].endswith("ninja") else "Unix Makefiles",
        compiler=found["a C++ compiler"],
        cmake_version=_version(found["cmake"]),
        compiler_version=_version(found["a C++ compiler"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where it is built. All that the tools say goes to ``log``."""

    source: Path
    scratch: Path
    log: Path

    @property
    def programs(self) -> Path:
        """The folder that the programs end up in."""
        return self.scratch / "built" / "bin"


def compile_programs(tools: Tools, site: Site, jobs: int, tell: Told) -> None:
    """Configure and build. Raises EstateError."""
    built = site.programs.parent
    tell("configuring llama.cpp")
    options = [f"-D{option}" for option in OPTIONS]
    _run([tools.cmake, "-S", str(site.source), "-B", str(built), "-G", tools.generator, *options], site, tell, "")
    targets = ["--target", *PROGRAMS, "--parallel", str(jobs)]
    _run(["nice", tools.cmake, "--build", str(built), *targets], site, tell, "compiling llama.cpp")
    if missing := [name for name in PROGRAMS if not (site.programs / name).is_file()]:
        raise EstateError(f"the source builds no {', '.join(missing)}; {site.log} has all that was said")


def version_of(program: Path, site: Site) -> str:
    """What a program that was just built says of itself. Raises EstateError if it does not run on this host."""
    with (site.scratch / "said").open("w+b") as said:
        environment = {"LC_ALL": "C.UTF-8"}
        command, way = [str(program), "--version"], no_way_out()
        with (
            enclosed(command, way, environment=environment, folder=site.scratch, output=said, errors=said) as process,
            contextlib.suppress(subprocess.TimeoutExpired),
        ):
            process.wait(timeout=_ANSWER_S)
        said.seek(0)
        words = said.read(_TAIL_BYTES).decode("utf-8", "replace").split("\n", 1)[0].strip()
    if process.returncode != 0:
        raise EstateError(f"{program.name} was built, and does not run on this host; {site.log} has all that was said")
    return words.removeprefix("version: ")[:200]


def _run(command: list[str], site: Site, tell: Told, doing: str) -> None:
    """One step to its end. ``doing`` is told with how far it is; empty: nothing is told, but that it goes on."""
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment |= {
        "LC_ALL": "C.UTF-8",
        "HOME": str(site.scratch),
        "TMPDIR": str(site.scratch),
        "GIT_CEILING_DIRECTORIES": str(site.scratch),  # else it would name the commit of whatever lies around it
    }
    with (
        site.log.open("ab") as log,
        enclosed(
            command, no_way_out(), environment=environment, folder=site.scratch, output=log, errors=log
        ) as process,
    ):
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_POLL_S)
            tell(f"{doing}, {_percent(site.log)} %" if doing else "configuring llama.cpp")
    if process.returncode != 0:
        raise _failed(process.returncode, site)


def _failed(status: int, site: Site) -> EstateError:
    if shutil.disk_usage(site.scratch).free < 2**20 or b"No space left on device" in _tail(site.log):
        return EstateError(
            f"the disk that {site.scratch.parent} lies on is full", hint="Free a gigabyte on it and build again."
        )
    return EstateError(
        f"llama.cpp could not be built: the tools ended with {status}; {site.log} has all that they said",
        hint="The first line with 'error' in it tells most. A newer compiler often helps; CC and CXX name one.",
    )


def _percent(log: Path) -> int:
    said = _tail(log)
    if percents := _PERCENT.findall(said):
        return int(percents[-1])
    done, total = (_STEPS.findall(said) or [(b"0", b"1")])[-1]
    return 100 * int(done) // max(int(total), 1)


def _tail(log: Path) -> bytes:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read()


def _first(names: tuple[str, ...], path: str) -> str:
    return next((place for name in names if name and (place := shutil.which(name, path=path))), "")


def _version(program: str) -> str:
    """The first line of what it says. Nothing is fetched, and nothing is read from standard input."""
    try:
        asked = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_ANSWER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Path(program).name
    return asked.stdout.decode("utf-8", "replace").split("\n", 1)[0].strip()[:200]
