# SPDX-License-Identifier: Apache-2.0
"""A thread that does one and the same thing whenever it is told to, while whoever told it does something else.

Two bare locks and nothing more: a pool's futures and queues cost more than what is done here.
"""

import threading
import weakref
from collections.abc import Callable


class Alongside:
    """Ends with whoever holds it. ``begin`` and ``end`` take turns, in one thread."""

    def __init__(self, work: Callable[[], None], name: str) -> None:
        self._turn = _Turn(work)
        self._thread = threading.Thread(target=self._turn.serve, name=name, daemon=True)
        self._stop = weakref.finalize(self, self._turn.stop)
        self._thread.start()

    def begin(self) -> None:
        """Set it to work."""
        self._turn.due.release()

    def end(self) -> None:
        """Wait until it is done. Raises what it raised."""
        self._turn.done.acquire()
        failed, self._turn.failed = self._turn.failed, None
        if failed is not None:
            raise failed

    def close(self) -> None:
        self._stop()
        self._thread.join()


class _Turn:
    """What the two threads share: a lock is held by whoever may not go on."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.due, self.done = threading.Lock(), threading.Lock()
        self.due.acquire()
        self.done.acquire()
        self.failed: BaseException | None = None
        self._work = work
        self._stopped = False

    def serve(self) -> None:
        while True:
            self.due.acquire()
            if self._stopped:
                return
            try:
                self._work()
            except BaseException as exc:  # noqa: BLE001 - it is raised where it is waited for
                self.failed = exc
            self.done.release()

    def stop(self) -> None:
        self._stopped = True
        self.due.release()
