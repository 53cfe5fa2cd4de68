# SPDX-License-Identifier: Apache-2.0
"""Engines that an estate has built, on their way into a bundle and out of one."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from freehold.contract.estate import Estate
from freehold.engine.building import Builds
from freehold.engine.building.builds import BUILD_DECODER, RECORD, SERVER, Build, encode, unfit
from freehold.errors import VerificationFailed
from freehold.vault.bundle import KnownFile, Staged
from freehold.vault.store import disk_faults
from freehold.vault.together import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIn:
    """An engine in a bundle. ``problem`` says why it is left out; empty if it is taken in."""

    digest: str  # of its record
    build: Build
    files: tuple[tuple[str, Path], ...]  # their names, and where they lie meanwhile
    problem: str

    @property
    def server(self) -> str:
        """The digest of the program that serves."""
        return next((program.digest for program in self.build.programs if program.name == SERVER), "")

    def moves(self, estate: Estate) -> list[Move]:
        """The record last: without it there is no engine."""
        folder = estate.engines / "llamacpp" / self.digest
        ordered = sorted(self.files, key=lambda file: file[0] == RECORD)
        return [
            Move(place=folder / name, draft=path, mode=0o444 if name == RECORD else 0o555) for name, path in ordered
        ]


def engines_of(estate: Estate) -> tuple[tuple[KnownFile, ...], ...]:
    """Those that run here, each as its files. Whether a program is what was built is seen when it is copied."""
    kept = [one for one in Builds(estate.engines).list() if one.build and not one.problem]
    return tuple(tuple(_files(one.folder, one.build, one.digest)) for one in kept if one.build)


def engines_in(staged: Staged, estate: Estate, *, sealed: bool) -> tuple[EngineIn, ...]:
    """Those of a bundle. Raises VerificationFailed for one whose files are not those of its record."""
    here = {one.digest for one in Builds(estate.engines).list()}
    found = []
    for files in staged.bundle.engines:
        paths = {name: staged.path_of(layer.digest) for name, layer in files.items()}
        build, digest = _record(paths.get(RECORD))
        listed = {program.name: program.digest for program in build.programs}
        if {name: layer.digest for name, layer in files.items() if name != RECORD} != listed:
            raise VerificationFailed(f"the files of the engine {digest[:12]} in the bundle are not those of its record")
        problem = unfit(build) or ("it is here already" if digest in here else "")
        if sealed and not problem:
            problem = "a sealed estate takes none in; 'freehold down', and import the bundle again"
        found.append(EngineIn(digest=digest, build=build, files=tuple(paths.items()), problem=problem))
    return tuple(found)


def _files(folder: Path, build: Build, digest: str) -> Iterator[KnownFile]:
    record = folder / RECORD
    yield KnownFile(title=RECORD, path=record, digest=f"sha256:{digest}", size_bytes=len(encode(build)))
    for program in build.programs:
        yield KnownFile(
            title=program.name, path=folder / program.name, digest=program.digest, size_bytes=program.size_bytes
        )


def _record(path: Path | None) -> tuple[Build, str]:
    with disk_faults("read an engine of the bundle"):
        content = path.read_bytes() if path else b""
    try:
        build = BUILD_DECODER.decode(content)
    except msgspec.MsgspecError as exc:
        raise VerificationFailed("an engine in the bundle has no record of how it was built") from exc
    names = [program.name for program in build.programs]
    if encode(build) != content or any("/" in name or name in ("", ".", "..", RECORD) for name in names):
        raise VerificationFailed("the record of an engine in the bundle is not in the form in which it is written")
    return build, hashlib.sha256(content).hexdigest()
