# SPDX-License-Identifier: Apache-2.0
"""The public application: a request's way from its bytes to its answer, top to bottom."""

import asyncio
import logging
import math
import os
import re
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from msgspec import Struct, structs

from freehold.api.canary import send_canary
from freehold.api.configuration import Configuration
from freehold.api.connection import Patience
from freehold.api.counts import Counts
from freehold.api.doors import DOORS, HEALTH, MODELS, READY, RECEIPTS, Door, dialect_of
from freehold.api.drills import Rehearsal
from freehold.api.exchange import Exchange, read_body
from freehold.api.gate import Gate
from freehold.api.measures import Pace
from freehold.api.rate import Rates
from freehold.api.ready import Readiness
from freehold.api.receipts import read_path
from freehold.api.standings import GatewayStandings
from freehold.api.watching import Watch
from freehold.contract.backend import Service
from freehold.contract.call import Call, DataClass
from freehold.contract.report import GatewayReport, TargetLoad
from freehold.contract.signals import Measured, Series
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.dialect import codecs
from freehold.dialect.interface import Codec
from freehold.errors import (
    Fault,
    FreeholdError,
    GatewayUnavailable,
    InvalidRequest,
    MethodNotAllowed,
    RateLimited,
    ReceiptNotYet,
    UnknownEndpoint,
    UnknownService,
)
from freehold.http1 import RequestHead
from freehold.ledger.interface import Ledger
from freehold.policy.detect import Detection, Reader
from freehold.relay import Backends
from freehold.serve import Answer, Asked, Parts, Trail, serve
from freehold.signals import catalogue

_log = logging.getLogger(__name__)
_BETAS = re.compile(r"[A-Za-z0-9._, -]{0,1000}")
_TO_LOOK = ("GET", "HEAD")  # RFC 9110 section 9.1: whoever takes the one takes the other
_JSON = ("content-type", "application/json")
_EVENTS = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store")]


class _Visit(Struct):
    """One request while it is here."""

    id: str
    head: RequestHead
    exchange: Exchange
    trail: Trail
    read_as: Codec | None = None  # once it is known by its body

    @property
    def codec(self) -> Codec:
        """Of the dialect in which the caller expects to be answered, a refusal or an error too."""
        return self.read_as or codecs[dialect_of(self.head.path, self.head.headers)]


