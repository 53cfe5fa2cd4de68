# SPDX-License-Identifier: Apache-2.0
"""The gateway's way to providers: one view for each snapshot, so that a call keeps what it was decided by.

Nothing is contacted but by a call. A call is asked once; what went wrong before its first event may be tried elsewhere.
"""

import time
from collections.abc import AsyncIterator, Mapping
from types import TracebackType

from msgspec import Struct

from freehold.contract.backend import BackendKind, Target
from freehold.contract.decision import Decision
from freehold.contract.endpoint import AnswerLimits, Endpoint
from freehold.contract.estate import Estate
from freehold.contract.snapshot import Snapshot
from freehold.dialect.interface import Backend, Event, Upstream, Wire
from freehold.dialect.limits import RateLimits, read_limits
from freehold.egress.dialler import Dialler, Lookup, look_up
from freehold.egress.interface import Leave, Response, Way, WayBroken
from freehold.egress.sabotage import Faults, Saboteur
from freehold.egress.secrets import Secrets
from freehold.errors import ProviderUnavailable
from freehold.provider.asking import backend_at, headers_of, path_of
from freehold.provider.faults import Place, fault_of, fault_within, unreached
from freehold.provider.reading import (
    Events,
    NoEvents,
    Watch,
    beginning,
    is_stream,
    require_plain,
    require_type,
    too_slow,
    whole,
)


class ProviderAnswer(Struct, frozen=True, kw_only=True):
    """What came back: ``body``, or ``events`` for a stream. The other one is empty."""

    body: bytes
    events: AsyncIterator[Event]
    limits: RateLimits | None


class Providers:
    """Every provider of the estate. Connections outlast a snapshot that does not change their endpoint."""

    def __init__(
        self, estate: Estate, secrets: Secrets, *, watch: Watch | None = None, lookup: Lookup = look_up
    ) -> None:
        self._estate = estate
        self._secrets = secrets
        self._watch = watch = watch or Watch(unix=time.time, monotonic=time.monotonic)
        self._lookup = lookup
        self._diallers: dict[Endpoint, Dialler] = {}
        self._faults = Faults(watch.unix)

    def under(self, snapshot: Snapshot) -> "Provided":
        """The providers as the snapshot has them, for the calls that it decides."""
        gone = self._diallers.keys() - set(snapshot.endpoints)
        for endpoint in gone:
            self._diallers.pop(endpoint).retire()
        for endpoint in snapshot.endpoints:
            if endpoint not in self._diallers:
                self._diallers[endpoint] = Dialler(endpoint, self._estate, lookup=self._lookup)
        ways: dict[str, Way] = {endpoint.provider: self._diallers[endpoint] for endpoint in snapshot.endpoints}
        if drill := snapshot.drill:
            self._faults.put(drill)
            ways = {name: Saboteur(self._diallers[way.endpoint], self._faults, drill.id) for name, way in ways.items()}
        targets = {target.name: target for target in snapshot.targets if target.kind is BackendKind.PROVIDER}
        return Provided(targets, ways, self._secrets, self._watch)

    def close(self) -> None:
        for dialler in self._diallers.values():
            dialler.close()


class Provided:
    """The providers of one snapshot."""

    def __init__(self, targets: Mapping[str, Target], ways: Mapping[str, Way], secrets: Secrets, watch: Watch) -> None:
        self.targets = targets
        self._ways = ways
        self._secrets = secrets
        self._watch = watch
        self._known: dict[str, _Known] = {}

    async def ready(self, target: str) -> Backend:
        """What the provider can do. Raises ProviderUnavailable."""
        return self._found(target).backend

    def open(self, target: str, upstream: Upstream, decision: Decision) -> "_Asking":
        """Ask. Leaving the context cuts the connection, unless the answer was read to its end.

        Raises ProviderUnavailable, ProviderBusy, ProviderRefused, ProviderBroke, and what the provider found wrong with
        the request: InvalidRequest, ContextExceeded.
        """
        return _Asking(self._found(target), upstream, decision, self._secrets, self._watch)

    def _found(self, target: str) -> "_Known":
        known = self._known.get(target)
        if known is None:
            found = self.targets[target]
            way = self._ways.get(found.operator)
            if way is None:
                raise ProviderUnavailable(f"provider {found.operator} has no endpoint in the configuration in force")
            known = self._known[target] = _Known(found, way, backend_at(way.endpoint, found))
        return known


