# SPDX-License-Identifier: Apache-2.0
"""A provider's answer as it comes in: within the limits of its endpoint, and only if it is what was asked for.

Only the time that the provider is waited for counts, never the time that a slow caller takes to read what came.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from freehold.contract.endpoint import AnswerLimits
from freehold.dialect.interface import Event, Wire
from freehold.dialect.sse import Splitter
from freehold.egress.deadlines import Deadlines
from freehold.egress.interface import Content, Response, WayBroken
from freehold.errors import BackendBroke, ProviderBroke, ProviderUnavailable
from freehold.provider.faults import Place, broke_off, fault_within
from freehold.provider.words import is_error

Take = Callable[[Event], bool]  # takes an event; false to get no more

_MINUTE_S: Final = 60.0
_MOST_IN_WINDOW: Final = 10  # events
_LAST_BYTES_S: Final = 0.2  # for the end of a connection after the end of an answer, so that it can be used again
_ERROR_BYTES: Final = 256 * 1024
_CLOSING: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_MESSAGES_CLOSE: Final = "message_stop"
_DONE: Final = b"[DONE]"
_LAST: Final = _CLOSING | {_MESSAGES_CLOSE, "error"}  # names
_NAMES: Final = frozenset({Wire.MESSAGES, Wire.RESPONSES})  # whose events have them, as a rule
_STREAM: Final = "text/event-stream"
_TYPE: Final = re.compile(rb'\A\{\s*"type"\s*:\s*"([a-z_.]{1,64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The time, as limits need it. Handed in, so that tests need not wait."""

    unix: Callable[[], float]
    monotonic: Callable[[], float]
    within: Callable[[float], AbstractContextManager[None]] = field(default_factory=lambda: Deadlines().within)


def closes(event: Event, wire: Wire) -> bool:
    """Whether this event says that the answer is whole."""
    if wire is Wire.MESSAGES:
        return _name(event) == _MESSAGES_CLOSE
    if wire is Wire.RESPONSES:
        return _name(event) in _CLOSING
    return event.data == _DONE


def _fails(event: Event) -> bool:
    """Whether this event says that there will be no answer."""
    return event.name == "error" or is_error(event.data)


def _name(event: Event) -> str:
    """Its name, or where it has none the type that its data begins with."""
    if event.name:
        return event.name
    typed = _TYPE.match(event.data)
    return typed[1].decode() if typed else ""


