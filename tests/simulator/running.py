# SPDX-License-Identifier: Apache-2.0
"""The simulator in a thread of the tests, so that tests which wait for an answer do not keep it from answering."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulator.server import Simulator


@contextmanager
def in_a_thread(simulator: Simulator) -> Iterator[Simulator]:
    loop = asyncio.new_event_loop()
    ready, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with simulator:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="simulator", daemon=True)
    thread.start()
    try:
        if not ready.wait(timeout=60):
            raise RuntimeError("the simulator did not start")
        yield simulator
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(timeout=60)
        loop.close()
