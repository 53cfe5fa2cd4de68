# SPDX-License-Identifier: Apache-2.0
"""The operations on bundles. Both are on record before they are done: one carries models, rules and facts out of the
estate, the other lets them in. What came is checked whole before any of it appears, and then all of it appears at once.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from freehold.admin.bundle_engines import EngineIn, engines_in, engines_of
from freehold.admin.bundle_papers import BOM, Papers, Part, as_it_would_be, plan, read_papers
from freehold.admin.configured import read_configured
from freehold.admin.custody import Custody
from freehold.admin.interface import Parts
from freehold.admin.means import Answer, Means
from freehold.admin.requests import ApproveModel, ExportBundle, ImportBundle
from freehold.admin.sealing import require_owned
from freehold.admin.trusting import trust_of
from freehold.admin.views import View
from freehold.assess.bom import bom_of_estate
from freehold.contract.grant import Permit
from freehold.errors import EstateError
from freehold.policy.facts import load_register
from freehold.settings import Settings, read_settings
from freehold.signing.elliptic import EllipticSigner, load_elliptic_signer, load_elliptic_verifier
from freehold.vault import Manifest, Progress, own_signer, read_trust
from freehold.vault.bundle import Asked, BundledProgram, Staged, Terms, Wanted, Whole
from freehold.vault.bundle.programs import Take, WantedProgram, gather
from freehold.vault.bundle.starter import STARTER, this_platform
from freehold.vault.bundle.writing import require_free
from freehold.vault.fetching import Delivery, PipFetch

_BY_HAND = "Without a network: 'pip download' them where there is one, bring the folder here, and give --wheels DIR."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Incoming:
    """All that an import brings, checked and not yet visible."""

    staged: Staged
    new: frozenset[str]  # the models that are not here yet
    papers: Papers
    engines: tuple[EngineIn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outgoing:
    """A bundle that is ready to be written."""

    wanted: Wanted
    whole: Whole
    signer: EllipticSigner


class Bundling:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means, custody: Custody) -> None:
        self._parts = parts
        self._means = means
        self._custody = custody

    async def export(self, request: ExportBundle, asker: str, progress: Progress, permit: Permit) -> Answer:
        """Write a bundle. Raises VaultError, EstateError, EgressDenied, LedgerFault."""
        require_free(Path(request.path), as_folder=request.folder)
        with ExitStack() as stack:
            scratch = await asyncio.to_thread(stack.enter_context, self._parts.vault.bundles.scratch())
            take = self._taking(request, scratch, progress, permit)
            outgoing = await asyncio.to_thread(self._packed, request, take, scratch)
            whole = outgoing.whole
            await self._means.record("bundle.export", whole.contents.origin, asker, {"bundle": whole.digest})
            write = partial(self._parts.vault.bundles.write, as_folder=request.folder)
            await asyncio.to_thread(write, whole, Path(request.path), progress)
        return {"bundle": _exported(request, outgoing)}

    async def take_in(self, request: ImportBundle, asker: str, progress: Progress) -> Answer:
        """Let in what a bundle has. Raises VaultError, VerificationFailed, EstateError, LedgerFault."""
        stack = ExitStack()
        try:
            incoming = await asyncio.to_thread(self._staged, request, stack, progress)
            async with self._means.changing:
                await self._record(incoming, asker)
                await asyncio.to_thread(self._commit, incoming)
                await self._means.publish()
        finally:
            await asyncio.to_thread(stack.close)
        models = [await self._standing(model.document.manifest, request, asker) for model in incoming.staged.models]
        return {"bundle": _imported(incoming, models)}

    def _packed(self, request: ExportBundle, take: Take, scratch: Path) -> _Outgoing:
        estate = self._parts.estate
        settings, parts = read_settings(estate.settings), {Part(part) for part in request.without}
        signer = load_elliptic_signer(request.key, Path("/")) if request.key else own_signer(estate)
        models = [model for model in self._parts.vault.list() if request.models is None or model.name in request.models]
        papers = read_papers(estate, settings, parts)
        if Part.BOM not in parts:
            papers[BOM] = self._bom(settings, models)
        wanted = Wanted(
            origin=settings.estate.origin,
            models=[model.name for model in models] if request.models is None else sorted(set(request.models)),
            papers=papers,
            programs=self._programs(request, take, scratch),
            engines=engines_of(estate) if request.engines else (),
        )
        return _Outgoing(wanted=wanted, whole=self._parts.vault.bundles.pack(wanted, signer), signer=signer)

    def _bom(self, settings: Settings, models: Sequence[Manifest]) -> bytes:
        """Dated by the newest model, because the same estate makes the same bundle on any day."""
        newest = max((model.imported_at for model in models), default="1970-01-01T00:00:00Z")
        estate, at = self._parts.estate, datetime.fromisoformat(newest).astimezone(UTC)
        return bom_of_estate(settings, models, load_register(estate.facts), at, estate.engines)

    def _programs(self, request: ExportBundle, take: Take, scratch: Path) -> tuple[BundledProgram, ...]:
        python = request.python or this_platform()[1]
        wanted = [
            WantedProgram(platform=platform, python=python, extras=request.extras)
            for platform in sorted(set(request.platforms))
        ]
        return tuple(gather(program, take, scratch / str(number)) for number, program in enumerate(wanted))

    def _taking(self, request: ExportBundle, scratch: Path, progress: Progress, permit: Permit) -> Take:
        """How wheels are got. Raises EstateError where they would have to be fetched and nobody may be contacted."""
        if request.platforms and not request.wheels and self._parts.sealed:
            raise EstateError("the estate is sealed, and contacts nobody: wheels cannot be fetched", hint=_BY_HAND)
        delivery = Delivery(
            scratch=scratch, log=self._parts.estate.logs / "export.log", progress=progress, permit=permit
        )
        found_in = ("--no-index", f"--find-links={request.wheels}") if request.wheels else ()

        def take(lock: Path, options: tuple[str, ...], into: Path) -> None:
            PipFetch(arguments=(*options, *found_in)).take_wheels(lock, into, delivery, _BY_HAND)

        return take

    def _staged(self, request: ImportBundle, stack: ExitStack, progress: Progress) -> _Incoming:
        """Everything that can be wrong is found here."""
        estate, parts = self._parts.estate, {Part(part) for part in request.without}
        settings = self._means.settings()
        terms = Terms(
            trust=read_trust(estate, settings),
            at=datetime.fromtimestamp(self._means.now_unix(), UTC),
            keys=tuple(load_elliptic_verifier(uri, Path("/")) for uri in request.keys),
            digest=request.digest or "",
        )
        models = frozenset(request.models) if request.models is not None else None
        asked = Asked(terms=terms, models=models)
        staged = stack.enter_context(self._parts.vault.bundles.staged(Path(request.path), asked, progress))
        papers, changed = plan(estate, staged.bundle.papers, without=parts, replace=request.replace)
        with self._parts.vault.bundles.scratch() as scratch:
            would_be = as_it_would_be(estate, papers, scratch)
            new = changed or settings
            if self._parts.sealed:
                require_owned(new)
            read_configured(would_be, new).proved_law(self._means.now_unix())
            trust_of(would_be, new)
        return _Incoming(
            staged=staged,
            new=frozenset(model.document.manifest.name for model in staged.models if staged.is_new(model)),
            papers=papers,
            engines=engines_in(staged, estate, sealed=self._parts.sealed),
        )

    async def _record(self, incoming: _Incoming, asker: str) -> None:
        bundle = incoming.staged.bundle
        await self._means.record("bundle.import", bundle.contents.origin, asker, {"bundle": bundle.digest})
        for model in incoming.staged.models:
            manifest = model.document.manifest
            if manifest.name in incoming.new:
                await self._means.record("model.import", manifest.name, asker, {"weights": manifest.digest})
        for engine in incoming.engines:
            if not engine.problem:
                digests = {
                    "engine": engine.server,
                    "source": engine.build.source_digest,
                    "build": f"sha256:{engine.digest}",
                }
                await self._means.record("engine.import", "llamacpp", asker, digests)

    def _commit(self, incoming: _Incoming) -> None:
        estate = self._parts.estate
        engines = [move for engine in incoming.engines if not engine.problem for move in engine.moves(estate)]
        incoming.staged.commit(own_signer(estate), [*engines, *incoming.papers.moves(estate)])

    async def _standing(self, manifest: Manifest, request: ImportBundle, asker: str) -> View:
        """Whether the model may run, once it is approved where that was asked for."""
        name, estate = manifest.name, self._parts.estate
        trust = await asyncio.to_thread(lambda: trust_of(estate, read_settings(estate.settings)))
        dossier = await asyncio.to_thread(self._parts.vault.judge, name, trust)
        may_run, why = dossier.verdict.may_run, dossier.verdict.why
        if request.approve and not may_run and (request.reason or not dossier.wants_reason):
            await self._custody.approve(ApproveModel(name=name, reason=request.reason), asker)
            may_run, why = True, "approved now"
        with suppress(EstateError):  # without a supervisor there is no engine that waits for it
            await self._parts.supervisor.retry(name)
        return {
            "name": name,
            "digest": manifest.digest,
            "size_bytes": manifest.size_bytes,
            "may_run": may_run,
            "why": why,
        }


def _exported(request: ExportBundle, outgoing: _Outgoing) -> View:
    wanted, packed = outgoing.wanted, outgoing.whole.packed
    path = Path(request.path)
    return {
        "path": request.path,
        "digest": outgoing.whole.digest,
        "size_bytes": packed.size_bytes if request.folder else path.stat().st_size,
        "key": outgoing.signer.verifier.hint,
        "models": [model.name for model in outgoing.whole.contents.models],
        "papers": list(wanted.papers),
        "engines": len(wanted.engines),
        "programs": [_program_view(bundled) for bundled in wanted.programs],
    }


def _program_view(bundled: BundledProgram) -> View:
    program = bundled.program
    return {
        "platform": program.platform,
        "python": program.python,
        "glibc": program.glibc,
        "version": program.version,
        "wheels": sum(file.title.endswith(".whl") for file in bundled.files),
        "starter": next(file.digest for file in bundled.files if file.title == STARTER),
    }


def _imported(incoming: _Incoming, models: Sequence[View]) -> View:
    bundle, papers = incoming.staged.bundle, incoming.papers
    return {
        "digest": bundle.digest,
        "origin": bundle.contents.origin,
        "freehold": bundle.contents.freehold,
        "signer": bundle.signer,
        "models": [{**model, "new": model["name"] in incoming.new} for model in models],
        "papers": [{"path": paper.path, "outcome": paper.outcome} for paper in papers.incoming],
        "left_out": list(papers.left_out),
        "programs": [{"platform": one.program.platform, "python": one.program.python} for one in bundle.programs],
        "engines": [
            {"digest": f"sha256:{engine.digest}", "version": engine.build.version, "problem": engine.problem}
            for engine in incoming.engines
        ],
        "reload": any(paper.outcome != "same" for paper in papers.incoming),
    }
