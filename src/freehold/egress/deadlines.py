# SPDX-License-Identifier: Apache-2.0
"""Waits that end in time, with one timer for all of them: each of thousands of calls would else set one of its own."""

import asyncio
from types import TracebackType
from typing import Final

_LOOK_EVERY_S: Final = 0.1


class Deadlines:
    """Every wait that is under way. One that takes too long ends at the next look, at most a tenth of a second late."""

    def __init__(self) -> None:
        self._waits: set[Deadline] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # kept: CPython 3.11 makes a system call to find it

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Of whoever waits."""
        self._loop = loop = self._loop or asyncio.get_running_loop()
        return loop

    def within(self, patience_s: float) -> "Deadline":
        """A context that raises TimeoutError where what is in it takes longer, as ``asyncio.timeout`` does."""
        return Deadline(self, patience_s)

    def begin(self, wait: "Deadline") -> None:
        """For a deadline that is entered."""
        self._waits.add(wait)
        if self._looking is None:
            self._looking = self.loop.call_later(_LOOK_EVERY_S, self._look)

    def end(self, wait: "Deadline") -> None:
        """For one that is left."""
        self._waits.discard(wait)

    def _look(self) -> None:
        now_s = self.loop.time()
        for wait in [wait for wait in self._waits if now_s >= wait.due_s]:
            wait.expire()
        self._looking = self.loop.call_later(_LOOK_EVERY_S, self._look) if self._waits else None


class Deadline:
    """One wait of one task."""

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_patience_s", "_task", "due_s")

    def __init__(self, deadlines: Deadlines, patience_s: float) -> None:
        self._deadlines = deadlines
        self._patience_s = patience_s
        self._expired = False

    def __enter__(self) -> None:
        loop = self._deadlines.loop
        task = asyncio.current_task(loop)
        assert task is not None, "only a task can be told that it took too long"  # noqa: S101
        self._task = task
        self._cancelling = task.cancelling()
        self.due_s = loop.time() + self._patience_s
        self._deadlines.begin(self)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.end(self)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from problem

    def expire(self) -> None:
        """It has taken too long."""
        if not self._expired:
            self._expired = True
            self._task.cancel()
