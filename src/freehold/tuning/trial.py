# SPDX-License-Identifier: Apache-2.0
"""An engine that is started to be measured: planned, jailed and supervised like one that serves, and of no target."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from freehold.channel import reachable_path
from freehold.contract.backend import EngineState, EngineStatus
from freehold.contract.estate import Estate
from freehold.contract.weights import VerifiedWeights
from freehold.engine.owned import Means, OwnedEngine, Terms
from freehold.engine.supervise import Patience
from freehold.errors import EngineUnavailable
from freehold.settings import EngineTargetSection

TRIAL: Final = ".tuning"  # no target can be called so
TRIALS: Final = Means(patience=Patience(early_deaths=1))

_STEP_S: Final = 0.2
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An engine that is ready. ``address`` is its socket's name, ``socket`` the same as a path."""

    address: str
    socket: Path
    status: EngineStatus

    def resident_bytes(self) -> int:
        """What it has in memory now, its weights included; 0 if that cannot be read."""
        try:
            pages = int(Path(f"/proc/{self.status.pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return pages * _PAGE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where trials are held, and how."""

    estate: Estate
    section: EngineTargetSection  # of the target that would run the model
    sealed: bool = False
    means: Means = TRIALS


@asynccontextmanager
async def trial(bench: Bench, verify: Callable[[], VerifiedWeights], told: Callable[[], None]) -> AsyncIterator[Trial]:
    """The engine, for as long as the block lasts. ``told`` is called while it loads; raising from it ends that.

    Raises EngineUnavailable with why it could not be started.
    """
    news = asyncio.Event()

    def changed(_: EngineStatus) -> None:
        news.set()

    terms = Terms(estate=bench.estate, verify=lambda _: verify(), sealed=bench.sealed, means=bench.means)
    engine = OwnedEngine(TRIAL, bench.section, terms, changed)
    engine.wake()
    try:
        while engine.status.state is not EngineState.READY:
            told()
            if engine.status.state is EngineState.FAILED:
                raise EngineUnavailable(f"the engine did not start: {engine.status.reason}")
            news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STEP_S):
                    await news.wait()
        socket = Path(engine.status.socket)
        yield Trial(address=reachable_path(socket), socket=socket, status=engine.status)
    finally:
        await engine.sleep()
        _clear(bench.estate.engine_folder(TRIAL))


def _clear(folder: Path) -> None:
    """Leave nothing of the trial."""
    with contextlib.suppress(OSError):
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