class _Known:
    """A target, the way to it, and what an exchange must know of it."""

    __slots__ = ("_manners", "backend", "target", "way")

    def __init__(self, target: Target, way: Way, backend: Backend) -> None:
        self.target = target
        self.way = way
        self.backend = backend
        self._manners: dict[tuple[Wire, bool], _Manner] = {}

    def manner(self, upstream: Upstream, secret: str) -> "_Manner":
        """How to ask. The newest of each kind is kept, but for what comes of a single call."""
        kind = upstream.wire, upstream.stream
        own = upstream.betas or upstream.traceparent
        manner = None if own else self._manners.get(kind)
        if manner is None or manner.place.secret != secret:
            endpoint = self.way.endpoint
            manner = _Manner(
                Place(provider=endpoint.provider, secret=secret),
                path_of(endpoint, upstream.wire, self.target.model.name),
                headers_of(endpoint, upstream, secret),
            )
            if not own:
                self._manners[kind] = manner
        return manner


class _Manner(Struct, frozen=True):
    """What is the same in most calls to a target."""

    place: Place
    path: str
    headers: Mapping[str, str]


class _Asking:
    """One call to a provider, as a context: its answer is there within, and cut off behind it."""

    __slots__ = ("_decision", "_known", "_response", "_secrets", "_upstream", "_watch")

    def __init__(self, known: _Known, upstream: Upstream, decision: Decision, secrets: Secrets, watch: Watch) -> None:
        self._known = known
        self._upstream = upstream
        self._decision = decision
        self._secrets = secrets
        self._watch = watch
        self._response: Response | None = None

    async def __aenter__(self) -> ProviderAnswer:
        known, upstream, endpoint = self._known, self._upstream, self._known.way.endpoint
        secret, limits = self._secrets.of(endpoint), endpoint.limits
        manner = known.manner(upstream, secret.reveal() if secret else "")
        place = manner.place
        limit, patience_s = ("whole_answer_s", limits.whole_answer_s)
        if upstream.stream:
            limit, patience_s = ("first_event_s", limits.first_event_s)
        leave = Leave(decision=self._decision, target=known.target)
        try:
            with self._watch.within(patience_s):
                try:
                    self._response = response = await known.way.post(manner.path, upstream.body, manner.headers, leave)
                except WayBroken as exc:
                    raise unreached(exc, place, limits.connect_s) from exc
                return await self._answer(response, upstream, limits, place)
        except BaseException as exc:
            self._close()
            if isinstance(exc, TimeoutError):
                raise too_slow(limit, patience_s, place) from exc
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._response is not None:
            self._response.close()

    async def _answer(
        self, response: Response, upstream: Upstream, limits: AnswerLimits, place: Place
    ) -> ProviderAnswer:
        """The answer, as far as it must be there before it is one. Raises as ``open`` does."""
        now_unix = self._watch.unix()
        if response.status != 200:
            raise fault_of(response.status, response.headers, await beginning(response), place, now_unix)
        require_plain(response, place)
        said = read_limits(response.headers, now_unix)
        if upstream.stream and is_stream(response):
            events = Events(response.content, upstream.wire, limits, place, self._watch)
            await events.begin()
            return ProviderAnswer(body=b"", events=events, limits=said)
        body = await whole(response, limits, place)
        if fault := fault_within(body, place, now_unix):
            raise fault
        require_type(response, place, stream=upstream.stream)
        return ProviderAnswer(body=body, events=NoEvents(), limits=said)
