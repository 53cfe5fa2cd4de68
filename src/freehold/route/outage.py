# SPDX-License-Identifier: Apache-2.0
"""Which targets are degraded: an outage, as one gateway learns it from its calls, and learns that it is over.

A target that failed several calls in a row comes after those that work. From time to time one call tries it in its own
place: nothing is sent that nobody asked for. Only answers that came whole, several of them and over some time, bring it
back; and the sooner it fails again, the more is asked of it. Pure, but for the clock that is handed in: it must be one
that never goes back. Of withdrawals nothing is known here.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Final

from freehold.contract.report import Outage
from freehold.errors import (
    BackendBroke,
    EngineUnavailable,
    FreeholdError,
    ProviderBusy,
    ProviderRefused,
    ProviderUnavailable,
)

FAULTS: Final = 3  # in a row, that make a target degraded
FIRST_PAUSE_S: Final = 1.0  # before the first probe
LONGEST_PAUSE_S: Final = 60.0  # it doubles with every probe that fails, and with every relapse
ANSWERS: Final = 3  # whole ones, without a fault between them, that end it; they take at least as long as the pause
MOST_ANSWERS: Final = 12  # they double with every relapse
RELAPSE_S: Final = 600.0  # how long after its end another outage is a relapse

# A full engine (EngineBusy) has work, and what a caller got wrong is the caller's: neither is an outage.
_OUTAGES: Final = (ProviderUnavailable, ProviderBusy, ProviderRefused, BackendBroke, EngineUnavailable)


class Outages:
    """The targets of one gateway that did not just work. A call is named by its id, from ``order`` to ``over``."""

    def __init__(self, monotonic: Callable[[], float], now_unix: Callable[[], float]) -> None:
        """``now_unix`` dates what is shown, and decides nothing."""
        self._monotonic = monotonic
        self._now_unix = now_unix
        self._known: dict[str, _Known] = {}

    @property
    def degraded(self) -> tuple[Outage, ...]:
        """Every target that is, by name."""
        return tuple(
            Outage(target=target, since_unix=known.down.since_unix, error=known.error, faults=known.faults)
            for target, known in sorted(self._known.items())
            if known.down
        )

    def order(self, call: str, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Those that work first, in the order given; then the degraded ones, then those that asked for a wait.

        A degraded one whose probe is due keeps its place, for this call and no other.
        """
        if not self._known:
            return targets
        now_s = self._monotonic()
        at_once: list[str] = []
        degraded: list[str] = []
        busy: list[str] = []
        for target in targets:
            known = self._known.get(target)
            if known is None:
                at_once.append(target)
            elif now_s < known.busy_until_s:
                busy.append(target)
            elif known.down is None or known.down.tried_by(call, now_s):
                at_once.append(target)
            else:
                degraded.append(target)
        return (*at_once, *degraded, *busy)

    def answered(self, call: str, target: str) -> None:
        """It began to answer: while the call lasts, the next one may try it too, after a while."""
        for name, known in self._known.items():
            if name == target:
                known.busy_until_s = 0.0
            if known.down and known.down.probe == call:
                if name == target:
                    known.down.due_s = self._monotonic() + known.pause_s / (known.needed - 1)
                known.down.probe = ""

    def whole(self, target: str) -> bool:
        """Its answer came whole. True if that ends an outage."""
        known = self._known.get(target)
        if known is None:
            return False
        now_s = self._monotonic()
        known.faults = 0
        if known.down is None:
            if now_s >= max(known.busy_until_s, known.relapse_until_s):
                del self._known[target]
            return False
        if not known.down.answers:
            known.down.answers_since_s = now_s
        known.down.answers += 1
        if known.down.answers < known.needed or now_s - known.down.answers_since_s < known.pause_s:
            return False
        known.down, known.relapse_until_s = None, now_s + RELAPSE_S
        return True

    def failed(self, call: str, target: str, problem: FreeholdError) -> bool:
        """It did not answer, or broke off. True if that makes it degraded."""
        if not isinstance(problem, _OUTAGES):
            self.spare(call, target)
            return False
        known = self._known.setdefault(target, _Known())
        now_s = self._monotonic()
        if isinstance(problem, ProviderBusy) and known.waits(problem.retry_after_s, now_s):
            self.spare(call, target)
            return False
        known.faults += 1
        known.error = problem.code
        if known.down is None:
            if known.faults >= FAULTS:
                known.fall(now_s, self._now_unix())
            return known.down is not None
        known.down.answers = 0
        if call in known.down.probes:
            known.pause_s = min(2 * known.pause_s, LONGEST_PAUSE_S)
            known.down.due_s = now_s + known.pause_s
        self.spare(call, target)
        return False

    def spare(self, call: str, target: str) -> None:
        """It failed the call for a reason that says nothing of it: let another call try it."""
        known = self._known.get(target)
        if known and known.down and known.down.probe == call:
            known.down.probe = ""

    def over(self, call: str) -> None:
        """The call is over. What it might have tried, and did not, another may."""
        for known in self._known.values():
            if known.down:
                known.down.probes.discard(call)
                if known.down.probe == call:
                    known.down.probe = ""

    def keep(self, targets: Container[str]) -> None:
        """Forget all others: they are gone, or stand otherwise by the estate's own decision."""
        self._known = {target: known for target, known in self._known.items() if target in targets}


@dataclass(slots=True)
class _Down:
    """One outage, as long as it lasts."""

    since_unix: float
    due_s: float  # when the next call may try
    probe: str = ""  # the call that is about to
    probes: set[str] = field(default_factory=set)  # the calls that have, and are not over
    answers: int = 0  # whole ones since the last fault
    answers_since_s: float = 0.0

    def tried_by(self, call: str, now_s: float) -> bool:
        """Whether this call is to try, and no other meanwhile."""
        if self.probe or now_s < self.due_s:
            return False
        self.probe = call
        self.probes.add(call)
        return True


@dataclass(slots=True)
class _Known:
    """What is remembered of one target."""

    faults: int = 0  # in a row
    error: str = ""  # the newest fault's code
    busy_until_s: float = 0.0  # it asked not to be called before; 0: it has answered since
    down: _Down | None = None
    pause_s: float = 0.0  # of this outage, or of the last one
    needed: int = 0  # the answers that end it
    relapse_until_s: float = 0.0

    def fall(self, now_s: float, now_unix: float) -> None:
        """It is degraded from now on."""
        relapse = now_s < self.relapse_until_s
        self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S) if relapse else FIRST_PAUSE_S
        self.needed = min(2 * self.needed, MOST_ANSWERS) if relapse else ANSWERS
        self.down = _Down(since_unix=now_unix, due_s=now_s + self.pause_s)

    def waits(self, wait_s: float, now_s: float) -> bool:
        """Leave it alone for as long as it asks, within reason. False if it was, and asks again: that is a fault."""
        again = 0 < self.busy_until_s <= now_s
        self.busy_until_s = now_s + min(wait_s, LONGEST_PAUSE_S)
        return not again
