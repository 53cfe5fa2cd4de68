# SPDX-License-Identifier: Apache-2.0
"""What a gateway takes note of about its calls, for whoever watches the estate: measures, traces, a line in the log.

Changes nothing about a call, and makes none wait. The estate's own calls, a drill's and those of acceptance, are not
taken note of: they say nothing of what callers get.
"""

import logging
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from freehold.api.measures import Measures, Pace
from freehold.api.tracing import Trace, Tracer
from freehold.contract.backend import Service
from freehold.contract.signals import Series, Signals
from freehold.errors import FreeholdError
from freehold.serve import Asked, Trail

_log = logging.getLogger("freehold.calls")
_REFUSED: Final = "refused"


class Seen(Struct):
    """One call, as it is watched."""

    pace: Pace
    trace: Trace | None


class Watch:
    """Of one gateway. ``tracer`` is None where nothing can be traced: in tests, and where there is no way out."""

    def __init__(self, tracer: Tracer | None = None, measures: Measures | None = None) -> None:
        self._measures = measures or Measures()
        self._tracer = tracer
        self._signals = Signals()
        self.pace = self._measures.pace  # a request has come: time counts from here, whatever becomes of it

    def configure(self, signals: Signals, services: tuple[Service, ...]) -> None:
        if signals.metrics:
            self._measures.expect(services)
        if self._tracer is not None:
            self._tracer.configure(signals.tracing)
        elif signals.tracing is not None and self._signals.tracing is None:
            _log.warning("nothing is traced: a sealed estate sends nothing")
        self._signals = signals

    def begin(self, pace: Pace, asked: Asked, headers: Mapping[str, str]) -> Seen | None:
        """It is a call; ``over`` is to be told how it ends. None: it is not watched."""
        signals, key = self._signals, asked.key
        if key.drill or key.pins_target or not (signals.metrics or signals.log_calls or signals.tracing):
            return None
        return Seen(pace, self._tracer.begin(asked.call.id, headers) if self._tracer else None)

    def answers(self, seen: Seen | None, asked: Asked, trail: Trail) -> Pace | None:
        """A stream begins: whom to tell of each piece that goes to the caller. None: nobody."""
        if seen is None or trail.reply is None:
            return None
        seen.pace.begin(self._measures.of(asked.service.name, trail.reply.target))
        return seen.pace

    def failed(self, asked: Asked, target: str, problem: FreeholdError) -> None:
        """A target failed a call, which may go on elsewhere."""
        if self._signals.metrics:
            self._measures.fault(target, problem.code)
        if self._tracer is not None:
            self._tracer.failed(asked.call.id, target, problem.code)

    def problem(self, code: str) -> None:
        """A caller was told of an error instead of an answer."""
        if self._signals.metrics:
            self._measures.problem(code)

    def over(self, seen: Seen | None, asked: Asked, trail: Trail) -> None:
        """The call is over, however it ended."""
        if seen is None:
            return
        signals, outcome, decision = self._signals, trail.outcome, trail.decision
        if signals.metrics and outcome is not None:
            self._measures.over(seen.pace, asked.service.name, outcome, trail.failed)
        elif signals.metrics and decision is not None and not decision.allowed:
            self._measures.refused(asked.service.name, decision)
        if seen.trace is not None and self._tracer is not None:
            took_s, first_s = seen.pace.so_far_s(), seen.pace.first_s
            self._tracer.over(seen.trace, asked, trail, took_s=took_s, first_s=first_s)
        if signals.log_calls:
            _log.info("call", extra={"fields": _fields(seen, asked, trail)})

    def series(self) -> tuple[Series, ...]:
        """All that was counted since the start."""
        if not self._signals.metrics:
            return ()
        return (*self._measures.series(), *(self._tracer.series() if self._tracer else ()))

    async def close(self) -> None:
        if self._tracer is not None:
            await self._tracer.close()


def _fields(seen: Seen, asked: Asked, trail: Trail) -> dict[str, str | int | float]:
    """Of a call's line in the log: ids, names of the configuration, codes and numbers."""
    outcome = trail.outcome
    fields: dict[str, str | int | float] = {
        "request_id": asked.call.id,
        "decision_id": trail.decision.id if trail.decision else "",
        "receipt": str(trail.position) if trail.position else "",
        "service": asked.service.name,
        "key_id": asked.key.id,
        "operation": asked.call.operation,
        "data_class": asked.call.data_class.name.lower(),
        "ending": _REFUSED,
        "took_s": round(seen.pace.so_far_s(), 6),
    }
    if outcome is not None:
        fields |= {
            "ending": outcome.ending,
            "target": outcome.target,
            "error": outcome.error,
            "input_tokens": outcome.input_tokens,
            "output_tokens": outcome.output_tokens,
            "seams": len(outcome.seams),
        }
    if seen.pace.first_s:
        fields["first_s"] = round(seen.pace.first_s, 6)
    return fields