class Gateway:
    """The public application of one gateway process."""

    def __init__(  # noqa: PLR0913 - the parts that are handed to it, and the clock
        self,
        identity: str,
        ledger: Ledger,
        backends: Callable[[Snapshot], Backends],
        *,
        load: Callable[[], Mapping[str, int]] = dict,
        detection: Detection | None = None,
        watch: Watch | None = None,
        readiness: Readiness | None = None,
        queued: Callable[[], Mapping[str, int]] = dict,
        now_unix: Callable[[], float] = time.time,
    ) -> None:
        """``backends`` gives those of a snapshot, for the calls that are decided by it; ``load`` what they have now.

        ``queued``: how many calls wait for each engine.
        """
        self._ledger = ledger
        self._backends = backends
        self._load = load
        self._detection = detection or Detection(Reader())
        self._watch = watch or Watch()
        self._readiness = readiness or Readiness()
        self._queued = queued
        self._now_unix = now_unix
        self._rates = Rates(time.monotonic)
        self._gate = Gate()
        self._patience = Patience()
        self._configuration: Configuration | None = None
        self._parts: Parts  # of the configuration
        self._standings = GatewayStandings(now_unix, failed=self._watch.failed)
        self._rehearsal = Rehearsal(backends, now_unix)
        self._began_unix = now_unix()
        self._identity = identity
        self._counts = Counts()
        self._draining = False
        self._idle = asyncio.Event()

    def configure(self, snapshot: Snapshot) -> GatewayReport:
        """Swap the configuration whole; calls under way keep theirs."""
        self._configuration = configuration = Configuration(snapshot, self._backends(replace(snapshot, drill=None)))
        self._parts = self._parts_of(configuration, self._standings)
        self._patience = Patience(body_s=snapshot.capacity.body_s, taking_s=snapshot.capacity.taking_s)
        self._standings.take(configuration)
        self._rehearsal.configure(snapshot)
        self._detection.configure(snapshot)
        self._gate.configure(snapshot.capacity)
        self._watch.configure(snapshot.signals, snapshot.services)
        return self.report

    def _newest(self) -> Configuration:
        if self._configuration is None:
            raise GatewayUnavailable("the gateway is starting or stopping")
        return self._configuration

    @property
    def news(self) -> asyncio.Event:
        """Set when a report should not wait."""
        return self._standings.news

    @property
    def report(self) -> GatewayReport:
        """What was counted since the start, what there is now, and what was found since the last report."""
        load = tuple(TargetLoad(target=target, in_flight=calls) for target, calls in self._load().items())
        version = self._configuration.snapshot.version if self._configuration else 0
        counted = self._counts.report(self._identity, version)
        return self._standings.told(replace(counted, load=load, detected=dict(self._detection.counts)))

    @property
    def measured(self) -> Measured:
        """What was measured since the start, and what there is now."""
        requests = Series(catalogue.REQUESTS.name, (), (self._counts.calls,))
        return Measured(self._identity, self._began_unix, (requests, *self._watch.series()), tuple(self._now()))

    def _now(self) -> Iterator[Series]:
        yield Series(catalogue.IN_FLIGHT.name, (), (self._counts.in_flight,))
        yield Series(catalogue.WAITING.name, (), (self._gate.waiting,))
        for metric, calls in ((catalogue.AT_WORK, self._load()), (catalogue.QUEUED, self._queued())):
            for target, count in calls.items():
                yield Series(metric.name, (target,), (count,))

    @property
    def patience(self) -> Patience:
        """With callers, of the configuration in force."""
        return self._patience

    def reported(self, report: GatewayReport) -> None:
        """The report is on its way: what was found is not told again."""
        self._standings.reported(report)

    async def try_target(self, target: str) -> None:
        """Make the estate's own small call to a target. A report has what comes of it, as of any call."""
        configuration = self._newest()
        if not self._draining:
            now_unix = self._now_unix()
            await send_canary(target, configuration, self._parts, call_id=_new_id(now_unix), now_unix=now_unix)

    async def drain(self, patience_s: float) -> None:
        """Take no more calls, and let those in flight finish, so that their records say how they ended."""
        self._draining = True
        if not self._counts.in_flight:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._idle.wait()

    async def answer(self, head: RequestHead, exchange: Exchange) -> None:
        """One request. Whoever hangs up cancels it, whatever it is waiting for."""
        visit = _Visit(_new_id(self._now_unix()), head, exchange, Trail())
        counts = self._counts
        counts.calls += 1
        counts.in_flight += 1
        try:
            if at_work := self._dispatch(visit):
                await at_work
        except FreeholdError as problem:
            counts.problem(problem)
            self._watch.problem(problem.code)
            _respond_with(problem, visit)
        except Exception:  # noqa: BLE001 - the top of a request: a bug costs one call, and tells the caller nothing of itself
            _log.exception("bug in %s", visit.id, extra={"fields": _ids(visit)})
            counts.failed += 1
            self._watch.problem(FreeholdError.code)
            _respond_with(FreeholdError("an internal error: the operator's log has it under the request id"), visit)
        finally:
            counts.in_flight -= 1
            if self._draining and not counts.in_flight:
                self._idle.set()

    def _dispatch(self, visit: _Visit) -> Coroutine[Any, Any, None] | None:
        """What is still to be waited for. None: it is answered."""
        path = visit.head.path
        if path in (HEALTH, READY):
            self._tell_vitals(visit)
            return None
        configuration = self._newest()
        if self._draining:
            raise GatewayUnavailable("the gateway is stopping")
        held = self._hold(visit, configuration)
        key, configuration = held.key, held.configuration
        self._rates.take(key)
        if door := DOORS.get(path):
            _require(visit, "POST")
            return self._call(visit, door, held)
        if path.startswith(RECEIPTS):
            _require(visit, *_TO_LOOK)
            return self._give_receipt(visit, key)
        if path == MODELS or path.startswith(f"{MODELS}/"):
            _require(visit, *_TO_LOOK)
            self._list_models(visit, key, configuration)
            return None
        raise UnknownEndpoint(f"there is no endpoint {path[:200]!r}")

    def _tell_vitals(self, visit: _Visit) -> None:
        """That it is alive; or whether it would answer a call now. Without a key, and without a reason."""
        _require(visit, *_TO_LOOK)
        configuration = self._configuration
        if visit.head.path == HEALTH:
            visit.exchange.respond(200, [_JSON], b'{"status":"ok"}')
        elif configuration is not None and not self._draining and self._readiness.is_ready(configuration):
            visit.exchange.respond(200, [_JSON], b'{"status":"ready"}')
        else:
            visit.exchange.respond(503, [_JSON, ("retry-after", "1")], b'{"status":"not ready"}')

    def _hold(self, visit: _Visit, newest: Configuration) -> "_Held":
        """What a request is served with as things are now. Raises InvalidKey."""
        key = newest.authenticate(visit.head.headers, self._now_unix())
        if not key.drill:
            return _Held(newest, key, newest, self._parts)
        configuration, standings = self._rehearsal.serving(key)
        return _Held(newest, key, configuration, self._parts_of(configuration, standings))

    async def _call(self, visit: _Visit, door: Door, held: "_Held") -> None:
        arrived = self._watch.pace()
        with await self._gate.place() as place:
            headers, limit_bytes = visit.head.headers, held.configuration.snapshot.max_body_bytes
            body = await read_body(headers, visit.exchange, limit_bytes, place.hold)
            if held.newest is not (newest := self._newest()):  # a body may be long in coming
                held = self._hold(visit, newest)
            asked, on = self._asked(visit, door, body, held.key, held.configuration), held.on
            call = await self._detection.raised(asked.call, asked.request.fields, held.configuration.snapshot)
            if call is not asked.call:
                asked = structs.replace(asked, call=call)
            trail, seen = visit.trail, self._watch.begin(arrived, asked, headers)
            try:
                async with serve(asked, on, trail) as answer:
                    if asked.request.stream:
                        await _stream(answer, visit, self._watch.answers(seen, asked, trail))
                    elif (whole := answer.at_once()) is not None:
                        _respond(whole, visit)
                    else:
                        _respond(b"".join([piece async for piece in answer]), visit)
            finally:
                self._watch.over(seen, asked, trail)
                if trail.reply is not None:
                    self._counts.failovers += len(trail.failed)
                    self._counts.seams += len(trail.reply.seams)

    def _asked(self, visit: _Visit, door: Door, body: bytes, key: ApiKey, configuration: Configuration) -> Asked:
        headers = visit.head.headers
        visit.read_as = codec = codecs[dialect_of(visit.head.path, headers, body)]
        read = codec.parse(door.operation, body)
        service = configuration.names.service(read.asked)
        if service is None:
            raise UnknownService(f"no service answers to {read.asked[:200]!r}")
        request = structs.replace(
            read,
            id=visit.id,
            at_unix=int(self._now_unix()),
            betas=_betas(headers),
            drop=frozenset(service.drop),
        )
        call = Call(
            id=visit.id,
            dialect=codec.dialect,
            operation=request.operation,
            asked=request.asked,
            service=service.name,
            key_id=key.id,
            data_class=max(key.data_class, service.data_class, _claimed_class(headers)),
            stream=request.stream,
            body=body,
        )
        return Asked(
            call=call,
            request=request,
            codec=codec,
            key=key,
            service=service,
            targets=configuration.targets(service),
            pinned=_pinned(headers, key, service),
            show_seam=headers.get("freehold-show-seam") == "1",
        )

    def _parts_of(self, configuration: Configuration, standings: GatewayStandings) -> Parts:
        return Parts(
            snapshot_version=configuration.snapshot.version,
            policy=configuration.policy,
            ledger=self._ledger,
            backends=configuration.backends,
            standings=standings,
        )

    def _list_models(self, visit: _Visit, key: ApiKey, configuration: Configuration) -> None:
        asked = visit.head.path.removeprefix(MODELS).lstrip("/")
        if not asked:
            body = visit.codec.models(configuration.names_for(key), int(self._began_unix))
        else:
            service = configuration.names.service(asked)
            if service is None or not key.lists(service.name):
                raise UnknownService(f"no service answers to {asked[:200]!r}")
            body = visit.codec.model(asked, int(self._began_unix))
        visit.exchange.respond(200, _marked(visit, _JSON), body)

    async def _give_receipt(self, visit: _Visit, key: ApiKey) -> None:
        asked = read_path(visit.head.path, visit.head.query, visit.head.headers.get("accept", ""))
        receipt = await self._ledger.receipt(asked.position, key=key.id, form=asked.form)
        visit.exchange.respond(200, _marked(visit, *asked.headers), receipt)


