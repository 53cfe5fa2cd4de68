# SPDX-License-Identifier: Apache-2.0
"""Whether an engine that answers still comes to its work: llama.cpp says on other threads that it is well.

A grammar with more ways through it than can be followed keeps its one thread for work, and all slots with it, for ever.
"""

from collections.abc import Callable
from typing import Final

from freehold.engine import probe
from freehold.errors import EngineUnavailable

LONGEST_S: Final = 600.0  # far longer than any host should read one batch of a prompt for
_ANSWER_S: Final = 3.0


class Rounds:
    """When an engine was last seen between two pieces of its work."""

    def __init__(
        self, monotonic: Callable[[], float], *, longest_s: float = LONGEST_S, answer_s: float = _ANSWER_S
    ) -> None:
        self._monotonic = monotonic
        self._longest_s = longest_s
        self._answer_s = answer_s
        self._seen_s = monotonic()

    def begin(self) -> None:
        """The engine has just been loaded."""
        self._seen_s = self._monotonic()

    async def look(self, address: str) -> None:
        """Ask it again. Raises EngineUnavailable once it was not seen for too long."""
        try:
            await probe.comes_round(address, longest_s=self._answer_s)
        except EngineUnavailable as exc:
            if self._monotonic() - self._seen_s >= self._longest_s:
                raise EngineUnavailable(f"the engine has not come to its work for {self._longest_s:g} s") from exc
        else:
            self._seen_s = self._monotonic()
