# SPDX-License-Identifier: Apache-2.0
"""The gateway's end of the ledger. Reconnects by itself and sends again whatever was not answered.

An admission waits a short while for a ledger that is away, and is then refused. An outcome waits as long as it takes.
A call that was refused here is never left open there: if its admission may have got in, a failed outcome follows it.
A ledger that is there and silent is away: what is said to it would pile up here, and go on record for nobody.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from freehold.contract.attempt import Bait, Tried
from freehold.contract.backend import Target
from freehold.contract.call import Call
from freehold.contract.decision import Decision
from freehold.contract.record import Ending, LedgerPosition, Outcome
from freehold.errors import (
    EstateError,
    FreeholdError,
    LedgerFull,
    LedgerUnavailable,
    NotFound,
    ReceiptNotYet,
    UnknownReceipt,
    VerificationFailed,
)
from freehold.ledger import compose
from freehold.ledger.admission import Admission
from freehold.ledger.interface import LedgerHead, LedgerStatus, Prune, ReceiptForm
from freehold.ledger.judging import Encoding
from freehold.ledger.line import Line
from freehold.ledger.messages import (
    AddCosignatures,
    Admit,
    AskReceipt,
    AskStatus,
    Conclude,
    CosignaturesAdded,
    CosignaturesRefused,
    EgressTried,
    ForgetCall,
    ForgetDay,
    FromLedger,
    Given,
    Hello,
    Lack,
    NotForgotten,
    NotGiven,
    NotPruned,
    NotPublished,
    NotWritten,
    PruneLog,
    Pruning,
    Published,
    PublishNow,
    RecordAct,
    StatusReport,
    TryEgress,
    Welcome,
    Written,
    admit,
)
from freehold.ledger.record.commitment import SALT_BYTES, request_commitment

Answer = TypeVar("Answer", LedgerHead, LedgerStatus, Tried, Prune, bytes, int)

_LACKS: Mapping[Lack, Callable[[], FreeholdError]] = {
    Lack.UNKNOWN: lambda: UnknownReceipt("there is no such receipt for this key"),
    Lack.NOT_YET: lambda: ReceiptNotYet("the call is on record, and its entry is not published yet"),
    Lack.BUSY: lambda: LedgerUnavailable("too many receipts are being made"),
    Lack.FAULT: lambda: LedgerUnavailable("the ledger cannot make this receipt"),
}


@dataclass(slots=True)
class _Waiting:
    """An admission without answer. ``sent``: the ledger may have it."""

    admission: Admission
    message: Admit
    until_s: float  # on the loop's clock
    sent: bool = False
    outcome: Outcome | None = None  # the call ended before its admission was durable


@dataclass(slots=True)
class _Act:
    message: RecordAct | ForgetCall | ForgetDay
    result: asyncio.Future[LedgerPosition | FreeholdError]


class LedgerClient:
    """``identity`` names this process among the estate's; a restarted one may take up its name again.

    ``admit_timeout_s``: how long an admission, a publication or a status may wait for a ledger that is away.
    ``receipt_timeout_s``: the same of a receipt, which takes longer to make. ``retry_s``: when to send again what the
    ledger could not write yet.
    """

    def __init__(
        self,
        socket: Path,
        *,
        identity: str,
        admit_timeout_s: float = 2.0,
        receipt_timeout_s: float = 10.0,
        retry_s: float = 0.5,
    ) -> None:
        self._line = Line(socket, self)
        self._identity = identity
        self._admit_timeout_s = admit_timeout_s
        self._receipt_timeout_s = receipt_timeout_s
        self._retry_s = retry_s
        self._origin = ""
        self._answered = asyncio.Event()  # set whenever the ledger has answered something
        self._waiting: dict[str, _Waiting] = {}  # who has waited longest comes first
        self._sweeping: asyncio.TimerHandle | None = None
        self._open: dict[str, int] = {}
        self._outcomes: dict[str, Conclude] = {}
        self._acts: dict[str, _Act] = {}
        self._heads: dict[int, asyncio.Future[LedgerHead | FreeholdError]] = {}
        self._reports: dict[int, asyncio.Future[LedgerStatus | FreeholdError]] = {}
        self._attempts: dict[int, asyncio.Future[Tried | FreeholdError]] = {}
        self._receipts: dict[int, asyncio.Future[bytes | FreeholdError]] = {}
        self._prunes: dict[int, asyncio.Future[Prune | FreeholdError]] = {}
        self._cosigned: dict[int, asyncio.Future[int | FreeholdError]] = {}
        self._asked = 0
        self._task: asyncio.Task[None] | None = None
        self._encoding = Encoding()

    @property
    def is_up(self) -> bool:
        """Whether the ledger can be asked now."""
        return self._line.up.is_set()

    async def start(self) -> None:
        """Begin to connect; does not wait for it."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._line.stay_connected())

    async def close(self) -> None:
        """Hang up, once the ledger has every outcome and act, or has been away for too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._admit_timeout_s):
                while self._waiting or self._outcomes or self._acts:
                    self._answered.clear()
                    await self._answered.wait()
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._sweeping is not None:
            self._sweeping.cancel()
        fault = LedgerUnavailable("the ledger's client was closed")
        for waiting in self._waiting.values():
            waiting.admission.settle(fault)
        for act in self._acts.values():
            act.result.set_result(fault)
        self._waiting.clear()
        self._acts.clear()

    def admit(self, call: Call, decision: Decision, *, targets: Sequence[Target], snapshot_version: int) -> Admission:
        """Send a call's admission, without waiting. ``targets``: all of the service, in order."""
        salt = os.urandom(SALT_BYTES)
        admission = Admission(call.id, allowed=bool(decision.allowed), salt=salt)
        judged = self._encoding.of(decision, tuple(targets), snapshot_version)
        message = admit(call, decision.id, judged, request=request_commitment(salt, call.body), salt=salt)
        waiting = _Waiting(admission, message, self._loop.time() + self._admit_timeout_s)
        self._waiting[call.id] = waiting
        if self._sweeping is None:
            self._sweeping = self._loop.call_at(waiting.until_s, self._sweep)
        waiting.sent = self._line.send(message)
        return admission

    def conclude(self, admission: Admission, outcome: Outcome) -> None:
        """Close an admission; never raises. What is said of a refusal, or a second time, changes nothing."""
        call_id = admission.call_id
        if not admission.allowed:
            return
        if outcome.call_id != call_id:
            outcome = replace(outcome, call_id=call_id)
        if waiting := self._waiting.get(call_id):
            waiting.outcome = waiting.outcome or outcome
        elif call_id in self._open:
            self._conclude(outcome, self._open.pop(call_id))

    async def record_act(
        self, kind: str, *, subject: str, operator: str, digests: Mapping[str, str] | None = None
    ) -> LedgerPosition:
        """Record an administrative act; returns once it is on disk. Raises ValueError for what is no id or digest."""
        message = RecordAct(uuid4().hex, kind, subject, operator, dict(digests or {}))
        compose.act(
            id=message.id,
            kind=kind,
            subject=subject,
            operator=operator,
            digests=message.digests,
            at_utc=datetime.now(UTC),
        )
        return await self._act(message)

    async def forget_call(self, call: str, admission: int, *, operator: str) -> LedgerPosition:
        """Destroy a call's salt; returns once that is done and on record. Raises NotFound, VerificationFailed."""
        return await self._act(ForgetCall(uuid4().hex, operator, call, admission))

    async def forget_day(self, day: str, *, operator: str) -> LedgerPosition:
        """Destroy the salts of a day; as above."""
        return await self._act(ForgetDay(uuid4().hex, operator, day))

    async def receipt(self, position: LedgerPosition, *, key: str, form: ReceiptForm) -> bytes:
        """A receipt of a call of this key. Raises UnknownReceipt, ReceiptNotYet, LedgerUnavailable."""
        self._asked += 1
        try:
            async with asyncio.timeout(self._receipt_timeout_s):
                return await self._ask(AskReceipt(self._asked, position, key, form), self._receipts)
        except TimeoutError as exc:
            raise LedgerUnavailable("the ledger did not answer in time") from exc

    async def prune(self, before: int | datetime, *, dry_run: bool) -> Prune:
        """Take entries away, or say which would go. Raises EstateError, LedgerUnavailable."""
        self._asked += 1
        return await self._ask(PruneLog(self._asked, before, dry_run), self._prunes)

    async def add_cosignatures(self, checkpoint: str) -> int:
        """Have a cosigned checkpoint put in place. Raises VerificationFailed, LedgerUnavailable."""
        self._asked += 1
        return await self._ask(AddCosignatures(self._asked, checkpoint), self._cosigned)

    async def publish(self) -> LedgerHead:
        """Publish what was acknowledged so far, now. Raises LedgerUnavailable, LedgerFull."""
        self._asked += 1
        return await self._ask(PublishNow(self._asked), self._heads)

    async def status(self) -> LedgerStatus:
        """Raises LedgerUnavailable."""
        self._asked += 1
        return await self._ask(AskStatus(self._asked), self._reports)

    async def try_egress(self, bait: Bait) -> Tried:
        """Raises LedgerUnavailable."""
        self._asked += 1
        return await self._ask(TryEgress(self._asked, bait), self._attempts)

    def hello(self) -> Hello:
        return Hello(self._identity, (*self._waiting, *self._open, *self._outcomes))

    def connected(self, welcome: Welcome) -> None:
        """Say again whatever was not answered."""
        self._origin = welcome.origin
        for waiting in self._waiting.values():
            waiting.sent = self._line.send(waiting.message) or waiting.sent
        for conclude in self._outcomes.values():
            self._line.send(conclude)
        for act in self._acts.values():
            self._line.send(act.message)

    def disconnected(self) -> None:
        """Questions are not kept; who asked may ask again."""
        fault = LedgerUnavailable("the ledger went away before it answered")
        for ask in (*self._heads, *self._reports, *self._attempts, *self._receipts, *self._prunes, *self._cosigned):
            _answer(self._heads, ask, fault)
            _answer(self._reports, ask, fault)
            _answer(self._attempts, ask, fault)
            _answer(self._receipts, ask, fault)
            _answer(self._prunes, ask, fault)
            _answer(self._cosigned, ask, fault)

    def heard(self, message: FromLedger) -> None:
        match message:
            case Written():
                self._written(message)
            case NotWritten():
                self._not_written(message)
            case NotForgotten():
                self._not_forgotten(message)
            case Pruning(ask, prune):
                _answer(self._prunes, ask, prune)
            case NotPruned(ask, fault, reason, hint):
                _answer(self._prunes, ask, LedgerUnavailable(reason) if fault else EstateError(reason, hint=hint))
            case Welcome():
                pass  # said once, and heard by the line
            case _:
                self._heard_answer(message)
        self._answered.set()

    def _heard_answer(
        self,
        message: Given
        | NotGiven
        | CosignaturesAdded
        | CosignaturesRefused
        | Published
        | NotPublished
        | StatusReport
        | EgressTried,
    ) -> None:
        match message:
            case Given(ask, receipt):
                _answer(self._receipts, ask, receipt)
            case NotGiven(ask, why):
                _answer(self._receipts, ask, _LACKS[why]())
            case CosignaturesAdded(ask, size):
                _answer(self._cosigned, ask, size)
            case CosignaturesRefused(ask, fault, reason):
                _answer(self._cosigned, ask, LedgerUnavailable(reason) if fault else VerificationFailed(reason))
            case Published(ask, head):
                _answer(self._heads, ask, head)
            case NotPublished(ask, reason, full):
                _answer(self._heads, ask, LedgerFull(reason) if full else LedgerUnavailable(reason))
            case StatusReport(ask, status):
                _answer(self._reports, ask, status)
            case EgressTried(ask, tried):
                _answer(self._attempts, ask, tried)

    def _written(self, message: Written) -> None:
        for call_id, index in message.admitted:
            if waiting := self._waiting.pop(call_id, None):
                self._admitted(waiting, index)
        for call_id, _ in message.concluded:
            self._outcomes.pop(call_id, None)
        for act_id, index in message.acts:
            if act := self._acts.pop(act_id, None):
                act.result.set_result(LedgerPosition(origin=self._origin, index=index))

    def _admitted(self, waiting: _Waiting, index: int) -> None:
        admission = waiting.admission
        admission.settle(LedgerPosition(origin=self._origin, index=index))
        if waiting.outcome:
            self._conclude(waiting.outcome, index)
        elif admission.allowed:
            self._open[admission.call_id] = index

    def _not_written(self, message: NotWritten) -> None:
        if waiting := self._waiting.pop(message.admission, None):
            waiting.admission.settle(LedgerFull(message.reason) if message.full else LedgerUnavailable(message.reason))
        if message.later:
            self._loop.call_later(self._retry_s, self._say_again, message.later)

    def _not_forgotten(self, message: NotForgotten) -> None:
        kind = NotFound if message.absent else VerificationFailed
        if act := self._acts.pop(message.id, None):
            act.result.set_result(kind(message.reason, hint=message.hint))

    def _say_again(self, id: str) -> None:  # noqa: A002
        if conclude := self._outcomes.get(id):
            self._line.send(conclude)
        elif act := self._acts.get(id):
            self._line.send(act.message)

    def _sweep(self) -> None:
        """Give up what has waited for too long. One look for all: each of many calls would else set a timer."""
        self._sweeping = None
        now_s = self._loop.time()
        for call_id, waiting in tuple(self._waiting.items()):
            if waiting.until_s > now_s:
                self._sweeping = self._loop.call_at(waiting.until_s, self._sweep)
                break
            if self._line.is_silent(waiting.until_s - self._admit_timeout_s):
                self._line.break_off()
            self._give_up(call_id)

    def _give_up(self, call_id: str) -> None:
        """The call is refused; if its admission may be on record, so must its end be."""
        waiting = self._waiting.pop(call_id)
        waiting.admission.settle(LedgerUnavailable("the ledger did not confirm the admission in time"))
        if waiting.sent and waiting.admission.allowed:
            error = LedgerUnavailable.code
            self._conclude(Outcome(call_id=call_id, ending=Ending.FAILED, error=error), -1)

    def _conclude(self, outcome: Outcome, admission_index: int) -> None:
        message = Conclude(outcome, admission_index)
        self._outcomes[outcome.call_id] = message
        self._line.send(message)

    async def _act(self, message: RecordAct | ForgetCall | ForgetDay) -> LedgerPosition:
        act = _Act(message, self._loop.create_future())
        self._acts[message.id] = act
        self._line.send(message)
        result = await asyncio.shield(act.result)
        if isinstance(result, FreeholdError):
            raise result
        return result

    async def _ask(
        self,
        question: PublishNow | AskStatus | TryEgress | AskReceipt | PruneLog | AddCosignatures,
        asks: dict[int, asyncio.Future[Answer | FreeholdError]],
    ) -> Answer:
        try:
            async with asyncio.timeout(self._admit_timeout_s):
                await self._line.up.wait()
        except TimeoutError as exc:
            raise LedgerUnavailable("the ledger is away") from exc
        if not self._line.send(question):
            raise LedgerUnavailable("the ledger is away")
        waiting: asyncio.Future[Answer | FreeholdError] = self._loop.create_future()
        asks[question.ask] = waiting
        answer = await waiting
        if isinstance(answer, FreeholdError):
            raise answer
        return answer


def _answer(asks: dict[int, asyncio.Future[Answer | FreeholdError]], ask: int, answer: Answer | FreeholdError) -> None:
    waiting = asks.pop(ask, None)
    if waiting and not waiting.done():
        waiting.set_result(answer)