class _Held(Struct, frozen=True):
    """What a request is served with. ``newest`` was in force when that was looked up; a drill has one of its own."""

    newest: Configuration
    key: ApiKey
    configuration: Configuration
    on: Parts


def _new_id(now_unix: float) -> str:
    return f"call_{int(now_unix * 1000):012x}{os.urandom(8).hex()}"


def _respond(whole: bytes, visit: _Visit) -> None:
    visit.exchange.respond(200, _marked(visit, _JSON), whole)


async def _stream(answer: Answer, visit: _Visit, pace: Pace | None) -> None:
    """``pace`` is told of each piece."""
    exchange = visit.exchange
    exchange.begin(200, _marked(visit, *_EVENTS))
    push = exchange.push if pace is None else pace.before(exchange.push)
    async for piece in answer:
        if not push(piece):
            await exchange.taken()
        await answer.pour(push)  # most of a stream passes here, in the turn of the loop that brings it
    exchange.end()


def _claimed_class(headers: dict[str, str]) -> DataClass:
    """The class that the caller gives this one call. It can only raise what the key and the service already say."""
    said = headers.get("freehold-data-class")
    if said is None:
        return DataClass.PUBLIC
    claimed = said.upper()
    if claimed not in DataClass.__members__:
        names = ", ".join(name.lower() for name in DataClass.__members__)
        raise InvalidRequest(f"Freehold-Data-Class is one of {names}")
    return DataClass[claimed]


