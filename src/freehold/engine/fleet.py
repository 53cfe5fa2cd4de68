# SPDX-License-Identifier: Apache-2.0
"""Every engine of an estate, in the supervisor's process. Knows what is idle; never sees a call."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from freehold.contract.backend import EngineStatus
from freehold.contract.estate import Estate
from freehold.contract.report import ProcessReport
from freehold.contract.weights import VerifiedWeights
from freehold.engine.owned import Means, OwnedEngine, Terms
from freehold.settings import EngineTargetSection

_LOOK_EVERY_S: Final = 1.0
_MEANS: Final = Means()


class EngineFleet:
    """The engines, by target. ``verify`` takes a target's name and raises VaultError for weights that may not load."""

    def __init__(
        self,
        estate: Estate,
        targets: Mapping[str, EngineTargetSection],
        verify: Callable[[str], VerifiedWeights],
        *,
        sealed: bool = False,
        means: Means = _MEANS,
    ) -> None:
        self._clock = means.patience.clock
        self._listeners: list[Callable[[EngineStatus], None]] = []
        self._watching: asyncio.Task[None] | None = None
        terms = Terms(estate=estate, verify=verify, sealed=sealed, means=means)
        self._engines = {name: OwnedEngine(name, section, terms, self._tell) for name, section in targets.items()}

    def start(self) -> None:
        """Begin to load every engine. How far they are is in ``statuses``."""
        for engine in self._engines.values():
            engine.wake()
        self._watching = asyncio.create_task(self._let_sleep(), name="let idle engines sleep")

    async def close(self) -> None:
        """Stop every engine, and wait until they are gone."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait((self._watching,))
        await asyncio.gather(*(engine.sleep() for engine in self._engines.values()))

    @property
    def statuses(self) -> tuple[EngineStatus, ...]:
        return tuple(engine.status for engine in self._engines.values())

    @property
    def processes(self) -> tuple[ProcessReport, ...]:
        return tuple(engine.process for engine in self._engines.values())

    def subscribe(self, listener: Callable[[EngineStatus], None]) -> Callable[[], None]:
        """Call ``listener`` now with every status, and with each new one; the answer ends that."""
        for status in self.statuses:
            listener(status)
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def wake(self, target: str) -> None:
        """A call is waiting. An unknown target is none of this estate's: nothing happens."""
        if engine := self._engines.get(target):
            engine.wake()

    def kill(self, target: str) -> None:
        """Have the process of a target's engine die, for a drill."""
        if engine := self._engines.get(target):
            engine.kill()

    def retry(self, model: str) -> None:
        """The vault's model was brought in or replaced: engines that had failed for it are tried again."""
        for engine in self._engines.values():
            if engine.status.model == model:
                engine.retry()

    def use(self, user: object, target: str, calls: int) -> None:
        """``user`` has so many calls with the target's engine now."""
        if engine := self._engines.get(target):
            engine.use(user, calls)

    def leave(self, user: object) -> None:
        """``user`` is gone, and its calls with it."""
        for engine in self._engines.values():
            engine.use(user, 0)

    def _tell(self, status: EngineStatus) -> None:
        for listener in tuple(self._listeners):
            listener(status)

    async def _let_sleep(self) -> None:
        while True:
            await self._clock.sleep(_LOOK_EVERY_S)
            await asyncio.gather(*(engine.sleep() for engine in self._engines.values() if engine.drowsy))
