# SPDX-License-Identifier: Apache-2.0
"""The slots of one engine, and the calls that wait for one. Knows neither the engine nor what is asked of it.

No more calls are at work than there are slots. The others wait here, by priority and then in order of arrival, and
each slot that is given back goes to exactly one of them. Where no more may wait, the newest call of the lowest priority
makes room for one of a higher; what has begun is never displaced.
"""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from freehold.contract.backend import Priority
from freehold.errors import EngineBusy

_QUEUE_UNTIL_KNOWN: Final = 64
_HELD_UNTIL_KNOWN_S: Final = 10.0  # how long a slot is thought to be held before one was given back
_NEWEST_SHARE: Final = 0.2  # in the moving average
_SHORTEST_S: Final = 1.0
_LONGEST_S: Final = 300.0  # a guess that reaches further is worth nothing

_Coming = asyncio.Future[EngineBusy | None]  # a slot, or why there will be none


class Slots:
    """The slots, at first none: until the engine has said how many it has, every call waits."""

    def __init__(self, target: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._target = target
        self._monotonic = monotonic
        self._slots = self._taken = 0
        self._queue = _QUEUE_UNTIL_KNOWN
        self._waiting: dict[Priority, dict[_Coming, None]] = {rank: {} for rank in sorted(Priority, reverse=True)}
        self._held_s = 0.0  # moving average; 0: not known

    def resize(self, slots: int, queue: int) -> None:
        """Take what the engine has, and let go on whom there is room for now. Nobody is turned away by it."""
        self._slots, self._queue = slots, queue
        self._hand_out()

    async def take(self, priority: Priority) -> "Slot":
        """One of the slots, which the call may have to wait for. Raises EngineBusy, also in the middle of the wait."""
        if self._taken < self._slots:  # then nobody waits
            self._taken += 1
            return Slot(self, self._monotonic())
        self._make_room(priority)
        coming: _Coming = asyncio.get_running_loop().create_future()
        self._waiting[priority][coming] = None
        try:
            busy = await coming
        except asyncio.CancelledError:
            self._waiting[priority].pop(coming, None)
            if coming.done() and not coming.cancelled() and coming.result() is None:  # a slot came at the same moment
                self._give_back()
            raise
        if busy is not None:
            raise busy
        return Slot(self, self._monotonic())

    @property
    def waiting(self) -> int:
        """Calls that wait for a slot."""
        return self._count()

    def retry_after_s(self, priority: Priority) -> float:
        """When a call of this priority could have a slot, by the pace of those before it."""
        ahead = sum(len(calls) for rank, calls in self._waiting.items() if rank >= priority)
        held_s = self._held_s or _HELD_UNTIL_KNOWN_S
        return min(max((ahead + 1) * held_s / max(1, self._slots), _SHORTEST_S), _LONGEST_S)

    def gave_back(self, since_s: float) -> None:
        """A call is over that had its slot since then."""
        held_s = self._monotonic() - since_s
        self._held_s += (held_s - self._held_s) * _NEWEST_SHARE if self._held_s else held_s
        self._give_back()

    def _give_back(self) -> None:
        self._taken -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        for calls in self._waiting.values():
            while calls and self._taken < self._slots:
                coming = next(iter(calls))
                del calls[coming]
                if not coming.done():  # its caller has gone, and is about to learn it
                    self._taken += 1
                    coming.set_result(None)

    def _make_room(self, priority: Priority) -> None:
        """See to it that one more may wait. Raises EngineBusy when that would be at the cost of its equals."""
        if self._count() < self._queue:
            return
        self._forget_the_gone()
        if self._count() < self._queue:
            return
        lowest = next((rank for rank in sorted(Priority) if self._waiting[rank]), priority)
        if lowest >= priority:
            raise EngineBusy(
                f"the engine of {self._target} has {self._taken} calls and {self._count()} that wait, as many as its "
                "slots and its queue hold",
                retry_after_s=self.retry_after_s(priority),
            )
        busy = EngineBusy(
            f"a call of higher priority took this one's place in the queue of the engine of {self._target}",
            retry_after_s=self.retry_after_s(lowest),
        )
        displaced, _ = self._waiting[lowest].popitem()
        displaced.set_result(busy)

    def _count(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _forget_the_gone(self) -> None:
        for calls in self._waiting.values():
            for coming in [coming for coming in calls if coming.done()]:
                del calls[coming]


class Slot:
    """One slot, from when it was taken until it is free again, at the latest when its context ends."""

    __slots__ = ("_of", "_since_s")

    def __init__(self, of: Slots | None, since_s: float = 0.0) -> None:
        """``of`` is None for a call that needs none."""
        self._of = of
        self._since_s = since_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.free()

    def free(self) -> None:
        """Give it back. Doing so twice does no harm: whoever knows first that the answer is whole says so."""
        if self._of is not None:
            slots, self._of = self._of, None
            slots.gave_back(self._since_s)
