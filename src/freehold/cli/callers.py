# SPDX-License-Identifier: Apache-2.0
"""Callers of one service, for a bounded time: streamed answers over the public port, each timed from its request.

A caller that is turned away waits before it asks again. What was said is forgotten as soon as it is counted.
"""

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock

import msgspec

_TURNED_AWAY_S = 0.5
_QUESTION = "Call {number}: tell a story about a lighthouse and the winter of 1911. Leave nothing out."
_PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where it ends: no call begins after the time, nor after so many."""

    callers: int
    seconds: float
    calls: int
    tokens: int  # of each answer


@dataclass(slots=True)
class Answered:
    """What came of the calls of one service."""

    first_ms: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)
    tokens: int = 0
    took_s: float = 0.0
    unanswered: Counter[str] = field(default_factory=Counter)  # by the error's code

    @property
    def requests_per_s(self) -> float:
        return len(self.whole_ms) / self.took_s if self.took_s else 0.0

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.took_s if self.took_s else 0.0


def ask(connect: Callable[[], http.client.HTTPConnection], secret: str, service: str, bounds: Bounds) -> Answered:
    """Ask until a bound is reached, and wait for the answers under way."""
    asking = _Asking(connect, secret, service, bounds)
    begun = time.monotonic()
    with ThreadPoolExecutor(bounds.callers) as pool:
        callers = [pool.submit(asking.call_after_call, begun + bounds.seconds) for _ in range(bounds.callers)]
        try:
            for caller in callers:
                caller.result()
        finally:
            asking.over.set()  # so that an interrupt waits for the answers under way alone
    asking.answered.took_s = time.monotonic() - begun
    return asking.answered


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta


class _Usage(msgspec.Struct):
    completion_tokens: int = 0


class _Error(msgspec.Struct):
    code: str | None = None


class _Chunk(msgspec.Struct):
    """The part that matters here of an OpenAI chunk, or of an error in its place."""

    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: _Error | None = None


class _Asking:
    """All callers of one service."""

    def __init__(
        self, connect: Callable[[], http.client.HTTPConnection], secret: str, service: str, bounds: Bounds
    ) -> None:
        self.answered = Answered()
        self.over = Event()
        self._connect = connect
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        self._service = service
        self._bounds = bounds
        self._lock = Lock()  # protects the counts of ``answered`` and ``_begun``
        self._begun = 0

    def call_after_call(self, until_s: float) -> None:
        """One caller, over one connection for as long as it holds."""
        connection = self._connect()
        try:
            while (number := self._next(until_s)) is not None:
                problem = self._call(connection, number)
                if problem:
                    connection.close()
                    with self._lock:
                        self.answered.unanswered[problem] += 1
                    self.over.wait(_TURNED_AWAY_S)
        finally:
            connection.close()

    def _next(self, until_s: float) -> int | None:
        with self._lock:
            if self.over.is_set() or time.monotonic() >= until_s or self._begun >= self._bounds.calls:
                return None
            self._begun += 1
            return self._begun

    def _call(self, connection: http.client.HTTPConnection, number: int) -> str:
        """One call, counted. What went wrong with it; empty if nothing did."""
        body = {
            "model": self._service,
            "messages": [{"role": "user", "content": _QUESTION.format(number=number)}],
            "max_tokens": self._bounds.tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        begun = time.perf_counter()
        try:
            connection.request("POST", _PATH, body=json.dumps(body), headers=self._headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                error = msgspec.json.decode(response.read(), type=_Chunk).error
                return (error.code if error else None) or f"status {response.status}"
            return self._listen(response, begun)
        except (OSError, http.client.HTTPException, msgspec.MsgspecError):
            return "broken off"

    def _listen(self, response: http.client.HTTPResponse, begun: float) -> str:
        first_ms, tokens = 0.0, 0
        for raw in response:
            line = raw.strip()
            if not line.startswith(b"data: {"):
                continue
            chunk = msgspec.json.decode(line.removeprefix(b"data: "), type=_Chunk)
            if chunk.error is not None:
                return chunk.error.code or "error"
            if not first_ms and any(choice.delta.content for choice in chunk.choices):
                first_ms = (time.perf_counter() - begun) * 1000
            tokens = chunk.usage.completion_tokens if chunk.usage else tokens
        response.read()  # to its very end, so that the connection takes the next call
        if not first_ms:
            return "empty"
        with self._lock:
            self.answered.first_ms.append(first_ms)
            self.answered.whole_ms.append((time.perf_counter() - begun) * 1000)
            self.answered.tokens += tokens
        return ""
