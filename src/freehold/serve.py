# SPDX-License-Identifier: Apache-2.0
"""The spine: one call, from decision to closing record.

The ledger is a bracket round the call, not its last stage: a refusal never reaches an engine, and a caller who hangs up
ends inside it; both are on record exactly once. Nothing here knows HTTP, a dialect's bytes, or where the ledger lies.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol

from freehold.contract.backend import Service, Target
from freehold.contract.call import Call, Operation
from freehold.contract.decision import Decision
from freehold.contract.record import Ending, LedgerPosition, Outcome
from freehold.contract.snapshot import ApiKey
from freehold.dialect.continuation import CallPlan
from freehold.dialect.interface import Codec, Request
from freehold.errors import Fault, FreeholdError, LedgerFault, NoTarget, PolicyDenied
from freehold.ledger.admission import Admission
from freehold.ledger.interface import Ledger
from freehold.ledger.record.commitment import Commitment
from freehold.policy import Policy
from freehold.relay import Backends, Reply, another_model, open_reply


class Standings(Protocol):
    """How targets stand, for whoever has to choose among them. Learns from every call."""

    def order(self, asked: "Asked", allowed: tuple[str, ...]) -> tuple[str, ...]:
        """Those that are fit to answer now, in the order in which they are to be tried. Raises NoTarget."""
        ...

    def may(self, asked: "Asked", target: str) -> bool:
        """Whether the target may still see the call, by the rules and directives of this moment."""
        ...

    def answered(self, asked: "Asked", target: str) -> None:
        """It began to answer."""
        ...

    def failed(self, asked: "Asked", target: str, problem: FreeholdError) -> None:
        """It did not answer, or broke off."""
        ...

    def over(self, asked: "Asked", whole_from: str) -> None:
        """The call is over, however it ended. ``whole_from``: whose answer came whole; empty if none did."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that serving takes, with one version of the configuration."""

    snapshot_version: int
    policy: Policy
    ledger: Ledger
    backends: Backends
    standings: Standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call with all that was looked up for it."""

    call: Call
    request: Request
    codec: Codec
    key: ApiKey
    service: Service
    targets: tuple[Target, ...]  # of the service, in its order
    pinned: str = ""  # the one target that may answer, of a call by which that target is judged
    show_seam: bool = False  # whether the caller wants to be told where another target took over


@dataclass(slots=True)
class Trail:
    """What is known of a call so far, for the headers of any answer to it, a refusal or an error too."""

    decision: Decision | None = None
    position: LedgerPosition | None = None
    reply: Reply | None = None
    failed: int = 0  # targets that failed the call before its first byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """The call's leave to be seen by the targets of its decision."""

    decision: Decision
    admission: Admission
    asked: Asked
    standings: Standings
    trail: Trail

    def may(self, target: str) -> bool:
        return self.standings.may(self.asked, target)

    async def on_record(self) -> None:
        await self.admission.durable()

    def answered(self, target: str) -> None:
        self.standings.answered(self.asked, target)

    def failed(self, target: str, problem: FreeholdError) -> None:
        self.trail.failed += self.trail.reply is None and isinstance(problem, Fault)
        self.standings.failed(self.asked, target, problem)


@asynccontextmanager
async def serve(asked: Asked, on: Parts, trail: Trail) -> AsyncIterator[AsyncIterator[bytes]]:
    """Answer one call: yields the caller's bytes, piece by piece. Raises Refusal, CallerError or Fault before them.

    A fault after the first piece becomes the dialect's own closing error event, not an exception.
    """
    call = asked.call
    trail.decision = decision = on.policy.decide(
        call, key=asked.key, service=asked.service, targets=asked.targets, at_unix=asked.request.at_unix
    )
    targets = _as_built(asked.targets, on.backends)
    admission = on.ledger.admit(call, decision, targets=targets, snapshot_version=on.snapshot_version)
    if not decision.allowed:
        trail.position = await admission.durable()
        raise PolicyDenied("no target may see this call", decision_id=decision.id)
    async with _Concluding(asked, admission, on, trail) as outcome:
        order = on.standings.order(asked, _fit(asked, decision))
        plan = CallPlan(
            asked.codec,
            asked.request,
            priority=asked.service.priority,
            hold_tools=asked.service.tool_hold,
            show_seam=asked.show_seam,
        )
        leave = Admitted(decision=decision, admission=admission, asked=asked, standings=on.standings, trail=trail)
        async with open_reply(order, plan, on.backends, leave) as reply:
            outcome.reply = trail.reply = reply
            trail.position = await admission.durable()  # the engine has been at work meanwhile; no byte before this
            yield outcome.watch(reply)


