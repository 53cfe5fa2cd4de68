# SPDX-License-Identifier: Apache-2.0
"""The answers that are under way, for whoever has to cut them: their target was withdrawn, and not left to finish.

Whoever waits for such an answer, or for more of it, meets a Fault, as when a connection breaks, and another target may
go on. Knows no connections: they are closed by whoever opened them, on the way out.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from freehold.dialect.interface import Event
from freehold.errors import BackendBroke
from freehold.relay.interface import BackendAnswer

Pour = Callable[[Callable[[Event], bool]], Awaitable[None]]


class Running:
    """Every call that is at work on a target, by target."""

    def __init__(self) -> None:
        self._runs: dict[str, set[Run]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None  # kept: CPython 3.11 makes a system call to find it

    def run(self, target: str, opened: AbstractAsyncContextManager[BackendAnswer], *, stream: bool) -> "Run":
        """A call that is put to a target, as a context: it can be cut from the moment when it asks."""
        self._loop = loop = self._loop or asyncio.get_running_loop()
        return Run(loop, self._runs.setdefault(target, set()), opened, stream=stream)

    @property
    def load(self) -> dict[str, int]:
        """How many calls each target has, those that wait for it too."""
        return {target: len(runs) for target, runs in self._runs.items() if runs}

    def cut(self, target: str) -> None:
        """Break off every answer of the target, also those that have not begun."""
        for run in tuple(self._runs.get(target, ())):
            run.cut()


class Run:
    """One call at work on a target. Whoever waits for its answer, or for more, meets BackendBroke when it is cut."""

    __slots__ = ("_loop", "_opened", "_runs", "_stream", "stop", "waiting", "was_cut")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        runs: "set[Run]",
        opened: AbstractAsyncContextManager[BackendAnswer],
        *,
        stream: bool,
    ) -> None:
        self._loop = loop
        self._runs = runs  # of the target
        self._opened = opened
        self._stream = stream
        self.was_cut = False
        self.stop: Callable[[], None] | None = None  # what the target sends from being handed on
        self.waiting: asyncio.Task[object] | None = None  # for the target

    async def __aenter__(self) -> BackendAnswer:
        self._runs.add(self)
        self.begin_to_wait()
        try:
            answer = await self._opened.__aenter__()
        except BaseException as problem:
            self._runs.discard(self)
            if isinstance(problem, asyncio.CancelledError) and self.cancelled():
                raise _withdrawn() from None
            raise
        finally:
            self.waiting = None
        return _Watched(answer, self) if self._stream else answer

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._opened.__aexit__(kind, problem, trace)
        finally:
            self._runs.discard(self)

    def cut(self) -> None:
        """Hand nothing more on, and wake whoever waits for the target."""
        if not self.was_cut:
            self.was_cut = True
            if self.stop is not None:
                self.stop()
            if self.waiting is not None:
                self.waiting.cancel()

    def begin_to_wait(self) -> None:
        """Whoever calls this waits for the target from now on: it is they who are woken by a cut."""
        self.waiting = asyncio.current_task(self._loop)

    def cancelled(self) -> bool:
        """To be asked by whoever was cancelled in the wait: whether it was the cut alone, and not the caller too."""
        return self.was_cut and self.waiting is not None and not self.waiting.uncancel()


class _Watched:
    """A streamed answer, and its events, which break off when the call is cut."""

    __slots__ = ("_ask", "_pour", "_run", "_stop", "body", "limits")

    def __init__(self, answer: BackendAnswer, run: Run) -> None:
        events = answer.events
        self.body = answer.body
        self.limits = answer.limits
        self._ask = events.__anext__
        self._pour: Pour | None = getattr(events, "pour", None)  # if it can be stopped, too
        self._stop: Callable[[], None] | None = getattr(events, "stop", None)
        self._run = run

    @property
    def events(self) -> AsyncIterator[Event]:
        return self

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def pour(self, take: Callable[[Event], bool]) -> None:
        """As ``Pouring.pour``, up to the cut."""
        run = self._run
        if self._pour is None or self._stop is None or run.was_cut:
            return
        run.stop = self._stop
        run.begin_to_wait()
        try:
            await self._pour(take)
        except asyncio.CancelledError:
            if not run.cancelled():
                raise
        finally:
            run.waiting = run.stop = None

    async def __anext__(self) -> Event:
        run = self._run
        if run.was_cut:
            raise _withdrawn()
        run.begin_to_wait()
        try:
            return await self._ask()
        except asyncio.CancelledError:
            if run.cancelled():
                raise _withdrawn() from None
            raise
        finally:
            run.waiting = None


def _withdrawn() -> BackendBroke:
    return BackendBroke("the target was withdrawn")
