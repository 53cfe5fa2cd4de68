# SPDX-License-Identifier: Apache-2.0
"""Time as supervision needs it, handed in so that tests need not wait."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the time is, and how to let it pass."""

    def monotonic(self) -> float: ...

    def unix(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The host's."""

    def monotonic(self) -> float:
        return time.monotonic()

    def unix(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
