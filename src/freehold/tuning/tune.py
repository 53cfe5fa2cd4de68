# SPDX-License-Identifier: Apache-2.0
"""Writes a model in the candidate formats, measures each on the engine that would serve it, and says which is best.

One engine runs at a time, beside whatever the estate serves meanwhile. No more than two drafts lie on the disk: the
best so far and the one that is being measured.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from freehold.contract.backend import EngineStatus
from freehold.contract.weights import VerifiedWeights
from freehold.engine.host import this_host
from freehold.errors import EstateError, Fault
from freehold.tuning.choosing import BEST, NONE, is_better, objection, why_none
from freehold.tuning.formats import Format, Tool, candidates, largest_size, likely_size
from freehold.tuning.loss import loss, perplexity
from freehold.tuning.measuring import Extent, Measured, Readings, read, read_pace, usual_call_s
from freehold.tuning.quantiser import Refused, Task, write
from freehold.tuning.tools import Toolbox
from freehold.tuning.trial import Bench, Trial, trial
from freehold.vault.deriving import Derivation, Draft

Told = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much. Raising ends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """What came of the acceptance cases that were put to an engine."""

    passed: int = 0
    total: int = 0
    problem: str = ""  # why they were not all asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for. ``keep``: BEST, NONE or a format's name."""

    formats: tuple[str, ...] = ()  # empty: the usual ones
    max_loss: float
    keep: str
    extent: Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What was found, the model as it is first. ``draft`` is that of ``chosen``, to be kept; None: nothing is."""

    measured: tuple[Measured, ...]
    chosen: Measured | None
    draft: Draft | None
    why_none: str
    engine: EngineStatus  # of the model as it is
    text_tokens: int  # that loss was measured on


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuner:
    """How it is done in one estate. ``judge`` puts acceptance cases to an engine; ``noticed`` is told each finding."""

    bench: Bench
    tools: Toolbox
    judge: Callable[[Trial], Awaitable[Cases]]
    told: Told
    noticed: Callable[[Measured], None]

    async def tune(self, derivation: Derivation, wish: Wish, original: Callable[[], VerifiedWeights]) -> Tuned:
        """Measure the model and its drafts; ``original`` opens it anew. Raises EstateError, VaultError.

        Runs in an event loop; what blocks runs in threads.
        """
        formats = candidates(wish.formats, derivation.manifest.quantisation, self.tools.tools)
        for kind in formats:
            self.tools.tool_for(kind)
        session = _Session(self, derivation, wish)
        await session.measure_original(original)
        for number, kind in enumerate(formats, 1):
            await session.measure(kind, f"{number} of {len(formats)}")
        if formats:
            await session.measure_original_again(original)
        return session.result()


class _Session:
    """One model's tuning, step by step."""

    def __init__(self, tuner: Tuner, derivation: Derivation, wish: Wish) -> None:
        self._tuner = tuner
        self._derivation = derivation
        self._wish = wish
        self._logs: tuple[float, ...] = ()  # of the model as it is
        self._engine: EngineStatus | None = None
        self._measured: list[Measured] = []
        self._chosen: Measured | None = None
        self._draft: Draft | None = None

    async def measure_original(self, verify: Callable[[], VerifiedWeights]) -> None:
        """Raises EstateError if the model cannot be measured as it is."""
        manifest = self._derivation.manifest
        begun = Measured(
            format=manifest.quantisation.lower(),
            original=True,
            quantisation=manifest.quantisation,
            size_bytes=manifest.size_bytes,
            digest=manifest.digest,
        )
        try:
            readings, cases = await self._try(verify, f"measuring {manifest.name} as it is")
        except Fault as fault:
            raise EstateError(
                f"{manifest.name} cannot be measured: {fault.message}",
                hint="run/log/engine-.tuning.log has what the engine said.",
            ) from fault
        self._logs = readings.logs
        self._note(_with(begun, readings, cases))

    async def measure_original_again(self, verify: Callable[[], VerifiedWeights]) -> None:
        """Its speed once more: a host that was busy at one of the two times would make every comparison wrong."""
        first, doing = self._measured[0], f"measuring {self._derivation.manifest.name} again"

        def told() -> None:
            self._tuner.told(doing, 0, 0)

        try:
            async with trial(self._tuner.bench, verify, told) as engine:
                again = await read_pace(engine, self._wish.extent, told)
        except Fault:
            return  # the first reading stands
        before, after = first.seconds, usual_call_s(again.prompt, again.answer)
        self._measured[0] = replace(
            first,
            prompt_per_s=max(first.prompt_per_s, again.prompt),
            answer_per_s=max(first.answer_per_s, again.answer),
            disturbance=max(before, after) / min(before, after) - 1,
        )

    async def measure(self, kind: Format, place: str) -> None:
        """Write a format, measure it, and keep its draft only if that is the best so far."""
        self._tuner.told(f"writing {kind.name} ({place})", 0, 0)
        tool = self._tuner.tools.tool_for(kind)
        begun = Measured(format=kind.name, tool=self._tuner.tools.told(tool))
        try:
            draft = await self._written(kind, tool, place)
        except Refused as refused:
            self._note(replace(begun, problem=refused.why))
            return
        begun = replace(
            begun, quantisation=draft.facts.quantisation, size_bytes=draft.file.size_bytes, digest=draft.file.digest
        )
        try:
            doing = f"measuring {kind.name} ({place})"
            readings, cases = await self._try(lambda: self._derivation.open(draft), doing)
        except Fault as fault:
            self._derivation.drop(draft)
            self._note(replace(begun, problem=fault.message))
            return
        lost = loss(readings.logs, self._logs)
        found = replace(_with(begun, readings, cases), loss=lost.share, loss_error=lost.error)
        self._note(found)
        self._weigh(found, draft)

    def result(self) -> Tuned:
        if self._engine is None:
            raise RuntimeError("the model was not measured as it is")
        wish, why = self._wish, ""
        if self._chosen and wish.keep == BEST and objection(self._chosen, self._measured[0], wish.max_loss):
            self._chosen = self._draft = None  # it was faster than the first reading only
        if self._draft is None and wish.keep != NONE:
            why = why_none(self._measured, keep=wish.keep, max_loss=wish.max_loss)
        return Tuned(
            measured=tuple(self._measured),
            chosen=self._chosen,
            draft=self._draft,
            why_none=why,
            engine=self._engine,
            text_tokens=len(self._logs),
        )

    def _note(self, found: Measured) -> None:
        self._measured.append(found)
        self._tuner.noticed(found)

    async def _written(self, kind: Format, tool: Tool, place: str) -> Draft:
        """Raises Refused, EstateError, VaultError."""
        derivation, manifest = self._derivation, self._derivation.manifest
        derivation.require_space(likely_size(manifest.parameters, kind))
        path, doing = derivation.new_path(), f"writing {kind.name} ({place})"
        task = Task(
            weights=derivation.weights,
            draft=path,
            kind=kind,
            largest_bytes=largest_size(manifest.parameters, manifest.size_bytes),
            log=self._tuner.bench.estate.logs / "tune.log",
            threads=this_host().cores,
            binary=self._tuner.tools.engine if tool is Tool.ENGINE else None,
        )
        size_bytes = likely_size(manifest.parameters, kind)

        def steps(done: int, total: int) -> None:
            self._tuner.told(doing, size_bytes * done // total if total else 0, size_bytes if total else 0)

        await write(task, steps)
        return await asyncio.to_thread(
            derivation.settle, path, lambda done, total: self._tuner.told(f"reading {kind.name}", done, total)
        )

    async def _try(self, verify: Callable[[], VerifiedWeights], doing: str) -> tuple[Readings, Cases]:
        """Raises Fault."""

        def told(done: int = 0, total: int = 0) -> None:
            share = f", {100 * done // total} %" if total else ""
            self._tuner.told(f"{doing}{share}", 0, 0)

        async with trial(self._tuner.bench, verify, told) as engine:
            readings = await read(engine, self._wish.extent, told)
            cases = await self._tuner.judge(engine)
            self._engine = self._engine or engine.status
        return readings, cases

    def _weigh(self, found: Measured, draft: Draft) -> None:
        keep, max_loss = self._wish.keep, self._wish.max_loss
        if is_better(found, self._chosen, self._measured[0], keep=keep, max_loss=max_loss):
            unwanted, self._chosen, self._draft = self._draft, found, draft
        else:
            unwanted = draft
        if unwanted is not None:
            self._derivation.drop(unwanted)


def _with(begun: Measured, readings: Readings, cases: Cases) -> Measured:
    return replace(
        begun,
        prompt_per_s=readings.prompt_per_s,
        answer_per_s=readings.answer_per_s,
        memory_bytes=readings.memory_bytes,
        perplexity=perplexity(readings.logs),
        cases_passed=cases.passed,
        cases=cases.total,
        cases_problem=cases.problem,
    )
