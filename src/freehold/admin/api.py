# SPDX-License-Identifier: Apache-2.0
"""The table of routes as something to be asked: over HTTP, and within this process by the console. No other way in.

Whatever asks passes the same checks: fields that are typed, pages that are bounded, and, where somebody says what they
were shown, that it is still so. Operations on what two operators may decide about at once are done one after the other.
"""

import functools
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import msgspec

from freehold.admin import etags
from freehold.admin.interface import Progress
from freehold.admin.means import Answer, Raw
from freehold.admin.operations import Asker, Operations
from freehold.admin.paging import page_of
from freehold.admin.requests import Page
from freehold.admin.route import ROOT, Route
from freehold.admin.routes import ROUTES
from freehold.errors import Conflict, InvalidRequest, MethodNotAllowed, UnknownEndpoint
from freehold.settings.wording import in_words

Tell = Callable[[Mapping[str, Any]], None]

_HINT = "The endpoints are listed in docs/reference/admin-api.md."
_SEVERAL = (tuple, list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A route, and the names that stand in the path."""

    route: Route
    names: Mapping[str, str]


class Api:
    """Of one estate. There may be several over the same operations."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def ask(  # noqa: PLR0913 - what a request is made of
        self,
        method: str,
        path: str,
        fields: Mapping[str, object],
        actor: str,
        *,
        if_match: str = "",
        tell: Tell | None = None,
    ) -> dict[str, Any]:
        """The answer as JSON has it, to a path without its root. ``tell`` hears of the progress, from any thread.

        Raises what the operation raises: FreeholdError.
        """
        found = find(method, ROOT + path)
        request = read(found, fields, written=True)
        progress = _ignore if tell is None else functools.partial(_tell, tell)
        answer = await self.run(found, request, Asker(id=actor, progress=progress), if_match)
        written = msgspec.json.encode(_file(answer) if isinstance(answer, Raw) else answer)
        plain: dict[str, Any] = msgspec.json.decode(written)
        return plain

    async def run(self, found: Found, request: msgspec.Struct, asker: Asker, if_match: str = "") -> Answer | Raw:
        """Do it. Raises Conflict where ``if_match`` names what is no more."""
        route = found.route
        if route.guard is None:
            if if_match and route.method != "GET":
                raise InvalidRequest(f"{route.method} {route.path} compares nothing with If-Match", hint=_HINT)
            return _paged(route, await route.operation(self._operations, request, asker), request)
        async with self._operations.guarding:
            if if_match:
                await self._require_unchanged(found, request, asker, etags.read_tags(if_match))
            return await route.operation(self._operations, request, asker)

    async def _require_unchanged(
        self, found: Found, request: msgspec.Struct, asker: Asker, expected: frozenset[str]
    ) -> None:
        assert found.route.guard is not None  # noqa: S101 - asked by the only caller
        shown = await found.route.guard(self._operations, request, asker)
        assert not isinstance(shown, Raw)  # noqa: S101 - what has an etag is no file
        current = etag_within(shown)
        if expected & {etags.ANY, current, etags.etag_of_bytes(msgspec.json.encode(shown))}:
            return
        subject = next(iter(found.names.values()), "")
        changed = await self._operations.reading.last_act_on(subject) if subject else None
        by = f"; {changed['act']} by {changed['by']} at {changed['at']} is the last act on it" if changed else ""
        what = f"{subject} is" if subject else "what this would do is"
        raise Conflict(f"{what} not any more as it was shown{by}", etag=current, changed=changed)


def find(method: str, path: str) -> Found:
    """The route for a path, undecoded; of HEAD that of GET. Raises UnknownEndpoint, MethodNotAllowed."""
    parts = path.removeprefix(ROOT).split("/") if path.startswith(ROOT) else []
    fitting = [(route, names) for route in ROUTES if (names := _names_in(route.path.split("/"), parts)) is not None]
    for route, names in fitting:
        if route.method == ("GET" if method == "HEAD" else method):
            return Found(route=route, names=names)
    if fitting:
        known = sorted({route.method for route, _ in fitting})
        allowed = (*known, "HEAD") if "GET" in known else (*known,)
        raise MethodNotAllowed(f"{path[:200]} takes {', '.join(known)}", allowed=allowed, hint=_HINT)
    raise UnknownEndpoint(f"there is no admin endpoint {path[:200]!r}", hint=_HINT)


def read(found: Found, fields: Mapping[str, object], *, written: bool) -> msgspec.Struct:
    """The request, typed. ``written``: its fields may be text, as a query has them. Raises InvalidRequest."""
    rows = _rows_of(found.route.request)
    shaped = {name: [value] if name in rows and isinstance(value, str) else value for name, value in fields.items()}
    try:
        return msgspec.convert({**shaped, **found.names}, found.route.request, strict=not written)
    except msgspec.ValidationError as exc:
        what, _, where = str(exc).partition(" - at `$.")
        where = where.rstrip("`")
        what = in_words(what.replace("`", "'"), found.route.request, where.partition("[")[0])
        raise InvalidRequest(f"{where}: {what}" if where else what, param=where or None) from exc


def etag_within(answer: Answer) -> str:
    """The tag of the one thing that an answer shows; of a preview, its own."""
    if isinstance(tag := answer.get("etag"), str):
        return tag
    shown = next(iter(answer.values()))
    assert isinstance(shown, Mapping)  # noqa: S101 - a guard shows one thing
    return str(shown["etag"])


@functools.cache
def _rows_of(request: type[msgspec.Struct]) -> frozenset[str]:
    """The fields that take several values, which a query writes by naming them again."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(request) if _takes_rows(field.type))


def _takes_rows(hint: object) -> bool:
    origin = typing.get_origin(hint)
    if origin in _SEVERAL:
        return True
    return any(_takes_rows(part) for part in typing.get_args(hint)) if origin is not None else False


def _names_in(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if pattern[-1].endswith("...}"):
        parts = [*parts[: len(pattern) - 1], "/".join(parts[len(pattern) - 1 :])]
    if len(pattern) != len(parts):
        return None
    names: dict[str, str] = {}
    for expected, found in zip(pattern, parts, strict=True):
        if expected.startswith("{"):
            names[expected.strip("{.}")] = unquote(found)
        elif expected != found:
            return None
    return names


def _paged(route: Route, answer: Answer | Raw, request: msgspec.Struct) -> Answer | Raw:
    if route.pages is None or isinstance(answer, Raw):
        return answer
    assert isinstance(request, Page)  # noqa: S101 - a route with pages takes one
    noun, field = route.pages
    return page_of(answer, noun, field, limit=request.limit, cursor=request.cursor)


def _file(raw: Raw) -> Mapping[str, object]:
    media_type = dict(raw.headers).get("content-type", "application/octet-stream")
    return {"file": {"name": raw.name, "media_type": media_type, "content": raw.body}}


def _tell(tell: Tell, progress: Progress) -> None:
    tell(msgspec.json.decode(msgspec.json.encode(progress)))


def _ignore(progress: Progress) -> None:
    """For operations that are over at once, and for whoever wants no progress."""
