# SPDX-License-Identifier: Apache-2.0
"""One supervised process of any kind: started, awaited until ready, watched, started again, stopped.

Every process leads a session and a process group of its own; nothing outside that group is ever signalled.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from freehold.contract.report import ProcessReport
from freehold.engine.clock import Clock, SystemClock
from freehold.errors import EstateError, Fault, OperatorError

_log = logging.getLogger(__name__)
_LOG_BYTES: Final = 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start. Descriptors stay the caller's; ``pass_fds`` keep their numbers in the process."""

    argv: Sequence[str]
    env: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    stdin: int | None = None
    stdout: int | None = None  # else the log


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, and for what."""

    first_delay_s: float = 0.1  # before the first restart; doubled for each one after
    longest_delay_s: float = 10.0
    healthy_s: float = 30.0  # a process that lived this long starts again from the first delay
    ready_s: float = 600.0  # to become ready
    early_deaths: int | None = None  # in a row, before ever being ready, until it counts as failed; None: never
    health_every_s: float = 10.0
    unhealthy_checks: int = 3  # in a row, until it is killed
    grace_s: float = 10.0  # between SIGTERM and SIGKILL
    clock: Clock = field(default_factory=SystemClock)


_PATIENCE: Final = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How to tell what the process is up to, and whom to tell. ``ready`` and ``health`` may raise a Fault."""

    ready: Callable[[], Awaitable[None]]  # returns once it is
    health: Callable[[], Awaitable[None]] | None = None
    hopeless: Callable[[int], str] = lambda _: ""  # why an early exit will only happen again, or nothing
    changed: Callable[[ProcessReport], None] = lambda _: None


def always(program: Program) -> Callable[[], AbstractAsyncContextManager[Program]]:
    """Prepares the same program for every start."""

    @asynccontextmanager
    async def prepare() -> AsyncIterator[Program]:
        yield program

    return prepare


