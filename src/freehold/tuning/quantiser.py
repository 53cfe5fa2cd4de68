# SPDX-License-Identifier: Apache-2.0
"""Has a jailed process write verified weights in another format, and watches it. Any interruption ends the process."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from freehold.contract.weights import VerifiedWeights
from freehold.errors import VaultError
from freehold.tuning.formats import Format
from freehold.tuning.order import LACKS_SPACE, Order, read_refusal, read_step

_WORKER: Final = (sys.executable, "-I", "-m", "freehold.tuning.worker")
_ENVIRONMENT: Final = {"HOME": "/", "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
_KEPT_ENVIRONMENT: Final = ("LD_LIBRARY_PATH",)
_STEP_S: Final = 0.5  # how often whoever waits is told, also where nothing is said
_LARGEST_LOG_BYTES: Final = 2**20
_LINE_BYTES: Final = 2**16


class Refused(Exception):
    """The model cannot be written in this format. ``why`` is for the operator."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


Steps = Callable[[int, int], None]  # tensors done, tensors in all (0: not known). Raising from it ends the work


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One model to write. Without ``binary`` the gguf package does it."""

    weights: VerifiedWeights
    draft: Path  # made anew
    kind: Format
    largest_bytes: int
    log: Path
    threads: int
    binary: Path | None = None


async def write(task: Task, steps: Steps) -> None:
    """Do it; what is not whole is taken away. Raises Refused, VaultError."""
    draft_fd = os.open(task.draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        order = Order(
            source_fd=task.weights.fd,
            draft_fd=draft_fd,
            format=task.kind.name,
            parent_pid=os.getpid(),
            folder=str(task.draft.parent),
            largest_bytes=task.largest_bytes,
            binary=str(task.binary or ""),
            threads=task.threads,
        )
        async with _started(order) as process:
            refusal = await _followed(process, task.log, steps)
            status = await process.wait()
        if status != 0:
            raise _failed(task, status, refusal)
        os.fsync(draft_fd)
    except Refused:
        task.draft.unlink()
        raise
    except OSError as exc:
        raise VaultError(f"cannot write {task.kind.name}: {os.strerror(exc.errno or 0)}") from exc
    finally:
        os.close(draft_fd)


@asynccontextmanager
async def _started(order: Order) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *_WORKER,
        env=_ENVIRONMENT | {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ},
        pass_fds=(order.source_fd, order.draft_fd),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LINE_BYTES,
        start_new_session=True,
    )
    try:
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(order))
            process.stdin.close()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _followed(process: Process, log: Path, steps: Steps) -> str:
    """Tell how far it is until it has no more to say; why it refused, if it did."""
    refusal, logged, done = "", 0, (0, 0)
    with log.open("wb") as file:
        while True:
            steps(*done)
            try:
                async with asyncio.timeout(_STEP_S):
                    line = await _line(process)
            except TimeoutError:
                continue
            if not line:
                return refusal
            refusal, done = read_refusal(line) or refusal, read_step(line) or done
            if logged < _LARGEST_LOG_BYTES:
                logged += file.write(line)


async def _line(process: Process) -> bytes:
    if process.stdout is None:
        return b""
    try:
        return await process.stdout.readline()
    except ValueError:  # a line over the limit: what came of it is thrown away
        return b"\n"


def _failed(task: Task, status: int, refusal: str) -> Refused | VaultError:
    name = task.weights.model.name
    if refusal:
        return Refused(refusal)
    if status == LACKS_SPACE or _is_full(task.draft.parent):
        return VaultError(
            f"the disk filled up while {name} was written as {task.kind.name}",
            hint="Free space on the vault's disk and try again. The vault is as it was.",
        )
    return Refused(f"the tool that writes it ended with {status}; {task.log} has what it said")


def _is_full(folder: Path) -> bool:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize < 2**20