class Events:
    """The events of a stream, each as soon as it is whole. Ends only after the one that says that the answer is."""

    __slots__ = (
        "_bytes",
        "_content",
        "_drained",
        "_fault",
        "_limits",
        "_names",
        "_pace",
        "_pending",
        "_place",
        "_poured",
        "_since_s",
        "_splitter",
        "_take",
        "_watch",
        "_whole",
        "_wire",
    )

    def __init__(self, content: Content, wire: Wire, limits: AnswerLimits, place: Place, watch: Watch) -> None:
        self._content = content
        self._wire = wire
        self._names = wire in _NAMES
        self._limits = limits
        self._place = place
        self._watch = watch
        self._splitter = Splitter()
        self._pending: deque[Event] = deque()
        self._pace = _Pace(limits.least_events_per_minute)
        self._bytes = 0
        self._whole = self._drained = False
        self._since_s: float | None = None  # since when the next bytes are waited for
        self._take: Take | None = None  # who has each event in the turn of the loop that brings it
        self._poured: asyncio.Future[None] | None = None  # done when they are to look themselves
        self._fault: BackendBroke | None = None  # what was found meanwhile

    async def begin(self) -> None:
        """Wait for the first event, so that what goes wrong before it can be tried elsewhere. Pings are none.

        To be called within the limit for the first event.
        """
        while not any(event.data for event in self._pending):
            if self._fault is not None:
                raise self._fault
            if not self._arrived(await self._next()):
                raise ProviderBroke(f"provider {self._place.provider} ended its answer before the first event")
            self._since_s = None
        first = next(event for event in self._pending if event.data)
        if first.data == _DONE:
            raise ProviderBroke(f"provider {self._place.provider} ended its answer before it said anything")
        if fault := fault_within(first.data, self._place, self._watch.unix()):
            raise fault

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._pending:
            await self._more()
        event = self._pending.popleft()
        if _fails(event):
            raise ProviderBroke(f"provider {self._place.provider} failed in the middle of its answer")
        if closes(event, self._wire):
            self._whole = True
            self._pending.clear()  # what follows the end is no part of the answer
        return event

    async def pour(self, take: Take) -> None:
        """Hand events on in the turn of the loop that brings them, with no task between, until ``take`` says false.

        Returns at anything else than more of the answer: what that is, its end or a fault, is for ``__anext__`` to say.
        """
        if self._whole or not self._hand_on(self._take_pending(), take) or self._fault is not None:
            return
        self._take = take
        flows = self._content.flow(self._came)
        try:
            while flows and self._is_poured and (patience_s := self._may_take_s()) > 0:
                self._poured, since_s = asyncio.get_running_loop().create_future(), self._since_s
                with suppress(TimeoutError), self._watch.within(patience_s):
                    await self._poured
                if self._since_s == since_s:
                    return  # silence
        finally:
            self._take = None
            self._content.flow(None)

    def stop(self) -> None:
        """Pour nothing more, from now on."""
        self._end_pouring()

    @property
    def _is_poured(self) -> bool:
        return self._take is not None

    def _came(self, chunk: bytes) -> None:
        """More of the answer, while it is poured; b"" for whatever else there is."""
        take = self._take
        if take is None:
            self._keep(chunk)
            return
        try:
            if chunk and self._hand_on(self._read(chunk), take) and self._fault is None:
                return
        except BackendBroke as fault:
            self._fault = fault
        except Exception as bug:  # noqa: BLE001 - it costs the call that it is in, not the connection's protocol
            self._end_pouring(bug)
        self._end_pouring()

    def _keep(self, chunk: bytes) -> None:
        """What comes between the end of pouring and the turn of whoever waits for that end."""
        try:
            if chunk and self._fault is None:
                self._arrived(chunk)
        except BackendBroke as fault:
            self._fault = fault

    def _end_pouring(self, bug: Exception | None = None) -> None:
        self._take = self._since_s = None
        if self._poured is not None and not self._poured.done():
            if bug is not None:
                self._poured.set_exception(bug)
            else:
                self._poured.set_result(None)

    def _take_pending(self) -> list[Event]:
        events = [*self._pending]
        self._pending.clear()
        return events

    def _hand_on(self, events: list[Event], take: Take) -> bool:
        """False where there is no going on: an end, a fault, or ``take`` has enough. What is left then is pending."""
        for at, event in enumerate(events):
            name, data = event.name, event.data
            may_end = name in _LAST or data == _DONE or data.find(b'"error"') >= 0 or (self._names and not name)
            if may_end and (_fails(event) or closes(event, self._wire)):
                self._pending.extend(events[at:])
                return False
            if not take(event):
                self._pending.extend(events[at + 1 :])
                return False
        return True

    def _may_take_s(self) -> float:
        """How much longer the next bytes may take. From the first time that it is asked, they are waited for."""
        now_s = self._watch.monotonic()
        if self._since_s is None:
            self._since_s = now_s
        return min(self._limits.idle_s, self._pace.left_s) - (now_s - self._since_s)

    def _arrived(self, chunk: bytes) -> bool:
        """Take the chunk's events; false for the end. Raises as ``_read`` does."""
        self._pending.extend(self._read(chunk))
        return bool(chunk)

    def _read(self, chunk: bytes) -> list[Event]:
        """The chunk's events. Raises ProviderBroke, also where the pace was not kept; then they are pending."""
        now_s, since_s = self._watch.monotonic(), self._since_s
        self._since_s = now_s
        self._bytes += len(chunk)
        if self._bytes > self._limits.answer_bytes:
            raise _too_large(self._limits, self._place)
        try:
            events = self._splitter.feed(chunk)
        except BackendBroke as exc:
            raise ProviderBroke(f"provider {self._place.provider} sent an event that does not end") from exc
        events = self._texts(events)
        if chunk and not self._pace.is_kept(events, 0.0 if since_s is None else now_s - since_s):
            self._pending.extend(events)
            raise self._silent()
        return events

    def _texts(self, events: list[Event]) -> list[Event]:
        """The events before the first that is not UTF-8, which is a fault that is met behind them."""
        for at, event in enumerate(events):
            if not is_text(event.raw):
                self._fault = _no_text(self._place)
                return events[:at]
        return events

    async def _more(self) -> None:
        if self._whole:
            await self._drain()
            return
        if self._fault is not None:
            raise self._fault
        try:
            with self._watch.within(self._may_take_s()):
                chunk = await self._next()
        except TimeoutError as exc:
            raise self._silent() from exc
        if not self._arrived(chunk):
            raise ProviderBroke(f"provider {self._place.provider} ended its answer before it was whole")
        self._since_s = None

    def _silent(self) -> ProviderBroke:
        limits, who = self._limits, f"provider {self._place.provider}"
        if self._pace.left_s < limits.idle_s:
            least = f"{limits.least_events_per_minute:g}"
            return ProviderBroke(f"{who} sent fewer events than least_events_per_minute, {least}")
        return ProviderBroke(f"{who} sent nothing for idle_s, {limits.idle_s:g} s")

    async def _drain(self) -> None:
        """One more look, for the end of the connection. What comes by now, or is wrong, is nobody's concern."""
        if self._drained:
            raise StopAsyncIteration
        self._drained = True
        try:
            with self._watch.within(_LAST_BYTES_S):
                await self._next()
        except (TimeoutError, BackendBroke):
            pass
        raise StopAsyncIteration

    async def _next(self) -> bytes:
        try:
            return await self._content.readany()
        except WayBroken as exc:
            raise broke_off(self._place) from exc