def _as_built(targets: tuple[Target, ...], backends: Backends) -> tuple[Target, ...]:
    """The targets with the builds of their engines, as far as they are known now."""
    built = []
    for target in targets:
        status = backends.status(target.name)
        if status is not None and status.engine_digest != target.engine_digest:
            target = replace(target, engine_digest=status.engine_digest)  # noqa: PLW2901 - the same, better known
        built.append(target)
    return tuple(built)


def _fit(asked: Asked, decision: Decision) -> tuple[str, ...]:
    """Of the allowed targets those that may answer: a substitute only once it has passed the service's cases."""
    if asked.pinned:
        if asked.pinned not in decision.allowed:
            raise PolicyDenied(f"{asked.pinned} may not see this call", decision_id=decision.id)
        return (asked.pinned,)
    fit = tuple(target for target in decision.allowed if target not in asked.service.unqualified)
    return _of_one_model(asked, fit) if asked.call.operation is Operation.EMBED else fit


def _of_one_model(asked: Asked, fit: tuple[str, ...]) -> tuple[str, ...]:
    """Those with the model of the service's first target: vectors of another one cannot be compared with its own."""
    alike = {target.name for target in asked.targets if target.model == asked.targets[0].model}
    if alike.isdisjoint(fit):
        raise NoTarget(
            f"vectors of {asked.targets[0].model.name} cannot be had now, and another model's are no substitute"
        )
    return tuple(target for target in fit if target in alike)


class _Concluding:
    """Closes the admission exactly once, however the call ends."""

    __slots__ = ("_admission", "_asked", "_conclusion", "_on", "_trail")

    def __init__(self, asked: Asked, admission: Admission, on: Parts, trail: Trail) -> None:
        self._asked = asked
        self._admission = admission
        self._on = on
        self._trail = trail
        self._conclusion = _Conclusion(asked, on.backends, admission.answer_commitment())

    async def __aenter__(self) -> "_Conclusion":
        return self._conclusion

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        conclusion = self._conclusion
        try:
            if isinstance(problem, FreeholdError):
                conclusion.failed(problem.code)
                with suppress(LedgerFault):
                    self._trail.position = await self._admission.durable()
            elif isinstance(problem, asyncio.CancelledError | GeneratorExit) and not conclusion.whole_from:
                conclusion.ending, conclusion.error = Ending.CANCELLED, ""
        finally:
            self._on.ledger.conclude(self._admission, conclusion.outcome())
            self._on.standings.over(self._asked, conclusion.whole_from)


@dataclass(slots=True)
class _Conclusion:
    """What the closing record will say."""

    asked: Asked
    backends: Backends
    commitment: Commitment  # to the bytes of the answer
    reply: Reply | None = None
    ending: Ending = Ending.FAILED  # until something else is known: a bug must not pass for an answer
    error: str = FreeholdError.code
    answer_bytes: int = 0

    @property
    def whole_from(self) -> str:
        """The target whose answer came whole."""
        return self.reply.target if self.reply and self.ending in (Ending.COMPLETE, Ending.CONTINUED) else ""

    async def watch(self, reply: Reply) -> AsyncIterator[bytes]:
        """The reply's pieces, counted and committed to; a fault on the way ends them in the caller's dialect."""
        try:
            async for piece in reply.chunks:
                yield self._counted(piece)
                if reply.exchange.tally.finished:  # whoever hangs up now has the whole answer
                    self.ending, self.error = reply.ending, ""
        except FreeholdError as problem:
            self.failed(problem.code)
            yield self._counted(self.asked.codec.error_event(problem, self.asked.call.id))

    def _counted(self, piece: bytes) -> bytes:
        self.commitment.update(piece)
        self.answer_bytes += len(piece)
        return piece

    def failed(self, code: str) -> None:
        self.ending, self.error = Ending.FAILED, code

    def outcome(self) -> Outcome:
        targets = {target.name: target for target in self.asked.targets}
        answering = targets.get(self.reply.target) if self.reply else None
        status = self.backends.status(answering.name) if answering else None
        tally = self.reply.exchange.tally if self.reply else None
        return Outcome(
            call_id=self.asked.call.id,
            ending=self.ending,
            target=answering.name if answering else "",
            model=answering.model.name if answering else "",
            model_digest=answering.model.digest if answering else "",
            engine_digest=status.engine_digest if status else "",
            answered_as=another_model(answering, tally.model) if answering and tally else "",
            error=self.error,
            input_tokens=tally.input_tokens if tally else 0,
            output_tokens=tally.output_tokens if tally else 0,
            seams=tuple(self.reply.seams) if self.reply else (),
            answer=self.commitment.hexdigest(),
            answer_bytes=self.answer_bytes,
        )
