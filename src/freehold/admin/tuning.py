# SPDX-License-Identifier: Apache-2.0
"""The operation that has a model measured in other formats, and the best of them kept, approved and put into use.

Whoever asks for the derivation answers for it, as for an approval: it is on record before the model may run. One model
is tuned at a time, because two that are measured together are both measured wrongly.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from freehold.admin.acceptance import Suites
from freehold.admin.calling import GatewayCaller
from freehold.admin.interface import Parts, Progress
from freehold.admin.means import Answer, Means
from freehold.admin.requests import TuneModel
from freehold.admin.retargeting import replace_file, with_model
from freehold.admin.trusting import trust_of
from freehold.admin.tunings import Tunings
from freehold.admin.views import View
from freehold.continuity.acceptance import CaseFile, NotRun
from freehold.contract.digest import sha256_of
from freehold.engine.host import this_host
from freehold.engine.owned import Means as EngineMeans
from freehold.errors import EstateError, InvalidRequest
from freehold.settings import EngineTargetSection
from freehold.tuning import (
    FULL,
    NONE,
    QUICK,
    TRIALS,
    Bench,
    Cases,
    Measured,
    Trial,
    Tuned,
    Tuner,
    Wish,
    find_tools,
    objection,
)
from freehold.vault import Manifest, Trust, own_signer
from freehold.vault.deriving import Derivation
from freehold.vault.manifest import check_name

Tell = Callable[[Progress], None]

_DOING = "tuning"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What the vault has of a tuning."""

    manifest: Manifest
    was_there: bool


class Tuning:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means, suites: Callable[[], Suites], engines: EngineMeans = TRIALS) -> None:
        """``engines``: how those are started that are measured."""
        self._engines = engines
        self._parts = parts
        self._means = means
        self._suites = suites
        self._tunings = Tunings(parts.state)
        self._under_way = ""  # the model that is being tuned

    async def tune(self, request: TuneModel, asker: str, tell: Tell) -> Answer:
        """Raises NotFound, InvalidRequest, VaultError, EstateError, LedgerFault."""
        if self._under_way:
            raise EstateError(
                f"{self._under_way} is being tuned already, and two at once would both be measured wrongly",
                hint="Wait for it, or interrupt it, and try again.",
            )
        self._under_way = request.name
        try:
            return await self._tune(request, asker, tell)
        finally:
            self._under_way = ""

    async def _tune(self, request: TuneModel, asker: str, tell: Tell) -> Answer:
        trust = await asyncio.to_thread(trust_of, self._parts.estate, self._means.settings())
        await asyncio.to_thread(self._require_approvable, request, trust)
        verify = partial(self._parts.vault.open_verified, request.name, trust)
        tuner = await self._tuner(request, tell)
        with ExitStack() as stack:
            told = _told(tell, f"verifying {request.name}")
            opened = self._parts.vault.derive(request.name, trust, told)
            derivation = await asyncio.to_thread(stack.enter_context, opened)
            extent = QUICK if request.quick else FULL
            wish = Wish(formats=request.formats, max_loss=request.max_loss, keep=request.keep, extent=extent)
            tuned = await tuner.tune(derivation, wish, verify)
            kept = await self._keep(request, asker, derivation, tuned)
        in_use = await self._use(request, asker, kept.manifest) if kept and request.auto else None
        found = _view(request, tuned, kept, in_use)
        await asyncio.to_thread(self._tunings.keep, request.name, self._means.now_unix(), asker, found)
        return {"tune": found}

    def _require_approvable(self, request: TuneModel, trust: Trust) -> None:
        if request.auto and request.keep == NONE:
            raise InvalidRequest("nothing can be put into use where nothing is kept", param="keep")
        if request.derived_name is not None:
            check_name(request.derived_name)
        dossier = self._parts.vault.judge(request.name, trust)
        if dossier.wants_reason and not request.reason and request.keep != NONE:
            wanting = "; ".join(concern.what for concern in dossier.concerns if concern.wants_reason)
            raise InvalidRequest(
                f"what is made of {request.name} is approved only with a reason: {wanting}",
                param="reason",
                hint="Say why with --reason; it is kept with the approval, and goes with the model.",
            )

    async def _tuner(self, request: TuneModel, tell: Tell) -> Tuner:
        estate = self._parts.estate
        targets = self._targets(request.name)
        own = EngineTargetSection(engine="llamacpp", model=request.name)
        section = next((section for section in targets.values() if section.engine == own.engine), own)

        def told(doing: str, done_bytes: int, total_bytes: int) -> None:
            tell(Progress(doing=doing, done_bytes=done_bytes, total_bytes=total_bytes))

        return Tuner(
            bench=Bench(estate=estate, section=section, sealed=self._parts.sealed, means=self._engines),
            tools=await asyncio.to_thread(find_tools, estate.engines),
            judge=partial(_judged, self._suites_of(targets), told),
            told=told,
            noticed=lambda found: tell(Progress(doing=_DOING, done_bytes=0, total_bytes=0, notice=_notice(found))),
        )

    def _targets(self, model: str) -> Mapping[str, EngineTargetSection]:
        engines = self._means.settings().engines
        return {name: section for name, section in engines.items() if section.model == model}

    def _suites_of(self, targets: Mapping[str, EngineTargetSection]) -> list[CaseFile]:
        """The cases of every service that the model answers for."""
        services = self._means.settings().services
        return [suite for name, suite in self._suites().items() if set(services[name].targets) & set(targets)]

    async def _keep(self, request: TuneModel, asker: str, derivation: Derivation, tuned: Tuned) -> _Kept | None:
        """The chosen draft becomes a model of the vault, signed and approved; on record first."""
        draft, chosen = tuned.draft, tuned.chosen
        if draft is None or chosen is None:
            return None
        parent = derivation.manifest
        wanted = request.derived_name or f"{parent.name[: 63 - len(chosen.format)]}-{chosen.format}"
        done = f"requantised from {parent.quantisation} to {chosen.format} by {chosen.tool}"
        async with self._means.changing:
            name = await asyncio.to_thread(derivation.free_name, wanted, draft)
            was_there = name in {manifest.name for manifest in await asyncio.to_thread(self._parts.vault.list)}
            document = await asyncio.to_thread(derivation.described, draft, name, done)
            reason = request.reason or f"made of {parent.name} by {asker}'s order: {done}"
            approval = self._parts.vault.draft_approval_of(
                document, own_signer(self._parts.estate), reason=reason, by=asker
            )
            digests = {
                "parent": parent.digest,
                "weights": document.manifest.digest,
                "manifest": document.digest,
                "approval": sha256_of(approval),
            }
            if document.manifest.chat_template_digest:
                digests["template"] = document.manifest.chat_template_digest
            await self._means.record("model.tune", name, asker, digests)
            manifest = await asyncio.to_thread(derivation.keep, document, draft, approval)
            await self._means.publish()
        return _Kept(manifest=manifest, was_there=was_there)

    async def _use(self, request: TuneModel, asker: str, manifest: Manifest) -> View:
        """Name the derived model in freehold.toml for every target of its parent, or say what to change there."""
        path, targets = self._parts.estate.settings, sorted(self._targets(request.name))
        view: View = {"targets": targets, "file": str(path), "changed": False}
        if not targets:
            return view
        async with self._means.changing:
            before = await asyncio.to_thread(path.read_bytes)
            text = with_model(before.decode(), targets, request.name, manifest.name)
            if text is None:
                return view
            settings = sha256_of(text.encode())
            digests = {"weights": manifest.digest, "settings": settings}
            await self._means.record("model.use", ", ".join(targets), asker, digests)
            await asyncio.to_thread(replace_file, path, text)
        return {**view, "changed": True}


