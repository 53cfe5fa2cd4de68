# SPDX-License-Identifier: Apache-2.0
"""How often signing in may fail. A token has 256 bits, so this keeps logs short and mistakes cheap, no more."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from freehold.errors import RateLimited

PER_ADDRESS = 5
IN_ALL = 20
WITHIN_S = 60.0


@dataclass(slots=True)
class Attempts:
    """The failures of the last minute."""

    now_s: Callable[[], float]
    _failures: deque[tuple[float, str]] = field(default_factory=deque)  # when, and from where; oldest first

    def require_room(self, address: str) -> None:
        """Raises RateLimited, even for whoever would sign in rightly now: else it could go on being guessed."""
        now_s = self.now_s()
        while self._failures and now_s - self._failures[0][0] >= WITHIN_S:
            self._failures.popleft()
        own = [at_s for at_s, whence in self._failures if whence == address]
        everyones = [at_s for at_s, _ in self._failures]
        for failures, most in ((own, PER_ADDRESS), (everyones, IN_ALL)):
            if len(failures) >= most:
                wait_s = WITHIN_S - (now_s - failures[-most])
                raise RateLimited("signing in has failed too often within a minute", retry_after_s=wait_s)

    def failed(self, address: str) -> None:
        self._failures.append((self.now_s(), address))