class Child:
    """A process that is wanted. ``prepare`` makes each start's program, and cleans up once it has been started."""

    def __init__(
        self,
        name: str,
        prepare: Callable[[], AbstractAsyncContextManager[Program]],
        watch: Watch,
        log: Path,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._name = name
        self._prepare = prepare
        self._watch = watch
        self._log = log
        self._patience = patience
        self._clock = patience.clock
        self._supervision: asyncio.Task[None] | None = None
        self._process: Process | None = None  # of the life under way
        self._restarts = 0
        self._early_deaths = 0
        self.report = ProcessReport(name=name, pid=0, state="stopped", since_unix=self._clock.unix())

    def start(self) -> None:
        """Begin to supervise. Does nothing if that is being done; a failed one is tried again."""
        if self._supervision is None or self._supervision.done():
            self._early_deaths = 0
            self._supervision = asyncio.create_task(self._supervise(), name=f"supervise {self._name}")

    async def stop(self) -> None:
        """End the process, and wait until it has: SIGTERM, and SIGKILL after the grace."""
        if self._supervision is not None:
            if (
                not self._supervision.cancelling()
            ):  # a second cancellation would cut the grace off, and the kill with it
                self._supervision.cancel()
            await asyncio.wait((self._supervision,))
            self._supervision = None
        self._say("stopped")

    def kill(self) -> None:
        """End the process without warning. It is started again, as after any other death."""
        self.tell(signal.SIGKILL)

    def tell(self, number: signal.Signals) -> None:
        """Send the process a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            _signal_group(self._process, number)

    async def _supervise(self) -> None:
        try:
            await self._keep_alive()
        except OperatorError as exc:
            self._say("failed", reason=exc.message)
        except Exception:  # noqa: BLE001 - the top of a loop: a bug here must not pass for a process that runs
            _log.exception("the supervision of %s broke", self._name)
            self._say("failed", reason="Freehold's own supervision of it broke; the supervisor's log has the details")

    async def _keep_alive(self) -> None:
        """Live after live. Raises OperatorError when there should be no next."""
        delay_s = self._patience.first_delay_s
        while True:
            began_s = self._clock.monotonic()
            reason = await self._live_once()
            if self._clock.monotonic() - began_s >= self._patience.healthy_s:
                delay_s = self._patience.first_delay_s
            self._restarts += 1
            self._say("restarting", reason=reason)
            await self._clock.sleep(delay_s)
            delay_s = min(2 * delay_s, self._patience.longest_delay_s)

    async def _live_once(self) -> str:
        """One process from start to end, and why it ended. Raises OperatorError if another would end the same way."""
        self._say("starting")
        async with self._prepare() as program:
            process = self._process = await self._spawn(program)
        try:
            self._say("starting", process)
            if problem := await self._until_ready(process):
                self._judge(problem, process.returncode)
                return problem
            self._early_deaths = 0
            self._say("running", process)
            return await self._until_end(process)
        finally:
            self._process = None
            await _end(process, self._patience.grace_s)

    async def _spawn(self, program: Program) -> Process:
        try:
            with _open_log(self._log) as log:
                return await asyncio.create_subprocess_exec(
                    *program.argv,
                    env=dict(program.env),
                    pass_fds=tuple(program.pass_fds),
                    stdin=asyncio.subprocess.DEVNULL if program.stdin is None else program.stdin,
                    stdout=log.fileno() if program.stdout is None else program.stdout,
                    stderr=log.fileno(),
                    start_new_session=True,
                )
        except OSError as exc:
            raise EstateError(
                f"{self._name} cannot be started",
                hint=f"Check that {program.argv[0]} can be run and that {self._log} can be written.",
            ) from exc

    async def _until_ready(self, process: Process) -> str:
        """Empty once it is ready; else why it is not."""
        ready, ended = asyncio.ensure_future(self._watch.ready()), asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait((ready, ended), timeout=self._patience.ready_s, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return f"{_manner(ended.result())} before it was ready; {self._log} has its last words"
            if not ready.done():
                return f"was not ready after {self._patience.ready_s:g} s"
            ready.result()
        except Fault as exc:
            return exc.message
        finally:
            await _cancel(ready, ended)
        return ""

    async def _until_end(self, process: Process) -> str:
        """Why it ended, or must be ended."""
        ended = asyncio.ensure_future(process.wait())
        failed_checks = 0
        try:
            while failed_checks < self._patience.unhealthy_checks:
                await asyncio.wait((ended,), timeout=self._patience.health_every_s)
                if ended.done():
                    return _manner(ended.result())
                _trim(self._log)
                failed_checks = 0 if await self._healthy() else failed_checks + 1
        finally:
            await _cancel(ended)
        return "no longer answered, and was killed"

    async def _healthy(self) -> bool:
        if self._watch.health is None:
            return True
        try:
            async with asyncio.timeout(self._patience.health_every_s):
                await self._watch.health()
        except (Fault, TimeoutError):
            return False
        return True

    def _judge(self, problem: str, exit_status: int | None) -> None:
        """Raises EstateError if a process that was never ready is not worth another start."""
        self._early_deaths += 1
        if exit_status is not None and (why := self._watch.hopeless(exit_status)):
            raise EstateError(why)
        if self._early_deaths == self._patience.early_deaths:
            raise EstateError(f"{problem} ({self._early_deaths} times in a row)")

    def _say(self, state: str, process: Process | None = None, *, reason: str = "") -> None:
        self.report = ProcessReport(
            name=self._name,
            pid=process.pid if process else 0,
            state=state,
            restarts=self._restarts,
            since_unix=self._clock.unix(),
            reason=reason,
        )
        self._watch.changed(self.report)


async def _end(process: Process, grace_s: float) -> None:
    """Leave nothing of the process's group."""
    try:
        if process.returncode is None:
            _signal_group(process, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace_s)
    finally:
        # Whoever is left in the group keeps its number from being given to anybody else.
        _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def _cancel(*tasks: asyncio.Task[int] | asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _manner(exit_status: int) -> str:
    if exit_status >= 0:
        return f"ended with status {exit_status}"
    names = {number.value: number.name for number in signal.Signals}
    return f"was ended by {names.get(-exit_status, f'signal {-exit_status}')}"


def _open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab", buffering=0)


def _trim(log: Path) -> None:
    """Keep a long log's last part in a second file. The process goes on appending to the first."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".old"))
            os.truncate(log, 0)
