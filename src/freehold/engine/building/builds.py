# SPDX-License-Identifier: Apache-2.0
"""The engines that an estate has built: ``engines/llamacpp/DIGEST/``, where DIGEST is that of the record in it.

    build.json          what it was made of, how, and the digest of each program; canonical JSON
    llama-server, ...   the programs, 0555

A folder appears whole, by one rename. Nothing is believed because of where it lies: the record must have the folder's
digest, and a program the one in its record, each time before it is started.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, Literal

import msgspec

from freehold.engine.building import cpu
from freehold.errors import EstateError
from freehold.files.held import hold_folder
from freehold.vault.store import disk_faults, free_bytes

SERVER: Final = "llama-server"
RECORD: Final = "build.json"
_UNDER_WAY: Final = ".build-"
_LARGEST_RECORD_BYTES: Final = 2**20
_AGAIN: Final = "'freehold engine remove {digest}' takes it out, 'freehold engine build' makes another."


class Program(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One program of a build."""

    name: str
    digest: str
    size_bytes: int


class Build(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an engine was made of, and how."""

    source: str
    source_digest: str
    version: str  # as the program itself says
    cmake: str
    compiler: str
    options: tuple[str, ...]
    machine: str
    cpu_features: tuple[str, ...]  # of the host that it was built on, which it may use any of
    programs: tuple[Program, ...]
    built_at: str  # UTC, RFC 3339
    schema: Literal[1] = 1


BUILD_DECODER: Final = msgspec.json.Decoder(Build)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One build. ``problem`` says why it does not run here; empty if it does."""

    digest: str  # of its record
    folder: Path
    build: Build | None
    problem: str = ""


class Builds:
    """Those of one estate. ``directory`` is made by the first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "llamacpp"

    def list(self) -> tuple[Kept, ...]:
        """All of them, the newest first. The programs are not read."""
        with disk_faults(f"list {self._directory}"), contextlib.suppress(FileNotFoundError):
            kept = [_read(folder) for folder in self._directory.iterdir() if not folder.name.startswith(".")]
            return tuple(sorted(kept, key=lambda one: one.build.built_at if one.build else "", reverse=True))
        return ()

    def server(self) -> Path | None:
        """The newest ``llama-server`` that this host can run, found to be what was built. Raises EstateError.

        One that was built on another kind of processor is passed over, as in an estate that was moved. One that was
        changed is not: another engine in its place would hide that.
        """
        for kept in self.list():
            if kept.build is None:
                raise EstateError(kept.problem, hint=_AGAIN.format(digest=kept.digest[:12]))
            if not kept.problem:
                return _checked(kept, SERVER)
        return None

    def program(self, name: str) -> Path | None:
        """The same of another program of the newest build."""
        kept = next((one for one in self.list() if one.build and not one.problem), None)
        return _checked(kept, name) if kept else None

    def free_bytes(self) -> int:
        """What the disk takes. Raises VaultError."""
        with disk_faults(f"ask how much space {self._directory} has"):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return free_bytes(self._directory)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder beside the builds, gone afterwards. Raises VaultError."""
        with disk_faults(f"write to {self._directory}"):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            folder = Path(mkdtemp(prefix=_UNDER_WAY, dir=self._directory))
            alive = hold_folder(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(alive)

    def keep(self, build: Build, programs: Path, draft: Path) -> Kept:
        """Take the programs out of the folder that they were built in. ``draft`` is a new folder on the same disk."""
        content = encode(build)
        digest = digest_of_build(build)
        with disk_faults(f"keep an engine in {self._directory}"):
            draft.mkdir(mode=0o700)
            for program in build.programs:
                _settle((programs / program.name).rename(draft / program.name), 0o555)
            (draft / RECORD).write_bytes(content)
            _settle(draft / RECORD, 0o444)
            _sync(draft)
            folder = draft.rename(self._directory / digest)
            _sync(self._directory)
        return Kept(digest=digest, folder=folder, build=build)

    def remove(self, digest: str) -> Kept:
        """Take out the one build whose digest begins so. Raises EstateError."""
        found = [kept for kept in self.list() if digest and kept.digest.startswith(digest)]
        if len(found) != 1:
            raise EstateError(
                f"{len(found) or 'no'} engine{'s' if len(found) > 1 else ''} of this estate has a digest that begins "
                f"with {digest!r}",
                hint="'freehold engine list' shows them.",
            )
        with disk_faults(f"remove {found[0].folder}"):
            shutil.rmtree(found[0].folder.rename(self._directory / f"{_UNDER_WAY}{found[0].digest}"))
        return found[0]

    def _sweep(self) -> None:
        """Remove what builds left that did not come to an end."""
        for folder in self._directory.glob(f"{_UNDER_WAY}*"):
            with contextlib.suppress(BlockingIOError, FileNotFoundError):  # it is being built in, or gone already
                lock = hold_folder(folder)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def encode(build: Build) -> bytes:
    """Keys sorted, no spaces, UTF-8, one newline."""
    return msgspec.json.encode(build, order="sorted") + b"\n"


def digest_of_build(build: Build) -> str:
    """What a build is known by, in hex."""
    return hashlib.sha256(encode(build)).hexdigest()


def digest_of_file(path: Path) -> str:
    """Read anew, whatever was read before."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _read(folder: Path) -> Kept:
    """One build as its record tells. A record that is missing, changed or not readable is a problem, not an error."""
    try:
        with (folder / RECORD).open("rb") as file:
            content = file.read(_LARGEST_RECORD_BYTES)
        build = BUILD_DECODER.decode(content)
    except (OSError, msgspec.MsgspecError):
        return _broken(folder)
    if hashlib.sha256(content).hexdigest() != folder.name:
        return _broken(folder)
    return Kept(digest=folder.name, folder=folder, build=build, problem=unfit(build))


def _broken(folder: Path) -> Kept:
    problem = f"the record of the engine {folder.name[:12]} is gone, or was changed since it was built"
    return Kept(digest=folder.name, folder=folder, build=None, problem=problem)


def unfit(build: Build) -> str:
    """Why this host cannot run it; empty if it can."""
    if build.machine != cpu.machine():
        return f"built for {build.machine}"
    missing = sorted(set(build.cpu_features) - set(cpu.features()))
    return f"built on a processor that has {', '.join(missing[:4])}, and this one has not" if missing else ""


def _checked(kept: Kept, name: str) -> Path | None:
    """A program of a build, if it has it. Raises EstateError if it is not what was built."""
    build, path = kept.build, kept.folder / name
    program = next((one for one in build.programs if one.name == name), None) if build else None
    if program is None:
        return None
    try:
        found = digest_of_file(path)
    except OSError:
        found = "nothing that can be read"
    if found != program.digest:
        raise EstateError(
            f"{path} is not what was built: the digest must be {program.digest} and was found to be {found}",
            hint=_AGAIN.format(digest=kept.digest[:12]),
        )
    return path


def _settle(path: Path, mode: int) -> None:
    """Of this mode from now on, and on disk."""
    path.chmod(mode)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
