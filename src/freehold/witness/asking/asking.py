# SPDX-License-Identifier: Apache-2.0
"""Has an estate's log witnessed, for as long as it runs: after each publication, every witness, one request at a time.

What is learnt goes to whoever hears; a checkpoint that enough have cosigned is handed over, again and again until it is
taken. A witness that is slow, away or mad keeps cosignatures waiting, and nothing else.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from freehold.errors import LedgerFault, OperatorError, VerificationFailed
from freehold.ledger.check.trust import TrustPolicy
from freehold.witness.asking.answers import Cosigned, NoUse
from freehold.witness.asking.exchange import Alarm, Asked, ask
from freehold.witness.asking.own_log import Head, OwnLog
from freehold.witness.asking.rounds import Rounds
from freehold.witness.asking.ways import Way

_LOOKED_AT_EVERY_S: Final = 0.25
_KEPT_SIZES: Final = 16  # checkpoints whose cosignatures are still put together
_log = logging.getLogger(__name__)


class Hearer(Protocol):
    """Whoever is told what the witnesses say."""

    async def cosigned(self, witness: str, size: int, at_unix: int) -> None: ...

    async def failed(self, witness: str, why: str) -> None: ...

    async def alarmed(self, witness: str, alarm: Alarm) -> None: ...

    async def take(self, note: bytes) -> None:
        """Put a checkpoint in place that enough have cosigned. Raises LedgerFault, VerificationFailed."""
        ...


class Asking:
    """``seen``: what each witness is thought to have cosigned last."""

    def __init__(  # noqa: PLR0913 - whom to ask, about what, by what rule, and whom to tell
        self,
        ways: Sequence[Way],
        log: OwnLog,
        policy: TrustPolicy,
        hearer: Hearer,
        *,
        seen: Mapping[str, int],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ways = {way.witness.name: way for way in ways}
        self._log = log
        self._policy = policy
        self._hearer = hearer
        self._now_s = now_s
        self._rounds = Rounds(self._ways)
        self._seen: dict[str, int | None] = {name: seen.get(name) for name in self._ways}
        self._lines: dict[int, dict[str, str]] = {}  # by size, by witness
        self._heads: dict[int, Head] = {}
        self._ready: tuple[int, bytes] | None = None  # size and note of what is to be handed over
        self._handing = asyncio.Lock()  # held while something is handed over, so that nothing older comes after it
        self._handed = -1  # the largest size that was taken
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        trouble = ""
        try:
            while True:
                try:
                    await self.turn()
                    trouble = ""
                except OperatorError as problem:
                    if problem.message != trouble:
                        _log.error("the log cannot be shown to witnesses: %s", problem.message)
                    trouble = problem.message
                await asyncio.sleep(_LOOKED_AT_EVERY_S)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for way in self._ways.values():
                await way.close()

    async def turn(self) -> None:
        """Ask whom it is time to ask, and hand over what is ready. Raises VerificationFailed for a damaged head."""
        head = await asyncio.to_thread(self._log.head)
        if head is None:
            return
        self._heads[head.size] = head
        for name in self._rounds.due(head.size, self._now_s()):
            task = asyncio.create_task(self._ask(name, self._heads[self._rounds.size]), name=f"witness {name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._forget(head.size)
        await self._hand_over()

    async def settle(self) -> None:
        """Wait for the answers that are under way."""
        await asyncio.gather(*self._tasks)

    async def _ask(self, name: str, head: Head) -> None:
        way = self._ways[name]
        try:
            asked = await ask(way, self._log, head, self._seen[name])
            await self._heed(name, head, asked)
        except Exception:  # noqa: BLE001 - the top of a piece of work: a bug must leave nobody busy
            self._rounds.failed(name, head.size, self._now_s())
            _log.exception("asking witness %s failed", name)

    async def _heed(self, name: str, head: Head, asked: Asked) -> None:
        self._seen[name] = asked.seen_size
        match asked.told:
            case Cosigned(lines=lines, at_unix=at_unix):
                self._rounds.cosigned(name, head.size)
                await self._hearer.cosigned(name, head.size, at_unix)
                self._put_together(name, head, lines)
                await self._hand_over()
            case Alarm() as alarm:
                self._rounds.failed(name, head.size, self._now_s(), alarmed=True)
                await self._hearer.alarmed(name, alarm)
            case NoUse(why=why):
                self._rounds.failed(name, head.size, self._now_s())
                await self._hearer.failed(name, why)

    def _put_together(self, name: str, head: Head, lines: str) -> None:
        """With those of others for the same checkpoint. Once they are enough it is ready, and again with each more."""
        together = self._lines.setdefault(head.size, {})
        together[name] = lines
        note = head.note + "".join(together[one] for one in self._ways if one in together).encode()
        try:
            self._policy.open(note)
        except VerificationFailed:
            return  # not enough yet
        self._rounds.reached(head.size)
        if head.size >= max(self._handed, self._ready[0] if self._ready else -1):
            self._ready = (head.size, note)

    async def _hand_over(self) -> None:
        """What cannot be taken now is ready still, for the next turn."""
        async with self._handing:
            ready = self._ready
            if ready is None:
                return
            try:
                await self._hearer.take(ready[1])
                self._handed = max(self._handed, ready[0])
            except LedgerFault:
                return
            except VerificationFailed as problem:
                _log.error("the ledger does not take the cosigned checkpoint: %s", problem.message)
            if self._ready is ready:
                self._ready = None

    def _forget(self, newest: int) -> None:
        """Keep what may still come together."""
        kept = {newest, self._rounds.size, *sorted(self._lines)[-_KEPT_SIZES:]}
        self._heads = {size: head for size, head in self._heads.items() if size in kept}
        self._lines = {size: lines for size, lines in self._lines.items() if size in kept}
