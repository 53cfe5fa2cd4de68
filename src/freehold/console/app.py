# SPDX-License-Identifier: Apache-2.0
"""The console over HTTP: who may come in, which page is asked for, and the headers that keep a browser from harm."""

import logging
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, unquote

import msgspec

from freehold.admin import problems
from freehold.admin.doors import AdminPort
from freehold.admin.sessions import CSRF_HEADER, Session, Sessions
from freehold.api.rsgi import Exchange, read_order
from freehold.console.assets import Asset
from freehold.console.interface import Asks, ConsoleScope, Moved, Page, Shown, Told, Visit
from freehold.console.layout import Layout
from freehold.console.sign_in import SignIn
from freehold.errors import FreeholdError, InvalidRequest, MethodNotAllowed, UnknownEndpoint

ROOT = "/console/"
STATIC = ROOT + "static/"
SIGN_IN = ROOT + "sign-in"
SIGN_OUT = ROOT + "sign-out"

_log = logging.getLogger(__name__)
_MAX_FORM_BYTES = 2**19
_MOST_FIELDS = 500
_HTML = ("content-type", "text/html; charset=utf-8")
_JSON = ("content-type", "application/json")
_UNCACHED = ("cache-control", "no-store")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
GUARDS = [
    ("content-security-policy", _POLICY),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),  # with less, forms would be sent with "Origin: null"
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]


