# SPDX-License-Identifier: Apache-2.0
"""The spine: one call, from decision to closing record.

The ledger is a bracket round the call, not its last stage: a refusal never reaches an engine, and a caller who hangs up
ends inside it; both are on record exactly once. Nothing here knows HTTP, a dialect's bytes, or where the ledger lies.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol

from msgspec import Struct

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


class Asked(Struct, frozen=True, kw_only=True):
    """A call with all that was looked up for it."""

    call: Call
    request: Request
    codec: Codec
    key: ApiKey
    service: Service
    targets: tuple[Target, ...]  # of the service, in its order
    pinned: str = ""  # the one target that may answer, of a call by which that target is judged
    show_seam: bool = False  # whether the caller wants to be told where another target took over


class Trail(Struct):
    """What is known of a call so far, for the headers of any answer to it, a refusal or an error too."""

    decision: Decision | None = None
    position: LedgerPosition | None = None
    reply: Reply | None = None
    failed: tuple[str, ...] = ()  # targets that failed the call before its first byte
    outcome: Outcome | None = None  # once an admitted call is over


class serve:  # noqa: N801 - read as a function, and as a class half as dear: every call comes by here
    """Answer one call: gives the caller's bytes, piece by piece. Raises Refusal, CallerError or Fault before them.

    A fault after the first piece becomes the dialect's own closing error event, not an exception.
    """

    __slots__ = ("_admitted", "_asked", "_on", "_opened", "_trail")

    def __init__(self, asked: Asked, on: Parts, trail: Trail) -> None:
        self._asked = asked
        self._on = on
        self._trail = trail
        self._opened: open_reply | None = None

    async def __aenter__(self) -> "Answer":
        asked, on, trail = self._asked, self._on, self._trail
        trail.decision = decision = on.policy.decide(
            asked.call, key=asked.key, service=asked.service, targets=asked.targets, at_unix=asked.request.at_unix
        )
        targets = _as_built(asked.targets, on.backends)
        admission = on.ledger.admit(asked.call, decision, targets=targets, snapshot_version=on.snapshot_version)
        if not decision.allowed:
            trail.position = await admission.durable()
            raise PolicyDenied("no target may see this call", decision_id=decision.id)
        self._admitted = admitted = _Admitted(asked, decision, admission, on, trail)
        try:
            order = on.standings.order(asked, _fit(asked, decision))
            opened = open_reply(order, _plan(asked), on.backends, admitted)
            trail.reply = reply = await opened.__aenter__()
            self._opened = opened
            trail.position = await admission.durable()  # the engine has been at work meanwhile; no byte before this
        except BaseException as problem:
            await self.__aexit__(type(problem), problem, problem.__traceback__)
            raise
        return Answer(reply, admitted)

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._opened is not None:
                await self._opened.__aexit__(kind, problem, trace)
        finally:
            await self._admitted.conclude(problem)


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
    fit, unqualified = decision.allowed, asked.service.unqualified
    if unqualified:
        fit = tuple(target for target in fit if target not in unqualified)
    return _of_one_model(asked, fit) if asked.call.operation is Operation.EMBED else fit


def _plan(asked: Asked) -> CallPlan:
    service = asked.service
    return CallPlan(
        asked.codec,
        asked.request,
        priority=service.priority,
        hold_tools=service.tool_hold,
        show_seam=asked.show_seam,
    )


def _of_one_model(asked: Asked, fit: tuple[str, ...]) -> tuple[str, ...]:
    """Those with the model of the service's first target: vectors of another one cannot be compared with its own."""
    alike = {target.name for target in asked.targets if target.model == asked.targets[0].model}
    if alike.isdisjoint(fit):
        raise NoTarget(
            f"vectors of {asked.targets[0].model.name} cannot be had now, and another model's are no substitute"
        )
    return tuple(target for target in fit if target in alike)


