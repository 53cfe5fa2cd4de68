# SPDX-License-Identifier: Apache-2.0
"""Finished spans on their way to whoever collects them: a bounded queue, emptied from time to time by one task.

No call waits for it, and none is lost to it: what finds the queue full, or cannot be sent, is dropped and counted.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from freehold.errors import FreeholdError
from freehold.signals.span import Span

MOST_WAITING: Final = 4096  # spans
MOST_AT_ONCE: Final = 512  # in one request
_EVERY_S: Final = 2.0

EXPORTED: Final = "exported"
REJECTED: Final = "rejected"  # by the receiver
UNSENT: Final = "unsent"  # it could not be reached, or said no
OVERFLOWED: Final = "overflowed"  # more came than could be sent
FATES: Final = (EXPORTED, REJECTED, UNSENT, OVERFLOWED)

Send = Callable[[Sequence[Span]], Awaitable[int]]  # how many were taken; raises FreeholdError

_log = logging.getLogger(__name__)


class Exporter:
    """``fates`` counts what becomes of spans, and is whose it may be."""

    def __init__(self, send: Send, fates: Counter[str], *, every_s: float = _EVERY_S) -> None:
        self._send = send
        self._fates = fates
        self._every_s = every_s
        self._waiting: deque[Span] = deque()
        self._many = asyncio.Event()
        self._failing = False

    def offer(self, span: Span) -> None:
        """Never waits, never raises."""
        if len(self._waiting) >= MOST_WAITING:
            self._fates[OVERFLOWED] += 1
            return
        self._waiting.append(span)
        if len(self._waiting) >= MOST_AT_ONCE:
            self._many.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._every_s):
                    await self._many.wait()
            except TimeoutError:
                pass
            await self.flush()

    async def flush(self) -> None:
        """Send what is there; after a failure no more of it for now."""
        self._many.clear()
        for _ in range(-(-len(self._waiting) // MOST_AT_ONCE)):
            spans = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
            try:
                taken = await self._send(spans)
            except FreeholdError as problem:
                self._fates[UNSENT] += len(spans)
                self._tell(problem)
                return
            except BaseException:  # it is over: what was on its way did not arrive
                self._fates[UNSENT] += len(spans)
                raise
            self._failing = False
            self._fates[EXPORTED] += taken
            self._fates[REJECTED] += len(spans) - taken

    def _tell(self, problem: FreeholdError) -> None:
        """Once for a failure, however long it lasts."""
        if not self._failing:
            _log.warning("traces are not sent: %s", problem.message)
        self._failing = True