class Console:
    """The RSGI application under /console/."""

    def __init__(  # noqa: PLR0913 - what the console is made of
        self,
        *,
        api: Asks,
        door: AdminPort,
        sessions: Sessions,
        pages: tuple[Page, ...],
        assets: Mapping[str, Asset],
        layout: Layout,
    ) -> None:
        self._api = api
        self._door = door
        self._sessions = sessions
        self._pages = pages
        self._assets = assets
        self._layout = layout
        self._sign_in = SignIn(sessions, layout)

    async def __rsgi__(self, scope: ConsoleScope, exchange: Exchange) -> None:
        """One request."""
        headers = {name.lower(): value for name, value in scope.headers.items()}
        try:
            arriving = self._require_welcome(scope, headers)
            if scope.path.startswith(STATIC):
                self._send_asset(scope, headers, exchange)
            elif arriving:
                _send(exchange, 200, self._layout.bare("arrive.html", "Freehold", to=_whole(scope)))
            else:
                await self._answer(scope, headers, exchange)
        except FreeholdError as problem:
            _send(
                exchange,
                problems.status_of(type(problem)),
                self._layout.bare("problem.html", "Not done", problem=problem),
            )
        except Exception:  # noqa: BLE001 - the top of a request: a bug costs one request, and tells nothing of itself
            bug = problems.bug()
            _log.exception(bug.message)
            _send(exchange, 500, self._layout.bare("problem.html", "An error of ours", problem=bug))

    def _require_welcome(self, scope: ConsoleScope, headers: Mapping[str, str]) -> bool:
        """True for whoever follows a link of another site. Raises ForeignOrigin for all else that others' pages ask.

        The browser keeps the session's cookie back then, because it is SameSite=Strict; so it is asked to come again.
        """
        arriving = (
            scope.method == "GET"
            and headers.get("sec-fetch-site") in ("cross-site", "same-site")
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        self._door.require_own_origin({**headers, "sec-fetch-site": "none"} if arriving else headers)
        return arriving

    async def _answer(self, scope: ConsoleScope, headers: dict[str, str], exchange: Exchange) -> None:
        form = await _form(headers, exchange) if scope.method == "POST" else {}
        if scope.path == SIGN_IN:
            status, more, body = await self._sign_in.answer(scope, form)
            _send(exchange, status, body, more)
            return
        session = await self._sessions.find(headers)
        if session is None:
            to = f"?to={quote(_whole(scope), safe='')}" if scope.method == "GET" else ""
            _send(exchange, 303, "", [("location", SIGN_IN + to)])
        elif scope.path == SIGN_OUT and scope.method == "POST":
            session.require_token(_shown(headers, form))
            _send(exchange, 303, "", [("location", SIGN_IN), ("set-cookie", await self._sessions.end(headers))])
        else:
            await self._open(scope, headers, form, session, exchange)

    async def _open(
        self,
        scope: ConsoleScope,
        headers: Mapping[str, str],
        form: Mapping[str, tuple[str, ...]],
        session: Session,
        exchange: Exchange,
    ) -> None:
        page, names = self._page(scope.path)
        visit = Visit(
            path=scope.path,
            names=names,
            query=_values(scope.query_string),
            form=form,
            operator=session.operator,
            csrf=session.csrf,
            api=self._api,
        )
        shown: Shown | Told | Moved
        if scope.method == "POST" and page.act is not None:
            session.require_token(_shown(headers, form))
            shown = await page.act(visit)
        elif scope.method in ("GET", "HEAD"):
            shown = await page.show(visit)
        else:
            raise MethodNotAllowed(f"{scope.path[:200]} takes no {scope.method}", hint="Go back to the page before.")
        if isinstance(shown, Moved):
            _send(exchange, 303, "", [("location", shown.to)])
        elif isinstance(shown, Told):
            exchange.response_bytes(200, [_JSON, _UNCACHED, *GUARDS], msgspec.json.encode(shown.value))
        else:
            _send(exchange, shown.status, await self._layout.whole(shown, page, visit))

    def _page(self, path: str) -> tuple[Page, dict[str, str]]:
        asked = path.removeprefix(ROOT).strip("/").split("/")
        for page in self._pages:
            expected = page.path.split("/")
            if len(expected) == len(asked) and all(
                one.startswith("{") or one == other for one, other in zip(expected, asked, strict=True)
            ):
                pairs = zip(expected, asked, strict=True)
                return page, {one.strip("{}"): unquote(other) for one, other in pairs if one.startswith("{")}
        raise UnknownEndpoint(f"there is no page {path[:200]!r}", hint="The navigation names those that there are.")

    def _send_asset(self, scope: ConsoleScope, headers: Mapping[str, str], exchange: Exchange) -> None:
        asset = self._assets.get(scope.path.removeprefix(STATIC))
        if asset is None or scope.method not in ("GET", "HEAD"):
            raise UnknownEndpoint(f"there is no file {scope.path[:200]!r}", hint="Load the page anew.")
        known = headers.get("if-none-match") == asset.etag
        kept = [("etag", asset.etag), ("cache-control", "no-cache"), ("content-type", asset.media_type)]
        exchange.response_bytes(304 if known else 200, [*kept, *GUARDS], b"" if known else asset.body)


def _send(exchange: Exchange, status: int, page: str, more: list[tuple[str, str]] | None = None) -> None:
    headers = [_HTML, _UNCACHED, *GUARDS, *(more or [])]
    exchange.response_bytes(status, headers, page.encode("utf-8", "replace"))


def _whole(scope: ConsoleScope) -> str:
    return f"{scope.path}?{scope.query_string}" if scope.query_string else scope.path


def _shown(headers: Mapping[str, str], form: Mapping[str, tuple[str, ...]]) -> str:
    """What proves that a form was one of the console's own."""
    return headers.get(CSRF_HEADER) or next(iter(form.get("csrf", ())), "")


async def _form(headers: dict[str, str], exchange: Exchange) -> Mapping[str, tuple[str, ...]]:
    body = await read_order(headers, exchange, _MAX_FORM_BYTES)
    try:
        return _values(body.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise InvalidRequest("the form is not UTF-8") from exc


def _values(written: str) -> Mapping[str, tuple[str, ...]]:
    try:
        read = parse_qs(written, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace")
    except ValueError as exc:
        raise InvalidRequest(f"more than {_MOST_FIELDS} fields") from exc
    return {name: tuple(values) for name, values in read.items()}
