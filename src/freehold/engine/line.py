# SPDX-License-Identifier: Apache-2.0
"""One engine as a gateway sees it: its state, whether anybody uses it, and its connections.

Who has to wait for one of its slots is ``slots.py``'s.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp

from freehold.channel import reachable_path
from freehold.contract.backend import EngineState, EngineStatus, Priority
from freehold.dialect.interface import Event, Upstream, Wire
from freehold.dialect.sse import Splitter
from freehold.engine.answers import closes
from freehold.engine.slots import Slot, Slots
from freehold.engine.speech import PATHS, Asked, LlamaCppSpeech, Speech
from freehold.engine.vllm_speech import VllmSpeech
from freehold.errors import ContextExceeded, EngineBroke, EngineBusy, EngineUnavailable, FreeholdError

SPEECHES: Final[Mapping[str, Speech]] = {"llamacpp": LlamaCppSpeech(), "vllm": VllmSpeech()}
_WITHOUT_SLOT: Final = frozenset({Wire.COUNT_TOKENS})  # the engine answers these beside its other work
_HEADERS: Final = {"Content-Type": "application/json"}
_UNUSED_HEADERS: Final = ("Accept", "Accept-Encoding", "User-Agent")
_KEEP_ALIVE_S: Final = 2.0  # llama.cpp closes after 5; a call must not meet that
_IDLE_AFTER_S: Final = 1.0  # how long the last call is over before the supervisor is told
_NEWS_S: Final = 1.0  # how long the supervisor may take to learn that an engine is gone
_PLACES_UNTIL_KNOWN: Final = 64
_UNKNOWN_S: Final = 5.0  # how long a target that the supervisor has not told of may take to turn up


class EngineAnswer:
    """What came back: ``body``, or ``events`` for a stream. The other one is empty."""

    __slots__ = ("_response", "body", "events", "limits")

    def __init__(self, response: aiohttp.ClientResponse, body: bytes, events: AsyncIterator[Event]) -> None:
        self._response = response
        self.body = body
        self.events = events
        self.limits = None  # an owned engine has none

    def close(self) -> None:
        """Cut the connection, unless the answer was read to its end: the engine stops working on it."""
        self._response.close()


class Line:
    """The way to one engine. ``wake`` and ``in_use`` tell the supervisor."""

    def __init__(self, target: str, wake: Callable[[str], None], in_use: Callable[[str, int], None]) -> None:
        self._target = target
        self._wake = wake
        self._in_use = in_use
        self._session: aiohttp.ClientSession | None = None
        self._news = asyncio.Event()
        self._calls = self._waiting = 0
        self._told_in_use = False
        self._going_idle: asyncio.TimerHandle | None = None
        self._slots = Slots(target)
        self._able: EngineStatus | None = None  # as it was when it was ready last
        self._away_since_s = 0.0  # on the loop's clock; of one that is not ready
        self.status: EngineStatus | None = None

    def update(self, status: EngineStatus) -> None:
        """Take what the supervisor says, and let go on who waited for it."""
        if status.state is EngineState.READY:
            self._able = status
            self._slots.resize(max(1, status.slots), status.queue)
        elif self.status is self._able:
            self._away_since_s = asyncio.get_running_loop().time()
        self.status = status
        self._news.set()
        self._news = asyncio.Event()

    def tell_again(self) -> None:
        """Say what is in use to a supervisor that has just been reached again."""
        if self._told_in_use:
            self._in_use(self._target, 1)

    def warm(self) -> None:
        """Wake the engine if it sleeps."""
        if self.status is not None and self.status.state is EngineState.ASLEEP:
            self._wake(self._target)

    async def able(self, patience_s: float) -> EngineStatus:
        """The engine's status as of when it was ready; waits for the first time. Wakes it.

        Raises EngineUnavailable, EngineBusy.
        """
        if self._able is not None and self.status is not None and self.status.state is not EngineState.FAILED:
            self.warm()
            return self._able
        if self._waiting >= self._places:
            raise EngineBusy(
                f"the engine of {self._target} is not ready, and as many calls as may wait for it do",
                retry_after_s=self._slots.retry_after_s(Priority.NORMAL),
            )
        self._waiting += 1
        try:
            return await self._ready_before(asyncio.get_running_loop().time() + patience_s)
        finally:
            self._waiting -= 1

    @property
    def queued(self) -> int:
        """Calls that wait for a slot."""
        return self._slots.waiting

    @contextmanager
    def using(self) -> Iterator[None]:
        """Keep the engine from being put to sleep."""
        self._calls += 1
        if self._going_idle is not None:
            self._going_idle.cancel()
            self._going_idle = None
        if not self._told_in_use:
            self._told_in_use = True
            self._in_use(self._target, 1)
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._going_idle = asyncio.get_running_loop().call_later(_IDLE_AFTER_S, self._tell_idle)

    async def slot(self, upstream: Upstream, patience_s: float) -> Slot:
        """One of the engine's slots, once it is the call's turn. Raises EngineUnavailable, EngineBusy."""
        await self.able(patience_s)
        if upstream.wire not in _WITHOUT_SLOT:
            return await self._slots.take(upstream.priority)
        if self._calls > self._places:
            raise EngineBusy(
                f"the engine of {self._target} has {self._calls} calls, as many as its slots and its queue hold",
                retry_after_s=self._slots.retry_after_s(upstream.priority),
            )
        return Slot(None)

    async def ask(self, upstream: Upstream, slot: Slot, patience_s: float, since_s: float) -> EngineAnswer:
        """Send the call, and once more if the engine went away before it had begun to answer.

        ``since_s`` is when the call came, on the loop's clock: those who wait for an engine one after the other do not
        wait longer for that.
        """
        status = await self._ready(patience_s, since_s)
        try:
            return await self._answer(status, upstream, slot)
        except _Gone:
            await self._news_of(status)
        status = await self._ready(patience_s, since_s)
        try:
            return await self._answer(status, upstream, slot)
        except _Gone as exc:
            raise EngineBroke("the engine ended twice before it had begun to answer") from exc

    async def close(self) -> None:
        if self._going_idle is not None:
            self._going_idle.cancel()
        if self._session is not None:
            await self._session.close()

    @property
    def _places(self) -> int:
        return max(1, self.status.slots + self.status.queue) if self.status else _PLACES_UNTIL_KNOWN

    async def _ready(self, patience_s: float, since_s: float) -> EngineStatus:
        """The engine's status once it is ready. Its absence is what tries a call's patience, not the queue."""
        if self.status is not None and self.status.state is EngineState.READY:
            return self.status
        return await self._ready_before(max(since_s, self._away_since_s) + patience_s)

    async def _ready_before(self, deadline_s: float) -> EngineStatus:
        """The same. Wakes it. Raises EngineUnavailable."""
        try:
            async with asyncio.timeout_at(deadline_s):
                await self._known()
                return await self._awaited()
        except TimeoutError as exc:
            state = self.status.state if self.status else "not known to the supervisor"
            raise EngineUnavailable(f"the engine of {self._target} is {state}, and was not ready in time") from exc

    async def _known(self) -> None:
        """Wait until the supervisor has told of the target. One that it does not tell of soon is none of its."""
        if self.status is None:
            async with asyncio.timeout(_UNKNOWN_S):
                while self.status is None:
                    await self._news.wait()

    async def _awaited(self) -> EngineStatus:
        while True:
            news, status = self._news, self.status
            if status is not None:
                if status.state is EngineState.READY:
                    return status
                if status.state is EngineState.FAILED:
                    raise EngineUnavailable(f"the engine of {self._target} has failed, and waits for the operator")
                if status.state is EngineState.ASLEEP:
                    self._wake(self._target)
            await news.wait()

    async def _news_of(self, gone: EngineStatus) -> None:
        """Wait until the supervisor says something new of an engine, for as long as it may take to learn it."""
        news = self._news
        if self.status is gone:
            with suppress(TimeoutError):
                async with asyncio.timeout(_NEWS_S):
                    await news.wait()

    async def _answer(self, status: EngineStatus, upstream: Upstream, slot: Slot) -> EngineAnswer:
        """Raises _Gone while nothing of an answer has come."""
        asked = SPEECHES[status.engine].ask(upstream, status)
        response = await self._post(status, PATHS[upstream.wire], asked.body)
        if response.status == 200 and upstream.stream:
            return EngineAnswer(response, b"", _Events(response.content, upstream.wire, slot, asked))
        body = await _whole(response)
        slot.free()
        if response.status != 200:
            raise await self._counted(status, asked, asked.problem(response.status, body))
        return EngineAnswer(response, asked.whole(body), _NoEvents())

    async def _counted(self, status: EngineStatus, asked: Asked, problem: FreeholdError) -> FreeholdError:
        """The problem with the length of the prompt, where it is about that and does not have it."""
        if not isinstance(problem, ContextExceeded) or problem.prompt_tokens or asked.counting is None:
            return problem
        response = await self._post(status, *asked.counting)
        return ContextExceeded(
            prompt_tokens=asked.counted(await _whole(response)), context_tokens=problem.context_tokens
        )

    async def _post(self, status: EngineStatus, path: str, body: bytes) -> aiohttp.ClientResponse:
        """Raises _Gone."""
        try:
            return await self._connections(status).post(f"http://engine{path}", data=body, headers=_HEADERS)
        except (aiohttp.ClientError, OSError) as exc:
            raise _Gone from exc

    def _connections(self, status: EngineStatus) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(
                    reachable_path(Path(status.socket)), limit=0, keepalive_timeout=_KEEP_ALIVE_S
                ),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_UNUSED_HEADERS,
                auto_decompress=False,
            )
        return self._session

    def _tell_idle(self) -> None:
        self._going_idle = None
        self._told_in_use = False
        self._in_use(self._target, 0)


class _Gone(Exception):
    """The connection could not be made, or broke, before the answer began."""


class _Events:
    """The events of a stream, each as soon as it is whole. Ends only after the engine said that the answer is whole."""

    __slots__ = ("_asked", "_content", "_pending", "_slot", "_splitter", "_whole", "_wire")

    def __init__(self, content: aiohttp.StreamReader, wire: Wire, slot: Slot, asked: Asked) -> None:
        self._asked = asked
        self._content = content
        self._wire = wire
        self._slot = slot
        self._splitter = Splitter()
        self._pending: deque[Event] = deque()
        self._whole = False

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._pending:
            await self._read()
        event = self._pending.popleft()
        if closes(event, self._wire):
            self._whole = True
            self._slot.free()
        return self._asked.event(event)

    async def _read(self) -> None:
        try:
            chunk = await self._content.readany()
        except (aiohttp.ClientError, OSError) as exc:
            raise EngineBroke("the engine's connection broke in the middle of its answer") from exc
        if chunk:
            self._pending.extend(self._splitter.feed(chunk))
        elif self._whole:
            raise StopAsyncIteration
        else:
            raise EngineBroke("the engine ended its answer before it was whole")


class _NoEvents:
    """The events of an answer that is not a stream."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        raise StopAsyncIteration


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except (aiohttp.ClientError, OSError) as exc:
        raise EngineBroke("the engine's connection broke in the middle of its answer") from exc
    finally:
        response.release()