class NoEvents:
    """The events of an answer that is not a stream."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        raise StopAsyncIteration


class _Pace:
    """How long the next event may take, so that every window of time has as many events as there must be.

    A window is a minute at most, and that of ten events: a high pace shows within seconds that it is not kept.
    """

    __slots__ = ("_events", "_waited_s", "_window_s")

    def __init__(self, least_per_minute: float) -> None:
        least = min(max(1, ceil(least_per_minute)), _MOST_IN_WINDOW)
        self._window_s = _MINUTE_S * least / least_per_minute if least_per_minute else float("inf")
        self._events = deque([0.0] * least, maxlen=least)  # when the newest came, in time waited
        self._waited_s = 0.0

    @property
    def left_s(self) -> float:
        return self._events[0] + self._window_s - self._waited_s

    def is_kept(self, events: Iterable[Event], waited_s: float) -> bool:
        """Whether it is, with these events that were waited for so long."""
        newest = self._events
        self._waited_s = now_s = self._waited_s + waited_s
        for event in events:
            if event.data:
                newest.append(now_s)
        return newest[0] + self._window_s > now_s


async def whole(response: Response, limits: AnswerLimits, place: Place) -> bytes:
    """The body of an answer. To be called within the limit for a whole answer."""
    pieces, size = [], 0
    try:
        while piece := await response.content.readany():
            size += len(piece)
            if size > limits.answer_bytes:
                raise _too_large(limits, place)
            pieces.append(piece)
    except WayBroken as exc:
        raise broke_off(place) from exc
    body = b"".join(pieces)
    if not is_text(body):
        raise _no_text(place)
    return body


async def beginning(response: Response) -> bytes:
    """As much of a body as an error can be read from. What cannot be read is nothing."""
    pieces, size = [], 0
    try:
        while piece := await response.content.readany():
            pieces.append(piece)
            size += len(piece)
            if size > _ERROR_BYTES:
                break
    except WayBroken:
        return b""
    return b"".join(pieces)


def is_text(said: bytes) -> bool:
    """Whether it is UTF-8. Much of an answer is handed on unread, and no caller is to get half a character."""
    if said.isascii():
        return True
    try:
        said.decode()
    except UnicodeDecodeError:
        return False
    return True


def require_plain(response: Response, place: Place) -> None:
    """Refuse a compressed answer: it was not asked for, and a small one may unpack to any size."""
    coding = response.headers.get("content-encoding")
    if coding is not None and coding.strip().lower() not in ("", "identity"):
        raise ProviderBroke(f"provider {place.provider} answered with compressed bytes, which were not asked for")


def is_stream(response: Response) -> bool:
    """Whether it says that it is a stream of events, or says nothing."""
    return "content-type" not in response.headers or response.content_type == _STREAM


def require_type(response: Response, place: Place, *, stream: bool) -> None:
    """Refuse a whole answer that is no JSON, or came where a stream was asked for."""
    if stream:
        raise ProviderBroke(f"provider {place.provider} answered with something else than a stream of events")
    if "content-type" in response.headers and not response.content_type.endswith("json"):
        raise ProviderBroke(f"provider {place.provider} answered with something else than JSON")


def too_slow(limit: str, seconds: float, place: Place) -> ProviderUnavailable:
    """Nothing of an answer came in time."""
    return ProviderUnavailable(f"provider {place.provider} did not answer within {limit}, {seconds:g} s")


def _no_text(place: Place) -> ProviderBroke:
    return ProviderBroke(f"provider {place.provider} sent bytes that are not UTF-8")


def _too_large(limits: AnswerLimits, place: Place) -> ProviderBroke:
    largest = limits.answer_bytes // 2**20
    return ProviderBroke(f"provider {place.provider} sent more than max_answer_mb, {largest} MB")
