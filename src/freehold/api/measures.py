# SPDX-License-Identifier: Apache-2.0
"""What one gateway measures of its calls: plain numbers in lists, told from time to time to whoever adds them up.

It is on every call's way, so nothing is made for an event, and little for a call. Its series are bounded by what is
configured: services, their targets, rules and our own codes. Nothing that a caller or a provider wrote names one.
"""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

from freehold.contract.backend import Service
from freehold.contract.decision import Decision
from freehold.contract.record import Ending, Outcome
from freehold.contract.signals import Series
from freehold.signals import catalogue
from freehold.signals.catalogue import BETWEEN_S, FIRST_S, WHOLE_S, Metric

ENDINGS: Final = (Ending.COMPLETE, Ending.CONTINUED, Ending.CANCELLED, Ending.FAILED)  # that a gateway sees
REFUSED: Final = "refused"
Labels = TypeVar("Labels", bound=tuple[str, ...])


class Served:
    """What a target has answered of a service. Of a histogram the last number is the sum, in seconds."""

    __slots__ = ("between", "endings", "first", "input_tokens", "output_tokens", "whole")

    def __init__(self) -> None:
        self.endings: dict[Ending, int] = dict.fromkeys(ENDINGS, 0)
        self.input_tokens = self.output_tokens = 0
        self.first: list[float] = [0] * (len(FIRST_S) + 2)
        self.between: list[float] = [0] * (len(BETWEEN_S) + 2)
        self.whole: list[float] = [0] * (len(WHOLE_S) + 2)


class Pace:
    """When the pieces of one call's answer go to its caller."""

    __slots__ = ("_between", "_last_s", "_monotonic", "_out", "began_s", "first_s")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._between: list[float] | None = None
        self.began_s = monotonic()
        self._last_s = 0.0  # when a piece went last
        self.first_s = 0.0  # from the beginning to the first piece of a stream; 0: there was none

    def begin(self, served: Served) -> None:
        """The answer is about to be streamed. What comes is put down to whoever answers now."""
        self._between = served.between

    def before(self, out: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
        """``out``, with each piece taken note of before it goes there."""
        self._out = out
        return self._noted

    def _noted(self, piece: bytes) -> bool:
        now_s, last_s, between = self._monotonic(), self._last_s, self._between
        if last_s and between is not None:
            gap_s = now_s - last_s
            between[bisect_left(BETWEEN_S, gap_s)] += 1
            between[-1] += gap_s
        else:
            self.first_s = now_s - self.began_s
        self._last_s = now_s
        return self._out(piece)

    def so_far_s(self) -> float:
        return self._monotonic() - self.began_s


class Measures:
    """Of one gateway, since its start."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._served: dict[tuple[str, str], Served] = {}
        self._refused: Counter[str] = Counter()  # by service
        self._rules: Counter[tuple[str, str]] = Counter()  # by service and rule
        self._faults: Counter[tuple[str, str]] = Counter()  # by target and code
        self._failovers: Counter[tuple[str, str]] = Counter()  # by service and target
        self._seams: Counter[tuple[str, str, str]] = Counter()  # by service, target and kind
        self._problems: Counter[str] = Counter()  # by code

    def expect(self, services: Iterable[Service]) -> None:
        """Tell of each target from the start that it has answered nothing: what appears at 1 has no increase."""
        for service in services:
            for target in ("", *service.targets):
                self.of(service.name, target)

    def pace(self) -> Pace:
        """A call begins."""
        return Pace(self._monotonic)

    def of(self, service: str, target: str) -> Served:
        served = self._served.get((service, target))
        if served is None:
            served = self._served[service, target] = Served()
        return served

    def over(self, pace: Pace, service: str, outcome: Outcome, failed: tuple[str, ...]) -> None:
        """An admitted call is over. ``failed``: the targets that failed it before another one answered."""
        served = self.of(service, outcome.target)
        served.endings[outcome.ending] += 1
        served.input_tokens += outcome.input_tokens
        served.output_tokens += outcome.output_tokens
        whole_s = pace.so_far_s()
        served.whole[bisect_left(WHOLE_S, whole_s)] += 1
        served.whole[-1] += whole_s
        if pace.first_s:
            served.first[bisect_left(FIRST_S, pace.first_s)] += 1
            served.first[-1] += pace.first_s
        for seam in outcome.seams:
            self._seams[service, seam.left, seam.kind] += 1
        if outcome.target:
            for target in failed:
                self._failovers[service, target] += 1

    def refused(self, service: str, decision: Decision) -> None:
        """No target might see the call."""
        self._refused[service] += 1
        for rule in {rule for verdict in decision.verdicts for rule in verdict.rules}:
            self._rules[service, rule] += 1

    def fault(self, target: str, code: str) -> None:
        self._faults[target, code] += 1

    def problem(self, code: str) -> None:
        self._problems[code] += 1

    def series(self) -> Iterator[Series]:
        """All that was counted."""
        for (service, target), served in self._served.items():
            yield from _of_target((service, target), served)
        refused = {(service, "", REFUSED): count for service, count in self._refused.items()}
        yield from _counted(catalogue.CALLS, refused)
        yield from _counted(catalogue.REFUSALS, self._rules)
        yield from _counted(catalogue.FAULTS, self._faults)
        yield from _counted(catalogue.FAILOVERS, self._failovers)
        yield from _counted(catalogue.SEAMS, self._seams)
        yield from _counted(catalogue.PROBLEMS, {(code,): count for code, count in self._problems.items()})


def _of_target(names: tuple[str, str], served: Served) -> Iterator[Series]:
    for ending, count in served.endings.items():
        if count or names[1] or ending in (Ending.CANCELLED, Ending.FAILED):  # nobody answers nothing whole
            yield Series(catalogue.CALLS.name, (*names, ending), (count,))
    if not names[1]:
        return
    yield Series(catalogue.TOKENS.name, (*names, "input"), (served.input_tokens,))
    yield Series(catalogue.TOKENS.name, (*names, "output"), (served.output_tokens,))
    yield Series(catalogue.FIRST.name, names, tuple(served.first))
    yield Series(catalogue.BETWEEN.name, names, tuple(served.between))
    yield Series(catalogue.WHOLE.name, names, tuple(served.whole))


def _counted(metric: Metric, counts: Mapping[Labels, int]) -> Iterator[Series]:
    for labels, count in counts.items():
        yield Series(metric.name, labels, (count,))
