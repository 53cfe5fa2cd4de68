# SPDX-License-Identifier: Apache-2.0
"""The operations on engines that the estate builds itself.

Whoever runs a model sees its calls, so a build is on record before it is kept.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from freehold.admin.interface import Parts, Progress
from freehold.admin.means import Answer, Means
from freehold.admin.requests import BuildEngine, ByDigest, Nothing
from freehold.admin.views import View
from freehold.contract.grant import Permit
from freehold.engine import llamacpp
from freehold.engine.build import digest_of, extension
from freehold.engine.building import Builder, Builds, Kept, Order
from freehold.engine.building.builds import SERVER, digest_of_build
from freehold.errors import EstateError

Tell = Callable[[Progress], None]

_ENGINE = "llamacpp"


class Engineering:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self._parts = parts
        self._means = means

    async def list_engines(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        return {"engines": await asyncio.to_thread(engine_views, self._parts.estate.engines)}

    async def build(self, request: BuildEngine, asker: str, tell: Tell, permit: Permit) -> Answer:
        """Compile llama.cpp for this host. Engines take it at their next start. Raises EstateError, LedgerFault."""
        if self._parts.sealed:
            raise EstateError(
                "no engine is built while the estate is sealed",
                hint="'freehold down', build, and 'freehold up --sealed' again.",
            )
        loop = asyncio.get_running_loop()

        def record(digests: Mapping[str, str]) -> None:
            asyncio.run_coroutine_threadsafe(self._record(asker, digests), loop).result()

        return {"engine": await asyncio.to_thread(self._build, request, tell, permit, record)}

    async def remove(self, request: ByDigest, asker: str) -> Answer:
        """Take a build out. Engines that run it go on until they are next started."""
        removed = await asyncio.to_thread(Builds(self._parts.estate.engines).remove, request.digest)
        await self._means.record("engine.remove", _ENGINE, asker, {"build": f"sha256:{removed.digest}"})
        return {"engine": _view(removed, runs=False)}

    async def _record(self, asker: str, digests: Mapping[str, str]) -> None:
        await self._means.record("engine.build", _ENGINE, asker, digests)

    def _build(
        self, request: BuildEngine, tell: Tell, permit: Permit, record: Callable[[Mapping[str, str]], None]
    ) -> View:
        def told(doing: str) -> None:
            tell(Progress(doing=doing, done_bytes=0, total_bytes=0))

        order = Order(
            archive=Path(request.source) if request.source else None,
            sha256=(request.sha256 or "").removeprefix("sha256:").lower(),
            jobs=request.jobs or 0,
        )
        builder = Builder(self._parts.estate.engines)
        with builder.make(order, told, permit) as made:
            programs = {program.name: program.digest for program in made.build.programs}
            record(
                {
                    "engine": programs[SERVER],
                    "source": made.build.source_digest,
                    "build": f"sha256:{digest_of_build(made.build)}",
                }
            )
            return _view(builder.keep(made), runs=True)


def engine_views(engines: Path) -> list[View]:
    """Every engine that a target could run, those that come first before the others. ``runs``: what one does run that
    names no binary of its own.
    """
    built = [_view(kept, runs=False) for kept in Builds(engines).list()]
    found: list[View] = [
        {"kind": kind, "digest": digest_of(file), "version": str(file), "problem": ""}
        for kind, file in (("path", llamacpp.on_the_path()), ("package", extension()))
        if file
    ]
    views = [*built, *found]
    first = next((view for view in views if not view["problem"]), None)
    return [{**view, "runs": view is first} for view in views]


def _view(kept: Kept, *, runs: bool) -> View:
    build = kept.build
    view: View = {"kind": "built", "digest": f"sha256:{kept.digest}", "problem": kept.problem, "runs": runs}
    if build is None:
        return {**view, "version": ""}
    return {
        **view,
        "version": build.version,
        "source": build.source,
        "source_digest": build.source_digest,
        "compiler": build.compiler,
        "cmake": build.cmake,
        "options": list(build.options),
        "machine": build.machine,
        "cpu_features": list(build.cpu_features),
        "programs": {program.name: program.digest for program in build.programs},
        "built_at": build.built_at,
    }
