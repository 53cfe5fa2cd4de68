# SPDX-License-Identifier: Apache-2.0
"""The admin API over HTTP: finds the route, reads the request, runs the operation, writes JSON. Decides nothing.

A long operation answers with lines of JSON: ``{"progress": ...}`` any number of times, then ``{"result": ...}`` or
``{"error": ...}``. One that is over before it had anything to tell answers like any other.
"""

import asyncio
import logging
import secrets
import threading
import time
from contextlib import suppress
from urllib.parse import unquote

import msgspec
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # documented, not marked as exported

from freehold.admin.doors import Door
from freehold.admin.interface import Progress
from freehold.admin.means import Answer
from freehold.admin.operations import Asker, Operations
from freehold.admin.routes import OPEN_TO_ALL, ROOT, ROUTES, Route
from freehold.api.rsgi import Exchange, Scope, Transport, read_body
from freehold.errors import (
    CallerError,
    EstateError,
    Fault,
    ForeignOrigin,
    FreeholdError,
    InvalidRequest,
    InvalidToken,
    MethodNotAllowed,
    NotFound,
    OperatorError,
    Refusal,
    TooLarge,
    UnknownEndpoint,
)

_log = logging.getLogger(__name__)
_MAX_BODY_BYTES = 2**20
_PROGRESS_EVERY_S = 0.1
_JSON = [("content-type", "application/json"), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")]
_LINES = [("content-type", "application/x-ndjson"), *_JSON[1:]]

# The first that an error is an instance of.
_STATUS: tuple[tuple[type[FreeholdError], int], ...] = (
    (InvalidToken, 401),
    (ForeignOrigin, 403),
    (Refusal, 403),
    (UnknownEndpoint, 404),
    (NotFound, 404),
    (MethodNotAllowed, 405),
    (EstateError, 409),
    (TooLarge, 413),
    (OperatorError, 422),
    (CallerError, 400),
    (Fault, 503),
    (FreeholdError, 500),
)


class AdminApp:
    """The RSGI application behind one door: the control socket, or the admin port."""

    def __init__(self, operations: Operations, door: Door) -> None:
        self._operations = operations
        self._door = door
        self._under_way: set[_Lines] = set()

    def stop(self) -> None:
        """Have every long operation end at its next step: the server waits for the answers that it owes."""
        for lines in self._under_way:
            lines.stop()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """One request. What it changes is changed to its end, whether or not the caller waits for it."""
        try:
            headers = {name.lower(): value for name, value in scope.headers.items()}
            actor = await self._door.admit(headers, open_to_all=scope.path == OPEN_TO_ALL)
            route, names = _find(scope.method, scope.path)
            request = _read(route, names, await read_body(headers, exchange, _MAX_BODY_BYTES))
            if route.long:
                await self._follow(_Lines(exchange), route, request, actor)
            else:
                asker = Asker(id=actor, progress=_ignore)
                answer = await route.operation(self._operations, request, asker)
                exchange.response_bytes(200, _JSON, msgspec.json.encode(answer))
        except FreeholdError as problem:
            _refuse(exchange, problem)
        except Exception:  # noqa: BLE001 - the top of a request: a bug costs one request, and tells nothing of itself
            bug = _bug()
            _log.exception(bug.message)
            _refuse(exchange, bug)

    async def _follow(self, lines: "_Lines", route: Route, request: msgspec.Struct, actor: str) -> None:
        self._under_way.add(lines)
        try:
            await lines.follow(self._operations, route, request, actor)
        finally:
            self._under_way.discard(lines)


class _Lines:
    """The answer of a long operation, which works in a thread of its own. One whose caller hangs up ends at its next
    step; what it does after its last one, it does to the end.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._transport: Transport | None = None
        self._steps: asyncio.Queue[Progress | None] = asyncio.Queue()  # None: no more
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._told_at_s = 0.0

    def stop(self) -> None:
        self._stopped.set()

    async def follow(self, operations: Operations, route: Route, request: msgspec.Struct, actor: str) -> None:
        working = asyncio.ensure_future(route.operation(operations, request, Asker(id=actor, progress=self._step)))
        working.add_done_callback(lambda _: self._steps.put_nowait(None))
        gone = asyncio.ensure_future(self._exchange.client_disconnect())
        gone.add_done_callback(lambda _: self._stopped.set())
        try:
            while (step := await self._steps.get()) is not None:
                await self._send("progress", step)
            await self._end(working)
        finally:
            self._stopped.set()
            gone.cancel()

    async def _send(self, kind: str, value: object) -> None:
        if self._transport is None:
            self._transport = self._exchange.response_stream(200, _LINES)
        with suppress(ProtocolClosed):  # the caller hung up; the operation is told at its next step
            await self._transport.send_bytes(msgspec.json.encode({kind: value}) + b"\n")

    async def _end(self, working: "asyncio.Future[Answer]") -> None:
        """Raises what the operation raised if the status line can still tell it."""
        try:
            await self._send("result", await working)
        except FreeholdError as problem:
            if self._transport is None:
                raise
            await self._send("error", _described(problem))
        except Exception:  # as at the top of a request, whose status line is gone already
            if self._transport is None:
                raise
            bug = _bug()
            _log.exception(bug.message)
            await self._send("error", _described(bug))

    def _step(self, progress: Progress) -> None:
        """Called in the operation's thread."""
        if self._stopped.is_set():
            raise EstateError("stopped before it was done, because the control process or its caller stopped")
        now_s = time.monotonic()
        if progress.notice or now_s - self._told_at_s >= _PROGRESS_EVERY_S:
            self._told_at_s = now_s
            self._loop.call_soon_threadsafe(self._steps.put_nowait, progress)


def _find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route, and the names in the path. Raises UnknownEndpoint, MethodNotAllowed."""
    parts = path.removeprefix(ROOT).split("/") if path.startswith(ROOT) else []
    fitting = [(route, names) for route in ROUTES if (names := _names_in(route.path.split("/"), parts)) is not None]
    for route, names in fitting:
        if route.method == method:
            return route, names
    if fitting:
        known = ", ".join(sorted(route.method for route, _ in fitting))
        raise MethodNotAllowed(f"{path[:200]} takes {known}", hint=_HINT)
    raise UnknownEndpoint(f"there is no admin endpoint {path[:200]!r}", hint=_HINT)


_HINT = "The endpoints are listed in docs/reference/admin-api.md."


def _names_in(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    names: dict[str, str] = {}
    for expected, found in zip(pattern, parts, strict=True):
        if expected.startswith("{"):
            names[expected.strip("{}")] = unquote(found)
        elif expected != found:
            return None
    return names


def _read(route: Route, names: dict[str, str], body: bytes) -> msgspec.Struct:
    try:
        fields = msgspec.json.decode(body, type=dict[str, object]) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidRequest("the body is not a JSON object") from exc
    try:
        return msgspec.convert({**fields, **names}, route.request)
    except msgspec.ValidationError as exc:
        what, _, where = str(exc).partition(" - at `$.")
        where = where.rstrip("`")
        what = what.replace("`", "'")
        raise InvalidRequest(f"{where}: {what}" if where else what, param=where or None) from exc


def _refuse(exchange: Exchange, problem: FreeholdError) -> None:
    status = next(status for kind, status in _STATUS if isinstance(problem, kind))
    exchange.response_bytes(status, _JSON, msgspec.json.encode({"error": _described(problem)}))


def _described(problem: FreeholdError) -> dict[str, str]:
    return {"code": problem.code, "message": problem.message, "hint": problem.advice}


def _bug() -> FreeholdError:
    request_id = f"req_{secrets.token_hex(8)}"
    return FreeholdError(f"an internal error: {request_id}", hint="run/log/control.log has it under that id.")


def _ignore(progress: Progress) -> None:
    """For operations that are over at once."""