async def _judged(suites: list[CaseFile], told: Callable[[str, int, int], None], trial: Trial) -> Cases:
    """Put the cases to the engine itself, as the gateway would put them."""
    passed = total = 0
    ask = GatewayCaller(trial.socket, "", trial.status.model, "")
    for suite in suites:
        try:
            results = await suite.run(ask, lambda verdict, _: told(f"{verdict.case} is answered", 0, 0))
        except NotRun as not_run:
            return Cases(passed=passed, total=total, problem=f"the cases were not all asked: {not_run.why}")
        passed, total = passed + results.passed, total + results.total
    return Cases(passed=passed, total=total)


def _told(tell: Tell, doing: str) -> Callable[[int, int], None]:
    return lambda done, total: tell(Progress(doing=doing, done_bytes=done, total_bytes=total))


def _notice(found: Measured) -> str:
    """One finding, as soon as it is there."""
    name = f"{found.format}, as it is" if found.original else found.format
    if found.problem:
        return f"{name}: {found.problem}"
    lost = "" if found.original else f", loss {found.loss:+.1%}"
    return f"{name}: reads {found.prompt_per_s:.0f} and makes {found.answer_per_s:.0f} tokens a second{lost}"


def _view(request: TuneModel, tuned: Tuned, kept: _Kept | None, in_use: View | None) -> View:
    original, chosen = tuned.measured[0], tuned.chosen
    return {
        "model": request.name,
        "quick": request.quick,
        "max_loss": request.max_loss,
        "cores": this_host().cores,
        "threads": tuned.engine.threads,
        "engine": tuned.engine.build,
        "engine_digest": tuned.engine.engine_digest,
        "quantisation": original.quantisation,
        "text_tokens": tuned.text_tokens,
        "formats": [_row(found, original, request.max_loss) for found in tuned.measured],
        "chosen": chosen.format if chosen else None,
        "why_none": tuned.why_none,
        "disturbance": round(original.disturbance, 3),
        "speedup": original.seconds / chosen.seconds if chosen else None,
        "derived": kept.manifest if kept else None,
        "was_there": bool(kept and kept.was_there),
        "in_use": in_use,
    }


def _row(found: Measured, original: Measured, max_loss: float) -> View:
    measured = not found.problem
    return {
        "format": found.format,
        "original": found.original,
        "quantisation": found.quantisation,
        "size_bytes": found.size_bytes,
        "digest": found.digest,
        "tool": found.tool,
        "prompt_tokens_per_s": round(found.prompt_per_s, 2) if measured else None,
        "answer_tokens_per_s": round(found.answer_per_s, 2) if measured else None,
        "memory_bytes": found.memory_bytes if measured else None,
        "perplexity": round(found.perplexity, 4) if measured else None,
        "loss": round(found.loss, 5) if measured else None,
        "loss_error": round(found.loss_error, 5) if measured else None,
        "call_s": round(found.seconds, 3) if measured else None,
        "speedup": round(original.seconds / found.seconds, 3) if measured else None,
        "cases_passed": found.cases_passed if found.cases else None,
        "cases": found.cases or None,
        "problem": found.problem or found.cases_problem,
        "objection": "" if found.original or not measured else objection(found, original, max_loss),
    }
