# SPDX-License-Identifier: Apache-2.0
"""The operation that erases: the salt of a call, those of a day, or what somebody wrote. What was erased stays so.

Salts are the ledger's, whose process destroys them. Words lie in state.db and in drills/. Each erasure is an act.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta

from freehold.admin.interface import Parts
from freehold.admin.orders import OwedAct
from freehold.admin.requests import Forget
from freehold.admin.texts import Texts
from freehold.admin.views import View
from freehold.admin.withdrawals import Withdrawals
from freehold.contract.record import LedgerPosition
from freehold.errors import InvalidRequest, LedgerUnavailable, NotFound
from freehold.ledger.record.entry import ActEntry, AdmissionEntry, OutcomeEntry, read_entry
from freehold.ledger.record.search import find_admission
from freehold.ledger.tree.store import LedgerFiles

Answer = Mapping[str, object]

_CALL = re.compile(r"call_([0-9a-f]{12})[0-9a-f]{16}")  # milliseconds since 1970, and chance
_DRILL = re.compile(r"drill_[0-9a-f]{12}")
_SLACK = timedelta(seconds=1)


class Forgetting:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, withdrawals: Withdrawals, *, recorded_within_s: float = 10.0) -> None:
        self._parts = parts
        self._withdrawals = withdrawals
        self._recorded_within_s = recorded_within_s
        self._texts = Texts(parts.state)

    async def forget(self, request: Forget, asker: str) -> Answer:
        """Erase, and tell by which act. Raises NotFound, VerificationFailed, LedgerUnavailable."""
        if len([field for field in (request.call, request.position, request.day, request.text) if field]) != 1:
            raise InvalidRequest("name exactly one of call, position, day and text")
        if request.text:
            await self._forget_text(request.text, asker)
            return {"forgotten": {"text": request.text}}
        if request.day:
            act = await self._in_time(self._parts.ledger.forget_day(request.day, operator=asker))
            return {"forgotten": {"day": request.day, **await self._told(act)}}
        admission, call = await self._admission(request)
        act = await self._in_time(self._parts.ledger.forget_call(call, admission.index, operator=asker))
        return {"forgotten": {"call": call, "admission": str(admission), **await self._told(act)}}

    async def _forget_text(self, subject: str, asker: str) -> None:
        act = OwedAct(kind="text.forget", subject=subject, operator=asker, digests={})
        async with self._withdrawals.means.changing:
            if _DRILL.fullmatch(subject):
                await asyncio.to_thread(self._texts.forget_scorecard, self._parts.estate.drills, act)
            else:
                await asyncio.to_thread(self._texts.forget, act)
            await self._withdrawals.done(f"what was written about {subject} is erased")

    async def _admission(self, request: Forget) -> tuple[LedgerPosition, str]:
        """Where the call's admission lies, and the call's id. Raises NotFound."""
        head = await self._parts.ledger.publish()
        files = LedgerFiles(self._parts.estate.ledger)
        if request.position:
            origin, _, index = request.position.rpartition("/")
            found = _admission_at(files, int(index), head.size) if origin == head.origin else None
        else:
            found = await asyncio.to_thread(_admission_of, files, request.call or "", head.size)
        if found is None:
            raise NotFound(
                f"the ledger has no call {request.position or request.call}",
                hint="An answer names its call as X-Request-Id, and where it is on record as Freehold-Receipt.",
            )
        index_found, call = found
        return LedgerPosition(origin=head.origin, index=index_found), call

    async def _in_time(self, forgetting: Awaitable[LedgerPosition]) -> LedgerPosition:
        try:
            async with asyncio.timeout(self._recorded_within_s):
                return await forgetting
        except TimeoutError as exc:
            raise LedgerUnavailable(
                "the ledger did not erase and record it in time", hint="It goes on trying; ask for it again to see."
            ) from exc

    async def _told(self, act: LedgerPosition) -> View:
        """The act, as it is on record: it may be an older one, by which the same was erased."""
        head = await self._parts.ledger.publish()
        entry = read_entry(LedgerFiles(self._parts.estate.ledger).entry(act.index, head.size))
        told: View = {"act": str(act)}
        return told | {"kind": entry.act, "at": entry.at} if isinstance(entry, ActEntry) else told


def _admission_at(files: LedgerFiles, index: int, size: int) -> tuple[int, str] | None:
    entry = read_entry(files.entry(index, size)) if index < size else None
    match entry:
        case AdmissionEntry(call=call):
            return index, call
        case OutcomeEntry(call=call, admission=admission):
            return admission, call
        case _:
            return None


def _admission_of(files: LedgerFiles, call: str, size: int) -> tuple[int, str] | None:
    named = _CALL.fullmatch(call)
    around = ""
    if named:
        with contextlib.suppress(ValueError, OverflowError):  # of no year that there is
            around = f"{datetime.fromtimestamp(int(named[1], 16) / 1000, UTC) - _SLACK:%Y-%m-%dT%H:%M:%S}"
    index = find_admission(files, size, call, start=files.minimum_index(), around=around)
    return None if index is None else (index, call)
