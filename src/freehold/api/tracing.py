# SPDX-License-Identifier: Apache-2.0
"""The traces of calls: which one each belongs to, and its spans once it is over. Content of calls is in none.

A call is one span of a server, and one of a client for whoever answered it. Names of the configuration and our own ids
and codes stand in them, and numbers; nothing that a caller or a provider wrote, but the ids of a ``traceparent`` that
the estate believes.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from freehold.contract.backend import Target
from freehold.contract.record import Outcome
from freehold.contract.signals import Series, Tracing
from freehold.serve import Asked, Trail
from freehold.signals import catalogue, semconv, traceparent
from freehold.signals.exporting import FATES, Exporter
from freehold.signals.span import Happening, Kind, Span, Value

_LAST_S: Final = 2.0  # for what is not sent yet when the gateway stops
_MOST_HAPPENINGS: Final = 32  # of one call


class Receiver(Protocol):
    """Whoever collects spans."""

    async def send(self, spans: Sequence[Span]) -> int:
        """How many were taken. Raises FreeholdError."""
        ...

    async def close(self) -> None: ...


class Trace:
    """The trace of one call that is under way."""

    __slots__ = ("happened", "parent_id", "sampled", "span_id", "trace_id")

    def __init__(self, trace_id: str, span_id: str, parent_id: str, *, sampled: bool) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_id = parent_id
        self.sampled = sampled
        self.happened: list[Happening] = []


class Tracer:
    """Of one gateway. ``receiver`` makes the way to whom the configuration names."""

    def __init__(self, receiver: Callable[[Tracing], Receiver], now_ns: Callable[[], int] = time.time_ns) -> None:
        self._receiver = receiver
        self._now_ns = now_ns
        self._random = random.Random()  # noqa: S311 - ids that need to differ, and to be no secret
        self._tracing: Tracing | None = None
        self._exporter: Exporter | None = None
        self._exporting: asyncio.Task[None] | None = None
        self._under_way: dict[str, Trace] = {}  # by the call's id
        self._fates: Counter[str] = Counter(dict.fromkeys(FATES, 0))

    def configure(self, tracing: Tracing | None) -> None:
        """What waits for a receiver that is no longer named is sent there still, if that is quick."""
        if tracing == self._tracing:
            return
        if self._exporting is not None:
            self._exporting.cancel()
        self._tracing, self._exporter, self._exporting = tracing, None, None
        if tracing is not None:
            receiver = self._receiver(tracing)
            self._exporter = Exporter(receiver.send, self._fates)
            self._exporting = asyncio.create_task(_export(self._exporter, receiver), name="send traces")

    async def close(self) -> None:
        exporting, self._exporting = self._exporting, None
        if exporting is not None:
            exporting.cancel()
            await asyncio.wait((exporting,))

    def begin(self, call_id: str, headers: Mapping[str, str]) -> Trace | None:
        """The call's trace; None where nothing is traced."""
        tracing = self._tracing
        if tracing is None:
            return None
        said = traceparent.read(headers.get(traceparent.HEADER, "")) if tracing.takes_parent else None
        if said is not None:
            trace = Trace(said.trace_id, self._id(64), said.span_id, sampled=said.sampled)
        else:
            trace = Trace(self._id(128), self._id(64), "", sampled=self._random.random() < tracing.share)
        self._under_way[call_id] = trace
        return trace

    def passed_on(self, decision_id: str) -> str:
        """The ``traceparent`` for whoever answers a decision's call; empty: none. Made for a caller's own trace alone:
        nobody else would know what to do with it.
        """
        trace = self._under_way.get(f"call_{decision_id.removeprefix('dec_')}") if self._under_way else None
        return (
            traceparent.written(trace.trace_id, trace.span_id, sampled=trace.sampled)
            if trace and trace.parent_id
            else ""
        )

    def failed(self, call_id: str, target: str, code: str) -> None:
        """A target failed the call, which may go on elsewhere."""
        trace = self._under_way.get(call_id)
        if trace is not None and trace.sampled and len(trace.happened) < _MOST_HAPPENINGS:
            attributes = {semconv.TARGET: target, semconv.ERROR_TYPE: code}
            trace.happened.append(Happening(self._now_ns(), "freehold.target_failed", attributes))

    def over(self, trace: Trace, asked: Asked, trail: Trail, *, took_s: float, first_s: float) -> None:
        """The call is over. Nothing was decided about one without a decision, and it leaves no span."""
        self._under_way.pop(asked.call.id, None)
        if self._exporter is None or not trace.sampled or trail.decision is None:
            return
        ended_ns = self._now_ns()
        began_ns = ended_ns - int(took_s * 1e9)
        outcome = trail.outcome
        answering = _answering(asked, outcome)
        self._exporter.offer(
            Span(
                trace_id=trace.trace_id,
                span_id=trace.span_id,
                parent_id=trace.parent_id,
                name=f"{semconv.OPERATIONS[asked.call.operation]} {asked.service.name}",
                kind=Kind.SERVER,
                began_ns=began_ns,
                ended_ns=ended_ns,
                attributes=_of_call(asked, trail, first_s),
                error=outcome.error if outcome else "policy_denied",
                happened=tuple(trace.happened),
            )
        )
        if answering is not None and outcome is not None:
            since_ns = trace.happened[-1].at_ns if trace.happened else began_ns
            self._exporter.offer(self._of_answer(trace, asked, answering, outcome, (since_ns, ended_ns)))

    def series(self) -> list[Series]:
        """What became of spans, where there ever were any."""
        if self._tracing is None and not any(self._fates.values()):
            return []
        return [Series(catalogue.SPANS.name, (fate,), (self._fates[fate],)) for fate in FATES]

    def _of_answer(
        self, trace: Trace, asked: Asked, answering: Target, outcome: Outcome, spanned_ns: tuple[int, int]
    ) -> Span:
        operation = semconv.OPERATIONS[asked.call.operation]
        return Span(
            trace_id=trace.trace_id,
            span_id=self._id(64),
            parent_id=trace.span_id,
            name=f"{operation} {answering.model.name}",
            kind=Kind.CLIENT,
            began_ns=spanned_ns[0],
            ended_ns=spanned_ns[1],
            attributes={
                semconv.OPERATION: operation,
                semconv.PROVIDER: semconv.provider_name(answering.operator),
                semconv.REQUEST_MODEL: answering.model.name,
                semconv.INPUT_TOKENS: outcome.input_tokens,
                semconv.OUTPUT_TOKENS: outcome.output_tokens,
                semconv.TARGET: answering.name,
                **({semconv.ERROR_TYPE: outcome.error} if outcome.error else {}),
            },
            error=outcome.error,
        )

    def _id(self, bits: int) -> str:
        """Never zero, which would be none."""
        return f"{self._random.getrandbits(bits) or 1:0{bits // 4}x}"


def _of_call(asked: Asked, trail: Trail, first_s: float) -> dict[str, Value]:
    outcome, decision = trail.outcome, trail.decision
    attributes: dict[str, Value] = {
        semconv.SERVICE: asked.service.name,
        semconv.CALL: asked.call.id,
        semconv.DECISION: decision.id if decision else "",
        semconv.DATA_CLASS: asked.call.data_class.name.lower(),
        semconv.ENDING: outcome.ending if outcome else "refused",
        semconv.SEAMS: len(outcome.seams) if outcome else 0,
    }
    if trail.position:
        attributes[semconv.RECEIPT] = str(trail.position)
    if first_s:
        attributes[semconv.FIRST_S] = first_s
    if error := outcome.error if outcome else "policy_denied":
        attributes[semconv.ERROR_TYPE] = error
    return attributes


def _answering(asked: Asked, outcome: Outcome | None) -> Target | None:
    return next((target for target in asked.targets if outcome and target.name == outcome.target), None)


async def _export(exporter: Exporter, receiver: Receiver) -> None:
    """Until cancelled; then what is left, within a limit."""
    try:
        await exporter.run()
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_S):
                await exporter.flush()
        await receiver.close()
