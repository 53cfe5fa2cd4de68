# SPDX-License-Identifier: Apache-2.0
"""What the ledger's process does beside its writing: gives receipts, and forgets. Appends wait for none of it.

The event loop's side of ``receipts.py`` and ``forgetting.py``, which have one thread between them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar
from uuid import uuid4

from freehold.errors import (
    FreeholdError,
    LedgerFault,
    LedgerUnavailable,
    NotFound,
    OperatorError,
    ReceiptNotYet,
    UnknownReceipt,
)
from freehold.ledger.keeper.docket import Docket
from freehold.ledger.keeper.forgetting import Destroyed, Forgetting
from freehold.ledger.keeper.peer import Peer
from freehold.ledger.keeper.receipts import Receipts
from freehold.ledger.messages import AskReceipt, ForgetCall, ForgetDay, Given, Lack, NotForgotten, NotGiven, RecordAct
from freehold.ledger.writing.log import Log

OWN = "ledger"  # as the record names this process, where it acts by itself
_LOOK_EVERY_S = 3600.0
_MOST_RECEIPTS = 64  # that wait to be made
_logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Aside:
    """``kept_days``: for how many days salts are kept; 0 is for ever."""

    def __init__(self, log: Log, docket: Docket, *, now_utc: Callable[[], datetime], kept_days: int) -> None:
        self._docket = docket
        self._now_utc = now_utc
        self._kept_days = kept_days
        self._forgetting = Forgetting(log)
        self._receipts = Receipts(log)
        self._asked = 0
        self._destroying = asyncio.Lock()  # held until the act is noted, so that each erasure has one
        self._under_way: dict[str, Peer] = {}  # whom to answer about an act
        self._recording: set[asyncio.Future[int]] = set()
        self._stopping = False
        self._thread = ThreadPoolExecutor(1, "ledger-aside")

    async def note(self, erasing: dict[str, int]) -> None:
        """Take up what the end of the log says was destroyed."""
        try:
            await self._in_thread(lambda: self._forgetting.on_record(erasing))
        except LedgerFault as fault:
            _logger.warning("what was forgotten could not be noted: %s", fault.message)

    async def answer(self, peer: Peer, message: ForgetCall | ForgetDay | AskReceipt) -> None:
        match message:
            case ForgetCall():
                await self._forget_call(peer, message)
            case ForgetDay():
                await self._forget_day(peer, message)
            case AskReceipt():
                await self._give_receipt(peer, message)

    async def expire_in_time(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.expire()
            except LedgerFault as fault:
                _logger.warning("salts that are to be kept no longer are still there: %s", fault.message)
            except Exception:  # the top of a loop: calls must go on being recorded
                _logger.exception("bug in the keeping of salts")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def expire(self) -> None:
        """Destroy the salts of the days that are over for long enough. Raises LedgerFault; what is left stays due."""
        if not self._kept_days:
            return
        today = self._now_utc().date()
        async with self._destroying:
            for day in await self._in_thread(lambda: self._forgetting.expired(today, self._kept_days)):
                await self._destroy_day(day, uuid4().hex, OWN)

    def stop(self) -> None:
        """Nothing more is written: whoever waits for an act asks again after the next start."""
        self._stopping = True
        for recording in self._recording:
            if not recording.done():
                recording.set_exception(_stopped())

    def close(self) -> None:
        self._thread.shutdown()

    async def _give_receipt(self, peer: Peer, message: AskReceipt) -> None:
        if self._asked >= _MOST_RECEIPTS:
            peer.say(NotGiven(message.ask, Lack.BUSY))
            return
        self._asked += 1
        answer: Given | NotGiven = NotGiven(message.ask, Lack.FAULT)
        try:
            give = self._receipts.give
            receipt = await self._in_thread(lambda: give(message.position, message.key, message.form))
            answer = Given(message.ask, receipt)
        except ReceiptNotYet:
            answer = NotGiven(message.ask, Lack.NOT_YET)
        except UnknownReceipt:
            answer = NotGiven(message.ask, Lack.UNKNOWN)
        except FreeholdError as problem:
            _logger.warning("no receipt of %s can be made: %s", message.position, problem.message)
        finally:
            self._asked -= 1
            peer.say(answer)

    async def _forget_call(self, peer: Peer, message: ForgetCall) -> None:
        async def forget() -> int:
            destroyed = await self._in_thread(lambda: self._forgetting.destroy_of(message.admission, message.call))
            act = RecordAct(message.id, "call.forget", message.call, message.operator, dict(destroyed.digests))
            return await self._on_record(act, destroyed)

        await self._once(peer, message.id, forget)

    async def _forget_day(self, peer: Peer, message: ForgetDay) -> None:
        async def forget() -> int:
            if message.day >= f"{self._now_utc():%Y-%m-%d}":
                raise NotFound(f"{message.day} is not over", hint="Forget its calls one by one: --call ID.")
            if message.day not in await self._in_thread(self._forgetting.kept_days):
                return self._forgetting.act_of(message.day)
            return await self._destroy_day(message.day, message.id, message.operator)

        await self._once(peer, message.id, forget)

    async def _destroy_day(self, day: str, act_id: str, operator: str) -> int:
        destroyed = await self._in_thread(lambda: self._forgetting.destroy_day(day))
        return await self._on_record(RecordAct(act_id, "salts.expire", day, operator, {}), destroyed)

    async def _on_record(self, act: RecordAct, destroyed: Destroyed) -> int:
        """The index of the act, and of none but the first for what was destroyed before. Raises LedgerFault."""
        index = destroyed.act
        if index is None:
            index = await self._recorded(act)
        subject, at = act.subject, index
        await self._in_thread(lambda: self._forgetting.on_record({subject: at}))
        return index

    async def _recorded(self, act: RecordAct) -> int:
        known = self._docket.act_recorded(act.id)
        if known is not None:
            return known
        if self._stopping:
            raise _stopped()
        recording: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def written(index: int) -> None:
            if not recording.done():
                recording.set_result(index)

        def failed(fault: LedgerFault) -> None:
            if not recording.done():
                recording.set_exception(fault)

        self._recording.add(recording)
        self._docket.record_own(act, written=written, failed=failed)
        try:
            return await recording
        finally:
            self._recording.discard(recording)

    async def _once(self, peer: Peer, act_id: str, forget: Callable[[], Awaitable[int]]) -> None:
        """Do it once, however often it is asked for, and tell whoever asked last."""
        if act_id in self._under_way:
            self._under_way[act_id] = peer
            return
        self._under_way[act_id] = peer
        try:
            async with self._destroying:
                index = await forget()
        except LedgerFault as fault:
            self._under_way[act_id].put_off(act_id, fault)
        except OperatorError as problem:
            absent = isinstance(problem, NotFound)
            self._under_way[act_id].say(NotForgotten(act_id, absent, problem.message, problem.advice))
        else:
            self._under_way[act_id].acts.append((act_id, index))
            self._under_way[act_id].flush()
        finally:
            del self._under_way[act_id]

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _stopped() -> LedgerUnavailable:
    return LedgerUnavailable("the ledger is stopping")