class _Admitted:
    """A call that is on its way into the ledger: its leave to be seen, and what its closing record will say.

    Concluded exactly once, however the call ends.
    """

    __slots__ = ("_admission", "_asked", "_ending", "_error", "_on", "_trail", "commitment", "decision")

    def __init__(self, asked: Asked, decision: Decision, admission: Admission, on: Parts, trail: Trail) -> None:
        self.decision = decision
        self._asked = asked
        self._admission = admission
        self._on = on
        self._trail = trail
        self.commitment = admission.answer_commitment()  # to what goes to the caller, piece by piece
        self._ending = Ending.FAILED  # until something else is known: a bug must not pass for an answer
        self._error = FreeholdError.code

    # Its leave.

    def may(self, target: str) -> bool:
        return self._on.standings.may(self._asked, target)

    def on_record(self) -> Awaitable[object]:
        return self._admission.durable()

    def answered(self, target: str) -> None:
        self._on.standings.answered(self._asked, target)

    def failed(self, target: str, problem: FreeholdError) -> None:
        if self._trail.reply is None and isinstance(problem, Fault):
            self._trail.failed += (target,)
        self._on.standings.failed(self._asked, target, problem)

    # Its record.

    def whole(self, ending: Ending) -> None:
        """Whoever hangs up now has the whole answer."""
        self._ending, self._error = ending, ""

    def broke_off(self, problem: FreeholdError) -> bytes:
        """The dialect's closing error event."""
        self._ending, self._error = Ending.FAILED, problem.code
        return self._asked.codec.error_event(problem, self._asked.call.id)

    async def conclude(self, problem: BaseException | None) -> None:
        try:
            if isinstance(problem, FreeholdError):
                self._ending, self._error = Ending.FAILED, problem.code
                with suppress(LedgerFault):
                    self._trail.position = await self._admission.durable()
            elif isinstance(problem, asyncio.CancelledError | GeneratorExit) and not self._is_whole:
                self._ending, self._error = Ending.CANCELLED, ""
        finally:
            self._trail.outcome = outcome = self._outcome()
            self._on.ledger.conclude(self._admission, outcome)
            self._on.standings.over(self._asked, outcome.target if self._is_whole else "")

    @property
    def _is_whole(self) -> bool:
        """Whether an answer came whole."""
        return self._ending is Ending.COMPLETE or self._ending is Ending.CONTINUED

    def _outcome(self) -> Outcome:
        asked, reply = self._asked, self._trail.reply
        if reply is None:
            return Outcome(call_id=asked.call.id, ending=self._ending, error=self._error)
        turn = reply.turn
        [answering] = [target for target in asked.targets if target.name == turn.target]
        status = self._on.backends.status(answering.name)
        tally = turn.exchange.tally
        return Outcome(
            call_id=asked.call.id,
            ending=self._ending,
            target=answering.name,
            model=answering.model.name,
            model_digest=answering.model.digest,
            engine_digest=status.engine_digest if status else "",
            answered_as=another_model(answering, tally.model),
            error=self._error,
            input_tokens=tally.input_tokens,
            output_tokens=tally.output_tokens,
            seams=tuple(reply.seams),
            answer=self.commitment.hexdigest(),
            answer_bytes=self.commitment.size_bytes,
        )


class Answer:
    """A reply's pieces, on their way to the caller and into the closing record."""

    __slots__ = ("_admitted", "_chunks", "_failed", "_reply")

    def __init__(self, reply: Reply, admitted: _Admitted) -> None:
        self._reply = reply
        self._chunks = reply.chunks
        self._admitted = admitted
        self._failed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._failed:
            raise StopAsyncIteration
        self._is_finished()
        try:
            piece = await self._chunks.__anext__()
        except FreeholdError as problem:
            self._failed = True
            piece = self._admitted.broke_off(problem)
        self._admitted.commitment.update(piece)
        return piece

    def at_once(self) -> bytes | None:
        """All of it, where it came in one piece; to be taken in place of the pieces."""
        reply = self._reply
        body = reply.body
        if body is not None:
            self._admitted.whole(reply.ending)
            self._admitted.commitment.update(body)
        return body

    async def pour(self, out: Callable[[bytes], bool]) -> None:
        """As ``Chunks.pour``."""
        if not self._failed and not self._is_finished():
            await self._chunks.pour(self._admitted.commitment.before(out))

    def _is_finished(self) -> bool:
        """Whether the backend has said that the answer is whole; whoever hangs up now has it."""
        finished = self._reply.exchange.tally.finished
        if finished:
            self._admitted.whole(self._reply.ending)
        return finished
