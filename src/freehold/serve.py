# SPDX-License-Identifier: Apache-2.0
"""The spine: one call, from decision to closing record.

The ledger is a bracket round the call, not its last stage: a refusal never reaches an engine, and a caller who hangs up
ends inside it; both are on record exactly once. Nothing here knows HTTP, a dialect's bytes, or where the ledger lies.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from freehold.contract.backend import Service, Target
from freehold.contract.call import Call
from freehold.contract.decision import Decision
from freehold.contract.record import Ending, LedgerPosition, Outcome
from freehold.contract.snapshot import ApiKey
from freehold.dialect.interface import Codec, Request
from freehold.errors import FreeholdError, LedgerFault, PolicyDenied
from freehold.ledger.admission import Admission
from freehold.ledger.commitment import Commitment
from freehold.ledger.interface import Ledger
from freehold.policy import Policy
from freehold.relay import Backends, Reply, open_reply
from freehold.route import order


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that serving takes, with one version of the configuration."""

    snapshot_version: int
    policy: Policy
    ledger: Ledger
    backends: Backends


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call with all that was looked up for it."""

    call: Call
    request: Request
    codec: Codec
    key: ApiKey
    service: Service
    targets: tuple[Target, ...]  # of the service, in its order


@dataclass(slots=True)
class Trail:
    """What is known of a call so far, for the headers of any answer to it, a refusal or an error too."""

    decision: Decision | None = None
    position: LedgerPosition | None = None
    target: str = ""


@asynccontextmanager
async def serve(asked: Asked, on: Parts, trail: Trail) -> AsyncIterator[AsyncIterator[bytes]]:
    """Answer one call: yields the caller's bytes, piece by piece. Raises Refusal, CallerError or Fault before them.

    A fault after the first piece becomes the dialect's own closing error event, not an exception.
    """
    call = asked.call
    trail.decision = decision = on.policy.decide(
        call, key=asked.key, service=asked.service, targets=asked.targets, at_unix=asked.request.at_unix
    )
    admission = on.ledger.admit(call, decision, targets=asked.targets, snapshot_version=on.snapshot_version)
    if not decision.allowed:
        trail.position = await admission.durable()
        raise PolicyDenied("no target may see this call", decision_id=decision.id)
    async with _concluding(asked, admission, on.ledger, trail) as outcome:
        targets = order(decision.allowed, on.backends.status)
        async with open_reply(targets, partial(asked.codec.exchange, asked.request), on.backends) as reply:
            outcome.reply = reply
            trail.target = reply.target
            trail.position = await admission.durable()  # the engine has been at work meanwhile; no byte before this
            yield outcome.watch(reply)


@asynccontextmanager
async def _concluding(asked: Asked, admission: Admission, ledger: Ledger, trail: Trail) -> AsyncIterator["_Conclusion"]:
    """Close the admission exactly once, however the call ends."""
    conclusion = _Conclusion(asked, admission.answer_commitment())
    try:
        yield conclusion
    except FreeholdError as problem:
        conclusion.failed(problem.code)
        with suppress(LedgerFault):
            trail.position = await admission.durable()
        raise
    except (asyncio.CancelledError, GeneratorExit):
        if conclusion.ending is not Ending.COMPLETE:
            conclusion.ending, conclusion.error = Ending.CANCELLED, ""
        raise
    finally:
        ledger.conclude(admission, conclusion.outcome())


@dataclass(slots=True)
class _Conclusion:
    """What the closing record will say."""

    asked: Asked
    commitment: Commitment  # to the bytes of the answer
    reply: Reply | None = None
    ending: Ending = Ending.FAILED  # until something else is known: a bug must not pass for an answer
    error: str = FreeholdError.code
    answer_bytes: int = 0

    async def watch(self, reply: Reply) -> AsyncIterator[bytes]:
        """The reply's pieces, counted and committed to; a fault on the way ends them in the caller's dialect."""
        try:
            async for piece in reply.chunks:
                yield self._counted(piece)
                if reply.exchange.tally.finished:  # whoever hangs up now has the whole answer
                    self.ending, self.error = Ending.COMPLETE, ""
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
        tally = self.reply.exchange.tally if self.reply else None
        return Outcome(
            call_id=self.asked.call.id,
            ending=self.ending,
            target=answering.name if answering else "",
            model=answering.model.name if answering else "",
            model_digest=answering.model.digest if answering else "",
            error=self.error,
            input_tokens=tally.input_tokens if tally else 0,
            output_tokens=tally.output_tokens if tally else 0,
            answer=self.commitment.hexdigest(),
            answer_bytes=self.answer_bytes,
        )
