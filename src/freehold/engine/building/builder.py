# SPDX-License-Identifier: Apache-2.0
"""Builds an engine for this host: gets the source, holds it to its digest, unpacks, compiles, tries, keeps.

Until it is kept nothing of it stands but a folder that goes when the work ends, however that is.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from freehold.contract.grant import Permit
from freehold.engine.building import cpu
from freehold.engine.building.builds import SERVER, Build, Builds, Kept, Program, digest_of_file
from freehold.engine.building.compiling import OPTIONS, PROGRAMS, Site, Told, compile_programs, find_tools, version_of
from freehold.engine.building.pins import LLAMA_CPP
from freehold.engine.building.source import require_digest, unpack
from freehold.engine.host import this_host
from freehold.errors import EstateError
from freehold.vault.fetching import Delivery, PipFetch, SourceArchive

_NEEDED_BYTES: Final = 10**9  # the archive, the tree, what the compiler makes, and some to spare
_LOG: Final = "build.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build. Without ``archive`` the pinned one is fetched; ``sha256`` is what another must have."""

    archive: Path | None = None
    sha256: str = ""
    jobs: int = 0  # compilers at a time; 0: as many as there are cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An engine that was built and is not kept yet."""

    build: Build
    programs: Path
    draft: Path


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Builder:
    """Builds for one estate."""

    def __init__(
        self,
        directory: Path,
        *,
        fetch: PipFetch | None = None,
        pin: SourceArchive = LLAMA_CPP,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.builds = Builds(directory)
        self._directory = directory
        self._fetch = fetch or PipFetch()
        self._pin = pin
        self._now = now

    @contextmanager
    def make(self, order: Order, tell: Told, permit: Permit) -> Iterator[Made]:
        """An engine, there for as long as the block lasts unless it is kept. Raises OperatorError.

        ``tell`` is called all the time with what is being done; raising from it ends the work.
        """
        tools = find_tools(os.environ)
        if self.builds.free_bytes() < _NEEDED_BYTES:
            raise EstateError(
                f"{self._directory} needs a gigabyte to build an engine in, and its disk has less",
                hint="Free some, and build again. The engine itself takes about 40 MB.",
            )
        with self.builds.scratch() as scratch:
            archive, sha256 = self._archive(order, scratch, tell, permit)
            tell("unpacking the source")
            require_digest(archive, sha256)
            log = self._directory / _LOG
            log.write_bytes(b"")
            site = Site(source=unpack(archive, scratch / "source"), scratch=scratch, log=log)
            compile_programs(tools, site, order.jobs or this_host().cores, tell)
            tell("trying what was built")
            build = Build(
                source=order.archive.name if order.archive else self._pin.name,
                source_digest=f"sha256:{sha256}",
                version=version_of(site.programs / SERVER, site),
                cmake=tools.cmake_version,
                compiler=tools.compiler_version,
                options=OPTIONS,
                machine=cpu.machine(),
                cpu_features=cpu.features(),
                programs=tuple(_program(site.programs / name) for name in PROGRAMS),
                built_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
            yield Made(build=build, programs=site.programs, draft=scratch / "kept")

    def keep(self, made: Made) -> Kept:
        """From now on it is one of the estate's. Raises VaultError."""
        return self.builds.keep(made.build, made.programs, made.draft)

    def _archive(self, order: Order, scratch: Path, tell: Told, permit: Permit) -> tuple[Path, str]:
        """The source, and the digest that it must have."""
        if order.archive is not None:
            return order.archive, order.sha256 or self._pin.sha256
        megabytes = self._pin.size_bytes // 10**6

        def progress(done_bytes: int, total_bytes: int) -> None:  # noqa: ARG001 - the vault's kind of progress
            tell(f"fetching the source, {done_bytes // 10**6} of {megabytes} MB")

        delivery = Delivery(scratch=scratch, log=self._directory / "fetch.log", progress=progress, permit=permit)
        return self._fetch.take_source(self._pin, delivery), self._pin.sha256


def _program(path: Path) -> Program:
    return Program(name=path.name, digest=digest_of_file(path), size_bytes=path.stat().st_size)
