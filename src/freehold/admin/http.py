# SPDX-License-Identifier: Apache-2.0
"""The admin API over HTTP: reads the request, has it done, writes JSON or a problem. Decides nothing.

A long operation answers with lines of JSON: ``{"progress": ...}`` any number of times, then ``{"result": ...}`` or
``{"error": ...}``. One that is over before it had anything to tell answers like any other.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import msgspec
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # documented, not marked as exported

from freehold.admin import etags, problems
from freehold.admin.api import Api, Found, find, read
from freehold.admin.doors import Door
from freehold.admin.interface import Progress
from freehold.admin.means import Answer, Raw
from freehold.admin.operations import Asker, Operations
from freehold.admin.routes import OPEN_TO_ALL
from freehold.api.rsgi import Exchange, Scope, Transport, read_order
from freehold.errors import EstateError, FreeholdError, InvalidRequest

_log = logging.getLogger(__name__)
_MAX_BODY_BYTES = 2**20
_MOST_QUERY_FIELDS = 100
_PROGRESS_EVERY_S = 0.1
_UNCACHED = [("cache-control", "no-store"), ("x-content-type-options", "nosniff")]
_JSON = [("content-type", "application/json"), *_UNCACHED]
_PROBLEM = [("content-type", problems.MEDIA_TYPE), *_UNCACHED]
_LINES = [("content-type", "application/x-ndjson"), *_UNCACHED]


class AdminApp:
    """The RSGI application behind one door: the control socket, or the admin port."""

    def __init__(self, operations: Operations, door: Door) -> None:
        self._api = Api(operations)
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
            actor = await self._door.admit(headers, method=scope.method, open_to_all=scope.path == OPEN_TO_ALL)
            found = find(scope.method, scope.path)
            request = await _read(found, scope, headers, exchange)
            if_match = headers.get("if-match", "")
            if found.route.long:
                await self._follow(_Lines(exchange), found, request, actor, if_match)
                return
            answer = await self._api.run(found, request, Asker(id=actor, progress=_ignore), if_match)
            _respond(exchange, scope, headers, answer)
        except FreeholdError as problem:
            refuse(exchange, problem)
        except Exception:  # noqa: BLE001 - the top of a request: a bug costs one request, and tells nothing of itself
            bug = problems.bug()
            _log.exception(bug.message)
            refuse(exchange, bug)

    async def _follow(self, lines: "_Lines", found: Found, request: msgspec.Struct, actor: str, if_match: str) -> None:
        self._under_way.add(lines)
        try:
            await lines.follow(self._api, found, request, actor, if_match)
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

    async def follow(self, api: Api, found: Found, request: msgspec.Struct, actor: str, if_match: str) -> None:
        working = asyncio.ensure_future(api.run(found, request, Asker(id=actor, progress=self._step), if_match))
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

    async def _end(self, working: "asyncio.Future[Answer | Raw]") -> None:
        """Raises what the operation raised if the status line can still tell it."""
        try:
            await self._send("result", await working)
        except FreeholdError as problem:
            if self._transport is None:
                raise
            await self._send("error", problems.problem_of(problem))
        except Exception:  # as at the top of a request, whose status line is gone already
            if self._transport is None:
                raise
            bug = problems.bug()
            _log.exception(bug.message)
            await self._send("error", problems.problem_of(bug))

    def _step(self, progress: Progress) -> None:
        """Called in the operation's thread."""
        if self._stopped.is_set():
            raise EstateError("stopped before it was done, because the control process or its caller stopped")
        now_s = time.monotonic()
        if progress.notice or progress.event is not None or now_s - self._told_at_s >= _PROGRESS_EVERY_S:
            self._told_at_s = now_s
            self._loop.call_soon_threadsafe(self._steps.put_nowait, progress)


async def _read(found: Found, scope: Scope, headers: dict[str, str], exchange: Exchange) -> msgspec.Struct:
    """What is only looked at is asked for in the query; what is done, in the body. Raises InvalidRequest, TooLarge."""
    if found.route.method == "GET":
        return read(found, _query(scope.query_string), written=True)
    if scope.query_string:
        raise InvalidRequest("this takes its fields in the body, as a JSON object, and no query")
    body = await read_order(headers, exchange, _MAX_BODY_BYTES)
    try:
        fields = msgspec.json.decode(body, type=dict[str, object]) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidRequest("the body is not a JSON object") from exc
    return read(found, fields, written=False)


def _query(text: str) -> Mapping[str, object]:
    """A field that is named again has several values."""
    fields: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_QUERY_FIELDS):
            fields.setdefault(name, []).append(value)
    except ValueError as exc:
        raise InvalidRequest(f"the query has more than {_MOST_QUERY_FIELDS} fields") from exc
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def _respond(exchange: Exchange, scope: Scope, headers: Mapping[str, str], answer: Answer | Raw) -> None:
    if isinstance(answer, Raw):
        exchange.response_bytes(answer.status, [*answer.headers], answer.body)
        return
    body = msgspec.json.encode(answer)
    if scope.method not in ("GET", "HEAD"):  # the server leaves out the body of an answer to HEAD
        exchange.response_bytes(200, _JSON, body)
        return
    tagged = [("etag", etags.etag_of_bytes(body)), *_link(scope, answer)]
    if _is_known(headers.get("if-none-match"), tagged[0][1]):
        exchange.response_bytes(304, [*tagged, *_UNCACHED], b"")
    else:
        exchange.response_bytes(200, [*_JSON, *tagged], body)


def _is_known(header: str | None, tag: str) -> bool:
    return header is not None and bool(etags.read_known(header) & {etags.ANY, tag})


def _link(scope: Scope, answer: Answer) -> list[tuple[str, str]]:
    """Where the next page is: RFC 8288."""
    cursor = answer.get("next")
    if not isinstance(cursor, str):
        return []
    query = [(name, value) for name, value in parse_qsl(scope.query_string, keep_blank_values=True) if name != "cursor"]
    return [("link", f'<{scope.path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"')]


def refuse(exchange: Exchange, problem: FreeholdError) -> None:
    """Answer with the problem, as the whole admin port does."""
    status = problems.status_of(type(problem))
    body = msgspec.json.encode(problems.problem_of(problem))
    exchange.response_bytes(status, [*_PROBLEM, *problems.headers_of(problem)], body)


def _ignore(progress: Progress) -> None:
    """For operations that are over at once."""
