# SPDX-License-Identifier: Apache-2.0
"""A gateway's end of the process that reads texts: starts it, asks it, and does not wait for ever.

The process stands apart so that a gateway holds neither its memory nor its bugs, and no other call waits for a text.
Whatever keeps it from an answer is an answer: a kind that says so, which raises the class like any other.
"""

import asyncio
import logging
import sys
from contextlib import suppress
from typing import Final

from freehold.policy.detect.messages import LENGTH, UNREAD, frame

LATE: Final = "not-in-time"

_log = logging.getLogger(__name__)
_WORKER: Final = (sys.executable, "-I", "-m", "freehold.policy.detect.worker")
_PATIENCE_S: Final = 2.0
_RETRY_S: Final = 1.0
_MOST_CHARACTERS: Final = 8 * 2**20  # that wait to be read: what it reads in about half a second


class Reader:
    """One process, and another one for the texts that come after it has died."""

    def __init__(
        self, command: tuple[str, ...] = _WORKER, *, patience_s: float = _PATIENCE_S, retry_s: float = _RETRY_S
    ) -> None:
        self._command = command
        self._patience_s = patience_s
        self._retry_s = retry_s
        self._life: _Life | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Have the process started, unless there is one, or one died a moment ago."""
        self._living()

    def close(self) -> None:
        """End the process. Whoever waits for it is told that nothing was read."""
        if self._life is not None:
            ending = self._life.end()
            self._life = None
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    async def aclose(self) -> None:
        """The same, and return once it has ended."""
        self.close()
        if self._ending:
            await asyncio.wait(self._ending)

    async def find(self, text: str) -> str:
        """The kind of personal data in the text, or why that is not known; empty: none."""
        life = self._living()
        if life.characters + len(text) > _MOST_CHARACTERS:
            return LATE
        try:
            async with asyncio.timeout(self._patience_s):
                return await life.ask(text)
        except TimeoutError:
            return LATE

    def _living(self) -> "_Life":
        if self._life is None or self._life.ended_before(asyncio.get_running_loop().time() - self._retry_s):
            self.close()
            self._life = _Life(self._command)
        return self._life


class _Life:
    """One process from its start to its end. It reads one text after the other."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._waiting: dict[asyncio.Future[str], str] = {}  # in the order in which they came
        self._news = asyncio.Event()
        self._ended_at: float | None = None  # by the clock of the loop
        self.characters = 0  # of those that wait
        self._running = asyncio.create_task(self._run(command))

    def ended_before(self, moment: float) -> bool:
        return self._ended_at is not None and self._ended_at <= moment

    def end(self) -> asyncio.Task[None]:
        """The task that is done when the process has ended, which is now under way."""
        if self._ended_at is None:
            self._running.cancel()
        return self._running

    async def ask(self, text: str) -> str:
        """Whoever no longer waits is forgotten, and so is the text."""
        if self._ended_at is not None:
            return UNREAD
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[answer] = text
        self.characters += len(text)
        self._news.set()
        try:
            return await answer
        finally:
            self.characters -= len(text)
            self._waiting.pop(answer, None)

    async def _run(self, command: tuple[str, ...]) -> None:
        process = None
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={"HOME": "/", "LC_ALL": "C.UTF-8"},  # without a HOME Python has the system look the user up
            )
            await self._serve(process)
        except (OSError, EOFError) as exc:
            _log.error("no detector reads texts: %s; until one does, they count as personal data", type(exc).__name__)
        finally:
            await self._end(process)

    async def _serve(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("both were asked for")
        while True:
            while not self._waiting:
                self._news.clear()
                await self._news.wait()
            if process.stdin.is_closing():
                raise EOFError("it has gone")
            answer, kind = next(iter(self._waiting)), UNREAD
            try:
                process.stdin.write(frame(self._waiting.pop(answer)))
                await process.stdin.drain()
                (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
                kind = (await process.stdout.readexactly(length)).decode("ascii", "replace")
            finally:
                _settle(answer, kind)

    async def _end(self, process: asyncio.subprocess.Process | None) -> None:
        self._ended_at = asyncio.get_running_loop().time()
        for answer in self._waiting:
            _settle(answer, UNREAD)
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _settle(answer: asyncio.Future[str], kind: str) -> None:
    if not answer.done():  # it is where nobody waits for it any more
        answer.set_result(kind)