def _pinned(headers: dict[str, str], key: ApiKey, service: Service) -> str:
    """The target that the estate's own call is for. What any other key says of it is not looked at."""
    if not key.pins_target:
        return ""
    target = headers.get("freehold-target", "")
    if target not in service.targets:
        raise InvalidRequest("Freehold-Target names a target of the service")
    return target


def _betas(headers: dict[str, str]) -> str:
    """Names alone, for they are sent on."""
    betas = headers.get("anthropic-beta", "")
    if betas and not _BETAS.fullmatch(betas):
        raise InvalidRequest("anthropic-beta is a list of names, with commas between them")
    return betas


def _ids(visit: _Visit) -> dict[str, str]:
    """For a line in the log."""
    return {"request_id": visit.id, "decision_id": visit.trail.decision.id if visit.trail.decision else ""}


def _require(visit: _Visit, *methods: str) -> None:
    if visit.head.method not in methods:
        raise MethodNotAllowed(f"{visit.head.path} takes {' and '.join(methods)}", allowed=methods)


def _marked(visit: _Visit, *headers: tuple[str, str]) -> list[tuple[str, str]]:
    """With the headers that every answer carries, and those of an admitted call as far as they are known."""
    trail = visit.trail
    marked = [*headers, ("x-request-id", visit.id), ("request-id", visit.id)]
    if trail.decision:
        marked.append(("freehold-decision", trail.decision.id))
    if trail.position:
        marked.append(("freehold-receipt", str(trail.position)))
    if trail.reply:
        marked.append(("freehold-target", trail.reply.target))
        if dropped := trail.reply.exchange.dropped:
            marked.append(("freehold-dropped", ", ".join(dropped)))
        if trail.reply.limits:
            marked += visit.codec.limit_headers(trail.reply.limits)
    return marked


def _respond_with(problem: FreeholdError, visit: _Visit) -> None:
    status, body = visit.codec.error(problem, visit.id)
    headers = _marked(visit, _JSON)
    if isinstance(problem, Fault | RateLimited | ReceiptNotYet):
        headers.append(("retry-after", str(math.ceil(problem.retry_after_s))))
    if isinstance(problem, MethodNotAllowed):
        headers.append(("allow", ", ".join(problem.allowed)))
    visit.exchange.respond(status, headers, body)
